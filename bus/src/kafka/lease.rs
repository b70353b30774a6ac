//! Leases: of the processes of a city one has a role at a time, and one that stood still too long learns that it lost it.
//!
//! Who wants a role writes a claim to the topic `lease`, again and again, and reads the topic up to its claim. The log
//! orders all claims and the broker's clock dates them, so every process finds the same holder: a claim counts where the
//! role is free, has run out, or is the claimant's already. A process trusts a role for less than it claimed, counted by
//! its own clock from before the claim was sent; that clock goes on while the process is stopped.
//! What it does not promise: between the look at the role and the write that it allows a process may be stopped, and
//! finish that write when it wakes.

use super::KafkaSettings;
use super::book::Book;
use super::client::{self, Heard};
use super::producer::Appender;
use crate::{Appended, Batch, BusError, EventLog, Records, Topic, Wake};
use model::{Offset, Partition};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The topic of the claims, without prefix: one partition, which keeps an hour.
pub(super) const TOPIC: &str = "lease";
/// What a claim asks for.
const CLAIMED: Duration = Duration::from_secs(6);
/// How long a role is trusted after a claim was sent: the rest is for clocks that run at different speeds.
const TRUSTED: Duration = Duration::from_secs(5);
/// Between two claims.
const CLAIM_EVERY: Duration = Duration::from_secs(2);
/// A role that is relied on is given up when so many claims of our own found that nobody has it. Counted so, and not by a
/// clock, because while the brokers are away nobody's claims are known.
const VACANT_MAX: u32 = 3;
/// How long a role is waited for that another process holds: longer than one that is dead can hold it.
const ACQUIRE_MAX: Duration = Duration::from_secs(10);

/// The roles of this process, and the thread that claims them.
pub(super) struct Leases {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    owner: String,
    place: String,
    heard: Heard,
    wait: Duration,
    roles: Mutex<Roles>,
    changed: Condvar,
}

#[derive(Default)]
struct Roles {
    by_name: BTreeMap<String, Role>,
    /// Roles of others that this process relies on: how many looks in a row found that nobody has them.
    relied_on: BTreeMap<String, u32>,
    /// Claims are wanted now.
    hurry: bool,
    ending: bool,
}

/// How it stands with a role of this process.
#[derive(Clone, Debug, Default)]
struct Role {
    /// Until then it is ours for certain.
    trusted: Option<Instant>,
    /// The term in which it was ours. In another one it is lost, even if nobody has it any more.
    term: Option<u64>,
    /// It was lost, to this owner.
    lost_to: Option<String>,
    holder: Option<String>,
    stands_by: bool,
}

impl Role {
    fn is_ours(&self) -> bool {
        self.trusted.is_some_and(|trusted| Instant::now() < trusted)
    }
}

/// A role of a city that one process has at a time. It is let go when the log is dropped.
#[derive(Clone)]
pub struct Lease {
    shared: Arc<Shared>,
    name: String,
}

/// A log to which only who has a role appends.
struct Leased {
    log: Arc<dyn EventLog>,
    lease: Lease,
}

