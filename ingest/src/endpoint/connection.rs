//! One connection's loop: read, take packets, hand readings to the log, acknowledge what is durable, write.

use super::delivery::Deliveries;
use super::protocol::{End, Granted, Host, Login, LoginRefused, Protocol, ProtocolLimits, Publish, Wanted};
use super::{Session, SessionKey, Shared};
use crate::counters::add;
use crate::intake::{Chunk, Identity, Message};
use crate::writer::{Room, Stage, Work};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep_until};

/// First size of the read buffer; it grows with what a client sends, to the largest packet and more.
const READ_BYTES_FIRST: usize = 4 << 10;
/// The read buffer never grows beyond this, or the largest packet if that is larger.
const READ_BYTES_MAX: usize = 64 << 10;
/// How often the deadlines are looked at.
const DEADLINE_LOOK: Duration = Duration::from_millis(250);

/// A chunk that the writer has.
struct Sent {
    acks: usize,
    bytes: usize,
}

/// What a connection holds while it is open.
pub(super) struct Connection {
    protocol: Protocol,
    /// Read and not yet taken: `input[..filled]`.
    input: Vec<u8>,
    filled: usize,
    /// Whether the last read left no room.
    read_full: bool,
    /// Answers not yet written. Bounded by the protocol, and by the PUBACKs in flight.
    out: Vec<u8>,
    desk: Desk,
    opened_at: Instant,
    heard_at: Instant,
    /// When the answers in `out` last moved.
    wrote_at: Instant,
}

/// The part that the protocol calls: logins and messages.
struct Desk {
    shared: Arc<Shared>,
    session: Arc<Session>,
    login: Option<(Identity, SessionKey)>,
    /// Taken and not yet handed over.
    chunk: Chunk,
    chunk_acks: usize,
    /// Packet ids to acknowledge, oldest first. Bounded by `in_flight_max`.
    unacked: VecDeque<u16>,
    sent: VecDeque<Sent>,
    sent_bytes: usize,
    /// Number of the newest chunk the writer has.
    sent_number: u64,
    deliveries: Deliveries,
}

/// Why the loop ends.
enum Over {
    /// The peer is gone, or does not read.
    Gone,
    /// It broke a time-out.
    TimedOut(u8),
    /// It is asked to go, for this v5 reason.
    Asked(u8),
    /// The protocol ended it.
    Protocol(End),
}

/// Reason codes of MQTT 5 § 2.4.
const SERVER_SHUTTING_DOWN: u8 = 0x8b;
const KEEP_ALIVE_TIMEOUT: u8 = 0x8d;
const UNSPECIFIED_ERROR: u8 = 0x80;
const QUOTA_EXCEEDED: u8 = 0x97;

impl Connection {
    pub(super) fn new(shared: Arc<Shared>) -> Connection {
        let limits = ProtocolLimits {
            packet_bytes_max: shared.limits.packet_bytes_max,
            in_flight_max: shared.limits.in_flight_max,
        };
        let now = Instant::now();
        let session = Arc::new(shared.new_session());
        let deliveries = Deliveries::new(shared.feed.clone(), shared.counters.clone(), session.progress.clone());
        Connection {
            protocol: Protocol::new(limits),
            input: vec![0; READ_BYTES_FIRST],
            filled: 0,
            read_full: false,
            out: Vec::new(),
            desk: Desk {
                shared,
                session,
                login: None,
                chunk: Chunk::default(),
                chunk_acks: 0,
                unacked: VecDeque::new(),
                sent: VecDeque::new(),
                sent_bytes: 0,
                sent_number: 0,
                deliveries,
            },
            opened_at: now,
            heard_at: now,
            wrote_at: now,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self, mut stream: TcpStream) {
        let over = self.serve(&mut stream).await;
        let counters = self.desk.shared.counters.clone();
        match over {
            Over::Gone => {}
            Over::TimedOut(reason) => {
                add(&counters.timeouts, 1);
                self.protocol.disconnect(reason, &mut self.out);
            }
            Over::Asked(reason) => self.protocol.disconnect(reason, &mut self.out),
            Over::Protocol(End::Bye) => {}
            Over::Protocol(End::Refused) => add(&counters.logins_refused, 1),
            Over::Protocol(End::Violation(_)) => add(&counters.violations, 1),
        }
        // What was taken before the end goes on the log; without a PUBACK the client sends it again.
        if !self.desk.chunk.is_empty()
            && let Ok(room) = self.desk.room().await
        {
            self.desk.hand_over(room);
        }
        if let Some((_, key)) = &self.desk.login {
            self.desk.shared.unregister(key, &self.desk.session);
        }
        self.desk.deliveries.leave();
        // Last words are tried once and briefly: a client that does not listen holds no place.
        let last_words = async {
            let _ = stream.write_all(&self.out).await;
            let _ = stream.shutdown().await;
            // Closed with bytes unread, the system would cut the connection before the client reads them.
            while stream.read(&mut self.input).await.is_ok_and(|count| count > 0) {}
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), last_words).await;
    }

