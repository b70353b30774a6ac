//! The incident feed for MQTT subscribers: what is open now, then every change, without a gap between.
//!
//! A message of the utilities' feed is published to `citywatch/incidents/{domain}/{district}/{incident}`, retained while
//! its incident is open: a new subscriber gets the newest message of each open incident that its filter matches. When
//! an incident is over its last message is published, then an empty one, as when a retained message is cleared.
//! Sessions are not kept: who comes back subscribes again, and starts from what is open.

mod filter;
mod follower;

pub(crate) use filter::{BadFilter, Filter};
pub(crate) use follower::Follower;

use crate::counters::{Counters, add};
use crate::writer::Progress;
use model::{FeedMessage, IncidentState, UNPLACED};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use uuid::Uuid;

/// Open incidents that are held for new subscribers; beyond it a message is delivered, and not retained.
const OPEN_MAX: usize = 100_000;
/// Changes that wait for one subscriber; one more, and it is disconnected.
const CHANGES_MAX: usize = 10_000;
/// Messages of any kind that wait for one subscriber, which is more than one snapshot of everything; as above.
const WAITING_MAX: usize = OPEN_MAX + CHANGES_MAX;
/// Filters of one connection; one more is refused.
const FILTERS_MAX: usize = 64;

/// What is published on one topic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    /// Empty where the retained message of the topic is cleared.
    pub(crate) payload: Vec<u8>,
    revision: u32,
}

/// Open incidents, and who listens.
#[derive(Debug)]
pub(crate) struct Feed {
    state: Mutex<State>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct State {
    open: FxHashMap<Uuid, Arc<Message>>,
    /// At most one a connection.
    subscribers: Vec<Arc<Subscriber>>,
}

/// A connection's subscriptions, and what waits for it.
#[derive(Debug)]
pub(crate) struct Subscriber {
    /// Told whenever something waits.
    progress: Arc<Progress>,
    mail: Mutex<Mail>,
}

#[derive(Debug, Default)]
struct Mail {
    subscriptions: Vec<Subscription>,
    waiting: VecDeque<Delivery>,
    /// Those of `waiting` that are changes.
    changes: usize,
    /// It fell behind, and nothing is queued for it any more.
    is_behind: bool,
}

/// One filter and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) filter: Filter,
    /// QoS 1 rather than 0.
    pub(crate) acknowledged: bool,
    /// MQTT 5: changes keep the retain flag.
    pub(crate) retain_as_published: bool,
}

/// One message for one subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) message: Arc<Message>,
    /// With QoS 1.
    pub(crate) acknowledged: bool,
    /// With the retain flag.
    pub(crate) retain: bool,
    is_change: bool,
}

/// Why a subscriber must be disconnected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FellBehind;

impl Feed {
    pub(crate) fn new(counters: Arc<Counters>) -> Feed {
        Feed { state: Mutex::default(), counters }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the feed")
    }

    /// A connection that has nothing subscribed yet.
    pub(crate) fn join(&self, progress: Arc<Progress>) -> Arc<Subscriber> {
        let subscriber = Arc::new(Subscriber { progress, mail: Mutex::default() });
        self.lock().subscribers.push(subscriber.clone());
        add(&self.counters.feed_subscribers, 1);
        subscriber
    }

