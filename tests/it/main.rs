//! Tests of the whole house: its style, and the built binary from MQTT to incidents.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod agree;
mod apply;
mod asyncapi;
mod bad_input;
mod cases;
mod city;
mod cli;
mod demo;
mod device;
mod devices;
mod doctor;
mod enforcement;
mod explain;
mod faults;
mod kafka_chain;
mod kafka_cluster;
mod nothing_lost;
mod open311;
mod page;
mod people;
mod perceive;
mod process;
mod real_input;
mod real_servers;
mod rules_page;
mod simulate;
mod supervise;
mod tidy;
mod wechat;
mod workbench;

#[allow(dead_code, reason = "shared with the tests of another crate")]
#[path = "../../history/tests/it/influx_server.rs"]
mod influx_server;
#[allow(dead_code, reason = "shared with the tests of another crate")]
#[path = "../../bus/tests/it/kafka_server.rs"]
mod kafka_server;
#[allow(dead_code, reason = "shared with the tests of another crate")]
#[path = "../../ingest/tests/it/mosquitto.rs"]
mod mosquitto;
#[allow(dead_code, reason = "shared with the tests of another crate")]
#[path = "../../command-center/tests/postgres/server.rs"]
mod postgres;
