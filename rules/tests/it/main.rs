//! The rules crate from outside.

mod backtest;
mod diagnostics;
mod language;
mod properties;
mod suites;
mod real;
mod recorded;
mod world;
