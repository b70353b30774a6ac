//! Killed with -9 at random moments under a storm: what was found, the page's store, the utilities' feed and the cases
//! agree.

use crate::cases::{self, Wanted};
use crate::city::{Running, data_dir, feed_config, incidents, without_positions};
use crate::page::Session;
use crate::postgres::Postgres;
use crate::process::{DEADLINE, Process, run_well};
use bus::{EmbeddedLog, Event, EventLog, Record, Topic};
use model::{Domain, PARTITIONS, Transition, TransitionKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

/// How often it is killed.
const KILLS: usize = 8;
/// What the clock may put on the log between two times that a reader tells how far it is.
const TICKS_MAX: u64 = 200;
/// A storm over a small city, from its coming to its end.
const SPAN: [&str; 8] =
    ["rainstorm", "--sensors", "600", "--start", "2026-07-20T16:00:00+08:00", "--length", "11h", "--seed=5"];

#[test]
fn page_store_and_feed_agree_with_the_log_after_kills() {
    killed("", KILLS);
}

#[test]
fn a_store_in_postgresql_agrees_with_the_log_after_kills() {
    let mut server = Postgres::start();
    killed(&format!("center.store = \"{}\"\n", server.database()), KILLS / 2);
}

fn killed(settings: &str, kills: usize) {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (seeded, readings, found) = (path("seeded"), path("readings.ndjson"), path("backtest.ndjson"));
    let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/packs");
    run_well(&[&["simulate"], &SPAN[..], &["--registry", &seeded, "--readings", &readings]].concat());
    let data = ["--data", &readings, "--sensors", &seeded, "--incidents", &found];
    run_well(&[&["rules", "backtest", packs], &data[..]].concat());
    let expected = without_positions(&std::fs::read_to_string(&found).unwrap());

    let mut city =
        Running::start(temp.path(), &format!("{settings}{}", feed_config(&[Path::new(&seeded)], &[Path::new(packs)])));
    let (port, broker) = (city.port(), city.broker());
    let mut player = Process::start(&[&["simulate"], &SPAN[..], &["--rate", "20000", "--broker", &broker]].concat());
    let seed = std::env::var("CITYWATCH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7_u64);
    let mut dice = seed;
    for kill in 0..kills {
        // The next kill comes when the log has grown by a random number of readings and ticks.
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let grown = records(temp.path()) + 20_000 + (dice >> 33) % 70_000;
        let deadline = Instant::now() + DEADLINE;
        while records(temp.path()) < grown {
            assert!(Instant::now() < deadline, "seed {seed}: before kill {kill} the log grows");
            std::thread::yield_now();
        }
        city.kill();
        city = Running::again(temp.path(), port);
    }
    assert_eq!(player.wait().code(), Some(0), "all is acknowledged in the end");
    let session = Session::sign_in(&city.page());

    // The command center follows the log; from here on nothing but its catching up can change.
    let deadline = Instant::now() + DEADLINE;
    let mut lines = without_positions(&incidents(temp.path()));
    while lines.len() < expected.len() {
        assert!(Instant::now() < deadline, "seed {seed}: {} of {} transitions", lines.len(), expected.len());
        lines = without_positions(&incidents(temp.path()));
    }
    assert_eq!(lines, expected, "seed {seed}: the log has what the readings say, once");
    let known = fold(&lines);
    assert!(known.len() > 100, "only {} incidents", known.len());
    let told = ToBeTold::of(&expected);
    let transitions: Vec<Transition> = expected.iter().map(|line| read(line)).collect();
    let wanted = Wanted::of(&transitions, &cases::with_class(packs));
    let shown = loop {
        let shown = listed(&session);
        let ready = shown == known && told.is_there(&feed(&log(temp.path())));
        if ready || Instant::now() > deadline {
            break shown;
        }
    };
    assert_eq!(shown, known, "seed {seed}: the page's store against the log");
    told.assert_fits(&log(temp.path()), &known, &format!("seed {seed}"));
    // Cases come right behind their incidents, and onto the log from there.
    let (stored, on_the_log) = loop {
        let (stored, on_the_log) = (cases::listed(&session), cases::reported(&log(temp.path())));
        if (wanted.is_there(&stored) && stored.keys().eq(on_the_log.keys())) || Instant::now() > deadline {
            break (stored, on_the_log);
        }
    };
    wanted.assert_fits(&stored, &format!("seed {seed}: the store's cases"));
    wanted.assert_fits(&on_the_log, &format!("seed {seed}: the cases on the log"));
    assert_eq!(stored, on_the_log, "seed {seed}: the cases of the store against those of the log");
    until_read(&session, &["historian", "rules"]);
    assert!(city.stop().success());
}

/// Waits until the metrics say that these readers, and no others, are known and have read all but the newest ticks.
pub fn until_read(session: &Session, readers: &[&str]) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let behind = session.behind();
        if behind.keys().eq(readers) && behind.values().all(|records| *records < TICKS_MAX) {
            return;
        }
        assert!(Instant::now() < deadline, "{behind:?}");
    }
}

/// What utilities are to be told of, by what the log says. What is inhibited from its beginning is told to none; an update
/// that comes behind what it marks may be left out.
pub struct ToBeTold {
    may: BTreeSet<String>,
    must: BTreeSet<String>,
    incidents: BTreeSet<String>,
}

