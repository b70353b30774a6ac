//! What the doctor finds about the log in Kafka: brokers, topics, copies, and what of it keeps what is acknowledged.

use crate::city;
use crate::config::Config;
use crate::doctor::{Finding, clock};
use crate::failure::chain;
use bus::{KafkaLog, KafkaSettings, KafkaState, KafkaTopic};
use std::time::Duration;

const PART: &str = "log";
/// How long brokers may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How it stands with the log in Kafka; `running` is whether a citywatch runs on the data directory.
pub fn log(config: &Config, mut settings: KafkaSettings, running: bool) -> Vec<Finding> {
    settings.wait = ANSWER_MAX;
    let state = match KafkaLog::examine(&settings) {
        Ok(state) => state,
        Err(error) => {
            let mend = "is Kafka running, can this machine reach it, and are user and password right?";
            return vec![Finding::bad(PART, chain(&error).replace('\n', ";"), mend)];
        }
    };
    let version = state.version.as_deref().map_or_else(|| "4 or later".to_owned(), |version| format!("with {version}"));
    let what = format!("{} answers: {} brokers, Kafka {version}", settings.place(), state.brokers);
    let mut found = vec![Finding::good(PART, what)];
    let missing = state.topics.iter().filter(|topic| topic.partitions == 0).count();
    if missing == state.topics.len() {
        found.push(Finding::good(PART, format!("its topics {}… are made at the first start", settings.prefix)));
        return found;
    }
    if missing > 0 {
        found.push(Finding::good(PART, format!("{missing} of its topics are made at the next start")));
    }
    let before = found.len();
    state.topics.iter().filter(|topic| topic.partitions > 0).for_each(|topic| examine(topic, &settings, &mut found));
    if found.len() == before {
        let count = state.topics.len() - missing;
        found.push(Finding::good(
            PART,
            format!("{count} topics with the partitions and settings of this configuration"),
        ));
    }
    found.extend(promise(&state));
    if missing == 0 {
        found.extend(the_clock(config, &settings, running));
    }
    found
}

/// What is wrong with one topic.
fn examine(topic: &KafkaTopic, settings: &KafkaSettings, found: &mut Vec<Finding>) {
    let KafkaTopic { name, partitions, wanted, leaderless, copies, in_sync, .. } = topic;
    if partitions != wanted {
        let what = format!("{name} has {partitions} partitions, {wanted} are needed");
        let mend = "delete it if nothing in it is needed, or choose another prefix: their number is for life";
        found.push(Finding::bad(PART, what, mend));
    }
    if *leaderless > 0 {
        let what = format!("{leaderless} partitions of {name} have no leader: they take and give nothing");
        found.push(Finding::bad(PART, what, "start the brokers that are away"));
    } else if topic.min_in_sync.is_some_and(|least| *in_sync < least) {
        let what = format!("{name} has {in_sync} copies in sync, fewer than min.insync.replicas: it takes nothing");
        found.push(Finding::bad(PART, what, "start the brokers that are away, and see what holds up the others"));
    } else if in_sync < copies {
        let what = format!("{name} has {in_sync} of {copies} copies in sync");
        found.push(Finding::warning(PART, what, "start the brokers that are away, and see what holds up the others"));
    }
    if topic.may_lose {
        let what = format!("{name} may be led by a copy that missed records: what was acknowledged can be lost");
        found.push(Finding::bad(PART, what, alter(settings, name, "unclean.leader.election.enable", "false")));
    }
    for (key, is, wanted) in &topic.differs {
        let what = format!("{name} has {key}={is}, this configuration says {wanted}");
        found.push(Finding::warning(PART, what, alter(settings, name, key, wanted)));
    }
}

fn alter(settings: &KafkaSettings, topic: &str, key: &str, value: &str) -> String {
    format!(
        "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {topic} --add-config {key}={value}",
        settings.brokers
    )
}

/// What the copies mean for what is acknowledged: the weakest topic counts.
fn promise(state: &KafkaState) -> Option<Finding> {
    let held = || state.topics.iter().filter(|topic| topic.partitions > 0);
    let copies = held().map(|topic| topic.copies).min()?;
    let Some(least) = held().map(|topic| topic.min_in_sync).min()? else {
        let mend = "let this user describe the settings of topics";
        return Some(Finding::warning(PART, "min.insync.replicas is not told", mend));
    };
    Some(match (copies, least) {
        (0 | 1, _) => Finding::warning(
            PART,
            "one copy of each record: it survives the death of its broker, not the loss of that broker's disk",
            "run three brokers, and make the topics with replication=3",
        ),
        (_, 0 | 1) => Finding::warning(
            PART,
            format!("{copies} copies, and one is enough to acknowledge: it may be the one that is lost next"),
            "set min.insync.replicas=2 on the topics or the brokers",
        ),
        _ if least >= copies => Finding::warning(
            PART,
            format!("{copies} copies, and all must be in sync: one broker that is away stops every append"),
            "have one copy more than min.insync.replicas",
        ),
        _ => Finding::good(
            PART,
            format!("{copies} copies, {least} before a PUBACK: the loss of {} loses nothing", brokers(least - 1)),
        ),
    })
}

fn brokers(count: usize) -> String {
    if count == 1 { "any one broker".to_owned() } else { format!("any {count} brokers") }
}

/// How far the log's clock is from this machine's.
fn the_clock(config: &Config, settings: &KafkaSettings, running: bool) -> Option<Finding> {
    let read = || city::clock(&KafkaLog::open(settings, "doctor")?);
    match read() {
        Ok(told) => clock(config, told, running),
        Err(error) => {
            let mend = "may this user read the topics, and write to them?";
            Some(Finding::bad(PART, chain(&error).replace('\n', ";"), mend))
        }
    }
}
