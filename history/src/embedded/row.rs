//! The rows of the store: raw values and roll-ups, in one shape.

/// Numbers of a raw row: its value.
pub(super) const RAW: usize = 1;
/// Numbers of a roll-up's row, see [`Summary`].
pub(super) const ROLLED: usize = 5;

/// A series: the number of its metric in the upper half, that of its sensor in the lower, so that one metric of an
/// area's sensors stands close together.
pub(super) type Key = u64;

/// The key of a sensor's metric.
pub(super) fn key(sensor: u32, metric: u16) -> Key {
    u64::from(metric) << 32 | u64::from(sensor)
}

/// The sensor of a key.
pub(super) fn sensor_of(key: Key) -> u32 {
    key as u32
}

/// One row of a series, at its time in epoch milliseconds or at the begin of the hour or day that it rolls up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row<const N: usize> {
    pub key: Key,
    pub time: i64,
    pub values: [f64; N],
}

impl<const N: usize> Row<N> {
    /// What rows are sorted by.
    pub fn place(&self) -> (Key, i64) {
        (self.key, self.time)
    }
}

/// Sorts rows that stand in the order of their writing; of several for one place the last one stays.
pub(super) fn settle<const N: usize>(rows: &mut Vec<Row<N>>) {
    if rows.is_sorted_by(|a, b| a.place() < b.place()) {
        return;
    }
    // A stable sort keeps the order of writing within a place, and is fast on runs that are sorted already.
    rows.sort_by_key(Row::place);
    let mut kept = 0;
    for at in 0..rows.len() {
        if at + 1 < rows.len() && rows[at].place() == rows[at + 1].place() {
            continue;
        }
        rows[kept] = rows[at];
        kept += 1;
    }
    rows.truncate(kept);
}

/// What a stretch of a series comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
}

impl Summary {
    /// Of one value.
    pub fn of(value: f64) -> Summary {
        Summary { count: 1.0, sum: value, min: value, max: value, last: value }
    }

    /// Of this stretch and the one after it.
    pub fn then(self, later: Summary) -> Summary {
        Summary {
            count: self.count + later.count,
            sum: self.sum + later.sum,
            min: self.min.min(later.min),
            max: self.max.max(later.max),
            last: later.last,
        }
    }

    /// As the numbers of a row.
    pub fn values(self) -> [f64; ROLLED] {
        [self.count, self.sum, self.min, self.max, self.last]
    }

    /// From the numbers of a row.
    pub fn from_values([count, sum, min, max, last]: [f64; ROLLED]) -> Summary {
        Summary { count, sum, min, max, last }
    }
}
