//! The incidents: their projection from the bus, what operators do to them, and how they stand aside: alarms that are
//! set aside, windows of maintenance; what is seen in many of them: hot spots, repeats, how well alarms serve, how often
//! rules are right; and what is foretold of a value.

pub(crate) mod acts;
pub(crate) mod alarms;
pub(crate) mod aside;
pub(crate) mod forecast;
pub(crate) mod hotspots;
pub(crate) mod maintenance;
pub(crate) mod projector;
pub(crate) mod repeats;
pub(crate) mod stand;
pub(crate) mod verdicts;
pub(crate) mod view;
