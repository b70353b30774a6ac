//! The rules stage over real logs: the same incidents at any number of workers and however often it is killed.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod backpressure;
mod city;
mod cluster;
mod damage;
mod determinism;
mod kill;
mod load;
mod perceive;
mod recovery;
mod reload;
mod run;
