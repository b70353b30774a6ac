//! The incidents: their projection from the bus, what operators do to them, and alarms that are set aside; what is seen in
//! many of them: hot spots, repeats, how well alarms serve; and what is foretold of a value.

pub(crate) mod acts;
pub(crate) mod alarms;
pub(crate) mod aside;
pub(crate) mod forecast;
pub(crate) mod hotspots;
pub(crate) mod projector;
pub(crate) mod repeats;
pub(crate) mod view;
