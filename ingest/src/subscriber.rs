//! Readings from an external MQTT broker: a persistent session, acknowledged only after the log has them.
//!
//! A fresh event loop is made for each connection, so nothing that was queued for one (an acknowledgement above all)
//! can reach the next. While the log stalls nothing more is read, and the broker keeps the backlog: it must be told to
//! queue enough (Mosquitto: `max_queued_messages 0`) and to refuse packets above [`PACKET_BYTES_MAX`].

use crate::broker::Broker;
use crate::counters::{Counters, add};
use crate::intake::{Chunk, Identity, Intake, Message};
use crate::writer::{Progress, Queue, Room, Stage, Work};
use rumqttc::{AsyncClient, Event, EventLoop, Packet, Publish, QoS, SubscribeFilter, SubscribeReasonCode};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Acknowledgements and subscriptions queued for the event loop; at it acknowledgements wait in [`Desk::durable`].
const REQUESTS_MAX: usize = 1_024;
/// Messages taken and not yet acknowledged; at it nothing more is read. Brokers' windows are smaller by default.
const UNACKED_MAX: usize = 10_000;
/// Messages that wait for room in the queue; at it nothing more is read.
const CHUNK_MESSAGES_MAX: usize = 64;
/// Largest packet a broker may send. A larger one ends the connection each time it is sent again.
pub const PACKET_BYTES_MAX: usize = 1 << 20;
/// Rest before another attempt to connect: the first, and the longest, doubling between.
const REST_FIRST: Duration = Duration::from_millis(50);
const REST_MAX: Duration = Duration::from_secs(5);
/// Keep-alive of the connection to the broker.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a stop waits for the last acknowledgements to leave.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// The broker to read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerSettings {
    /// `mqtt://[user:secret@]host[:port]`, or by TLS `mqtts://[user:secret@]host[:port][?ca=FILE&cert=FILE&key=FILE]`
    /// with the broker's authority and our own certificate, PEM; without `ca` what this system trusts.
    pub url: String,
    /// The session's name at the broker. Two processes with the same one take it from each other.
    pub client_id: String,
    /// What to subscribe to, with QoS 1. Several ingest processes divide the feed by it, or share it, as in
    /// `$share/citywatch/city/+/+`: then the others take over from one that is gone.
    pub filters: Vec<String>,
}

impl BrokerSettings {
    /// All sensors of the broker at `url`.
    pub fn new(url: impl Into<String>) -> BrokerSettings {
        let filters = vec!["city/+/+".to_owned(), "city/+/+/batch".to_owned()];
        BrokerSettings { url: url.into(), client_id: "citywatch-ingest".to_owned(), filters }
    }
}

/// Everything the subscriber works with.
pub(crate) struct Subscriber {
    pub(crate) broker: Broker,
    pub(crate) settings: BrokerSettings,
    pub(crate) intake: Arc<Intake>,
    pub(crate) queue: Queue,
    pub(crate) counters: Arc<Counters>,
    pub(crate) stage: watch::Receiver<Stage>,
}

/// Why a connection ended.
#[derive(PartialEq)]
enum Over {
    /// It broke before the broker granted the subscription.
    Refused,
    /// It broke later.
    Lost,
    /// Ingest ends, or the log is down.
    Stop,
}

impl Subscriber {
    /// Reads until ingest drains or the log fails.
    pub(crate) async fn run(self) {
        let mut rest = REST_FIRST;
        let mut stage = self.stage.clone();
        while *stage.borrow() == Stage::Running {
            rest = match self.serve().await {
                Over::Stop => return,
                Over::Lost => REST_FIRST,
                Over::Refused => (rest * 2).min(REST_MAX),
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                _ = stage.wait_for(|stage| *stage != Stage::Running) => {}
            }
        }
    }

    /// One connection to the broker, to its end.
    async fn serve(&self) -> Over {
        let mut options = self.broker.options(&self.settings.client_id);
        options.set_clean_session(false).set_manual_acks(true).set_keep_alive(KEEP_ALIVE);
        options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
        let mut desk = Desk::new(client);
        let mut stage = self.stage.clone();
        loop {
            let event = {
                // Kept over all that happens meanwhile: dropped half way it could lose an acknowledgement.
                let poll = events.poll();
                tokio::pin!(poll);
                loop {
                    let now = stage.borrow_and_update().clone();
                    if let Some(over) = desk.step(&now) {
                        if over == Over::Stop {
                            break None;
                        }
                        return over;
                    }
                    let progress = desk.progress.clone();
                    tokio::select! {
                        biased;
                        room = room(&self.queue, &desk.chunk), if !desk.taken.is_empty() => {
                            let Ok(room) = room else { return Over::Stop };
                            if !desk.hand_over(&self.queue, room) {
                                return Over::Stop;
                            }
                        }
                        () = progress.changed.notified() => {}
                        _ = stage.changed() => {}
                        event = &mut poll, if desk.may_read() => break Some(event),
                    }
                }
            };
            match event {
                Some(Ok(event)) => {
                    if let Some(over) = desk.take(self, event) {
                        return over;
                    }
                }
                Some(Err(_)) => return if desk.granted { Over::Lost } else { Over::Refused },
                None => {
                    say_goodbye(&mut events, &desk.client).await;
                    return Over::Stop;
                }
            }
        }
    }
}