impl Leases {
    pub(super) fn new(
        settings: &KafkaSettings,
        owner: String,
        appender: Arc<Appender>,
        heard: Heard,
    ) -> Result<Leases, BusError> {
        let place = settings.place();
        let mut config = client::reading(settings, "lease");
        config.set("fetch.wait.max.ms", "100").set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer<Heard> = config
            .create_with_context(heard.clone())
            .map_err(|error| heard.failed(&place, "make a reader of claims", error))?;
        let topic = format!("{}{TOPIC}", settings.prefix);
        from_the_beginning(&consumer, &topic).map_err(|error| heard.failed(&place, "read claims", error))?;
        let (roles, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { owner, place, heard, wait: settings.wait, roles, changed });
        let claims = Claims { shared: Arc::clone(&shared), appender, consumer, topic, book: Book::default(), read: 0 };
        let thread = std::thread::Builder::new().name("kafka-lease".to_owned()).spawn(move || claims.run());
        let thread = thread.map_err(|error| shared.heard.failed(&shared.place, "start a thread", error))?;
        Ok(Leases { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Claims a role from here on. Who stands by goes on claiming after another process had it.
    pub(super) fn claim(&self, name: &str, stands_by: bool) -> Lease {
        let mut roles = self.shared.lock();
        roles.by_name.entry(name.to_owned()).or_insert(Role { stands_by, ..Role::default() });
        roles.hurry = true;
        drop(roles);
        self.shared.changed.notify_all();
        Lease { shared: Arc::clone(&self.shared), name: name.to_owned() }
    }

    /// From here on this process needs that somebody has this role.
    pub(super) fn rely_on(&self, name: &str) {
        self.shared.lock().relied_on.insert(name.to_owned(), 0);
    }

    /// What a role was lost to, if one was, or which role that is relied on nobody has any more.
    pub(super) fn lost(&self) -> Option<BusError> {
        let roles = self.shared.lock();
        let mut lost = roles.by_name.iter().filter_map(|(name, role)| Some((name, role.lost_to.as_ref()?)));
        let place = self.shared.place.clone();
        if let Some((name, by)) = lost.next() {
            return Some(BusError::Fenced { place, role: name.clone(), by: by.clone() });
        }
        let (name, _) = roles.relied_on.iter().find(|(_, looks)| **looks >= VACANT_MAX)?;
        Some(BusError::Vacant { place, role: name.clone() })
    }

    /// Lets all roles go, and claims nothing more.
    pub(super) fn end(&self) {
        self.shared.lock().ending = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().expect("nothing panics while it holds this lock").take();
        // A panic there has been printed.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Drop for Leases {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Roles> {
        self.roles.lock().expect("nothing panics while it holds this lock")
    }
}

impl Lease {
    /// Waits until the role is ours. [`BusError::Held`] if another process keeps it.
    pub fn acquire(&self) -> Result<(), BusError> {
        self.wait(ACQUIRE_MAX)
    }

    /// Whether the role is ours now.
    pub fn is_held(&self) -> bool {
        self.shared.lock().by_name[&self.name].is_ours()
    }

    /// Waits, if it must, until the role is ours for certain. [`BusError::Fenced`] if another process took it.
    fn check(&self) -> Result<(), BusError> {
        self.wait(self.shared.wait)
    }

    /// Waits as long as is set for an answer, and then for `held` if another process has the role.
    fn wait(&self, held: Duration) -> Result<(), BusError> {
        let mut until = Instant::now() + self.shared.wait;
        let mut is_answered = false;
        let mut roles = self.shared.lock();
        if !roles.by_name[&self.name].is_ours() {
            // One claim now; those after it come in their time.
            roles.hurry = true;
            self.shared.changed.notify_all();
        }
        loop {
            let role = roles.by_name[&self.name].clone();
            if role.is_ours() {
                return Ok(());
            }
            let (place, name) = (self.shared.place.clone(), self.name.clone());
            if let Some(by) = role.lost_to {
                return Err(BusError::Fenced { place, role: name, by });
            }
            let other = role.holder.filter(|holder| *holder != self.shared.owner);
            if other.is_some() && !is_answered {
                (is_answered, until) = (true, until.min(Instant::now() + held));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(match other {
                    Some(by) => BusError::Held { place, role: name, by },
                    None => {
                        let doing = format!("claim the role \"{name}\"");
                        self.shared.heard.failed(&place, doing, "no answer")
                    }
                });
            }
            roles = self.shared.changed.wait_timeout(roles, left).expect("nothing panics while it holds this lock").0;
        }
    }

    /// `log`, to which this process appends only while the role is ours.
    pub fn over(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        Arc::new(Leased { log, lease: self.clone() })
    }
}

impl EventLog for Leased {
    fn append(&self, batch: Batch) -> Result<Appended, BusError> {
        self.lease.check()?;
        self.log.append(batch)
    }

    fn read(&self, topic: Topic, partition: Partition, from: Offset, max_bytes: usize) -> Result<Records, BusError> {
        self.log.read(topic, partition, from, max_bytes)
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Range<Offset>, BusError> {
        self.log.bounds(topic, partition)
    }

    fn watch(&self, topic: Topic, wake: Wake) {
        self.log.watch(topic, wake);
    }
}

fn from_the_beginning(consumer: &BaseConsumer<Heard>, topic: &str) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition_offset(topic, 0, Place::Beginning).expect("the beginning is a place");
    consumer.assign(&list)
}

/// The thread that claims, and reads what became of it.
struct Claims {
    shared: Arc<Shared>,
    appender: Arc<Appender>,
    consumer: BaseConsumer<Heard>,
    topic: String,
    book: Book,
    /// Claims up to here are in the book.
    read: Offset,
}

impl Claims {
    fn run(mut self) {
        loop {
            let mut roles = self.shared.lock();
            roles.hurry = false;
            // Who lost a role does not claim it again: what it knew is no longer true.
            let claimed = roles.by_name.iter().filter(|(_, role)| role.lost_to.is_none());
            let names: Vec<String> = claimed.map(|(name, _)| name.clone()).collect();
            drop(roles);
            // Trouble is tried again; meanwhile roles run out, and who needs them waits.
            let _ = self.claim(&names);
            let mut roles = self.shared.lock();
            while !roles.ending && !roles.hurry {
                let waited = self.shared.changed.wait_timeout(roles, CLAIM_EVERY);
                let (back, timeout) = waited.expect("nothing panics while it holds this lock");
                roles = back;
                if timeout.timed_out() {
                    break;
                }
            }
            if roles.ending {
                drop(roles);
                return self.let_go();
            }
        }
    }

    fn claim(&mut self, names: &[String]) -> Result<(), BusError> {
        let sent = Instant::now();
        let mut end = 0;
        for name in names {
            end = self.write(name, CLAIMED)? + 1;
            if end <= self.read {
                // The brokers lost claims that were read, perhaps of another holder: what is left decides.
                let again = from_the_beginning(&self.consumer, &self.topic);
                again.map_err(|error| self.shared.heard.failed(&self.shared.place, "read claims anew", error))?;
                (self.book, self.read) = (Book::default(), 0);
            }
        }
        self.read_to(end)?;
        let mut roles = self.shared.lock();
        for name in names {
            let (holder, term) = self.book.holder(name);
            let role = roles.by_name.get_mut(name).expect("roles are never taken out");
            role.holder = holder.map(str::to_owned);
            let is_ours = holder == Some(&*self.shared.owner);
            if role.term.is_some_and(|ours| ours != term) && !role.stands_by {
                let by = holder.filter(|_| !is_ours).unwrap_or("which has let it go since");
                (role.trusted, role.lost_to) = (None, Some(by.to_owned()));
            } else if is_ours {
                (role.trusted, role.term) = (Some(sent + TRUSTED), Some(term));
            } else {
                role.trusted = None;
            }
        }
        for (name, looks) in &mut roles.relied_on {
            *looks = if self.book.is_held(name) { 0 } else { *looks + 1 };
        }
        drop(roles);
        self.shared.changed.notify_all();
        Ok(())
    }

    fn write(&self, role: &str, claimed: Duration) -> Result<Offset, BusError> {
        let claim = json!({ "owner": self.shared.owner, "for_ms": claimed.as_millis() as u64 });
        self.appender.append_one(&self.topic, role.as_bytes(), claim.to_string().as_bytes())
    }

    fn read_to(&mut self, end: Offset) -> Result<(), BusError> {
        let until = Instant::now() + self.shared.wait;
        while self.read < end {
            let Some(Ok(message)) = self.consumer.poll(Duration::from_millis(100)) else {
                if Instant::now() >= until {
                    return Err(self.shared.heard.failed(&self.shared.place, "read claims", "no answer"));
                }
                continue;
            };
            let offset = message.offset() as Offset;
            if offset < self.read {
                // After trouble the topic may be given from its beginning again.
                continue;
            }
            self.read = offset + 1;
            let claim = message.payload().and_then(|claim| serde_json::from_slice::<Value>(claim).ok());
            let role = message.key().and_then(|key| std::str::from_utf8(key).ok());
            // What is no claim says nothing.
            if let (Some(claim), Some(role), Some(at)) = (claim, role, message.timestamp().to_millis())
                && let (Some(owner), Some(span)) = (claim["owner"].as_str(), claim["for_ms"].as_i64())
            {
                self.book.take(role, owner, at, at.saturating_add(span));
            }
        }
        Ok(())
    }

    /// Others need not wait for roles that are ours for certain; the rest runs out by itself.
    fn let_go(&self) {
        let mut roles = self.shared.lock();
        let ours = roles.by_name.iter().filter(|(_, role)| role.is_ours());
        let ours: Vec<String> = ours.map(|(name, _)| name.clone()).collect();
        roles.by_name.values_mut().for_each(|role| role.trusted = None);
        drop(roles);
        for name in ours {
            let _ = self.write(&name, Duration::ZERO);
        }
    }
}
