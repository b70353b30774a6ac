//! Tests of ingest against the real embedded log, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod bad_input;
mod city;
mod clients;
mod decode;
mod door;
mod edges;
mod endpoint;
mod faults;
mod feed;
mod formats;
mod hostile;
#[allow(dead_code, reason = "shared with the tests of another crate")]
mod mosquitto;
mod retry;
mod ticks;
mod utility;
mod wire;
