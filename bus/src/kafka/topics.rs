//! The topics in Kafka: looked at, and made where they are missing.

use super::client::{self, Heard, REQUEST_MAX};
use super::{KafkaSettings, lease};
use crate::{BusError, Topic};
use futures_executor::block_on;
use model::PARTITIONS;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use std::time::{Duration, Instant};

/// How long opening waits for brokers, and for topics that were just made, whatever appends may wait.
const OPEN_MAX: Duration = Duration::from_secs(30);
/// Between two looks at topics that are being made.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// From so many copies on, two must have a record before it counts.
const SAFE_REPLICATION: i32 = 3;

pub(super) type Admin = AdminClient<Heard>;
pub(super) type Asker = BaseConsumer<Heard>;

/// How it stands with a topic.
enum Standing {
    Good,
    Missing,
    /// Its partitions have no leader yet.
    NotYet,
    /// So many partitions, and not those that are needed.
    Wrong(usize),
}

/// A client that asks about the cluster and changes it.
pub(super) fn admin(settings: &KafkaSettings, heard: &Heard) -> Result<Admin, BusError> {
    let admin = client::config(settings, "topics").create_with_context(heard.clone());
    admin.map_err(|error| heard.failed(&settings.place(), "make a client", error))
}

/// A client that asks about the cluster, and hears why brokers do not answer: an [`Admin`] does not.
pub(super) fn asker(settings: &KafkaSettings, heard: &Heard) -> Result<Asker, BusError> {
    let asker = client::config(settings, "topics").create_with_context(heard.clone());
    asker.map_err(|error| heard.failed(&settings.place(), "make a client", error))
}

/// All topics and brokers, as soon as a broker answers.
pub(super) fn metadata(
    asker: &Asker,
    settings: &KafkaSettings,
    heard: &Heard,
    until: Instant,
) -> Result<Metadata, BusError> {
    loop {
        let left = until.saturating_duration_since(Instant::now()).clamp(LOOK_EVERY, REQUEST_MAX);
        let asked = asker.fetch_metadata(None, left);
        // What it heard meanwhile. It has no messages.
        while asker.poll(Duration::ZERO).is_some() {}
        match asked {
            Ok(metadata) => return Ok(metadata),
            Err(error) if Instant::now() >= until => {
                let doing = "be reached: is it running, can this machine reach it, are user and password right?";
                return Err(heard.failed(&settings.place(), doing, error));
            }
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// Makes the topics that are missing, and waits until all have leaders. Existing ones are left as they are. Gives the id
/// of the cluster.
pub(super) fn make_ready(settings: &KafkaSettings, heard: &Heard) -> Result<String, BusError> {
    let asker = asker(settings, heard)?;
    let until = Instant::now() + OPEN_MAX.min(settings.wait);
    loop {
        let found = metadata(&asker, settings, heard, until)?;
        let mut missing = Vec::new();
        let mut waits_for = None;
        for (name, partitions, _) in wanted(settings) {
            let found = found.topics().iter().find(|found| found.name() == name);
            match standing(found, partitions) {
                Standing::Good => {}
                Standing::NotYet => waits_for = Some(name),
                Standing::Missing => missing.push(name),
                Standing::Wrong(count) => {
                    let what = format!(
                        "the topic {name} has {count} partitions, and {partitions} are needed, for life: delete it if nothing \
                         in it is needed, or choose another prefix"
                    );
                    return Err(BusError::Unfit { place: settings.place(), what });
                }
            }
        }
        if missing.is_empty() && waits_for.is_none() {
            let cluster = asker.client().fetch_cluster_id(REQUEST_MAX.min(settings.wait));
            return cluster.ok_or_else(|| heard.failed(&settings.place(), "tell the id of its cluster", "no answer"));
        }
        if Instant::now() >= until {
            let name = waits_for.or(missing.pop()).unwrap_or_default();
            let what = format!("the topic {name} has partitions without a leader: are all brokers running?");
            return Err(BusError::Unfit { place: settings.place(), what });
        }
        if missing.is_empty() {
            std::thread::sleep(LOOK_EVERY);
        } else {
            make(&admin(settings, heard)?, settings, heard, &missing)?;
        }
    }
}

/// A topic as it is to be: its name in Kafka, how many partitions, how it is kept.
type Wanted = (String, i32, Vec<(&'static str, String)>);

/// Every topic of a city.
pub(super) fn wanted(settings: &KafkaSettings) -> Vec<Wanted> {
    let all = Topic::ALL.into_iter();
    let all = all.map(|topic| (settings.topic_name(topic), PARTITIONS as i32, settings.of_topic(topic)));
    all.chain([(format!("{}{}", settings.prefix, lease::TOPIC), 1, settings.of_lease())]).collect()
}

fn standing(found: Option<&MetadataTopic>, partitions: i32) -> Standing {
    let Some(found) = found.filter(|found| !found.partitions().is_empty()) else { return Standing::Missing };
    if found.partitions().len() != partitions as usize {
        return Standing::Wrong(found.partitions().len());
    }
    let leads = found.partitions().iter().all(|partition| partition.leader() >= 0 && partition.error().is_none());
    if leads { Standing::Good } else { Standing::NotYet }
}

fn make(admin: &Admin, settings: &KafkaSettings, heard: &Heard, names: &[String]) -> Result<(), BusError> {
    let mut wanted = wanted(settings);
    wanted.retain(|(name, ..)| names.contains(name));
    let replication = settings.replication.unwrap_or(-1);
    let topics: Vec<NewTopic<'_>> = wanted
        .iter()
        .map(|(name, partitions, kept)| {
            let topic = NewTopic::new(name, *partitions, TopicReplication::Fixed(replication));
            let topic = kept.iter().fold(topic, |topic, (key, value)| topic.set(key, value));
            if replication >= SAFE_REPLICATION { topic.set("min.insync.replicas", "2") } else { topic }
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(REQUEST_MAX)).request_timeout(Some(REQUEST_MAX));
    let made = block_on(admin.create_topics(&topics, &options));
    let made = made.map_err(|error| heard.failed(&settings.place(), "make topics", error))?;
    for result in made {
        // Another process of the city may have been quicker.
        if let Err((name, code)) = result
            && code != RDKafkaErrorCode::TopicAlreadyExists
        {
            let error = KafkaError::AdminOp(code);
            let doing = format!("make the topic {name} with replication {replication}");
            return Err(heard.failed(&settings.place(), doing, error));
        }
    }
    Ok(())
}
