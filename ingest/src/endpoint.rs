//! The embedded MQTT endpoint: 3.1.1 and 5 on one port, QoS 0 and 1 in, PUBACK after the log has it.
//!
//! It promises: a PUBACK leaves only after the append returned, in the order of the publishes; what one client does
//! never stops another; memory is bounded whatever clients send. The incident feed can be subscribed to, with QoS 0 and
//! 1. It is no broker: nothing that clients publish is routed, no session outlives its connection, wills are ignored.

mod connection;
mod delivery;
mod packets;
mod protocol;
mod subscribe;

pub use packets::Violation;
pub use protocol::{End, Granted, Host, Login, LoginRefused, Protocol, ProtocolLimits, Publish, Version, Wanted};

use crate::access::Access;
use crate::counters::{Counters, add};
use crate::feed::Feed;
use crate::intake::{Identity, Intake};
use crate::writer::{Progress, Queue, Stage};
use connection::Connection;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: u32 = 1_024;
/// Rest after a failed accept (out of file descriptors), so that it does not spin.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Reason codes of MQTT 5 § 2.4.
const NOT_AUTHORIZED: u8 = 0x87;
const SESSION_TAKEN_OVER: u8 = 0x8e;

/// Bounds of the endpoint; each says what happens at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointLimits {
    /// Open connections; one more is closed at once.
    pub connections_max: usize,
    /// Largest packet in bytes, announced to v5 clients; a larger one ends its connection.
    pub packet_bytes_max: u32,
    /// Unacknowledged QoS 1 publishes of a connection; at it reading pauses. Announced to v5 clients.
    pub in_flight_max: u16,
    /// Bytes of a connection on their way to the log; at it reading pauses.
    pub in_flight_bytes_max: usize,
    /// From the accept to a whole CONNECT; then the connection is closed.
    pub connect_timeout: Duration,
    /// How long a client may leave our answers unread; then the connection is closed.
    pub write_stall_timeout: Duration,
}

impl Default for EndpointLimits {
    fn default() -> EndpointLimits {
        EndpointLimits {
            connections_max: 10_000,
            packet_bytes_max: 64 << 10,
            in_flight_max: 2_000,
            in_flight_bytes_max: 1 << 20,
            connect_timeout: Duration::from_secs(5),
            write_stall_timeout: Duration::from_secs(10),
        }
    }
}

/// What all connections share.
pub(crate) struct Shared {
    access: RwLock<Arc<Access>>,
    pub(crate) limits: EndpointLimits,
    pub(crate) intake: Arc<Intake>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) queue: Queue,
    pub(crate) counters: Arc<Counters>,
    pub(crate) stage: watch::Receiver<Stage>,
    sessions: Mutex<HashMap<SessionKey, Arc<Session>>>,
    next_id: AtomicU64,
}

/// A client id belongs to its user, so that nobody can take over another's connection.
type SessionKey = (Option<String>, String);

/// One logged-in connection, as others reach it. At most one a connection, so bounded by `connections_max`.
#[derive(Debug, Default)]
pub(crate) struct Session {
    number: u64,
    pub(crate) progress: Arc<Progress>,
    /// The MQTT 5 reason for which it is asked to go; 0 for none.
    asked_to_go: AtomicU8,
}

impl Session {
    /// Why it is to go, if it is.
    pub(crate) fn asked_to_go(&self) -> Option<u8> {
        Some(self.asked_to_go.load(Ordering::Acquire)).filter(|reason| *reason != 0)
    }

    fn ask_to_go(&self, reason: u8) {
        self.asked_to_go.store(reason, Ordering::Release);
        self.progress.changed.notify_one();
    }
}

impl Shared {
    pub(crate) fn new(
        access: Access,
        limits: EndpointLimits,
        intake: Arc<Intake>,
        feed: Arc<Feed>,
        queue: Queue,
        counters: Arc<Counters>,
        stage: watch::Receiver<Stage>,
    ) -> Shared {
        let (sessions, next_id) = (Mutex::default(), AtomicU64::new(1));
        let access = RwLock::new(Arc::new(access));
        Shared { access, limits, intake, feed, queue, counters, stage, sessions, next_id }
    }

    /// Who may connect now.
    pub(crate) fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read().expect("nothing panics while it holds who may connect"))
    }

    /// From here on others may connect; who may no more, or has another secret, is asked to go.
    pub(crate) fn set_access(&self, access: Access) {
        let (now, before) = (Arc::new(access), self.access());
        *self.access.write().expect("nothing panics while it holds who may connect") = Arc::clone(&now);
        for ((user, _), session) in self.lock_sessions().iter() {
            if !now.has_same(&before, user.as_deref()) {
                session.ask_to_go(NOT_AUTHORIZED);
                add(&self.counters.revoked, 1);
            }
        }
    }

    /// A session that no client id belongs to yet.
    pub(crate) fn new_session(&self) -> Session {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        Session { number, ..Session::default() }
    }

    /// Registers a logged-in session under its client id; who had it is taken over. Returns the id.
    pub(crate) fn register(&self, session: &Arc<Session>, identity: &Identity, client_id: &str) -> SessionKey {
        let user = match identity {
            Identity::Device(user) | Identity::Subscriber(user) => Some(user.clone()),
            Identity::Anyone | Identity::Broker => None,
        };
        let client_id =
            if client_id.is_empty() { format!("citywatch-{}", session.number) } else { client_id.to_owned() };
        let key = (user, client_id);
        let older = self.lock_sessions().insert(key.clone(), session.clone());
        if let Some(older) = older {
            older.ask_to_go(SESSION_TAKEN_OVER);
            add(&self.counters.takeovers, 1);
        }
        key
    }

    /// Forgets a session, unless its id has passed on.
    pub(crate) fn unregister(&self, key: &SessionKey, session: &Session) {
        let mut sessions = self.lock_sessions();
        if sessions.get(key).is_some_and(|held| held.number == session.number) {
            sessions.remove(key);
        }
    }

    fn lock_sessions(&self) -> std::sync::MutexGuard<'_, HashMap<SessionKey, Arc<Session>>> {
        self.sessions.lock().expect("nothing panics while it holds the sessions")
    }
}

/// Opens the port.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts connections until ingest drains or the log fails, then waits until all have ended.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(shared.limits.connections_max));
    let mut stage = shared.stage.clone();
    loop {
        let accepted = tokio::select! {
            _ = stage.wait_for(|stage| *stage != Stage::Running) => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            add(&shared.counters.over_limit, 1);
            continue;
        };
        // Answers are small and wanted at once; where the option cannot be set they are only slower.
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let _open = Open::new(shared.counters.clone(), place);
            Connection::new(shared).run(stream).await;
        });
    }
    drop(listener);
    let all = u32::try_from(shared.limits.connections_max).unwrap_or(u32::MAX);
    // The semaphore is never closed; when every place is back, every connection has ended.
    let _ = places.acquire_many(all).await;
}

/// Counts a connection while it is open.
struct Open {
    counters: Arc<Counters>,
    _place: OwnedSemaphorePermit,
}

impl Open {
    fn new(counters: Arc<Counters>, place: OwnedSemaphorePermit) -> Open {
        add(&counters.connections, 1);
        Open { counters, _place: place }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.counters.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
