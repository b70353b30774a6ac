//! A Mosquitto that is killed, with its memory and without: what citywatch publishes is sent again from its outbox, and
//! what Mosquitto acknowledged and lost is told by the sensors' numbers.

use super::{metric, until};
use crate::agree::{each, records};
use crate::city::{Running, data_dir};
use crate::mosquitto::Mosquitto;
use crate::page::Session;
use crate::process::Process;
use bus::{EmbeddedLog, Topic};
use model::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const SENSORS: u64 = 50;
/// Readings of each sensor, numbered from 1, one a second, and how many times as fast they are replayed.
const EACH: u64 = 400;
const SPEED: &str = "60";
const BEGIN: u64 = 1_784_534_400_000;
const RULES: &str = "rules:
  - { id: drainage.high, title: { en: High }, domain: drainage, each: sensor, when: level_m > 0.9, severity: severe }
";

#[test]
fn what_a_killed_mosquitto_lost_is_told_and_the_rest_is_there() {
    for remembers in [true, false] {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("rules.yaml"), RULES).unwrap();
        let rows = (0..SENSORS).map(|n| format!("L{n},drainage,116.4,39.9,WGS84,1,S{}\n", n % 20));
        let rows: String = rows.collect();
        fs::write(path("sensors.csv"), format!("sensor,domain,lon,lat,datum,interval_s,subdistrict\n{rows}")).unwrap();
        let mut lines = String::new();
        for (seq, sensor) in (1..=EACH).flat_map(|seq| (0..SENSORS).map(move |sensor| (seq, sensor))) {
            let (time, level) = (BEGIN + seq * 1_000, (seq * 7 + sensor) % 100);
            writeln!(
                lines,
                r#"{{"sensor":"L{sensor}","time":{time},"values":{{"level_m":0.{level:02}}},"seq":{seq}}}"#
            )
            .unwrap();
        }
        fs::write(path("readings.ndjson"), lines).unwrap();
        fs::create_dir(path("broker")).unwrap();
        let mut broker = start(&temp.path().join("broker"), remembers);
        let settings = format!(
            "mqtt.broker = \"{}\"\ntime.source = \"feed\"\nregistry.paths = [\"sensors.csv\"]\n\
             rules.paths = [\"rules.yaml\"]\n",
            broker.url()
        );
        let city = Running::start(temp.path(), &settings);
        let session = Session::sign_in(&city.page());
        let (readings, sensors) = (path("readings.ndjson"), path("sensors.csv"));
        let url = broker.url();
        let arguments = ["replay", &readings, "--sensors", &sensors, "--broker", &url, "--speed", SPEED];
        let mut player = Process::start(&arguments);
        for kill in 1..=3 {
            let goal = records(temp.path()) + kill * 2_500;
            until("the log grows", || records(temp.path()) >= goal);
            broker.kill();
            broker.again();
        }
        assert_eq!(player.wait().code(), Some(0), "all is acknowledged in the end");
        until("the last of each sensor", || {
            let last = |numbers: &Vec<u64>| numbers.last() == Some(&EACH);
            let found = numbers(temp.path());
            found.len() as u64 == SENSORS && found.values().all(last)
        });

        // Nobody but the sensors' numbers knows of what Mosquitto lost.
        let found = numbers(temp.path());
        let lost: u64 = found.values().map(|numbers| EACH - numbers.iter().collect::<BTreeSet<_>>().len() as u64).sum();
        let gaps: u64 = found.values().map(|numbers| gaps(numbers)).sum();
        let told = || metric(&session, "citywatch_readings_missing_total").unwrap() as u64;
        until("all gaps are told", || told() == gaps);
        let before_first: u64 = found.values().map(|numbers| numbers.iter().min().unwrap() - 1).sum();
        assert!(told() + before_first >= lost, "{lost} lost, {} told", told());
        assert!(lost < SENSORS * EACH / 4, "{lost} lost are more than what was on its way");
        println!(
            "Mosquitto killed three times, remembers {remembers}: it lost {lost} of {}, {gaps} told",
            SENSORS * EACH
        );
        assert!(city.stop().success());
    }
}

fn start(folder: &Path, remembers: bool) -> Mosquitto {
    if remembers {
        return Mosquitto::start(folder);
    }
    let port = crate::process::free_port();
    let config = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nuser root\npersistence false\n\
         max_inflight_messages 100\nmax_queued_messages 0\n"
    );
    Mosquitto::start_as(folder, port, &config)
}

/// The numbers of each sensor's readings, in the order of the log.
fn numbers(folder: &Path) -> BTreeMap<String, Vec<u64>> {
    let log = EmbeddedLog::open_read_only(data_dir(folder).join("log")).unwrap();
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    each(&log, Topic::Observations, |record| {
        if let Some(Ok(Entry::Reading(reading))) = record.value.map(Entry::decode) {
            found.entry(reading.sensor.into_owned()).or_default().push(reading.seq.unwrap());
        }
    });
    found
}

/// The numbers that are skipped as the readings come.
fn gaps(numbers: &[u64]) -> u64 {
    let mut newest = numbers[0];
    let mut gaps = 0;
    for number in numbers.iter().filter(|number| **number > numbers[0]) {
        if *number > newest {
            gaps += number - newest - 1;
            newest = *number;
        }
    }
    gaps
}
