//! The incidents: their projection from the bus, and what operators do to them.

pub(crate) mod acts;
pub(crate) mod projector;
pub(crate) mod view;
