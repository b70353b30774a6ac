//! The incidents: their projection from the bus, what operators do to them, and alarms that are set aside.

pub(crate) mod acts;
pub(crate) mod aside;
pub(crate) mod projector;
pub(crate) mod view;
