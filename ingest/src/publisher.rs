//! Publishes to a broker or to the endpoint, every message at least once, in order on each connection.
//!
//! Its outbox holds what is not acknowledged. rumqttc forgets queued publishes when a session is lost, so each
//! connection gets a fresh event loop and a clean session, and everything in the outbox is sent again on it.

use crate::IngestError;
use crate::broker::{Broker, BrokerAddress};
use model::Reading;
use rumqttc::{AsyncClient, Event, EventLoop, Outgoing, Packet, QoS};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Unacknowledged messages; at it [`Publisher::publish`] waits.
const WINDOW: u16 = 1_000;
/// Publishes queued for the event loop; the others wait in the outbox.
const REQUESTS_MAX: usize = 64;
/// Largest packet that is sent or taken.
const PACKET_BYTES_MAX: usize = 1 << 20;
/// Rest before another attempt to connect: the first, and the longest, doubling between.
const REST_FIRST: Duration = Duration::from_millis(50);
const REST_MAX: Duration = Duration::from_secs(2);

/// How far a publisher has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherProgress {
    /// Messages handed to [`Publisher::publish`].
    pub published: u64,
    /// Messages that were acknowledged.
    pub acked: u64,
    /// Times that a connection was lost.
    pub losses: u64,
}

/// A connection to a broker that is made again whenever it is lost. Dropped, it stops at once.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    outbox: Mutex<Outbox>,
    room: Semaphore,
    /// Something was published or all is finished.
    changed: Notify,
    /// Something was acknowledged.
    acked: Notify,
    /// Since when there is no connection; none while there is one.
    gone_since: watch::Sender<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Outbox {
    /// Topic and payload, oldest first. Bounded by `WINDOW`.
    unacked: VecDeque<(String, Vec<u8>)>,
    progress: PublisherProgress,
    finished: bool,
}

impl Publisher {
    /// Connects to `mqtt://[user:secret@]host[:port]`, or `mqtts://` (see [`crate::BrokerSettings::url`]). Fails if the
    /// first attempt does; later losses are mended.
    pub async fn connect(url: &str, client_id: &str) -> Result<Publisher, IngestError> {
        let broker = BrokerAddress::parse(url)?.open()?;
        let (client, mut events) = open(&broker, client_id);
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => break,
                Ok(_) => {}
                Err(source) => return Err(broker.fault().unwrap_or(IngestError::Connect(Box::new(source)))),
            }
        }
        let shared = Arc::new(Shared {
            outbox: Mutex::default(),
            room: Semaphore::new(usize::from(WINDOW)),
            changed: Notify::new(),
            acked: Notify::new(),
            gone_since: watch::Sender::new(None),
        });
        let task = tokio::spawn(run(shared.clone(), broker, client_id.to_owned(), client, events));
        Ok(Publisher { shared, task })
    }

    /// Publishes with QoS 1; waits while the window is full. When it returns the message is not yet acknowledged.
    pub async fn publish(&self, topic: impl Into<String>, payload: impl Into<Vec<u8>>) {
        self.shared.room.acquire().await.expect("the semaphore is never closed").forget();
        let mut outbox = self.shared.lock();
        outbox.unacked.push_back((topic.into(), payload.into()));
        outbox.progress.published += 1;
        drop(outbox);
        self.shared.changed.notify_one();
    }

    /// Publishes a reading as the device itself would, on its own topic; waits as [`Publisher::publish`] does.
    pub async fn publish_reading(&self, domain: &str, reading: &Reading<'_>) {
        let mut payload = Vec::new();
        reading.encode(&mut payload);
        self.publish(format!("city/{domain}/{}", reading.sensor), payload).await;
    }

    /// How far it has come.
    pub fn progress(&self) -> PublisherProgress {
        self.shared.lock().progress
    }

    /// Waits until everything is acknowledged.
    pub async fn flush(&self) {
        loop {
            let acked = self.shared.acked.notified();
            if self.shared.lock().unacked.is_empty() {
                return;
            }
            acked.await;
        }
    }

    /// Waits until there was no connection for this long. A broker that is reached and does not acknowledge is not gone.
    pub async fn gone_for(&self, limit: Duration) {
        let mut gone_since = self.shared.gone_since.subscribe();
        loop {
            let since = *gone_since.borrow_and_update();
            let passed = async {
                match since {
                    Some(since) => tokio::time::sleep_until(since + limit).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => return,
                // The sender lives as long as this publisher.
                _ = gone_since.changed() => {}
            }
        }
    }

    /// Waits until everything is acknowledged, then disconnects.
    pub async fn finish(mut self) -> PublisherProgress {
        self.flush().await;
        self.shared.lock().finished = true;
        self.shared.changed.notify_one();
        // All is acknowledged, so a task that was cut short has nothing left to do.
        let _ = (&mut self.task).await;
        self.progress()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().expect("nothing panics while it holds the outbox")
    }
}