    async fn serve(&mut self, stream: &mut TcpStream) -> Over {
        let mut stage = self.desk.shared.stage.clone();
        let session = self.desk.session.clone();
        let look = sleep_until(Instant::now() + DEADLINE_LOOK);
        tokio::pin!(look);
        let (mut reader, mut writer) = stream.split();
        loop {
            if let Some(over) = self.step(&stage) {
                return over;
            }
            // Readings wait for room in the queue; until they have it nothing more is read.
            let waits = !self.desk.chunk.is_empty();
            let reads =
                !waits && !self.desk.is_full() && self.filled < self.input.len() && *stage.borrow() == Stage::Running;
            tokio::select! {
                biased;
                wrote = writer.write(&self.out), if !self.out.is_empty() => match wrote {
                    Ok(0) | Err(_) => return Over::Gone,
                    Ok(count) => {
                        self.out.drain(..count);
                        self.wrote_at = Instant::now();
                    }
                },
                room = self.desk.room(), if waits => match room {
                    Ok(room) => if !self.desk.hand_over(room) { return Over::Asked(UNSPECIFIED_ERROR) },
                    Err(_) => return Over::Asked(UNSPECIFIED_ERROR),
                },
                () = session.progress.changed.notified() => {}
                read = reader.read(&mut self.input[self.filled..]), if reads => match read {
                    Ok(0) | Err(_) => return Over::Gone,
                    Ok(count) => {
                        self.filled += count;
                        self.read_full = self.filled == self.input.len();
                        self.heard_at = Instant::now();
                    }
                },
                changed = stage.changed() => if changed.is_err() { return Over::Asked(SERVER_SHUTTING_DOWN) },
                () = &mut look => {
                    if let Some(over) = self.check_deadlines(reads) {
                        return over;
                    }
                    look.as_mut().reset(Instant::now() + DEADLINE_LOOK);
                }
            }
        }
    }

    /// Everything that needs no waiting.
    fn step(&mut self, stage: &tokio::sync::watch::Receiver<Stage>) -> Option<Over> {
        if self.out.is_empty() {
            self.wrote_at = Instant::now();
        }
        self.desk.acknowledge(&mut self.out);
        if let Some(reason) = self.desk.session.asked_to_go() {
            return Some(Over::Asked(reason));
        }
        match &*stage.borrow() {
            Stage::Running => {}
            Stage::Draining if self.desk.chunk.is_empty() && self.desk.unacked.is_empty() && self.out.is_empty() => {
                return Some(Over::Asked(SERVER_SHUTTING_DOWN));
            }
            Stage::Draining => return None,
            Stage::Failed(_) => return Some(Over::Asked(UNSPECIFIED_ERROR)),
        }
        if self.desk.chunk.is_empty() && self.filled > 0 {
            let (used, end) = self.protocol.take(&self.input[..self.filled], &mut self.out, &mut self.desk);
            self.input.copy_within(used..self.filled, 0);
            self.filled -= used;
            if let Some(end) = end {
                return Some(Over::Protocol(end));
            }
            self.grow_input();
            if let Some(room) = self.desk.room_now()
                && !self.desk.hand_over(room)
            {
                return Some(Over::Asked(UNSPECIFIED_ERROR));
            }
        }
        if self.desk.deliveries.fill(&mut self.out).is_err() {
            add(&self.desk.shared.counters.feed_dropped, 1);
            return Some(Over::Asked(QUOTA_EXCEEDED));
        }
        None
    }

    /// Doubles the read buffer where the last read filled it or a packet fills much of it, up to what may be needed.
    fn grow_input(&mut self) {
        let packet_bytes_max = self.protocol.packet_bytes_max();
        let max =
            if self.protocol.version().is_some() { READ_BYTES_MAX.max(packet_bytes_max) } else { packet_bytes_max };
        if (self.read_full || self.filled * 2 > self.input.len()) && self.input.len() < max {
            self.input.resize((self.input.len() * 2).min(max), 0);
        }
    }

