//! How far several sources together let one go.

use super::wide::Progress;
use model::{Offset, PARTITIONS};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The partitions of the log, and how far each lets wide rules go.
///
/// It goes from rest to rest: when a feed pauses, wide rules take what is there, and what their timers find of that time
/// afterwards comes late. So that this does not depend on how the partitions interleave, everyone stops at every rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    sources: Vec<Source>,
}

/// What is known of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    progress: Progress,
    /// Rests that the others have not come to. Bounded by how far one partition is ahead of another.
    rests: VecDeque<Progress>,
}

/// An instant up to which one may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// How far.
    pub progress: Progress,
    /// Whether it is a rest: then there may be more, and what was found is to be told whole.
    pub rests: bool,
}

impl Default for Watermark {
    fn default() -> Watermark {
        let source = Source { progress: Progress::NONE, rests: VecDeque::new() };
        Watermark { sources: vec![source; PARTITIONS as usize] }
    }
}

impl Watermark {
    /// Takes how far a partition is, and the rests that it passed on the way there; of those before `known` it told
    /// already.
    pub fn tell(&mut self, source: usize, progress: Progress, rests: &[(Offset, Progress)], known: Offset) {
        let rests = rests.iter().filter(|(offset, _)| *offset >= known).map(|(_, progress)| *progress);
        self.sources[source].rests.extend(rests);
        self.sources[source].progress = progress;
    }

    /// The next instant to go to, `limits` of the partitions considered; after it, while it is a rest, there is another.
    pub fn next(&mut self, limits: impl Fn(usize) -> Option<Progress>) -> Point {
        let of = |(index, source): (usize, &Source)| {
            let told = source.rests.front().copied().unwrap_or(source.progress);
            limits(index).map_or(told, |limit| told.min(limit))
        };
        let progress = self.sources.iter().enumerate().map(of).reduce(Progress::min).expect("there are partitions");
        let mut rests = false;
        for source in &mut self.sources {
            while source.rests.front().is_some_and(|rest| rest.below <= progress.below) {
                source.rests.pop_front();
                rests = true;
            }
        }
        Point { progress, rests }
    }
}
