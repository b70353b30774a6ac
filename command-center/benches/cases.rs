//! Cases: durable steps per second through the API, and how fast the queue is listed at a million cases.
//!
//! Everything goes over HTTP in the same process: a connection for each request, and then one that is kept. A step is durable
//! in the store, with its event, when it is answered; each case takes seven: reported, verified, registered, dispatched,
//! accepted, fed back, checked. CPU time is that of this process, clients included, a PostgreSQL not.
//! `cargo bench --workspace --bench cases`; with `-- steps` the steps alone.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table")]

use bus::{Batch, EmbeddedLog, EmbeddedSettings, EventLog, Topic};
use client::Client;
use command_center::{CommandCenter, Handle, NewAccount, NewToken, Role, Scope, Settings};
use history::EmbeddedHistory;
use hyper::Method;
use model::{Entry, EventTime, PARTITIONS, Registry};
use serde_json::{Value, json};
use sqlx::AnyConnection;
use sqlx::{AssertSqlSafe, Connection};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[path = "../tests/it/client.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod client;
#[path = "../../benches/goal.rs"]
mod goal;
#[path = "../tests/postgres/server.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod server;

/// Far longer than an answer takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// People who work on cases at once, and the cases of each.
const PEOPLE: usize = 16;
const CASES_EACH: usize = 60;
/// Of these the median is told.
const RUNS: usize = 3;
/// What the queue is listed among, and how many of them are open.
const CASES: u64 = 1_000_000;
const OPEN: u64 = 10_000;
/// Pages of each kind that are asked for.
const PAGES: usize = 300;
/// 2026-03-02T10:00+08:00, a Monday.
const TIME: i64 = 1_772_416_800_000;
/// The district that all cases lie in.
const AREA: &str = r#"{"type":"FeatureCollection","schematic":true,"features":[
{"type":"Feature","properties":{"code":"110101","level":"district","name":{"en":"Dongcheng","zh":"东城区"}},
 "geometry":{"type":"Polygon","coordinates":[[[116.3,39.8],[116.5,39.8],[116.5,40.0],[116.3,40.0],[116.3,39.8]]]}}]}"#;

fn main() {
    goal::head("P12", "steps of cases; the queue among a million cases", "2,000 steps/s; a page p99 50 ms");
    println!("   a sync of this disk takes {:.2} ms (median of 100)", sync_ms());
    let mut postgres = server::Postgres::start();
    for (name, store) in [("SQLite", None), ("PostgreSQL", Some(postgres.database()))] {
        let dir = tempfile::tempdir().unwrap();
        for (connections, is_kept) in [("a connection a request", false), ("connections kept", true)] {
            let mut runs: Vec<(f64, f64)> = (0..RUNS).map(|_| steps(dir.path(), store.as_deref(), is_kept)).collect();
            runs.sort_by(|one, other| one.0.total_cmp(&other.0));
            let ((least, _), (rate, cpu), (most, _)) = (runs[0], runs[RUNS / 2], runs[RUNS - 1]);
            println!("{name}, {connections}: {rate:.0} steps/s ({least:.0} to {most:.0}), {cpu:.0} µs of CPU a step");
        }
        if !std::env::args().any(|name| name == "steps") {
            fill(dir.path(), store.as_deref());
            let pages = pages(dir.path(), store.as_deref());
            println!("{name}, a page of 100 among 1,000,000 cases, 10,000 open, p50 / p99 ms: {pages}");
        }
    }
}

