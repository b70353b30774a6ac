//! The historian: follows a log, waits for a history that fails, and is killed at every step.

use super::city::{Known, assert_says, record};
use bus::EmbeddedLog;
use history::{
    AreaSeries, EmbeddedHistory, EmbeddedSettings, Event, Held, Historian, HistorianSettings, History, HistoryError,
    Last, Point, Retention, Series, Window,
};
use model::EventTime;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::tempdir;

/// Longest wait for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const DAY_MINUTES: i64 = 1_440;

pub fn log(directory: &Path) -> Arc<EmbeddedLog> {
    Arc::new(EmbeddedLog::open(directory, bus::EmbeddedSettings::default()).unwrap())
}

fn store(directory: &Path, observe: impl Fn(&Event) + Send + Sync + 'static) -> Arc<EmbeddedHistory> {
    let settings = EmbeddedSettings {
        retention: Retention { raw_days: 3, hour_days: 3_650, day_days: 3_650 },
        memory_points: 5_000,
        observe: Arc::new(observe),
        ..EmbeddedSettings::default()
    };
    Arc::new(EmbeddedHistory::open(directory.join("history"), settings).unwrap())
}

pub fn settings(directory: &Path) -> HistorianSettings {
    let quick = Duration::from_millis(1);
    HistorianSettings {
        flush_points: 1_000,
        read_bytes: 4_096,
        pace: quick,
        retry_max: Duration::from_millis(200),
        ..HistorianSettings::new(directory)
    }
}

fn to_the_end(recorded: &Path, directory: &Path) {
    let handle = Historian::start(log(recorded), store(directory, |_| {}), &settings(directory)).unwrap();
    assert!(handle.wait_until(PATIENCE, |progress| progress.behind == 0), "{:?}", handle.progress());
    handle.stop().unwrap();
}

#[test]
fn it_follows_the_log_and_goes_on_where_it_was() {
    let (recorded, directory) = (tempdir().unwrap(), tempdir().unwrap());
    let mut known = record(recorded.path(), 0, 8 * DAY_MINUTES);
    to_the_end(recorded.path(), directory.path());
    assert_says(&*store(directory.path(), |_| {}), &known, "at first");
    for (series, values) in record(recorded.path(), 8 * DAY_MINUTES, DAY_MINUTES) {
        known.entry(series).or_default().extend(values);
    }
    let (log, history) = (log(recorded.path()), store(directory.path(), |_| {}));
    let handle = Historian::start(log, history.clone(), &settings(directory.path())).unwrap();
    assert!(handle.wait_until(PATIENCE, |progress| progress.behind == 0));
    let progress = handle.progress();
    assert!(progress.points < 5_000, "it began anew: {progress:?}");
    assert_eq!((progress.undecodable, progress.lost, progress.failure), (0, 0, None));
    let last_tick = super::city::START + (9 * DAY_MINUTES - 1) * 60_000;
    assert_eq!(progress.clock, Some(EventTime(last_tick)));
    handle.stop().unwrap();
    assert_says(&*history, &known, "after the restart");
}

#[test]
fn what_the_log_no_longer_has_is_read_anew_and_told() {
    // It ends before the offsets; or it was cut back, and has grown beyond them again.
    for (begins, minutes) in [(0, 30), (DAY_MINUTES, 120)] {
        let (recorded, other, directory) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
        let mut known = record(recorded.path(), 0, 60);
        to_the_end(recorded.path(), directory.path());
        for (series, values) in record(other.path(), begins, minutes) {
            known.entry(series).or_default().extend(values);
        }
        let history = store(directory.path(), |_| {});
        let handle = Historian::start(log(other.path()), history.clone(), &settings(directory.path())).unwrap();
        assert!(handle.wait_until(PATIENCE, |progress| progress.behind == 0));
        assert!(handle.progress().anew > 0, "{:?}", handle.progress());
        handle.stop().unwrap();
        assert_says(&*history, &known, "what was measured stays, and what is on the log now is there");
        // The new offsets are of this log.
        let handle = Historian::start(log(other.path()), history, &settings(directory.path())).unwrap();
        assert_eq!(handle.progress().anew, 0);
    }
}

/// A history whose disk is full while `full` says so.
struct Full {
    full: AtomicBool,
    refused: AtomicU64,
    below: Arc<EmbeddedHistory>,
}

impl Full {
    fn check(&self) -> Result<(), HistoryError> {
        if self.full.load(Ordering::Acquire) {
            self.refused.fetch_add(1, Ordering::AcqRel);
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(HistoryError::Io { doing: "write", path: PathBuf::from("disk"), source });
        }
        Ok(())
    }
}

