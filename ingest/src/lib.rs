//! The MQTT edge: decode, validate, log, then acknowledge.
//!
//! It promises: a QoS 1 publish is acknowledged only after the log has its readings, and those refused are whole in
//! the dead letter; ticks and readings stand on the log in one order that makes sense; memory is bounded. The other way,
//! subscribers of the incident feed get what is open and every change.
//! It does not look for duplicates or late readings: the rules stage does.

mod access;
mod broker;
mod clock;
mod counters;
mod dead_letter;
pub mod decode;
pub mod endpoint;
mod feed;
mod gate;
mod intake;
mod probe;
mod publisher;
mod retry;
mod subscriber;
mod validate;
mod writer;

pub use access::{Access, Account, Right, SecretHash};
pub use clock::{TickRole, TimeSource, wall_now};
pub use counters::{CounterValues, LAG_BOUNDS_MS, LagValues};
pub use endpoint::EndpointLimits;
pub use probe::{Probed, probe};
pub use publisher::{Publisher, PublisherProgress};
pub use retry::{Retrier, RetryError};
pub use subscriber::BrokerSettings;
pub use validate::{Reason, Refusal};
pub use writer::Stage;

use broker::BrokerAddress;
use bus::EventLog;
use clock::Clock;
use counters::Counters;
use feed::{Feed, Follower};
use intake::Intake;
use model::{Millis, Registry};
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use subscriber::Subscriber;
use tokio::sync::watch;

/// How ingest is to run.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// Where the embedded endpoint listens, and who may connect; none for no endpoint. Port 0 takes a free one.
    pub endpoint: Option<(SocketAddr, Access)>,
    /// An external broker to read from; none for no subscriber.
    pub broker: Option<BrokerSettings>,
    /// What the clock of the log follows.
    pub time_source: TimeSource,
    /// How far ahead of the wall a reading's time may be.
    pub future_max: Millis,
    /// How far behind the clock a reading's time may be.
    pub past_max: Millis,
    /// Who writes the ticks, where several processes take the feed.
    pub writes_ticks: TickRole,
    /// Bytes on their way to the log, over all connections; at it reading pauses everywhere.
    pub queue_bytes_max: usize,
    /// Bounds of the endpoint.
    pub limits: EndpointLimits,
}

impl Default for IngestSettings {
    fn default() -> IngestSettings {
        IngestSettings {
            endpoint: None,
            broker: None,
            time_source: TimeSource::Wall,
            future_max: Millis(5 * Millis::MINUTE.0),
            past_max: Millis(7 * Millis::DAY.0),
            writes_ticks: TickRole::default(),
            queue_bytes_max: 64 << 20,
            limits: EndpointLimits::default(),
        }
    }
}

