//! The rules crate from outside.

mod diagnostics;
mod language;
mod properties;
mod suites;
mod world;
