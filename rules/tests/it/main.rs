//! The rules crate from outside.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod backtest;
mod cases;
mod cookbook;
mod diagnostics;
mod diff;
mod explained;
mod generated;
mod handbook;
mod language;
mod lint;
mod packs;
mod past;
mod places;
mod properties;
mod quiet;
mod reach;
mod real;
mod recorded;
mod relations;
mod sentences;
mod suites;
mod text;
mod together;
mod why_not;
mod wide;
mod world;
mod yaml;
