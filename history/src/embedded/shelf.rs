//! Which segments there are: by resolution, by the partition of time they belong to, in the order of their writing.
//!
//! A segment's name says all of that: `raw_<begin>_<first>_<last>.seg`. A merged segment bears the first and the last
//! number of those it was made of, so after a crash that left both, the merged one alone counts. An empty file
//! `floor_<begin>` says which raw days are dropped: after a crash in the middle of that the rest goes at the opening.

use super::row::{RAW, ROLLED};
use super::segment::Segment;
use crate::series::{DAY, floor};
use crate::{HistoryError, Resolution};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The segments of one resolution, by the begin of their partition.
pub(super) type Partitions = BTreeMap<i64, Vec<Arc<Segment>>>;

/// All segments. A copy is cheap and stays as it is, whatever is merged or dropped meanwhile.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    raw: Partitions,
    hours: Partitions,
    days: Partitions,
    /// Raw rows before this were rolled up and dropped.
    pub floor: Option<i64>,
    /// By day: the number of the last raw segment that is in the roll-ups by hour, and in those by day.
    rolled: [BTreeMap<i64, u64>; 2],
}

/// Width of a resolution's partitions. A raw day is one partition, so that its roll-up reads one.
pub(super) fn partition_width(resolution: Resolution) -> i64 {
    match resolution {
        Resolution::Raw => DAY,
        Resolution::Hour => 32 * DAY,
        Resolution::Day => 1_024 * DAY,
    }
}

impl Shelf {
    /// Takes stock of a directory, and removes what a crash left of unfinished work. Gives the last number used too.
    pub fn open(directory: &Path) -> Result<(Shelf, u64), HistoryError> {
        let (mut named, mut floors) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(directory).map_err(HistoryError::io("list", directory))? {
            let path = entry.map_err(HistoryError::io("list", directory))?.path();
            if path.extension().is_some_and(|extension| extension == "tmp") {
                std::fs::remove_file(&path).map_err(HistoryError::io("remove", &path))?;
            } else if let Some(floor) = parse_floor(&path) {
                floors.push((floor, path));
            } else if let Some((resolution, begin, first, last)) = parse(&path) {
                // Of those that begin alike, the one that holds the most comes first.
                named.push((resolution, begin, first, std::cmp::Reverse(last), path));
            }
        }
        named.sort();
        floors.sort();
        let floor = floors.pop().map(|(floor, _)| floor);
        for (_, path) in floors {
            std::fs::remove_file(&path).map_err(HistoryError::io("remove", &path))?;
        }
        let mut shelf = Shelf { floor, ..Shelf::default() };
        let mut number = 0;
        for (resolution, begin, first, last, path) in named {
            number = number.max(last.0);
            let before = shelf.partitions(resolution).get(&begin).and_then(|segments| segments.last());
            let is_dropped = resolution == Resolution::Raw && floor.is_some_and(|floor| begin < floor);
            if is_dropped || before.is_some_and(|before| last.0 <= before.numbers.1) {
                std::fs::remove_file(&path).map_err(HistoryError::io("remove", &path))?;
                continue;
            }
            let open = match resolution {
                Resolution::Raw => Segment::open::<RAW>,
                Resolution::Hour | Resolution::Day => Segment::open::<ROLLED>,
            };
            shelf.add(resolution, begin, Arc::new(open(path, (first, last.0))?));
        }
        Ok((shelf, number))
    }

    /// The segments of a resolution.
    pub fn partitions(&self, resolution: Resolution) -> &Partitions {
        match resolution {
            Resolution::Raw => &self.raw,
            Resolution::Hour => &self.hours,
            Resolution::Day => &self.days,
        }
    }

    fn partitions_mut(&mut self, resolution: Resolution) -> &mut Partitions {
        match resolution {
            Resolution::Raw => &mut self.raw,
            Resolution::Hour => &mut self.hours,
            Resolution::Day => &mut self.days,
        }
    }

    /// Adds a segment after the others of its partition, in place of those that it was merged from.
    pub fn add(&mut self, resolution: Resolution, begin: i64, segment: Arc<Segment>) {
        if resolution != Resolution::Raw {
            let rolled = &mut self.rolled[usize::from(resolution == Resolution::Day)];
            for mark in &segment.marks {
                let through = rolled.entry(mark.day).or_default();
                *through = mark.through.max(*through);
            }
        }
        let segments = self.partitions_mut(resolution).entry(begin).or_default();
        let is_merged = |old: &Segment| segment.numbers.0 <= old.numbers.0 && old.numbers.1 <= segment.numbers.1;
        let at = segments.iter().position(|old| is_merged(old)).unwrap_or(segments.len());
        segments.retain(|old| {
            let merged = is_merged(old);
            if merged {
                old.doom();
            }
            !merged
        });
        segments.insert(at, segment);
    }

    /// Drops a partition with all its segments.
    pub fn drop_partition(&mut self, resolution: Resolution, begin: i64) {
        let segments = self.partitions_mut(resolution).remove(&begin).unwrap_or_default();
        segments.iter().for_each(|segment| segment.doom());
    }

    /// Whether the roll-ups hold all that the raw segments of a day hold.
    pub fn is_rolled(&self, resolution: Resolution, day: i64) -> bool {
        let raw = self.raw.get(&day).and_then(|segments| segments.last());
        let rolled = self.rolled[usize::from(resolution == Resolution::Day)].get(&day);
        raw.is_none_or(|raw| rolled.is_some_and(|through| *through >= raw.numbers.1))
    }

    /// Whether a day was ever rolled up.
    pub fn was_rolled(&self, day: i64) -> bool {
        self.rolled.iter().any(|rolled| rolled.contains_key(&day))
    }

    /// All segments.
    pub fn segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        [&self.raw, &self.hours, &self.days].into_iter().flat_map(|partitions| partitions.values().flatten())
    }
}

/// Where a segment stands.
pub(super) fn path(directory: &Path, resolution: Resolution, begin: i64, numbers: (u64, u64)) -> PathBuf {
    directory.join(format!("{}_{begin}_{:010}_{:010}.seg", word(resolution), numbers.0, numbers.1))
}

/// Notes in the directory, durably, that raw rows before `floor` are no longer wanted, for all of them are rolled up.
pub(super) fn write_floor(directory: &Path, floor: i64) -> Result<(), HistoryError> {
    let path = directory.join(format!("floor_{floor}"));
    File::create(&path).and_then(|file| file.sync_all()).map_err(HistoryError::io("make", &path))?;
    sync(directory)
}

/// Makes durable which files a directory has.
pub(super) fn sync(directory: &Path) -> Result<(), HistoryError> {
    let sync = || File::open(directory)?.sync_all();
    sync().map_err(HistoryError::io("sync", directory))
}

/// Begin of the partition that a time belongs to.
pub(super) fn partition_of(resolution: Resolution, time: i64, offset: i64) -> i64 {
    floor(time, partition_width(resolution), offset)
}

fn parse_floor(path: &Path) -> Option<i64> {
    path.file_name()?.to_str()?.strip_prefix("floor_")?.parse().ok()
}

fn parse(path: &Path) -> Option<(Resolution, i64, u64, u64)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".seg")?;
    let mut words = name.split('_');
    let found = words.next()?;
    let resolution =
        [Resolution::Raw, Resolution::Hour, Resolution::Day].into_iter().find(|known| word(*known) == found)?;
    let parsed = (resolution, words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words.next().is_none().then_some(parsed)
}

fn word(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Raw => "raw",
        Resolution::Hour => "hour",
        Resolution::Day => "day",
    }
}
