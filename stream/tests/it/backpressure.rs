//! A slow log holds the sources back: what is in flight stays bounded, and nothing is lost.

use crate::city;
use crate::run::{self, Operation, Over, PATIENCE};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use stream::{Limits, Stream};
use tempfile::tempdir;

#[test]
fn a_log_that_does_not_append_stops_the_reading() {
    let (recorded, first, dir) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 96, 30_000, 10);
    let expected = run::to_the_end(recorded.path(), first.path(), 1);

    let gate = Arc::new(Gate::default());
    let reads = Arc::new(AtomicU64::new(0));
    let (waiting, counted) = (Arc::clone(&gate), Arc::clone(&reads));
    let log = Over::open(recorded.path(), dir.path(), move |operation| match operation {
        Operation::Append => waiting.pass(),
        Operation::Read => {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut settings = run::settings(2, dir.path(), &Arc::default());
    settings.limits = Limits { read_bytes: 4 * 1024, reads_in_flight: 5, ..settings.limits };
    // No checkpoint while the gate is shut: nothing but the bound may stop the reading.
    settings.checkpoint_every = PATIENCE;
    let handle = Stream::start(log.clone(), &settings).unwrap();

    // Declared after the handle, so that a failed assertion opens the gate before the threads are waited for.
    let opener = Opener(gate);

    // A read that finds nothing passes by the sink as long as it is idle, so the bound may be touched before it holds.
    let deadline = Instant::now() + PATIENCE;
    let seen = || (handle.progress().unwrap(), reads.load(Ordering::Relaxed));
    let stuck = loop {
        let (before, reads_before) = seen();
        assert!(before.reads_in_flight <= 10, "{before:?}");
        assert!(!handle.wait_until_caught_up(Duration::from_millis(50)).unwrap());
        let (after, reads_after) = seen();
        if after.reads_in_flight == 10 && reads_after == reads_before && after.lag() == before.lag() {
            break after;
        }
        assert!(Instant::now() < deadline, "{after:?}");
    };
    assert!(stuck.lag() > 10_000, "most of the history is not read: {stuck:?}");

    drop(opener);
    run::catch_up(&handle);
    handle.stop().unwrap();
    run::assert_same(&run::lines(&*log), &expected, "after the log went on");
}

/// Shut until opened; then open for good.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self) {
        drop(self.changed.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// Opens the gate when it goes.
struct Opener(Arc<Gate>);

impl Drop for Opener {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap() = true;
        self.0.changed.notify_all();
    }
}
