//! History as its callers see it: against a naive oracle, through crashes, from a log.

#![allow(clippy::unwrap_used)]

mod oracle;
mod store;
