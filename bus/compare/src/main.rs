//! The same work on the embedded log and on fjall as docs/decisions/0001-embedded-log.md describes it: one entry for
//! each partition of each group commit, key partition and base offset, one sync a group.

#[path = "../../benches/embedded.rs"]
mod embedded;
#[path = "../../benches/workload.rs"]
mod workload;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use workload::Store;

struct Fjall {
    database: Database,
    keyspace: Keyspace,
    queue: Mutex<Queue>,
    turn: Condvar,
    next: Mutex<[u64; 16]>,
    groups: AtomicU64,
}

/// The same group commit as the embedded log's: the first of a group leads it.
#[derive(Default)]
struct Queue {
    parts: BTreeMap<u32, (u64, Vec<u8>)>,
    group: Arc<(Mutex<bool>, Condvar)>,
    waiting: usize,
    committing: bool,
}

fn open(directory: &Path) -> Box<dyn Store> {
    let database = Database::builder(directory).open().expect("the directory can be written");
    let keyspace = database.keyspace("observations", KeyspaceCreateOptions::default).expect("it can be made");
    let (queue, turn) = (Mutex::default(), Condvar::new());
    Box::new(Fjall { database, keyspace, queue, turn, next: Mutex::default(), groups: AtomicU64::new(0) })
}

fn key(partition: u32, offset: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&partition.to_be_bytes());
    key[4..].copy_from_slice(&offset.to_be_bytes());
    key
}

impl Store for Fjall {
    fn append(&self, records: &[(u32, &[u8], &[u8])]) {
        let mut queue = self.queue.lock().unwrap();
        for (partition, key, value) in records {
            let (count, bytes) = queue.parts.entry(*partition).or_default();
            *count += 1;
            bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(value);
        }
        let group = Arc::clone(&queue.group);
        queue.waiting += 1;
        if queue.waiting > 1 {
            drop(queue);
            let mut done = group.0.lock().unwrap();
            while !*done {
                done = group.1.wait(done).unwrap();
            }
            return;
        }
        while queue.committing {
            queue = self.turn.wait(queue).unwrap();
        }
        let taken = std::mem::replace(&mut *queue, Queue { committing: true, ..Queue::default() });
        drop(queue);
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        let mut next = self.next.lock().unwrap();
        for (partition, (count, bytes)) in taken.parts {
            batch.insert(&self.keyspace, key(partition, next[partition as usize]), bytes);
            next[partition as usize] += count;
        }
        drop(next);
        batch.commit().unwrap();
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.queue.lock().unwrap().committing = false;
        self.turn.notify_one();
        *group.0.lock().unwrap() = true;
        group.1.notify_all();
    }

    fn groups(&self) -> u64 {
        self.groups.load(Ordering::Relaxed)
    }

    fn read_back(&self) -> u64 {
        let (mut count, mut bytes) = (0, 0);
        for entry in self.keyspace.iter() {
            let value = entry.value().unwrap();
            let mut rest = &value[..];
            while !rest.is_empty() {
                let len = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap()) as usize;
                bytes += len(4);
                rest = &rest[8 + len(0) + len(4)..];
                count += 1;
            }
        }
        assert!(bytes as u64 >= count);
        count
    }
}

fn main() {
    let place = std::env::args().nth(1).expect("the directory to work in is the argument");
    workload::run(place.as_ref(), &[("segments", embedded::open), ("fjall", open)]);
}