    /// While reading pauses nobody can be heard, and nobody is held to have been silent.
    fn check_deadlines(&mut self, reads: bool) -> Option<Over> {
        let now = Instant::now();
        let limits = &self.desk.shared.limits;
        if !reads {
            self.heard_at = now;
        }
        if !self.out.is_empty() && now > self.wrote_at + limits.write_stall_timeout {
            add(&self.desk.shared.counters.timeouts, 1);
            self.out.clear();
            return Some(Over::Gone);
        }
        if self.protocol.version().is_none() {
            let late = now > self.opened_at + limits.connect_timeout;
            return late.then_some(Over::TimedOut(KEEP_ALIVE_TIMEOUT));
        }
        let patience = Duration::from_millis(u64::from(self.protocol.keep_alive_s()) * 1_500);
        let silent = !patience.is_zero() && now > self.heard_at + patience;
        silent.then_some(Over::TimedOut(KEEP_ALIVE_TIMEOUT))
    }
}

impl Desk {
    /// Room in the queue for the chunk.
    ///
    /// # Cancel safety
    /// Dropped, it only loses its place in the line.
    async fn room(&self) -> Result<Room, tokio::sync::AcquireError> {
        let queue = &self.shared.queue;
        queue.room.clone().acquire_many_owned(queue.room_for(&self.chunk)).await
    }

    /// The same without waiting; none if the chunk is empty.
    fn room_now(&self) -> Option<Room> {
        if self.chunk.is_empty() {
            return None;
        }
        let queue = &self.shared.queue;
        queue.room.clone().try_acquire_many_owned(queue.room_for(&self.chunk)).ok()
    }

    /// Gives the chunk to the writer; false if that has ended.
    fn hand_over(&mut self, room: Room) -> bool {
        let chunk = std::mem::take(&mut self.chunk);
        self.sent_number += 1;
        let bytes = chunk.cost();
        self.sent_bytes += bytes;
        self.sent.push_back(Sent { acks: std::mem::take(&mut self.chunk_acks), bytes });
        let source = self.session.progress.clone();
        self.shared.queue.send(Work { chunk, source, number: self.sent_number, _room: room })
    }

    /// Appends the PUBACKs of all that became durable, in order.
    fn acknowledge(&mut self, out: &mut Vec<u8>) {
        let durable = self.session.progress.durable();
        // The chunk at the front of `sent` has this number.
        let oldest = self.sent_number + 1 - self.sent.len() as u64;
        for _ in oldest..=durable {
            let sent = self.sent.pop_front().expect("only sent chunks become durable");
            self.sent_bytes -= sent.bytes;
            for packet_id in self.unacked.drain(..sent.acks) {
                Protocol::puback(packet_id, out);
            }
        }
    }
}

impl Host for Desk {
    fn login(&mut self, login: &Login<'_>) -> Result<String, LoginRefused> {
        if *self.shared.stage.borrow() != Stage::Running {
            return Err(LoginRefused::Unavailable);
        }
        let access = self.shared.access();
        let identity = access.identify(login.user, login.password).ok_or(LoginRefused::BadCredentials)?;
        let key = self.shared.register(&self.session, &identity, login.client_id);
        // Who may connect can have changed meanwhile; from the registration on a change finds this session.
        let now = self.shared.access();
        if !Arc::ptr_eq(&access, &now) && now.identify(login.user, login.password).as_ref() != Some(&identity) {
            self.shared.unregister(&key, &self.session);
            return Err(LoginRefused::BadCredentials);
        }
        let client_id = key.1.clone();
        self.deliveries.meet(login.version, login.receive_max, login.packet_bytes_max);
        self.login = Some((identity, key));
        Ok(client_id)
    }

    fn publish(&mut self, publish: &Publish<'_>) {
        let Publish { topic, payload, packet_id, content_type } = *publish;
        let (identity, _) = self.login.as_ref().expect("the protocol takes no publish before a login");
        self.shared.intake.take(Message { topic, payload, content_type }, identity, &mut self.chunk);
        if let Some(packet_id) = packet_id {
            self.unacked.push_back(packet_id);
            self.chunk_acks += 1;
        }
    }

    fn subscribe(&mut self, wanted: &Wanted<'_>) -> Granted {
        let (identity, _) = self.login.as_ref().expect("the protocol takes no subscription before a login");
        if identity.may_subscribe() { self.deliveries.subscribe(wanted) } else { Granted::NotAuthorized }
    }

    fn unsubscribe(&mut self, filter: &str) -> bool {
        self.deliveries.unsubscribe(filter)
    }

    fn puback(&mut self, packet_id: u16) -> bool {
        self.deliveries.puback(packet_id)
    }

    fn is_full(&self) -> bool {
        let limits = &self.shared.limits;
        self.unacked.len() >= usize::from(limits.in_flight_max)
            || self.sent_bytes + self.chunk.bytes.len() >= limits.in_flight_bytes_max
    }
}
