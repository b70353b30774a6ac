//! What every log keeps to ([`conformance`]), and what the embedded one promises beyond it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod conformance;
mod embedded;