/// What a sync takes where temporary files are: each step waits for one at least.
fn sync_ms() -> f64 {
    let mut file = tempfile::tempfile().unwrap();
    let mut times = Vec::new();
    for _ in 0..100 {
        file.write_all(&[7; 8_192]).unwrap();
        let began = Instant::now();
        file.sync_data().unwrap();
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    times[50]
}

/// CPU seconds of this process until now.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// A command center over a log of its own.
fn start(dir: &Path, store: Option<&str>) -> (tokio::runtime::Runtime, Handle) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let log = Arc::new(EmbeddedLog::open(dir.join("log"), EmbeddedSettings::default()).unwrap());
    let mut batch = Batch::new();
    let mut tick = Vec::new();
    Entry::Tick(EventTime(TIME)).encode(&mut tick);
    (0..PARTITIONS).for_each(|partition| batch.push(Topic::Observations, partition, b"", Some(&tick), &[]));
    log.append(batch).unwrap();
    let history = EmbeddedHistory::open(dir.join("history"), history::EmbeddedSettings::default()).unwrap();
    let areas = vec![AREA.to_owned()];
    let settings = Settings { store: store.map(str::to_owned), areas, ..Settings::new(dir.join("center")) };
    let log: Arc<dyn EventLog> = log;
    let started = CommandCenter::start(log, Arc::new(history), Arc::new(Registry::default()), settings);
    let handle = runtime.block_on(started).unwrap();
    (runtime, handle)
}

/// Everybody who takes a step in a case.
struct Desk {
    operator: Client,
    inspector: Client,
    acceptor: Client,
    dispatcher: Client,
    unit: Client,
}

impl Desk {
    /// The same people, with connections of their own.
    fn own(&self, is_kept: bool) -> Desk {
        let own = |client: &Client| Client { kept: is_kept.then(Default::default), ..client.clone() };
        Desk {
            operator: own(&self.operator),
            inspector: own(&self.inspector),
            acceptor: own(&self.acceptor),
            dispatcher: own(&self.dispatcher),
            unit: own(&self.unit),
        }
    }
}

async fn person(handle: &Handle, name: &str, role: Role) -> Client {
    let account =
        NewAccount { name: name.to_owned(), roles: vec![role], areas: Vec::new(), unit: None, password: None };
    Client::of_account(handle, &account).await
}

async fn desk(handle: &Handle) -> Desk {
    let token = NewToken {
        name: "water".to_owned(),
        scopes: vec![Scope::CasesHandle, Scope::CasesRead],
        areas: Vec::new(),
        unit: Some("district-water-110101".to_owned()),
        days: None,
    };
    Desk {
        operator: person(handle, "olga", Role::Operator).await,
        inspector: person(handle, "iris", Role::Inspector).await,
        acceptor: person(handle, "anna", Role::Operator).await,
        dispatcher: person(handle, "dora", Role::Dispatcher).await,
        unit: Client::of_token(handle, token).await.1,
    }
}

/// Steps per second of all people together, and microseconds of CPU of each.
fn steps(dir: &Path, store: Option<&str>, is_kept: bool) -> (f64, f64) {
    let (runtime, handle) = start(dir, store);
    let desk = runtime.block_on(desk(&handle));
    let (began, before) = (Instant::now(), cpu());
    let steps: usize = runtime.block_on(async {
        let people: Vec<_> = (0..PEOPLE).map(|_| tokio::spawn(work(desk.own(is_kept)))).collect();
        let mut steps = 0;
        for person in people {
            steps += person.await.unwrap();
        }
        steps
    });
    let rate = steps as f64 / began.elapsed().as_secs_f64();
    let cpu = (cpu() - before) * 1e6 / steps as f64;
    runtime.block_on(handle.stop());
    (rate, cpu)
}

/// Takes cases from their report to their end; gives the number of steps.
async fn work(desk: Desk) -> usize {
    let Desk { operator, inspector, acceptor, dispatcher, unit } = &desk;
    let new = json!({ "class": "0402", "title": "积水", "severity": "moderate", "lon": 116.41, "lat": 39.92, "area": "110101" });
    let mut steps = 0;
    for _ in 0..CASES_EACH {
        let answer = operator.send(Method::POST, "/api/v1/cases", &[], &new.to_string()).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let mut tag = answer.header("etag").to_owned();
        steps += 1;
        for (who, act, body) in [
            (inspector, "verify", json!({ "result": "real" })),
            (acceptor, "register", json!({})),
            (dispatcher, "dispatch", json!({})),
            (unit, "accept", json!({})),
            (unit, "feedback", json!({ "note": "pumped" })),
            (inspector, "check", json!({ "result": "fixed" })),
        ] {
            let answer = step(who, &id, act, &tag, &body).await;
            tag = answer.header("etag").to_owned();
            steps += 1;
        }
    }
    steps
}

