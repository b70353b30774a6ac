//! How fast pages learn of an incident: a thousand of them follow `/live` over loopback, in the same process.
//!
//! Incidents are appended one every 20 ms. The time of each page runs from the append being asked for to the event being
//! in the page's hands. One page more never reads: it must change nothing.
//! `cargo bench -p command-center --bench live`

#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use bus::{Batch, EmbeddedLog, EmbeddedSettings, Event, EventLog, Topic};
use command_center::{CommandCenter, Settings};
use history::EmbeddedHistory;
use model::{Domain, EventTime, IncidentState, Registry, Severity, Transition, TransitionKind, incident_id};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[path = "../../benches/goal.rs"]
mod goal;

/// Incidents of a run, and the time between two.
const INCIDENTS: usize = 200;
const EVERY: Duration = Duration::from_millis(20);
const RUNS: usize = 3;

fn main() {
    goal::head("P10", "live events of 1,000 pages, one of them stalled", "p99 200 ms, the stalled one changes nothing");
    println!("pages | stalled | p50 ms | p99 ms | max ms");
    for (pages, stalled) in [(1, 0), (100, 0), (1_000, 0), (1_000, 1)] {
        let mut runs: Vec<[f64; 3]> = (0..RUNS).map(|_| run(pages, stalled)).collect();
        runs.sort_by(|one, other| one[1].total_cmp(&other[1]));
        let [p50, p99, max] = runs[RUNS / 2];
        println!("{pages:5} | {stalled:7} | {p50:6.1} | {p99:6.1} | {max:6.1}");
    }
}

/// Percentiles of all pages and incidents of one run, in milliseconds.
fn run(pages: usize, stalled: usize) -> [f64; 3] {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let log: Arc<dyn EventLog> =
        Arc::new(EmbeddedLog::open(dir.path().join("log"), EmbeddedSettings::default()).expect("a fresh log opens"));
    let history = EmbeddedHistory::open(dir.path().join("history"), history::EmbeddedSettings::default());
    let history = Arc::new(history.expect("a fresh history opens"));
    let mut all = runtime.block_on(async {
        let settings = Settings::new(dir.path().join("center"));
        let started = CommandCenter::start(Arc::clone(&log), history, Arc::new(Registry::default()), settings);
        let handle = started.await.expect("it starts");
        let cookie = sign_in(&handle.sign_in_link().await.expect("a link")).await;
        let begin = Instant::now();
        let mut followers = Vec::new();
        let mut asleep = Vec::new();
        for page in 0..pages + stalled {
            let mut reader = follow(handle.local_addr(), &cookie).await;
            if page < stalled {
                asleep.push(reader);
                continue;
            }
            followers.push(tokio::spawn(async move { read(&mut reader, begin).await }));
        }
        let mut asked = Vec::new();
        for number in 0..INCIDENTS {
            tokio::time::sleep(EVERY).await;
            asked.push(begin.elapsed());
            let log = Arc::clone(&log);
            let appended = tokio::task::spawn_blocking(move || log.append(batch(number)));
            appended.await.expect("no panic").expect("the log takes it");
        }
        let mut all = Vec::new();
        for follower in followers {
            let seen = follower.await.expect("no panic");
            all.extend(seen.iter().map(|(number, at)| (*at - asked[*number]).as_secs_f64() * 1_000.0));
        }
        handle.stop().await;
        all
    });
    assert_eq!(all.len(), pages * INCIDENTS, "every page saw every incident");
    all.sort_by(f64::total_cmp);
    [all[all.len() / 2], all[all.len() * 99 / 100], all[all.len() - 1]]
}

fn batch(number: usize) -> Batch {
    let (key, time) = (format!("S{number}"), EventTime(number as i64));
    let transition = Transition {
        id: incident_id("citywatch.", "a.b", &key, time),
        rule: "a.b".to_owned(),
        key,
        domain: Domain::Air,
        severity: Severity::Severe,
        state: IncidentState::Open,
        transition: TransitionKind::Opened,
        revision: 1,
        time,
        opened_at: time,
        evidence: Vec::new(),
        message: None,
        stale: None,
        reason: None,
        inhibited_by: Vec::new(),
        members: Vec::new(),
        storm: None,
        shown_from: 1,
    };
    let mut batch = Batch::new();
    Event::of_transition(&transition).push(&mut batch, Topic::Analyze, transition.id.to_string().as_bytes());
    batch
}

async fn sign_in(link: &str) -> String {
    let (host, path) = link.trim_start_matches("http://").split_once('/').expect("a link has a path");
    let mut stream = TcpStream::connect(host).await.expect("it listens");
    let ask = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.expect("it takes a request");
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.expect("it answers") {
        if let Some(cookie) = line.strip_prefix("set-cookie: ") {
            return cookie.split(';').next().unwrap_or_default().to_owned();
        }
    }
    panic!("no cookie came");
}

/// A page that has its snapshot.
async fn follow(address: std::net::SocketAddr, cookie: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let ask = format!("GET /api/v1/live HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.expect("it takes a request");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while !line.starts_with("event: snapshot") {
        line.clear();
        reader.read_line(&mut line).await.expect("it answers");
    }
    reader
}

/// When each incident came, by its number.
async fn read(reader: &mut BufReader<TcpStream>, begin: Instant) -> Vec<(usize, Duration)> {
    let mut seen = Vec::new();
    let mut line = String::new();
    while seen.len() < INCIDENTS {
        line.clear();
        reader.read_line(&mut line).await.expect("it goes on");
        let key = line.starts_with("data: {\"id\":").then(|| line.split("\"key\":\"S").nth(1)).flatten();
        if let Some(number) = key.and_then(|rest| rest.split('"').next()).and_then(|number| number.parse().ok()) {
            seen.push((number, begin.elapsed()));
        }
    }
    seen
}
