//! What every log keeps to ([`conformance`]), and what the embedded one and Kafka promise beyond it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod conformance;
mod embedded;
mod kafka;
#[allow(dead_code, reason = "shared with the tests of another crate")]
mod kafka_server;
