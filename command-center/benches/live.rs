//! How fast pages and programs learn of an incident: a thousand pages follow `/live`, a hundred end-points subscribe by
//! webhook, all over loopback and in the same process.
//!
//! Incidents are appended one every 20 ms, for webhooks one every quarter of a second: each of their messages is written down
//! once to be sent and once as sent. The time of each runs from the append being asked for to the event being in the
//! page's hands, or the request at the end-point. One page more never reads, one end-point more never answers: they must
//! change nothing.
//! `cargo bench --workspace --bench live`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table")]

use axum::Router;
use axum::extract::{Path, State};
use bus::{Batch, EmbeddedLog, EmbeddedSettings, Event, EventLog, Topic};
use client::Client;
use command_center::{CommandCenter, Handle, NewToken, Outward, Scope, Settings};
use history::EmbeddedHistory;
use hyper::Method;
use model::{Domain, EventTime, IncidentState, Registry, Severity, Transition, TransitionKind, incident_id};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[path = "../tests/it/client.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod client;
#[path = "../../benches/goal.rs"]
mod goal;

/// Incidents of a run, and the time between two.
const INCIDENTS: usize = 200;
const EVERY: Duration = Duration::from_millis(20);
const RUNS: usize = 3;
/// The same of webhooks.
const TOLD: usize = 40;
const TOLD_EVERY: Duration = Duration::from_millis(250);
/// When what a webhook was sent has not come by now it does not come.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    goal::head(
        "P10",
        "live events of 1,000 pages and 100 webhooks, one of them stalled",
        "p99 200 ms, the stalled one changes nothing",
    );
    println!("pages | stalled | p50 ms | p99 ms | max ms");
    for (pages, stalled) in [(1, 0), (100, 0), (1_000, 0), (1_000, 1)] {
        let [p50, p99, max] = middle(|| run(pages, stalled));
        println!("{pages:5} | {stalled:7} | {p50:6.1} | {p99:6.1} | {max:6.1}");
    }
    println!("webhooks | stalled | p50 ms | p99 ms | max ms");
    for (webhooks, stalled) in [(1, 0), (100, 0), (100, 1)] {
        let [p50, p99, max] = middle(|| tell(webhooks, stalled));
        println!("{webhooks:8} | {stalled:7} | {p50:6.1} | {p99:6.1} | {max:6.1}");
    }
}

/// The run in the middle by its p99.
fn middle(run: impl Fn() -> [f64; 3]) -> [f64; 3] {
    let mut runs: Vec<[f64; 3]> = (0..RUNS).map(|_| run()).collect();
    runs.sort_by(|one, other| one[1].total_cmp(&other[1]));
    runs[RUNS / 2]
}

/// p50, p99 and the longest, of milliseconds.
fn percentiles(mut all: Vec<f64>) -> [f64; 3] {
    all.sort_by(f64::total_cmp);
    [all[all.len() / 2], all[all.len() * 99 / 100], all[all.len() - 1]]
}

/// A command center of a new city, its log, and who is signed in.
async fn center(dir: &std::path::Path, set: impl FnOnce(&mut Settings)) -> (Arc<dyn EventLog>, Handle, String) {
    let log: Arc<dyn EventLog> =
        Arc::new(EmbeddedLog::open(dir.join("log"), EmbeddedSettings::default()).expect("a fresh log opens"));
    let history = EmbeddedHistory::open(dir.join("history"), history::EmbeddedSettings::default());
    let history = Arc::new(history.expect("a fresh history opens"));
    let mut settings = Settings::new(dir.join("center"));
    set(&mut settings);
    let started = CommandCenter::start(Arc::clone(&log), history, Arc::new(Registry::default()), settings);
    let handle = started.await.expect("it starts");
    let cookie = Client::sign_in(&handle).await.cookie.expect("it signs in");
    (log, handle, cookie)
}

