//! kill -9: this test binary runs itself as a child process and kills it, at chosen steps and at any moment.

use crate::city::{self, Seeded};
use crate::run::{self, Over};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use stream::{Event, Stream};
use tempfile::tempdir;

/// The steps of a checkpoint at which the child is killed: the first time it comes there, and the twentieth.
pub const STEPS: &[&str] =
    &["CheckpointBegan", "StateCopied", "StateWritten", "ManifestWritten", "ManifestNamed", "CheckpointDone", "Swept"];

/// Where a child says that it should be killed.
pub enum Moment {
    /// At a step of a checkpoint, the so many-th time it comes there; it stands still there.
    Step(&'static str, u64),
    /// Around the so many-th operation on the log; it goes on meanwhile.
    Operation(u64),
}

/// The child's side; nothing to do when the tests run.
#[test]
fn child() {
    let Ok(recorded) = std::env::var("STREAM_TEST_RECORDED") else { return };
    let value = |name: &str| std::env::var(name).unwrap();
    let run = PathBuf::from(value("STREAM_TEST_RUN"));
    let (step, count): (String, u64) = (value("STREAM_TEST_STEP"), value("STREAM_TEST_COUNT").parse().unwrap());
    let say = |word: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{word}").and_then(|()| out.flush()).unwrap();
    };
    let (operations, at_operation) = (AtomicU64::new(0), step.is_empty());
    let log = Over::open(Path::new(&recorded), &run, move |_| {
        if at_operation && operations.fetch_add(1, Ordering::Relaxed) + 1 == count {
            say("kill me");
        }
    });
    let mut settings = run::settings(value("STREAM_TEST_WORKERS").parse().unwrap(), &run, &Arc::default());
    let came = AtomicU64::new(0);
    settings.observe = Arc::new(move |event: &Event| {
        let name = format!("{event:?}");
        if !step.is_empty() && name.starts_with(&step) && came.fetch_add(1, Ordering::Relaxed) + 1 == count {
            say("kill me");
            loop {
                std::thread::park();
            }
        }
    });
    let handle = Stream::start(log, &settings).unwrap();
    run::catch_up(&handle);
    handle.stop().unwrap();
    say("done");
}

/// Runs a child and kills it at the moment. True if it was killed, false if it was done before.
pub fn run_and_kill(recorded: &Path, run: &Path, workers: usize, moment: &Moment) -> bool {
    let (step, count) = match moment {
        Moment::Step(step, count) => (*step, *count),
        Moment::Operation(count) => ("", *count),
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact", "--nocapture", "--test-threads=1"])
        .env("STREAM_TEST_RECORDED", recorded)
        .env("STREAM_TEST_RUN", run)
        .env("STREAM_TEST_WORKERS", workers.to_string())
        .env("STREAM_TEST_STEP", step)
        .env("STREAM_TEST_COUNT", count.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let word = lines.map(Result::unwrap).find(|line| line == "kill me" || line == "done");
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let word = word.unwrap_or_else(|| panic!("the child ended before {step} {count}; its message is above"));
    word == "kill me"
}

#[test]
fn killed_at_every_step_of_a_checkpoint() {
    let (recorded, first) = (tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 96, 30_000, 7);
    let expected = run::to_the_end(recorded.path(), first.path(), 1);
    let run = tempdir().unwrap();
    let mut kills = 0;
    // The same run is killed again and again, so every restart takes up what the kill before left.
    for count in [1, 20] {
        for (index, step) in STEPS.iter().enumerate() {
            let fresh = tempdir().unwrap();
            for dir in [run.path(), fresh.path()] {
                kills += usize::from(run_and_kill(recorded.path(), dir, 1 + index % 3, &Moment::Step(step, count)));
            }
            let found = run::to_the_end(recorded.path(), fresh.path(), 2);
            run::assert_same(&found, &expected, &format!("killed at {step} {count}"));
        }
    }
    let found = run::to_the_end(recorded.path(), run.path(), 4);
    run::assert_same(&found, &expected, "killed at every step");
    assert!(kills >= STEPS.len(), "only {kills} children lived long enough to be killed");
}

#[test]
fn killed_at_random_moments() {
    let (recorded, first) = (tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 96, 30_000, 8);
    let expected = run::to_the_end(recorded.path(), first.path(), 1);
    let run = tempdir().unwrap();
    let mut seeded = Seeded(9);
    let mut kills = 0;
    for round in 0..10 {
        let moment = Moment::Operation(1 + seeded.below(120));
        kills += usize::from(run_and_kill(recorded.path(), run.path(), 1 + round % 4, &moment));
    }
    let found = run::to_the_end(recorded.path(), run.path(), 2);
    run::assert_same(&found, &expected, "killed at random moments");
    assert!(kills >= 5, "only {kills} children lived long enough to be killed");
}
