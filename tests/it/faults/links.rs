//! The links between citywatch and its servers, broken in every way under a storm, and an InfluxDB that is gone for long:
//! who does not need a link goes on, and afterwards everything is everywhere, once.

use super::proxy::{Link, Proxy};
use super::{STORM, Storm, metric, until};
use crate::agree::{ToBeTold, feed, fold, listed, observed};
use crate::city::Running;
use crate::influx_server::Influx;
use crate::kafka_server::Kafka;
use crate::mosquitto::Mosquitto;
use crate::page::Session;
use crate::postgres::Postgres;
use bus::{EventLog, KafkaLog, KafkaSettings, Topic};
use history::{History, InfluxAddress, InfluxHistory, InfluxSettings};
use model::{EventTime, PARTITIONS};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Readings a second: the storm must last longer than all faults.
const RATE: usize = 400;
/// How long a link is bad each time.
const SPAN: Duration = Duration::from_secs(3);
/// Memory of the whole city, in MiB: more means that something is not bounded.
const MEMORY_MAX: u64 = 1_024;
const FAULTS: [Link; 5] = [Link::Reset, Link::Silent, Link::OneWay, Link::Late(Duration::from_millis(200)), Link::Slow];

/// Has links be so for a while and until something that does not need them went on, then good again.
fn for_a_while(links: &[&Proxy], link: Link, goes_on: impl FnMut() -> bool) {
    links.iter().for_each(|proxy| proxy.be(link));
    let end = Instant::now() + SPAN;
    // The length of the fault itself: nothing is waited for.
    std::thread::sleep(end.saturating_duration_since(Instant::now()));
    until(&format!("the others go on while a link is {link:?}"), goes_on);
    links.iter().for_each(|proxy| proxy.be(Link::Good));
}

/// An address with another port of loopback.
fn by(address: &str, proxy: &Proxy) -> String {
    let (before, after) = address.split_once("127.0.0.1:").unwrap();
    let digits = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
    proxy.leads_to(after[..digits].parse().unwrap());
    format!("{before}127.0.0.1:{}{}", proxy.port(), &after[digits..])
}

fn found(log: &KafkaLog) -> u64 {
    (0..PARTITIONS).map(|partition| log.bounds(Topic::Analyze, partition).unwrap().end).sum()
}

#[test]
fn whatever_happens_to_a_link_others_go_on_and_in_the_end_all_is_there() {
    let temp = tempfile::tempdir().unwrap();
    let storm = &*STORM;
    let [to_kafka, to_broker, to_influx, to_postgres] = [(); 4].map(|()| Proxy::new());
    let (kafka, mut influx, mut postgres) = std::thread::scope(|scope| {
        let influx = scope.spawn(Influx::start);
        let postgres = scope.spawn(Postgres::start);
        (Kafka::start_behind(to_kafka.port()), influx.join().unwrap(), postgres.join().unwrap())
    });
    to_kafka.leads_to(kafka.port());
    std::fs::create_dir(temp.path().join("broker")).unwrap();
    let mosquitto = Mosquitto::start(&temp.path().join("broker"));
    let address = format!("kafka://127.0.0.1:{}?replication=1", to_kafka.port());
    let influx_setting = influx.setting();
    let mut city = Running::start(
        temp.path(),
        &format!(
            "log.kafka = \"{address}\"\nmqtt.broker = \"{}\"\ncenter.store = \"{}\"\nhistory.server = \"{}\"\n\
             stream.workers = 2\n{}",
            by(&mosquitto.url(), &to_broker),
            by(&postgres.database(), &to_postgres),
            by(&influx_setting, &to_influx),
            storm.settings(temp.path())
        ),
    );
    let session = Session::sign_in(&city.page());
    let log = KafkaLog::open(&KafkaSettings::parse(&address, None).unwrap(), "test").unwrap();
    let feeder = storm.feed(mosquitto.port(), RATE);
    until("the storm is on the log", || observed(&log) > 1_000);

    // History and the store hang: readings come on the log, and rules find what they find.
    let before = found(&log);
    for link in FAULTS {
        let seen = observed(&log);
        for_a_while(&[&to_influx, &to_postgres], link, || observed(&log) > seen);
    }
    for_a_while(&[&to_influx, &to_postgres], Link::Silent, || found(&log) > before);
    // The log hangs: all wait for it, and go on.
    for link in FAULTS {
        for_a_while(&[&to_kafka], link, || true);
        let seen = observed(&log);
        until(&format!("readings again after {link:?} to Kafka"), || observed(&log) > seen);
    }
    // InfluxDB is killed, and the link to the devices' broker is bad.
    influx.kill();
    let (killed, before) = (Instant::now(), found(&log));
    for link in FAULTS {
        for_a_while(&[&to_broker], link, || true);
        let seen = observed(&log);
        until(&format!("readings again after {link:?} to Mosquitto"), || observed(&log) > seen);
    }
    until("it is told that history is behind", || metric(&session, "citywatch_history_failing") == Some(1.0));
    let behind = metric(&session, "citywatch_history_behind_records").unwrap();
    until("incidents go on without InfluxDB", || found(&log) > before);
    influx.restart();
    let away = killed.elapsed();
    let back = Instant::now();

    feeder.finish();
    storm.assert_found(temp.path());
    let (known, told) = (fold(&storm.expected), ToBeTold::of(&storm.expected));
    until("the page's store and the feed are as the log", || listed(&session) == known && told.is_there(&feed(&log)));
    told.assert_fits(&log, &known, "after bad links");
    until("history has caught up", || {
        metric(&session, "citywatch_history_behind_records") == Some(0.0)
            && metric(&session, "citywatch_history_failing") == Some(0.0)
    });
    let (caught_up, memory) = (back.elapsed(), city.process().most_memory());
    assert_eq!(metric(&session, "citywatch_history_lost_records_total"), Some(0.0));
    // A stop flushes what history was given last.
    assert!(city.stop().success());
    assert_history(storm, &influx_setting);
    assert!(memory < MEMORY_MAX, "{memory} MiB of memory");
    println!(
        "bad links: InfluxDB away for {:.0} s, {behind} records behind, caught up {:.1} s after it was back; {memory} MiB of \
         memory",
        away.as_secs_f64(),
        caught_up.as_secs_f64()
    );
}

/// Asserts that InfluxDB has every value of the storm, and no other.
pub fn assert_history(storm: &Storm, setting: &str) {
    let mut sent: BTreeMap<(String, String), BTreeMap<i64, f64>> = BTreeMap::new();
    for line in storm.lines() {
        let reading: serde_json::Value = serde_json::from_str(line).unwrap();
        for (metric, value) in reading["values"].as_object().unwrap() {
            let series = (reading["sensor"].as_str().unwrap().to_owned(), metric.clone());
            sent.entry(series).or_default().insert(reading["time"].as_i64().unwrap(), value.as_f64().unwrap());
        }
    }
    let history = InfluxHistory::new(InfluxSettings::new(InfluxAddress::new(setting).unwrap())).unwrap();
    for ((sensor, metric), values) in &sent {
        let (from, to) = (values.keys().next().unwrap(), values.keys().next_back().unwrap() + 1);
        let held = history.points(sensor, metric, EventTime(*from)..EventTime(to), usize::MAX).unwrap();
        let held: BTreeMap<i64, f64> = held.into_iter().map(|(time, value)| (time.0, value)).collect();
        assert_eq!(held.len(), values.len(), "{sensor} {metric}");
        assert!(held == *values, "{sensor} {metric}: other values than were sent");
    }
}
