//! What InfluxDB adds: a server that refuses, and one that is away.

use super::city::{assert_says, record};
use super::historian::{DAY_MINUTES, PATIENCE, log, settings};
use super::influx_server::{self, Influx};
use super::store::{HOUR, MIDNIGHT, point};
use history::{Historian, History, HistoryError, InfluxAddress, InfluxHistory, InfluxSettings, Point, Retention};
use model::{EventTime, Millis};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::tempdir;

const BEIJING: Millis = Millis(8 * HOUR);

#[test]
fn killed_under_load_it_catches_up_and_nothing_is_missing() {
    let mut server = Influx::start();
    let (recorded, directory) = (tempdir().unwrap(), tempdir().unwrap());
    let known = record(recorded.path(), 0, 3 * DAY_MINUTES);
    let make = InfluxSettings { retention: None, ..InfluxSettings::new(server.address()) };
    let history = Arc::new(InfluxHistory::new(make).unwrap());
    let handle = Historian::start(log(recorded.path()), history.clone(), &settings(directory.path())).unwrap();
    for kill in 1..=3_u64 {
        assert!(handle.wait_until(PATIENCE, |progress| progress.points >= kill * 1_500 || progress.behind == 0));
        server.kill();
        // The gap is told while it is away, and questions are answered with why.
        assert!(handle.wait_until(PATIENCE, |progress| progress.failure.is_some()), "{:?}", handle.progress());
        let failure = handle.failure().unwrap();
        assert!(failure.starts_with("InfluxDB at http://127.0.0.1:") && !failure.contains("test-token"), "{failure}");
        let asked = history.last(&["S1"]);
        assert!(matches!(asked, Err(HistoryError::Influx { .. })), "{asked:?}");
        server.restart();
    }
    assert!(handle.wait_until(PATIENCE, |progress| progress.behind == 0 && progress.failure.is_none()));
    handle.stop().unwrap();
    assert_says(&*history, &known, "after three kills");
    assert_eq!(history.stats().refused, 0);
}

#[test]
fn a_refused_batch_is_divided_and_what_is_at_fault_is_told() {
    let refused: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&refused);
    let settings = influx_server::settings(BEIJING);
    // Somebody else wrote texts where numbers belong; the server refuses numbers there from then on.
    let text = format!("flow_m3s,sensor=taken v=\"text\" {MIDNIGHT}\n");
    let taken = |minutes: i64| Point { metric: "flow_m3s", ..point("taken", minutes, 1.0) };
    let history = InfluxHistory::new(settings.clone()).unwrap();
    history.write(&[point("first", 0, 1.0)]).unwrap();
    raw_write(&settings.address, &text);
    let on_refused = Arc::new(move |line: &str, why: &str| told.lock().unwrap().push(format!("{line}: {why}")));
    let history = InfluxHistory::new(InfluxSettings { on_refused, ..settings }).unwrap();
    let mut points: Vec<Point<'_>> = (0..2_000).map(|minute| point("good", minute % 1_440, minute as f64)).collect();
    points.insert(777, taken(1));
    points.push(taken(2));
    history.write(&points).unwrap();
    let refused = refused.lock().unwrap();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.iter().all(|line| line.starts_with("flow_m3s,sensor=taken v=")), "{refused:?}");
    assert_eq!(history.stats().refused, 2);
    let span = EventTime(MIDNIGHT)..EventTime(MIDNIGHT + 24 * HOUR);
    let good = history.points("good", "level_m", span, usize::MAX).unwrap();
    assert_eq!(good.len(), 1_440);
    assert_eq!((good[0].1, good[559].1), (1_440.0, 1_999.0), "of two in one batch the later counts");
}

#[test]
fn what_is_older_than_the_bucket_keeps_is_counted_and_the_rest_is_written() {
    let retention = Some(Retention { raw_days: 7, hour_days: 40, day_days: 400 });
    let history = InfluxHistory::new(InfluxSettings { retention, ..influx_server::settings(BEIJING) }).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let at = |time: i64| Point { time: EventTime(time), ..point("a", 0, 1.0) };
    history.write(&[at(now), at(now - 30 * 24 * HOUR), at(now - HOUR)]).unwrap();
    assert_eq!((history.stats().left_out, history.stats().written), (1, 2));
    let state = history.examine().unwrap();
    assert!(state.version.contains('2'), "{state:?}");
    for (_, held, wanted) in state.buckets {
        assert_eq!(held, Some(wanted));
    }
}

#[test]
fn a_server_that_does_not_answer_or_let_us_in_is_an_error_in_time() {
    // It listens and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://t@127.0.0.1:{}/city/b", silent.local_addr().unwrap().port());
    let history = InfluxHistory::new(InfluxSettings::new(InfluxAddress::new(&address).unwrap())).unwrap();
    let began = Instant::now();
    let error = history.flush().unwrap_err().to_string();
    assert!(error.contains("no answer within"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60));
    let settings = influx_server::settings(BEIJING);
    let port = settings.address.to_string().split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let address = InfluxAddress::new(&format!("http://wrong@127.0.0.1:{port}/city/b")).unwrap();
    let history = InfluxHistory::new(InfluxSettings::new(address)).unwrap();
    let error = history.flush().unwrap_err().to_string();
    assert!(error.contains("is the token right?"), "{error}");
}

/// Writes a line past the store.
fn raw_write(address: &InfluxAddress, line: &str) {
    let shown = address.to_string();
    let rest = shown.strip_prefix("http://").unwrap();
    let [host, organisation, bucket] = rest.split('/').collect::<Vec<_>>()[..] else { panic!("{shown}") };
    let url = format!("http://{host}/api/v2/write?org={organisation}&bucket={bucket}&precision=ms");
    let args = ["-fsS", "-H", "Authorization: Token test-token", "--data-binary", line, &url];
    assert!(std::process::Command::new("curl").args(args).status().unwrap().success());
}