impl History for Full {
    fn write(&self, points: &[Point<'_>]) -> Result<(), HistoryError> {
        self.below.write(points)
    }
    fn flush(&self) -> Result<(), HistoryError> {
        self.check()?;
        self.below.flush()
    }
    fn maintain(&self, now: EventTime) -> Result<(), HistoryError> {
        self.check()?;
        self.below.maintain(now)
    }
    fn series(&self, sensor: &str, metric: &str, window: Window) -> Result<Series, HistoryError> {
        self.below.series(sensor, metric, window)
    }
    fn area(&self, sensors: &[&str], metric: &str, window: Window) -> Result<AreaSeries, HistoryError> {
        self.below.area(sensors, metric, window)
    }
    fn points(
        &self,
        sensor: &str,
        metric: &str,
        span: Range<EventTime>,
        most: usize,
    ) -> Result<Vec<(EventTime, f64)>, HistoryError> {
        self.below.points(sensor, metric, span, most)
    }
    fn last(&self, sensors: &[&str]) -> Result<Vec<Last>, HistoryError> {
        self.below.last(sensors)
    }
    fn held(&self) -> Result<Vec<Held>, HistoryError> {
        self.below.held()
    }
}

#[test]
fn a_full_disk_is_told_and_waited_for() {
    let (recorded, directory) = (tempdir().unwrap(), tempdir().unwrap());
    let known = record(recorded.path(), 0, 2 * DAY_MINUTES);
    let below = store(directory.path(), |_| {});
    let full = Arc::new(Full { full: AtomicBool::new(true), refused: AtomicU64::new(0), below: below.clone() });
    let handle = Historian::start(log(recorded.path()), full.clone(), &settings(directory.path())).unwrap();
    assert!(handle.wait_until(PATIENCE, |_| full.refused.load(Ordering::Acquire) >= 3));
    let failure = handle.failure().unwrap();
    assert!(failure.starts_with("could not write \"disk\"; is the disk full"), "{failure}");
    assert!(handle.progress().unflushed > 0);
    full.full.store(false, Ordering::Release);
    assert!(handle.wait_until(PATIENCE, |progress| progress.behind == 0 && progress.failure.is_none()));
    handle.stop().unwrap();
    assert_says(&*below, &known, "after the disk was full");
}

/// The child's side; nothing to do when the tests run.
#[test]
fn child() {
    let Ok(recorded) = std::env::var("HISTORY_TEST_RECORDED") else { return };
    let value = |name: &str| std::env::var(name).unwrap();
    let directory = PathBuf::from(value("HISTORY_TEST_DIRECTORY"));
    let (step, count): (String, u64) = (value("HISTORY_TEST_STEP"), value("HISTORY_TEST_COUNT").parse().unwrap());
    let say = |word: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{word}").and_then(|()| out.flush()).unwrap();
    };
    let came = AtomicU64::new(0);
    let history = store(&directory, move |event| {
        if format!("{event:?}").starts_with(&step) && came.fetch_add(1, Ordering::Relaxed) + 1 == count {
            say("kill me");
            loop {
                std::thread::park();
            }
        }
    });
    let handle = Historian::start(log(Path::new(&recorded)), history, &settings(&directory)).unwrap();
    assert!(handle.wait_until(PATIENCE, |progress| progress.behind == 0));
    handle.stop().unwrap();
    say("done");
}

/// Runs a child and kills it when it comes to a step the so many-th time. True if it was killed, false if it was done.
fn run_and_kill(recorded: &Path, directory: &Path, step: &str, count: u64) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["historian::child", "--exact", "--nocapture", "--test-threads=1"])
        .env("HISTORY_TEST_RECORDED", recorded)
        .env("HISTORY_TEST_DIRECTORY", directory)
        .env("HISTORY_TEST_STEP", step)
        .env("HISTORY_TEST_COUNT", count.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let word = lines.map(Result::unwrap).find(|line| line == "kill me" || line == "done");
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    word.unwrap_or_else(|| panic!("the child ended before {step} {count}; its message is above")) == "kill me"
}

fn recorded() -> (tempfile::TempDir, Known) {
    let directory = tempdir().unwrap();
    let known = record(directory.path(), 0, 8 * DAY_MINUTES);
    (directory, known)
}

#[test]
fn killed_at_every_step_it_says_what_the_log_says() {
    let (recorded, known) = recorded();
    let again = tempdir().unwrap();
    let mut kills = 0;
    for step in ["NamesWritten", "Written", "Flushed", "Merged", "RolledUp", "Dropped"] {
        for count in [1, 7] {
            let fresh = tempdir().unwrap();
            // One directory is killed again and again, so each start takes up what the kill before left.
            for directory in [fresh.path(), again.path()] {
                kills += usize::from(run_and_kill(recorded.path(), directory, step, count));
            }
            to_the_end(recorded.path(), fresh.path());
            assert_says(&*store(fresh.path(), |_| {}), &known, &format!("killed at {step} {count}"));
        }
    }
    to_the_end(recorded.path(), again.path());
    assert_says(&*store(again.path(), |_| {}), &known, "killed at every step");
    assert!(kills >= 12, "only {kills} children lived long enough to be killed");
}