impl ToBeTold {
    /// By the transitions of an incident file.
    pub fn of(lines: &[String]) -> ToBeTold {
        let transitions: Vec<Transition> = lines.iter().map(|line| read(line)).collect();
        let shown = || transitions.iter().filter(|one| one.shown_from != 0);
        let must = shown().filter(|one| one.transition != TransitionKind::Updated);
        ToBeTold {
            may: shown().map(Transition::event_id).collect(),
            must: must.map(Transition::event_id).collect(),
            incidents: shown().map(|one| one.id.to_string()).collect(),
        }
    }

    /// Whether a feed has all that it must.
    pub fn is_there(&self, feed: &[String]) -> bool {
        let told: BTreeSet<&String> = feed.iter().collect();
        self.must.iter().all(|one| told.contains(one))
    }

    /// Asserts that the feed on a log, and what it says is open, are what the log says.
    pub fn assert_fits(&self, log: &dyn EventLog, known: &States, what: &str) {
        let told = feed(log);
        let once: BTreeSet<String> = told.iter().cloned().collect();
        assert_eq!(once.len(), told.len(), "{what}: each message of the feed is there once");
        assert!(self.must.is_subset(&once), "{what}: {:?} not told", self.must.difference(&once));
        assert!(once.is_subset(&self.may), "{what}: {:?} told", once.difference(&self.may));
        let open = known.iter().filter(|(id, state)| state.1 == "open" && self.incidents.contains(*id));
        let open: BTreeSet<String> = open.map(|(id, _)| id.clone()).collect();
        assert_eq!(open_now(log), open, "{what}: what is open against the log");
    }
}

/// Revision and state of each incident.
pub type States = BTreeMap<String, (u64, String)>;

fn read(line: &str) -> Transition {
    let mut value: Value = serde_json::from_str(line).unwrap();
    value["evidence"] = Value::Array(Vec::new());
    serde_json::from_value(value).unwrap()
}

pub fn fold(lines: &[String]) -> States {
    let mut known = States::new();
    for line in lines {
        let transition = read(line);
        let state = (u64::from(transition.revision), transition.state.as_str().to_owned());
        let last = known.entry(transition.id.to_string()).or_insert_with(|| state.clone());
        if state.0 > last.0 {
            *last = state;
        }
    }
    known
}

fn log(folder: &Path) -> EmbeddedLog {
    EmbeddedLog::open_read_only(data_dir(folder).join("log")).unwrap()
}

/// Records of observations in the log of a folder.
pub fn records(folder: &Path) -> u64 {
    observed(&log(folder))
}

/// Records of observations.
pub fn observed(log: &dyn EventLog) -> u64 {
    let held = (0..PARTITIONS).map(|partition| log.bounds(Topic::Observations, partition).unwrap());
    held.map(|held| held.end - held.start).sum()
}

/// Key and value of every record of a topic, in the order of each partition.
fn all(log: &dyn EventLog, topic: Topic) -> Vec<(String, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    each(log, topic, |record| {
        found.push((String::from_utf8(record.key.to_vec()).unwrap(), record.value.map(<[u8]>::to_vec)));
    });
    found
}

/// Shows every record of a topic, in the order of each partition.
pub fn each(log: &dyn EventLog, topic: Topic, mut show: impl FnMut(&Record<'_>)) {
    for partition in 0..PARTITIONS {
        let mut next = log.bounds(topic, partition).unwrap().start;
        loop {
            let records = log.read(topic, partition, next, 1 << 20).unwrap();
            let Some(after) = records.next_offset() else { break };
            records.iter().for_each(|(_, record)| show(&record));
            next = after;
        }
    }
}

/// Shows the steps of every appeal on a city's log that was received: the event's id, and its data.
pub fn each_received(folder: &Path, mut show: impl FnMut(&str, &Value)) {
    let log = EmbeddedLog::open_read_only(data_dir(folder).join("log")).unwrap();
    each(&log, Topic::Serve, |record| {
        let event = Event::read(record).unwrap();
        if event.kind == "org.citywatch.appeal.received" {
            show(&event.id, &serde_json::from_slice(event.data.as_deref().unwrap()).unwrap());
        }
    });
}

/// The identifiers of all messages of the feed.
pub fn feed(log: &dyn EventLog) -> Vec<String> {
    let messages = Domain::ALL.iter().flat_map(|domain| all(log, Topic::Incidents(*domain)));
    let named = messages.map(|(_, value)| serde_json::from_slice::<model::FeedMessage>(&value.unwrap()).unwrap());
    named.map(|message| message.identifier).collect()
}

/// The incidents that `open` says are open.
fn open_now(log: &dyn EventLog) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    for (key, value) in all(log, Topic::Open) {
        if value.is_some() {
            open.insert(key)
        } else {
            open.remove(&key)
        };
    }
    open
}

/// All incidents that the page lists, page by page.
pub fn listed(session: &Session) -> States {
    let (mut known, mut cursor) = (States::new(), String::new());
    loop {
        let page = session.json(&format!("/api/v1/incidents?state=all&inhibited=true&limit=100{cursor}"));
        for incident in page["items"].as_array().unwrap() {
            let text = |name: &str| incident[name].as_str().unwrap().to_owned();
            known.insert(text("id"), (incident["revision"].as_u64().unwrap(), text("state")));
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return known,
        }
    }
}
