//! One client of Kafka: what it is told, what it hears, and what its errors are in words.

use super::KafkaSettings;
use super::producer::Slot;
use crate::BusError;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Requests that nobody answers are given up after this, and tried again.
pub(super) const REQUEST_MAX: Duration = Duration::from_secs(10);

/// What the clients of a log hear beside answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    /// The last trouble, for messages of errors.
    last: Mutex<Option<String>>,
    /// How often there was trouble so far.
    troubles: AtomicU64,
    /// The troubles after which the log was found to be what it was; after further ones it may be another.
    settled: AtomicU64,
}

impl Heard {
    /// An error of this log, with the last trouble that was heard.
    pub(super) fn failed(&self, place: &str, doing: impl Into<String>, what: impl Display) -> BusError {
        let heard = self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let heard = heard.map_or_else(String::new, |heard| format!("; last heard: {heard}"));
        let source = std::io::Error::other(format!("{what}{heard}"));
        BusError::Io { place: place.to_owned(), doing: doing.into(), source }
    }

    fn trouble(&self, what: &str) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.trim().to_owned());
        self.0.troubles.fetch_add(1, Ordering::AcqRel);
    }

    /// How often there was trouble so far.
    pub(super) fn troubles(&self) -> u64 {
        self.0.troubles.load(Ordering::Acquire)
    }

    /// Notes that the log was found to be what it was, after so many troubles.
    pub(super) fn settle(&self, troubles: u64) {
        self.0.settled.store(troubles, Ordering::Release);
    }

    /// Whether there was no trouble since the log was found to be what it was.
    pub(super) fn is_settled(&self) -> bool {
        self.troubles() == self.0.settled.load(Ordering::Acquire)
    }
}

impl ClientContext for Heard {
    fn log(&self, _: RDKafkaLogLevel, _: &str, message: &str) {
        // It begins with the thread, as in "[thrd:main]: ".
        self.trouble(message.split_once("]: ").map_or(message, |(_, message)| message));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That all brokers are down says less than why each of them is.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.trouble(reason);
        }
    }
}

impl ConsumerContext for Heard {}

impl ProducerContext for Heard {
    type DeliveryOpaque = Slot;

    fn delivery(&self, result: &DeliveryResult<'_>, slot: Slot) {
        slot.on_delivery(result);
    }
}

/// What every client is told. `name` is shown in the brokers' logs.
pub(super) fn config(settings: &KafkaSettings, name: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set_log_level(RDKafkaLogLevel::Warning)
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", format!("{}{name}", settings.prefix))
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true")
        // A broker that comes back is found soon: the default waits up to ten seconds.
        .set("reconnect.backoff.max.ms", "1000")
        .set("socket.connection.setup.timeout.ms", "5000")
        .set("socket.timeout.ms", REQUEST_MAX.as_millis().to_string());
    for (name, value) in &settings.security {
        config.set(*name, value);
    }
    config
}

/// What every client that reads is told: it is given its partitions and offsets, and goes by no commit.
pub(super) fn reading(settings: &KafkaSettings, name: &str) -> ClientConfig {
    let mut config = config(settings, name);
    config
        // Nobody joins a group; without its name partitions cannot be assigned.
        .set("group.id", format!("{}log", settings.prefix))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_uncommitted")
        // By default a reader that has much ahead of it pauses for a second.
        .set("fetch.queue.backoff.ms", "2")
        .set("fetch.error.backoff.ms", "50");
    config
}
