//! Several processes: the same as one finds, whatever their number, over restarts with another one, and with one lost.
//! Here they are streams of their own in one process, with nothing between them but connections; `tests/it/kafka_cluster`
//! has real ones.

use crate::city;
use crate::run::{self, Over};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stream::{ClusterSettings, Event, Stream, StreamError, StreamHandle, StreamSettings};
use tempfile::tempdir;

/// Free loopback addresses, each another.
fn hosts(count: usize) -> Vec<String> {
    let listeners: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect()
}

fn settings(dir: &Path, workers: usize, hosts: &[String], process: usize) -> StreamSettings {
    // Only the first one's directory is to be used.
    let dir = if process == 0 { dir.to_owned() } else { dir.join("nothing") };
    let (city, wait) = ("this one".to_owned(), Duration::from_secs(60));
    let cluster = Some(ClusterSettings { process, hosts: hosts.to_vec(), city, wait });
    StreamSettings { cluster, ..run::settings(workers, &dir, &Arc::default()) }
}

/// So many processes with so many workers each, when all run.
fn start(log: &Arc<Over>, dir: &Path, processes: usize, workers: usize) -> Vec<StreamHandle> {
    let hosts = hosts(processes);
    std::thread::scope(|scope| {
        let starting = |process| {
            let settings = settings(dir, workers, &hosts, process);
            scope.spawn(move || Stream::start(log.clone(), &settings).unwrap())
        };
        let starting: Vec<_> = (0..processes).map(starting).collect();
        starting.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + run::PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn any_number_of_processes_finds_the_same() {
    let (recorded, first) = (tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 240, 40_000, 1);
    let expected = run::to_the_end(recorded.path(), first.path(), 2);
    for (processes, workers) in [(2, 1), (3, 1), (2, 3), (16, 1)] {
        let run = tempdir().unwrap();
        let log = Over::open(recorded.path(), run.path(), |_| {});
        let mut handles = start(&log, run.path(), processes, workers);
        run::catch_up(&handles[0]);
        for handle in &handles[1..] {
            run::catch_up(handle);
            let progress = handle.progress().unwrap();
            assert!(progress.epoch > 0, "each of {processes} reads: {progress:?}");
            assert_eq!((progress.written, progress.perceived, progress.lag()), (0, 0, 0), "one writes");
        }
        let progress = handles[0].progress().unwrap();
        assert_eq!((progress.partitions.len(), progress.lag()), (16, 0), "the first knows of all");
        // The last checkpoint, while the others are there; they see that it is gone.
        handles.remove(0).stop().unwrap();
        for handle in handles {
            wait_for("the others see it", || handle.failure().is_some());
            let gone = handle.stop().unwrap_err();
            assert!(matches!(&*gone, StreamError::PeerLost { .. }), "{gone}");
        }
        run::assert_same(&run::lines(&*log), &expected, &format!("{processes} processes of {workers}"));
        assert!(!run.path().join("nothing").exists(), "only the first process saves");
    }
}

#[test]
fn they_go_on_from_the_checkpoint_in_another_number() {
    let (recorded, first) = (tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 240, 120_000, 4);
    let expected = run::to_the_end(recorded.path(), first.path(), 1);
    let run = tempdir().unwrap();
    let mut resumed = 0;
    // The last is one process again, of which nobody would know that it ever was another number.
    for (processes, workers, tenths) in [(2, 1, 2), (1, 2, 3), (3, 1, 5), (2, 2, 7), (4, 1, 8), (1, 1, 10)] {
        let log = Over::part(recorded.path(), run.path(), tenths, |_| {});
        let handles = start(&log, run.path(), processes, workers);
        let progress = || handles[0].progress().unwrap();
        // Without a checkpoint all of the log is before it.
        resumed += usize::from(progress().lag() < progress().partitions.iter().map(|one| one.end).sum::<u64>());
        if tenths < 10 {
            let there = |one: &stream::PartitionProgress| one.durable >= one.end * tenths / 10;
            wait_for("its part", || progress().partitions.iter().all(there) && progress().checkpoint.sequence > 0);
            assert!(progress().lag() > 0, "it ends on the way");
        } else {
            run::catch_up(&handles[0]);
            assert!(resumed >= 3, "{resumed} of 5 went on from a checkpoint");
        }
        // As if killed, all at once.
        drop(handles);
    }
    let log = Over::open(recorded.path(), run.path(), |_| {});
    run::assert_same(&run::lines(&*log), &expected, "in changing numbers");
}

#[test]
fn when_one_is_gone_the_others_end_and_say_which() {
    let (recorded, run) = (tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 48, 4_000, 2);
    for gone in 0..3 {
        let log = Over::open(recorded.path(), run.path(), |_| {});
        let mut handles = start(&log, run.path(), 3, 1);
        drop(handles.remove(gone));
        let others = (0..3).filter(|process| *process != gone);
        for (process, handle) in others.zip(handles) {
            wait_for("it is seen", || handle.failure().is_some());
            let told = handle.stop().unwrap_err().to_string();
            // Of the two others, the one that ended first may have been seen first.
            assert!(told.contains(" of the cluster, at 127.0.0.1:") && told.contains("is gone"), "{process}: {told}");
        }
    }
}

#[test]
fn who_does_not_belong_is_refused_and_who_does_not_come_is_named() {
    let (recorded, run) = (tempdir().unwrap(), tempdir().unwrap());
    city::record(recorded.path(), 48, 100, 2);
    let log = Over::open(recorded.path(), run.path(), |_| {});
    let hosts = hosts(2);
    let begun = |process: usize, change: &dyn Fn(&mut StreamSettings)| {
        let mut settings = settings(run.path(), 1, &hosts, process);
        change(&mut settings);
        Stream::start(log.clone(), &settings)
    };
    let in_cluster = |settings: &mut StreamSettings, change: &dyn Fn(&mut ClusterSettings)| {
        change(settings.cluster.as_mut().unwrap());
    };
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| begun(0, &|settings| settings.observe = observer(&told)));
        let refused = |change: &dyn Fn(&mut StreamSettings), why: &str| match begun(1, change) {
            Err(StreamError::Refused { process: 0, reason, .. }) => assert!(reason.contains(why), "{reason}"),
            other => panic!("{why}: {:?}", other.err()),
        };
        refused(&|settings| settings.workers = 2, "stream.workers = 1, and process 1 has 2");
        refused(&|settings| in_cluster(settings, &|one| one.city = "another".to_owned()), "the log this one");
        refused(&|settings| settings.rules.wide_lateness = model::Millis(7), "lateness");
        let third = |one: &mut ClusterSettings| one.hosts.push("127.0.0.1:9".to_owned());
        refused(&|settings| in_cluster(settings, &third), "--processes 2, and process 1 has 3");
        // A stranger, who costs nothing but the time that one may take for a greeting.
        drop(std::net::TcpStream::connect(&hosts[0]).unwrap());
        let second = begun(1, &|_| {}).unwrap();
        let first = first.join().unwrap().unwrap();
        run::catch_up(&first);
        drop((first, second));
    });
    let refused = told.lock().unwrap().iter().filter(|event| matches!(event, Event::Refused { .. })).count();
    assert_eq!(refused, 4, "and the first one says so");

    let brief = |settings: &mut StreamSettings| in_cluster(settings, &|one| one.wait = Duration::from_millis(300));
    for (process, missing) in [(0, 1), (1, 0)] {
        match begun(process, &brief) {
            Err(StreamError::NotReached { process, address, .. }) => {
                assert_eq!((process, &address), (missing, &hosts[missing]));
            }
            other => panic!("{:?}", other.err()),
        }
    }
    let taken = TcpListener::bind(&hosts[1]).unwrap();
    match begun(1, &|_| {}) {
        Err(error @ StreamError::Listen { .. }) => assert!(error.to_string().contains(&hosts[1]), "{error}"),
        other => panic!("{:?}", other.err()),
    }
    drop(taken);
    match begun(0, &|settings| settings.workers = 9) {
        Err(StreamError::Settings(what)) => assert!(what.contains("2 processes of 9 workers"), "{what}"),
        other => panic!("{:?}", other.err()),
    }
}

fn observer(events: &Arc<Mutex<Vec<Event>>>) -> stream::Observe {
    let events = Arc::clone(events);
    Arc::new(move |event| events.lock().unwrap().push(event.clone()))
}
