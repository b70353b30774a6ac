//! Counting the members of an area for which something held within a window.
//!
//! Of each member only the newest instants matter, so a window of any length costs the same. Counts are kept up to date
//! as readings arrive; when an instant may have left the window, all members are looked at once more.

/// The members of an area, counted for one predicate and span.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub span: i64,
    /// Instants at or before this are outside.
    pub low: i64,
    /// No instant inside is earlier than this.
    bound: i64,
    counts: Counts,
    pub members: Vec<Tallied>,
}

/// The newest instants of one member; `i64::MIN` for never.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tallied {
    pub in_service: bool,
    /// A reading of any metric that the rule names.
    pub reported_at: i64,
    /// A reading of a metric that the predicate names.
    pub read_at: i64,
    /// A reading for which the predicate was unknown.
    pub unknown_at: i64,
    /// A reading for which the predicate was true, and which reading that was.
    pub fit_at: i64,
    pub fit_metric: u32,
    pub fit_offset: u64,
    pub fit_value: f64,
}

/// How many members are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    fit: u32,
    unknown: u32,
    reporting: u32,
    /// Unknown, and reporting.
    unknown_reporting: u32,
}

impl Tallied {
    pub fn new(in_service: bool) -> Tallied {
        Tallied {
            in_service,
            reported_at: i64::MIN,
            read_at: i64::MIN,
            unknown_at: i64::MIN,
            fit_at: i64::MIN,
            fit_metric: 0,
            fit_offset: 0,
            fit_value: 0.0,
        }
    }

    fn counts(&self, low: i64) -> Counts {
        let fit = self.fit_at > low;
        let unknown = !fit && (self.unknown_at > low || (self.read_at <= low && self.in_service));
        let reporting = self.reported_at > low;
        Counts {
            fit: u32::from(fit),
            unknown: u32::from(unknown),
            reporting: u32::from(reporting),
            unknown_reporting: u32::from(unknown && reporting),
        }
    }

    /// The earliest of its instants inside the window.
    fn bound(&self, low: i64) -> i64 {
        let instants = [self.reported_at, self.read_at, self.unknown_at, self.fit_at];
        instants.into_iter().filter(|&at| at > low).min().unwrap_or(i64::MAX)
    }
}

impl Tally {
    pub fn new(span: i64, members: Vec<Tallied>) -> Tally {
        let mut tally = Tally { span, low: i64::MIN, bound: i64::MAX, counts: Counts::default(), members };
        tally.recount();
        tally
    }

    /// The same members with the window ending elsewhere, counted anew.
    pub fn at(low: i64, other: &Tally) -> Tally {
        let mut tally = Tally { low, ..other.clone() };
        tally.recount();
        tally
    }

    /// Changes what is known of one member.
    pub fn update(&mut self, member: usize, change: impl FnOnce(&mut Tallied)) {
        let before = self.members[member].counts(self.low);
        change(&mut self.members[member]);
        let after = self.members[member].counts(self.low);
        self.counts.fit = self.counts.fit - before.fit + after.fit;
        self.counts.unknown = self.counts.unknown - before.unknown + after.unknown;
        self.counts.reporting = self.counts.reporting - before.reporting + after.reporting;
        self.counts.unknown_reporting =
            self.counts.unknown_reporting - before.unknown_reporting + after.unknown_reporting;
        self.bound = self.bound.min(self.members[member].bound(self.low));
    }

    /// Lets the window end at `at`. It never goes back.
    pub fn advance(&mut self, at: i64) {
        let low = at.saturating_sub(self.span);
        if low > self.low {
            self.low = low;
            if low >= self.bound {
                self.recount();
            }
        }
    }

    /// Members that fit, at least and at most.
    pub fn sensors(&self) -> (f64, f64) {
        (f64::from(self.counts.fit), f64::from(self.counts.fit + self.counts.unknown))
    }

    /// Members that report.
    pub fn reporting(&self) -> f64 {
        f64::from(self.counts.reporting)
    }

    /// The share of those reporting that fit, at least and at most; `None` if none report.
    pub fn share(&self) -> Option<(f64, f64)> {
        let reporting = self.reporting();
        let most = f64::from(self.counts.fit + self.counts.unknown_reporting);
        (self.counts.reporting > 0).then(|| (f64::from(self.counts.fit) / reporting, most / reporting))
    }

    fn recount(&mut self) {
        self.counts = Counts::default();
        self.bound = i64::MAX;
        for member in &self.members {
            let counts = member.counts(self.low);
            self.counts.fit += counts.fit;
            self.counts.unknown += counts.unknown;
            self.counts.reporting += counts.reporting;
            self.counts.unknown_reporting += counts.unknown_reporting;
            self.bound = self.bound.min(member.bound(self.low));
        }
    }
}