/// Lets queued acknowledgements leave, then the DISCONNECT, and waits until the broker has read them and closes.
/// What does not make it comes again as a duplicate.
async fn say_goodbye(events: &mut EventLoop, client: &AsyncClient) {
    let goodbye = async {
        // Refused while the queue is full of acknowledgements; then a poll makes room.
        let mut asked = client.try_disconnect().is_ok();
        while events.poll().await.is_ok() {
            asked = asked || client.try_disconnect().is_ok();
        }
    };
    let _ = tokio::time::timeout(GOODBYE_MAX, goodbye).await;
}

/// Room in the queue for a chunk.
async fn room(queue: &Queue, chunk: &Chunk) -> Result<Room, tokio::sync::AcquireError> {
    queue.room.clone().acquire_many_owned(queue.room_for(chunk)).await
}

/// What one connection has taken and not yet acknowledged.
struct Desk {
    client: AsyncClient,
    progress: Arc<Progress>,
    /// Whether the broker granted the subscription.
    granted: bool,
    chunk: Chunk,
    /// The messages of the chunk.
    taken: Vec<Publish>,
    /// What the writer has, a chunk each, oldest first.
    sent: VecDeque<Vec<Publish>>,
    sent_number: u64,
    /// Durable, to be acknowledged, oldest first.
    durable: VecDeque<Publish>,
    unacked: usize,
}

impl Desk {
    fn new(client: AsyncClient) -> Desk {
        Desk {
            client,
            progress: Arc::default(),
            granted: false,
            chunk: Chunk::default(),
            taken: Vec::new(),
            sent: VecDeque::new(),
            sent_number: 0,
            durable: VecDeque::new(),
            unacked: 0,
        }
    }

    /// Whether the next packet may be read. What is not read stays at the broker.
    fn may_read(&self) -> bool {
        self.taken.len() < CHUNK_MESSAGES_MAX && self.unacked < UNACKED_MAX
    }

    /// Everything that needs no waiting.
    fn step(&mut self, stage: &Stage) -> Option<Over> {
        let durable = self.progress.durable();
        let oldest = self.sent_number + 1 - self.sent.len() as u64;
        for _ in oldest..=durable {
            self.durable.extend(self.sent.pop_front().expect("only sent chunks become durable"));
        }
        while let Some(publish) = self.durable.front() {
            if self.client.try_ack(publish).is_err() {
                break;
            }
            self.durable.pop_front();
            self.unacked -= 1;
        }
        match stage {
            Stage::Running => None,
            Stage::Draining if self.unacked > 0 => None,
            Stage::Draining | Stage::Failed(_) => Some(Over::Stop),
        }
    }

    fn take(&mut self, subscriber: &Subscriber, event: Event) -> Option<Over> {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => {
                // Also where the session was kept: the filters may have changed since.
                let filters = subscriber.settings.filters.iter();
                let filters = filters.map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce));
                self.client.try_subscribe_many(filters).is_err().then_some(Over::Refused)
            }
            Event::Incoming(Packet::SubAck(answer)) => {
                if answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                    return Some(Over::Refused);
                }
                self.granted = true;
                add(&subscriber.counters.broker_connects, 1);
                None
            }
            // What comes while ingest drains is not taken; the broker keeps it.
            Event::Incoming(Packet::Publish(mut publish)) if *subscriber.stage.borrow() == Stage::Running => {
                let message = Message { topic: &publish.topic, payload: &publish.payload, content_type: None };
                subscriber.intake.take(message, &Identity::Broker, &mut self.chunk);
                // Only its packet id is needed from here on; the bytes would escape the queue's bound.
                publish.payload.clear();
                publish.topic = String::new();
                self.taken.push(publish);
                self.unacked += 1;
                None
            }
            _ => None,
        }
    }

    /// Gives the chunk to the writer; false if that has ended.
    fn hand_over(&mut self, queue: &Queue, room: Room) -> bool {
        self.sent_number += 1;
        self.sent.push_back(std::mem::take(&mut self.taken));
        let chunk = std::mem::take(&mut self.chunk);
        queue.send(Work { chunk, source: self.progress.clone(), number: self.sent_number, _room: room })
    }
}
