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

    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let reads = Arc::new(AtomicU64::new(0));
    let (waiting, counted) = (Arc::clone(&gate), Arc::clone(&reads));
    let log = Over::open(recorded.path(), dir.path(), move |operation| match operation {
        Operation::Append => {
            let (open, changed) = &*waiting;
            drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
        }
        Operation::Read => {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut settings = run::settings(2, dir.path(), &Arc::default());
    settings.limits = Limits { read_bytes: 4 * 1024, reads_in_flight: 5, ..settings.limits };
    // No checkpoint while the gate is shut: nothing but the bound may stop the reading.
    settings.checkpoint_every = PATIENCE;
    let handle = Stream::start(log.clone(), &settings).unwrap();

    let deadline = Instant::now() + PATIENCE;
    while handle.progress().unwrap().reads_in_flight < 10 {
        assert!(Instant::now() < deadline, "{:?}", handle.progress());
        std::thread::yield_now();
    }
    let stuck = (handle.progress().unwrap().lag(), reads.load(Ordering::Relaxed));
    assert!(stuck.0 > 10_000, "most of the history is not read: {stuck:?}");
    assert!(!handle.wait_until_caught_up(Duration::from_millis(50)).unwrap());
    assert_eq!((handle.progress().unwrap().lag(), reads.load(Ordering::Relaxed)), stuck, "it read on");

    let (open, changed) = &*gate;
    *open.lock().unwrap() = true;
    changed.notify_all();
    run::catch_up(&handle);
    handle.stop().unwrap();
    run::assert_same(&run::lines(&*log), &expected, "after the log went on");
}
