//! Whether the log still is the one that this process has read: looked after every few seconds.
//!
//! A reader that stands behind the end of a log which lost records is set back without a word, and hears of it only when
//! something is appended there. One whose place was filled by other records meanwhile may not hear of it at all. So it is
//! looked whether each partition that is followed still goes as far, and, when a connection was lost, whether the last
//! record that was taken in before still stands there.

use super::client::Heard;
use super::cursors::Cursors;
use super::ends::Ends;
use super::tail::Tails;
use crate::BusError;
use crate::place::print;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Between two looks: two requests for each topic that is followed.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Between two comparisons of records, while one broker of several stays away and is missed all the time.
const COMPARE_EVERY: Duration = Duration::from_secs(60);

/// The thread that looks ends once this is dropped; nobody waits for it, since it may wait for brokers.
pub(super) struct Look {
    _end: Sender<()>,
}

/// What it looks at.
pub(super) struct Seen {
    pub(super) tails: Arc<Tails>,
    pub(super) cursors: Arc<Cursors>,
    pub(super) ends: Arc<Ends>,
    pub(super) heard: Heard,
}

impl Look {
    pub(super) fn new(seen: Seen, place: &str) -> Result<Look, BusError> {
        let (end, when_ended) = channel();
        let heard = seen.heard.clone();
        let looks = move || {
            let mut compared: Option<Instant> = None;
            while when_ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                // Brokers that do not answer are asked again at the next look; who appends or reads hears of them.
                let _ = seen.look(&mut compared);
            }
        };
        let thread = std::thread::Builder::new().name("kafka-look".to_owned()).spawn(looks);
        thread.map_err(|error| heard.failed(place, "start a thread", error))?;
        Ok(Look { _end: end })
    }
}

impl Seen {
    fn look(&self, compared: &mut Option<Instant>) -> Result<(), BusError> {
        let troubles = self.heard.troubles();
        let followed = self.tails.followed();
        for topic in &followed {
            self.ends.check(*topic)?;
        }
        let is_due = compared.is_none_or(|at| at.elapsed() >= COMPARE_EVERY);
        if self.heard.is_settled() || !is_due {
            return Ok(());
        }
        for (topic, partition, block) in followed.iter().flat_map(|topic| self.tails.sure(*topic)) {
            let Some((offset, record)) = block.last() else { continue };
            let records = self.cursors.read(topic, partition, offset, 1)?;
            let stands = records.iter().next();
            // Where retention or compaction took it, only the end tells.
            if stands.is_some_and(|(at, stands)| {
                at == offset && print(stands.key, stands.value) != print(record.key, record.value)
            }) {
                return Err(self.ends.cut_back(topic, partition, offset + 1, offset));
            }
        }
        *compared = Some(Instant::now());
        self.heard.settle(troubles);
        Ok(())
    }
}
