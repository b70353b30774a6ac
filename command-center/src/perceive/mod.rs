//! The city as it is now: areas, sensors with their last values and states, and the pulse that tells pages of them.

pub(crate) mod areas;
pub(crate) mod basemap;
pub(crate) mod cells;
pub(crate) mod coverage;
pub(crate) mod feeds;
pub(crate) mod follow;
pub(crate) mod indices;
mod outline;
pub(crate) mod pulse;
pub(crate) mod roads;
pub(crate) mod sensors;
pub(crate) mod strangers;
