//! The city that comes with citywatch, held against what it promises.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod city;
mod scenario;
mod score;