/// Why ingest does not start.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A setting that cannot work.
    #[error("the setting {setting} is wrong: {expected}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What it must be.
        expected: String,
    },
    /// The port could not be opened.
    #[error("cannot listen for MQTT on {address}; is the port taken?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The log could not be read for its clock.
    #[error("cannot read the end of the log for its clock")]
    Log(#[source] bus::BusError),
    /// The first connection to a broker failed.
    #[error("cannot connect to the MQTT broker; is it running, and are user and secret right?")]
    Connect(#[source] Box<rumqttc::ConnectionError>),
    /// TLS to a broker could not be spoken.
    #[error("cannot speak TLS with the MQTT broker: {what}")]
    Tls {
        /// What is wrong.
        what: String,
    },
    /// A thread could not be started.
    #[error("cannot start a thread of ingest")]
    Thread(#[source] std::io::Error),
}

/// Starts ingest.
pub struct Ingest;

impl Ingest {
    /// Starts ingest on the current tokio runtime; messages are taken when it returns.
    ///
    /// Reads the end of the log (blocking, short) to go on with its clock.
    pub async fn start(
        log: Arc<dyn EventLog>,
        registry: Arc<Registry>,
        settings: IngestSettings,
    ) -> Result<IngestHandle, IngestError> {
        check(&settings)?;
        let broker = settings.broker.as_ref().map(|broker| BrokerAddress::parse(&broker.url)?.open()).transpose()?;
        let ticks = writer::resume(&*log).map_err(IngestError::Log)?;
        let largest = ticks.largest();
        let clock = Arc::new(Clock::new(settings.time_source, largest, settings.future_max, settings.past_max));
        let listener = match &settings.endpoint {
            Some((address, _)) => {
                Some(endpoint::listen(*address).map_err(|source| IngestError::Listen { address: *address, source })?)
            }
            None => None,
        };
        let counters = Arc::new(Counters::default());
        let (stage, watched) = watch::channel(Stage::Running);
        let feed = Arc::new(Feed::new(counters.clone()));
        let mut follower = None;
        if listener.is_some() {
            let started = Follower::start(log.clone(), feed.clone(), counters.clone(), stage.clone());
            follower = Some(started.map_err(IngestError::Thread)?);
        }
        let ticks = writer::Ticks { clock: ticks, role: settings.writes_ticks };
        let writer =
            writer::start(log, clock.clone(), ticks, counters.clone(), stage.clone(), settings.queue_bytes_max)
                .map_err(IngestError::Thread)?;
        let payload_bytes_max = settings.limits.packet_bytes_max as usize;
        let intake = Arc::new(Intake::new(&registry, clock, payload_bytes_max));
        let judge = intake.clone();
        let retrier = Retrier::new(intake.clone(), writer.queue.clone(), watched.clone());
        let mut tasks = Vec::new();
        let (mut local_addr, mut endpoint) = (None, None);
        if let (Some(broker), Some(settings)) = (broker, settings.broker) {
            let (intake, queue, counters) = (intake.clone(), writer.queue.clone(), counters.clone());
            let subscriber = Subscriber { broker, settings, intake, queue, counters, stage: watched.clone() };
            tasks.push(tokio::spawn(subscriber.run()));
        }
        if let (Some(listener), Some((_, access))) = (listener, settings.endpoint) {
            local_addr = listener.local_addr().ok();
            let (queue, counters) = (writer.queue.clone(), counters.clone());
            let shared = endpoint::Shared::new(access, settings.limits, intake, feed, queue, counters, watched.clone());
            let shared = Arc::new(shared);
            endpoint = Some(Arc::clone(&shared));
            tasks.push(tokio::spawn(endpoint::serve(listener, shared)));
        }
        Ok(IngestHandle {
            writer,
            follower,
            intake: judge,
            retrier,
            counters,
            stage,
            watched,
            local_addr,
            endpoint,
            tasks,
        })
    }
}

fn check(settings: &IngestSettings) -> Result<(), IngestError> {
    let wrong = |setting, expected: &str| Err(IngestError::Setting { setting, expected: expected.to_owned() });
    if let Some((address, Access::Loopback)) = &settings.endpoint
        && !address.ip().is_loopback()
    {
        return wrong("endpoint", "without credentials only a loopback address such as 127.0.0.1 is allowed");
    }
    let limits = &settings.limits;
    if limits.in_flight_max == 0 || limits.connections_max == 0 || limits.in_flight_bytes_max == 0 {
        return wrong("limits", "in_flight_max, in_flight_bytes_max and connections_max must be above 0");
    }
    if settings.broker.as_ref().is_some_and(|broker| broker.filters.is_empty() || broker.client_id.is_empty()) {
        return wrong("broker", "a client id and at least one filter");
    }
    if !(256..=16 << 20).contains(&limits.packet_bytes_max) {
        return wrong("limits.packet_bytes_max", "256 B to 16 MiB");
    }
    if !(1 << 20..=1 << 30).contains(&settings.queue_bytes_max) {
        return wrong("queue_bytes_max", "1 MiB to 1 GiB");
    }
    Ok(())
}

/// Running ingest. Dropped without [`IngestHandle::stop`] it goes on until the runtime ends.
pub struct IngestHandle {
    writer: writer::Writer,
    follower: Option<Follower>,
    intake: Arc<Intake>,
    retrier: Retrier,
    counters: Arc<Counters>,
    stage: watch::Sender<Stage>,
    watched: watch::Receiver<Stage>,
    local_addr: Option<SocketAddr>,
    endpoint: Option<Arc<endpoint::Shared>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Changes who may connect to the endpoint, from anywhere in the process.
#[derive(Clone)]
pub struct Door(Weak<endpoint::Shared>);

impl Door {
    /// Lets others connect from here on. Connections of accounts that are gone or have another secret are closed.
    pub fn set_access(&self, access: Access) {
        if let Some(endpoint) = self.0.upgrade() {
            endpoint.set_access(access);
        }
    }

    /// Whether the endpoint has ended.
    pub fn is_closed(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// Looks at what ingest counts, from anywhere in the process.
#[derive(Clone, Debug)]
pub struct CounterReader(Arc<Counters>);

impl CounterReader {
    /// What was counted so far.
    pub fn values(&self) -> CounterValues {
        self.0.values()
    }
}

/// How long a stop waits for acknowledgements to be written before connections are cut.
const DRAIN_MAX: Duration = Duration::from_secs(10);

impl IngestHandle {
    /// Where the endpoint listens.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// What was counted so far.
    pub fn counters(&self) -> CounterValues {
        self.counters.values()
    }

    /// A way to look at the counters that outlives the handle.
    pub fn counter_reader(&self) -> CounterReader {
        CounterReader(Arc::clone(&self.counters))
    }

    /// Validates and places by another registry from the next message on.
    pub fn set_registry(&self, registry: &Registry) {
        self.intake.set_registry(registry);
    }

    /// A way to change who may connect to the endpoint; none where there is no endpoint.
    pub fn door(&self) -> Option<Door> {
        self.endpoint.as_ref().map(|endpoint| Door(Arc::downgrade(endpoint)))
    }

    /// For sending dead letters again.
    pub fn retrier(&self) -> Retrier {
        self.retrier.clone()
    }

    /// How far its life has come; a receiver to wait on for [`Stage::Failed`].
    pub fn stage(&self) -> watch::Receiver<Stage> {
        self.watched.clone()
    }

    /// From feed to wall: the feed gets its closing tick, from then on ticks follow the wall and times are held to it.
    ///
    /// Everything acknowledged before is judged and ticked by the feed. False if the log has failed.
    pub async fn set_wall_time(&self) -> bool {
        self.writer.queue.follow_wall().await
    }

    /// Takes no more messages, acknowledges what is durable, closes, and waits for the log.
    pub async fn stop(mut self) {
        self.stage.send_if_modified(|stage| {
            let runs = *stage == Stage::Running;
            if runs {
                *stage = Stage::Draining;
            }
            runs
        });
        for task in &mut self.tasks {
            if tokio::time::timeout(DRAIN_MAX, &mut *task).await.is_err() {
                task.abort();
            }
        }
        self.writer.queue.stop();
        let follower = self.follower.take();
        let thread = self.writer.thread.lock().expect("only stop takes it").take();
        let join = move || {
            // A panic in a thread has already been printed; there is nothing left to save.
            let _ = thread.map(JoinHandle::join);
            if let Some(follower) = follower {
                follower.stop();
            }
        };
        let _ = tokio::task::spawn_blocking(join).await;
    }
}
