//! What others are told: the utilities' feed on the bus, and the events of the command center's own acts; and what
//! citizens' appeals are about.

pub(crate) mod feed;
pub mod merge;
pub(crate) mod publisher;
pub(crate) mod replay;
