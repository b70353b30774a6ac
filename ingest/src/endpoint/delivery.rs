//! What one connection is told of the feed: its subscriptions, and the messages on their way to it.

use super::protocol::{Granted, Version, Wanted};
use super::subscribe::Outgoing;
use crate::counters::{Counters, add};
use crate::feed::{BadFilter, Feed, FellBehind, Filter, Subscriber, Subscription};
use crate::writer::Progress;
use std::collections::VecDeque;
use std::sync::Arc;

/// Unacknowledged messages to a client; at it no more is sent. A v5 client may ask for less.
const WINDOW_MAX: usize = 100;
/// Bytes for a client that are not written yet; at it messages wait in the feed's queue.
const OUT_MAX: usize = 64 << 10;

/// A connection's part of the feed.
pub(super) struct Deliveries {
    feed: Arc<Feed>,
    counters: Arc<Counters>,
    progress: Arc<Progress>,
    /// None before the first subscription.
    subscriber: Option<Arc<Subscriber>>,
    version: Version,
    window: usize,
    packet_bytes_max: usize,
    /// Packet ids that the client has not acknowledged, oldest first. Bounded by `window`.
    unacked: VecDeque<u16>,
    last_id: u16,
}

impl Deliveries {
    pub(super) fn new(feed: Arc<Feed>, counters: Arc<Counters>, progress: Arc<Progress>) -> Deliveries {
        Deliveries {
            feed,
            counters,
            progress,
            subscriber: None,
            version: Version::V3,
            window: WINDOW_MAX,
            packet_bytes_max: usize::MAX,
            unacked: VecDeque::new(),
            last_id: 0,
        }
    }

    /// What the client takes, by its CONNECT.
    pub(super) fn meet(&mut self, version: Version, receive_max: u16, packet_bytes_max: u32) {
        self.version = version;
        self.window = WINDOW_MAX.min(usize::from(receive_max));
        self.packet_bytes_max = packet_bytes_max as usize;
    }

    pub(super) fn subscribe(&mut self, wanted: &Wanted<'_>) -> Granted {
        let filter = match Filter::parse(wanted.filter) {
            Ok(filter) => filter,
            Err(BadFilter::Foreign) => return Granted::NotAuthorized,
            Err(BadFilter::Invalid) => return Granted::Invalid,
            Err(BadFilter::Shared) => return Granted::Shared,
        };
        let subscriber = self.subscriber.get_or_insert_with(|| self.feed.join(self.progress.clone()));
        let Wanted { acknowledged, retain_as_published, snapshot_if_new, snapshot_if_known, .. } = *wanted;
        let subscription = Subscription { filter, acknowledged, retain_as_published };
        let snapshot = |is_new| if is_new { snapshot_if_new } else { snapshot_if_known };
        match (self.feed.subscribe(subscriber, &subscription, snapshot), acknowledged) {
            (true, true) => Granted::Qos1,
            (true, false) => Granted::Qos0,
            (false, _) => Granted::TooMany,
        }
    }

    pub(super) fn unsubscribe(&mut self, filter: &str) -> bool {
        self.subscriber.as_ref().is_some_and(|subscriber| subscriber.unsubscribe(filter))
    }

    /// Ends all subscriptions.
    pub(super) fn leave(&mut self) {
        if let Some(subscriber) = self.subscriber.take() {
            self.feed.leave(&subscriber);
        }
    }

    /// Takes a PUBACK; false if nothing with this id was sent.
    pub(super) fn puback(&mut self, id: u16) -> bool {
        let place = self.unacked.iter().position(|unacked| *unacked == id);
        place.is_some_and(|place| self.unacked.remove(place).is_some())
    }

    /// Appends waiting messages, as many as the client and its connection take now.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>) -> Result<(), FellBehind> {
        let Some(subscriber) = &self.subscriber else { return Ok(()) };
        // Looked at first: one whose window is full is sent nothing, and would never learn of it.
        subscriber.check()?;
        let mut sent = 0;
        while out.len() < OUT_MAX && self.unacked.len() < self.window {
            let Some(delivery) = subscriber.next() else { break };
            let mut outgoing = Outgoing {
                topic: &delivery.message.topic,
                payload: &delivery.message.payload,
                retain: delivery.retain,
                packet_id: None,
            };
            // Such a client is not sent the message (MQTT 5 § 3.1.2.11.4).
            if outgoing.bytes_max() > self.packet_bytes_max {
                continue;
            }
            outgoing.packet_id = delivery.acknowledged.then(|| next_id(&mut self.last_id, &self.unacked));
            outgoing.encode(self.version, out);
            self.unacked.extend(outgoing.packet_id);
            sent += 1;
        }
        add(&self.counters.feed_sent, sent);
        Ok(())
    }
}

/// The next packet id that is free; the window is far smaller than the number of ids.
fn next_id(last: &mut u16, unacked: &VecDeque<u16>) -> u16 {
    loop {
        *last = last.checked_add(1).unwrap_or(1);
        if !unacked.contains(last) {
            return *last;
        }
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.leave();
    }
}
