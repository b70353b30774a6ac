//! History as its callers see it: against a naive oracle, through crashes, from a log.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod city;
mod conformance;
mod damage;
mod historian;
mod influx;
mod influx_server;
mod oracle;
mod store;