fn open(broker: &Broker, client_id: &str) -> (AsyncClient, EventLoop) {
    let mut options = broker.options(client_id);
    options.set_clean_session(true).set_inflight(WINDOW).set_keep_alive(Duration::from_secs(30));
    options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    AsyncClient::new(options, REQUESTS_MAX)
}

async fn run(shared: Arc<Shared>, broker: Broker, client_id: String, client: AsyncClient, events: EventLoop) {
    let (mut client, mut events, mut connected) = (client, events, true);
    let mut rest = REST_FIRST;
    loop {
        let mut link = Link { client, connected, handed: 0, sent: VecDeque::new() };
        let was_connected = match link.serve(&shared, &mut events).await {
            Over::Finished => return,
            Over::Lost { was_connected } => was_connected,
        };
        shared.lock().progress.losses += u64::from(was_connected);
        if was_connected {
            shared.gone_since.send_replace(Some(Instant::now()));
        }
        rest = if was_connected { REST_FIRST } else { (rest * 2).min(REST_MAX) };
        tokio::time::sleep(rest).await;
        (client, events) = open(&broker, &client_id);
        connected = false;
    }
}

enum Over {
    Finished,
    Lost { was_connected: bool },
}

/// One connection.
struct Link {
    client: AsyncClient,
    connected: bool,
    /// So many of the outbox, from its front, were handed to the event loop.
    handed: usize,
    /// Packet ids of those that left, from the front of the outbox, and whether they were acknowledged out of order.
    sent: VecDeque<(u16, bool)>,
}

impl Link {
    async fn serve(&mut self, shared: &Shared, events: &mut EventLoop) -> Over {
        loop {
            let event = {
                // Kept over all that happens meanwhile: dropped half way it could lose a publish.
                let poll = events.poll();
                tokio::pin!(poll);
                loop {
                    if self.hand_over(shared) {
                        break None;
                    }
                    tokio::select! {
                        event = &mut poll => break Some(event),
                        () = shared.changed.notified() => {}
                    }
                }
            };
            match event {
                Some(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                    self.connected = true;
                    shared.gone_since.send_replace(None);
                }
                Some(Ok(Event::Outgoing(Outgoing::Publish(packet_id)))) => self.sent.push_back((packet_id, false)),
                Some(Ok(Event::Incoming(Packet::PubAck(ack)))) => self.acknowledge(shared, ack.pkid),
                Some(Ok(_)) => {}
                Some(Err(_)) => return Over::Lost { was_connected: self.connected },
                None => {
                    if self.client.try_disconnect().is_ok() {
                        while !matches!(events.poll().await, Err(_) | Ok(Event::Outgoing(Outgoing::Disconnect))) {}
                    }
                    return Over::Finished;
                }
            }
        }
    }

    /// Hands over as much of the outbox as the event loop takes; true if all is finished.
    fn hand_over(&mut self, shared: &Shared) -> bool {
        let outbox = shared.lock();
        while self.connected && self.handed < outbox.unacked.len() {
            let (topic, payload) = &outbox.unacked[self.handed];
            if self.client.try_publish(topic, QoS::AtLeastOnce, false, payload.as_slice()).is_err() {
                break;
            }
            self.handed += 1;
        }
        outbox.finished
    }

    fn acknowledge(&mut self, shared: &Shared, packet_id: u16) {
        let Some(entry) = self.sent.iter_mut().find(|(id, acked)| *id == packet_id && !acked) else { return };
        entry.1 = true;
        let mut outbox = shared.lock();
        while self.sent.front().is_some_and(|(_, acked)| *acked) {
            self.sent.pop_front();
            self.handed -= 1;
            outbox.unacked.pop_front();
            outbox.progress.acked += 1;
            shared.room.add_permits(1);
        }
        drop(outbox);
        shared.acked.notify_waiters();
    }
}