    /// Forgets a connection.
    pub(crate) fn leave(&self, subscriber: &Arc<Subscriber>) {
        self.lock().subscribers.retain(|found| !Arc::ptr_eq(found, subscriber));
        self.counters.feed_subscribers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Adds or replaces a subscription, with a snapshot of what is open if `snapshot` says so of it, given whether it
    /// is new. False if there are too many.
    pub(crate) fn subscribe(
        &self,
        subscriber: &Subscriber,
        subscription: &Subscription,
        snapshot: impl FnOnce(bool) -> bool,
    ) -> bool {
        // Held over both, so that no change falls between the snapshot and what follows.
        let state = self.lock();
        let mut mail = subscriber.lock();
        let old = mail.subscriptions.iter().position(|old| old.filter == subscription.filter);
        match old {
            Some(place) => mail.subscriptions[place] = subscription.clone(),
            None if mail.subscriptions.len() >= FILTERS_MAX => return false,
            None => mail.subscriptions.push(subscription.clone()),
        }
        if snapshot(old.is_none()) {
            for message in state.open.values().filter(|message| subscription.filter.matches(&message.topic)) {
                let acknowledged = subscription.acknowledged;
                mail.push(Delivery { message: message.clone(), acknowledged, retain: true, is_change: false });
            }
        }
        true
    }

    /// Takes what is open from the log in place of all that was known. Who has subscribed already gets it as a snapshot.
    fn load(&self, open: FxHashMap<Uuid, Arc<Message>>) {
        let mut state = self.lock();
        state.open = open;
        for message in state.open.values() {
            for subscriber in &state.subscribers {
                subscriber.take(message, false);
            }
        }
        state.subscribers.iter().for_each(|subscriber| subscriber.progress.changed.notify_one());
        self.counters.feed_retained.store(state.open.len() as u64, Ordering::Relaxed);
    }

    /// Has all subscribers disconnected: what they were told has a gap.
    fn interrupt(&self) {
        for subscriber in &self.lock().subscribers {
            subscriber.lock().is_behind = true;
            subscriber.progress.changed.notify_one();
        }
    }

    /// Publishes a message, unless a later one of its incident was.
    fn publish(&self, told: &FeedMessage, payload: &[u8]) {
        let mut state = self.lock();
        let known = state.open.get(&told.incident).cloned();
        if known.as_ref().is_some_and(|known| known.revision >= told.revision) {
            return;
        }
        let message = Arc::new(message(told, payload));
        let mut changes = Vec::new();
        // It was in another district before.
        changes.extend(known.filter(|known| known.topic != message.topic).map(|known| cleared(&known)));
        changes.push(message.clone());
        if told.state == IncidentState::Cleared {
            state.open.remove(&told.incident);
            changes.push(cleared(&message));
        } else if state.open.len() < OPEN_MAX || state.open.contains_key(&told.incident) {
            state.open.insert(told.incident, message);
        }
        for subscriber in &state.subscribers {
            if changes.iter().filter(|change| subscriber.take(change, true)).count() > 0 {
                subscriber.progress.changed.notify_one();
            }
        }
        self.counters.feed_retained.store(state.open.len() as u64, Ordering::Relaxed);
    }
}

fn message(told: &FeedMessage, payload: &[u8]) -> Message {
    let district = told.district.as_deref().filter(|district| !district.is_empty()).unwrap_or(UNPLACED);
    let topic = format!("{}/{}/{district}/{}", filter::ROOT.join("/"), told.domain, told.incident);
    Message { topic, payload: payload.to_vec(), revision: told.revision }
}

fn cleared(message: &Message) -> Arc<Message> {
    Arc::new(Message { topic: message.topic.clone(), payload: Vec::new(), revision: message.revision })
}

impl Subscriber {
    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().expect("nothing panics while it holds the mail")
    }

    /// Queues a message if a filter matches it, once, with the best QoS of those that do; whether it did.
    fn take(&self, message: &Arc<Message>, is_change: bool) -> bool {
        let mut mail = self.lock();
        let mut matching = mail.subscriptions.iter().filter(|found| found.filter.matches(&message.topic)).peekable();
        if matching.peek().is_none() {
            return false;
        }
        let (mut acknowledged, mut retain) = (false, !is_change);
        for subscription in matching {
            acknowledged |= subscription.acknowledged;
            retain |= subscription.retain_as_published;
        }
        mail.push(Delivery { message: message.clone(), acknowledged, retain, is_change });
        true
    }

    /// Ends a subscription; whether there was one.
    pub(crate) fn unsubscribe(&self, filter: &str) -> bool {
        let mut mail = self.lock();
        let before = mail.subscriptions.len();
        mail.subscriptions.retain(|subscription| subscription.filter.as_str() != filter);
        mail.subscriptions.len() < before
    }

    /// Whether it still gets everything.
    pub(crate) fn check(&self) -> Result<(), FellBehind> {
        if self.lock().is_behind { Err(FellBehind) } else { Ok(()) }
    }

    /// The next message that waits.
    pub(crate) fn next(&self) -> Option<Delivery> {
        let mut mail = self.lock();
        let next = mail.waiting.pop_front();
        mail.changes -= usize::from(next.as_ref().is_some_and(|delivery| delivery.is_change));
        next
    }
}

impl Mail {
    fn push(&mut self, delivery: Delivery) {
        self.changes += usize::from(delivery.is_change);
        self.waiting.push_back(delivery);
        if self.changes > CHANGES_MAX || self.waiting.len() > WAITING_MAX {
            self.is_behind = true;
        }
        if self.is_behind {
            self.waiting.clear();
            self.changes = 0;
        }
    }
}