/// Appends incidents, one each interval; when each was asked for.
async fn append(log: &Arc<dyn EventLog>, count: usize, every: Duration, begin: Instant) -> Vec<Duration> {
    let mut asked = Vec::new();
    for number in 0..count {
        tokio::time::sleep(every).await;
        asked.push(begin.elapsed());
        let log = Arc::clone(log);
        let appended = tokio::task::spawn_blocking(move || log.append(batch(number)));
        appended.await.expect("no panic").expect("the log takes it");
    }
    asked
}

/// Percentiles of all pages and incidents of one run, in milliseconds.
fn run(pages: usize, stalled: usize) -> [f64; 3] {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let all = runtime.block_on(async {
        let (log, handle, cookie) = center(dir.path(), |_| {}).await;
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
        let asked = append(&log, INCIDENTS, EVERY, begin).await;
        let mut all = Vec::new();
        for follower in followers {
            let seen = follower.await.expect("no panic");
            all.extend(seen.iter().map(|(number, at)| (*at - asked[*number]).as_secs_f64() * 1_000.0));
        }
        handle.stop().await;
        all
    });
    assert_eq!(all.len(), pages * INCIDENTS, "every page saw every incident");
    percentiles(all)
}

/// What came to which end-point, and when.
type Came = Arc<Mutex<Vec<(usize, usize, Duration)>>>;

/// Percentiles of all end-points and incidents of one run, in milliseconds.
fn tell(webhooks: usize, stalled: usize) -> [f64; 3] {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let begin = Instant::now();
    let came: Came = Arc::default();
    let asked = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new().route("/{number}", axum::routing::post(take));
        let router = router.with_state((Arc::clone(&came), begin, webhooks));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (log, handle, _) = center(dir.path(), |settings| {
            let allow = vec!["127.0.0.1".parse().expect("a network")];
            settings.outward = Outward { allow, plain_http: true, ..Outward::default() };
        })
        .await;
        for number in 0..webhooks + stalled {
            subscribe(&handle, &format!("http://{address}/{number}")).await;
        }
        let asked = append(&log, TOLD, TOLD_EVERY, begin).await;
        let end = Instant::now() + PATIENCE;
        while came.lock().expect("no panic").len() < webhooks * TOLD {
            assert!(Instant::now() < end, "{} came", came.lock().expect("no panic").len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        handle.stop().await;
        asked
    });
    let came = came.lock().expect("no panic");
    let mut each = vec![0; webhooks * TOLD];
    came.iter().for_each(|(webhook, number, _)| each[webhook * TOLD + number] += 1);
    assert!(each.iter().all(|count| *count == 1), "every end-point was sent every incident, once");
    percentiles(came.iter().map(|(_, number, at)| (*at - asked[*number]).as_secs_f64() * 1_000.0).collect())
}

/// Takes a message; end-points beyond the first so many never answer.
async fn take(
    State((came, begin, answering)): State<(Came, Instant, usize)>,
    Path(webhook): Path<usize>,
    body: String,
) -> &'static str {
    if webhook >= answering {
        return std::future::pending().await;
    }
    let at = begin.elapsed();
    // The first message, of what is open, is of no incident.
    if let Some(number) = body.split("\"key\":\"S").nth(1).and_then(|rest| rest.split('"').next()?.parse().ok()) {
        came.lock().expect("no panic").push((webhook, number, at));
    }
    ""
}

/// Subscribes as a utility does, with a token of its own.
async fn subscribe(handle: &Handle, url: &str) {
    let token = NewToken {
        name: "utility".to_owned(),
        scopes: vec![Scope::FeedSubscribe],
        areas: Vec::new(),
        unit: None,
        days: None,
    };
    let (_, utility) = Client::of_token(handle, token).await;
    let body = format!("{{\"name\":\"bench\",\"url\":\"{url}\"}}");
    let answer = utility.send(Method::POST, "/api/v1/subscriptions", &[], &body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
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
