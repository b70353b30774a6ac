//! Tests of the whole house: its style, and the built binary from MQTT to incidents.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod agree;
mod apply;
mod bad_input;
mod city;
mod cli;
mod demo;
mod device;
mod doctor;
mod enforcement;
mod explain;
mod nothing_lost;
mod page;
mod people;
mod perceive;
mod process;
mod real_input;
mod simulate;
mod supervise;
mod tidy;
mod workbench;
