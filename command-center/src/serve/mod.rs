//! What others are told: the utilities' feed on the bus, and the events of the command center's own acts; and what
//! citizens say: their appeals, what these are about, and what is answered. `notice` tells by webhook and mail.

pub(crate) mod appeal;
pub(crate) mod feed;
pub(crate) mod gate;
pub(crate) mod known;
pub mod merge;
pub(crate) mod notice;
pub(crate) mod publisher;
pub(crate) mod pull;
pub(crate) mod replay;
pub(crate) mod wechat;
