//! History as its callers see it: against a naive oracle, through crashes, from a log.

mod oracle;
mod store;
