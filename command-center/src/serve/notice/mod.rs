//! Telling others: subscriptions of the utilities' feed by webhook, and notices to those on duty.
//!
//! What it promises: what is to be told is a row, written in the transaction of what it tells, so that a kill loses
//! nothing; each is delivered at least once, with the same id at every try; an end-point that is dead costs only its own
//! queue; nothing is sent where it may not be. What it does not do: it keeps no order between messages that fail and
//! those behind them; revisions tell the order of what is said of an incident.
//!
//! `subscription` is who wants what, `subscribe` changes that, `sender` sends what is due; `sign`, `retry`, `allowed`,
//! `cap` and
//! `forms` are pure.

pub(crate) mod allowed;
pub(crate) mod cap;
pub(crate) mod contact;
pub(crate) mod forms;
pub(crate) mod mail;
pub(crate) mod post;
pub(crate) mod retry;
pub(crate) mod sender;
pub(crate) mod sign;
pub(crate) mod subscribe;
pub(crate) mod subscription;

use self::mail::Mailer;
use self::post::Poster;
use crate::CenterError;
use crate::settings::{Outward, Retries};
use std::sync::atomic::AtomicU64;
use tokio::sync::Notify;

/// What sends messages, and what wakes it.
pub(crate) struct Outgoing {
    pub(crate) retries: Retries,
    /// Deliveries that wait for one subscriber at most.
    pub(crate) queue_max: u64,
    /// Whether end-points may be asked by http.
    pub(crate) plain_http: bool,
    pub(crate) poster: Poster,
    pub(crate) mailer: Option<Mailer>,
    /// Told of each delivery that is added or is to be tried at once.
    pub(crate) wake: Notify,
    /// Tries since the start.
    pub(crate) tried: AtomicU64,
    /// Tries since the start that failed.
    pub(crate) failed: AtomicU64,
}

impl Outgoing {
    pub(crate) fn new(outward: &Outward) -> Result<Outgoing, CenterError> {
        let poster = Poster::new(outward.clone())?;
        let mailer = outward.mail.clone().map(|server| Mailer::new(server, outward)).transpose()?;
        let (retries, queue_max) = (outward.retries, outward.queue_max);
        Ok(Outgoing {
            retries,
            queue_max,
            plain_http: outward.plain_http,
            poster,
            mailer,
            wake: Notify::new(),
            tried: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }
}