async fn step(who: &Client, id: &str, act: &str, tag: &str, body: &Value) -> client::Answer {
    let path = format!("/api/v1/cases/{id}/{act}");
    let answer = who.send(Method::POST, &path, &[("if-match", tag)], &body.to_string()).await;
    assert_eq!(answer.status, 200, "{act}: {:?}", answer.body);
    answer
}

/// Makes the store hold a million cases: copies of what the people worked on, elsewhere, in other hands and states.
fn fill(dir: &Path, store: Option<&str>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = format!("sqlite://{}", dir.join("center/center.sqlite").display());
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(store.unwrap_or(&file)).await.unwrap();
        let numbers = match store {
            None => format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {CASES})"),
            Some(_) => format!("WITH n AS (SELECT CAST(i AS BIGINT) FROM generate_series(1, {CASES}) AS s(i))"),
        };
        let id = match store {
            None => "printf('%08x-0000-4000-8000-%012x', i, i)",
            Some(_) => "lpad(to_hex(i), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(i), 12, '0')",
        };
        // An open one in a hundred; states, units and subdistricts by turns; one in twenty of the open ones is late.
        let every = CASES / OPEN;
        let statement = format!(
            "{numbers} INSERT INTO city_case (id, number, version, state, is_open, is_late, class, severity, unit, \
             district, subdistrict, parent, reported_at, due_at, next_at, change, body, lon, lat) \
             SELECT {id}, CAST(i + 5000000000000000000 AS TEXT), version, \
             CASE WHEN i % {every} > 0 THEN 'closed' WHEN i / {every} % 5 = 0 THEN 'registered' \
                  WHEN i / {every} % 5 = 1 THEN 'dispatched' WHEN i / {every} % 5 = 2 THEN 'feedback' ELSE 'handling' END, \
             CASE WHEN i % {every} = 0 THEN 1 ELSE 0 END, CASE WHEN i % ({every} * 20) = 0 THEN 1 ELSE 0 END, \
             CASE WHEN i % 7 = 0 THEN '0102' ELSE '0402' END, severity, 'unit-' || (i % 101), \
             '1101' || (10 + i % 16), '1101' || (10 + i % 16) || '0' || (10 + i % 20), NULL, reported_at, due_at, NULL, \
             i + 1000000, body, lon, lat \
             FROM n, (SELECT * FROM city_case ORDER BY change DESC LIMIT 1) AS one"
        );
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        let newest = CASES + 1_000_000;
        let statement = format!("UPDATE counter SET value = {newest} WHERE name = 'change'");
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        sqlx::query("ANALYZE").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// The time of a page, by its kind.
fn pages(dir: &Path, store: Option<&str>) -> String {
    let (runtime, handle) = start(dir, store);
    let rows = runtime.block_on(async {
        let client = Client::sign_in(&handle).await;
        let mut rows = Vec::new();
        for (name, query) in [
            ("open", "state=open".to_owned()),
            ("next", format!("state=open&cursor={}", next(&client, "state=open").await)),
            ("a state", "state=feedback".to_owned()),
            ("late", "late=true".to_owned()),
            ("a unit", "unit=unit-50".to_owned()),
            ("a district", "area=110115".to_owned()),
            ("all of a subdistrict", "state=all&area=110115015".to_owned()),
            ("all of a class", "state=all&class=0102".to_owned()),
        ] {
            let mut times = Vec::with_capacity(PAGES);
            for _ in 0..PAGES {
                let began = Instant::now();
                let answer = client.get(&format!("/api/v1/cases?{query}")).await;
                times.push(began.elapsed());
                assert_eq!(answer.status, 200, "{:?}", answer.body);
            }
            times.sort_unstable();
            let ms = |share: usize| times[PAGES * share / 100].as_secs_f64() * 1_000.0;
            rows.push(format!("{name} {:.1} / {:.1}", ms(50), ms(99)));
        }
        rows
    });
    runtime.block_on(handle.stop());
    rows.join("; ")
}

/// The cursor of the second page.
async fn next(client: &Client, query: &str) -> String {
    let page = client.json(&format!("/api/v1/cases?{query}")).await;
    page["next"].as_str().expect("there is a second page").to_owned()
}
