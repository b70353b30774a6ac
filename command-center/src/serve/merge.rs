//! Which known matter a citizen's appeal is about: by class, distance and time, with a score that is shown.
//!
//! What it promises: the score is a pure function of the two and of the city's settings, so that it can be shown, and
//! said again later; nothing outside the radius or the window is ever proposed; equal scores are decided by age, then
//! id. What it does not do: it merges nothing. A merge is an event, and so is taking it back.

use model::{EventTime, Millis, Point};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Candidates that are proposed at most: more than that nobody reads.
const PROPOSED_MAX: usize = 5;
/// Classes are two digits of a large class and two of a small one.
pub(super) const LARGE_CLASS: usize = 2;
/// What an appeal of the same large class counts, against one of the same class: people name one thing differently.
const LARGE_CLASS_ONLY: f64 = 0.5;
/// Metres of a degree of latitude (the mean sphere of IUGG, 6,371,008.8 m).
pub(crate) const METRES_PER_DEGREE: f64 = 111_195.08;

/// How near counts as the same, as `seeds/serving/merge.toml` has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merging {
    /// Metres within which it may be the same.
    pub radius_m: f64,
    /// Days within which it may be the same.
    pub days: f64,
    /// The least score that merges without a person.
    pub least: f64,
    /// Classes that differ.
    #[serde(default)]
    pub classes: BTreeMap<String, Reach>,
}

/// How near counts as the same in one class.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Metres.
    pub radius_m: f64,
    /// Days.
    pub days: f64,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum MergingError {
    /// It is no such file.
    #[error("{0} does not say how appeals are merged")]
    Form(String, #[source] toml::de::Error),
    /// A number that cannot be.
    #[error("{0}: radius_m and days are above 0, least is from 0 to 1")]
    Number(String),
}

/// Where, when and what: an appeal, or what is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Matter {
    /// Its id.
    pub id: String,
    /// Its class.
    pub class: String,
    /// Its point.
    pub point: Point,
    /// When it was said or began.
    pub at: EventTime,
}

/// Something known that an appeal may be about.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// What is known.
    pub id: String,
    /// From 0 to 1.
    pub score: f64,
    /// How far away it is, in metres.
    pub distance_m: f64,
    /// How much earlier or later.
    pub apart: Millis,
}

impl Merging {
    /// Reads the text of a `merge.toml`; `file` is its name in errors.
    pub fn parse(file: &str, text: &str) -> Result<Merging, MergingError> {
        let merging: Merging = toml::from_str(text).map_err(|source| MergingError::Form(file.to_owned(), source))?;
        let city = Reach { radius_m: merging.radius_m, days: merging.days };
        let good = |reach: &Reach| reach.radius_m > 0.0 && reach.days > 0.0;
        let all_good = good(&city) && merging.classes.values().all(good) && (0.0..=1.0).contains(&merging.least);
        if all_good { Ok(merging) } else { Err(MergingError::Number(file.to_owned())) }
    }

    /// What every city starts with.
    pub fn seeded() -> Merging {
        let text = include_str!("../../../seeds/serving/merge.toml");
        Merging::parse("seeds/serving/merge.toml", text).expect("a test reads the seeded settings")
    }

    /// What counts for a class.
    pub fn reach(&self, class: &str) -> Reach {
        let city = Reach { radius_m: self.radius_m, days: self.days };
        self.classes.get(class).copied().unwrap_or(city)
    }

    /// The widest that counts for any class, in metres and in days.
    pub fn widest(&self) -> (f64, f64) {
        let all = self.classes.values().map(|reach| (reach.radius_m, reach.days));
        all.fold((self.radius_m, self.days), |most, one| (most.0.max(one.0), most.1.max(one.1)))
    }

    /// How much an appeal speaks of something known: the class's part, less with the square of the distance in radii and
    /// of the time in windows. Nothing outside them, or of another large class.
    pub fn score(&self, appeal: &Matter, known: &Matter) -> Option<Match> {
        let class = class_part(&appeal.class, &known.class)?;
        let reach = self.reach(&known.class);
        let distance_m = distance_m(appeal.point, known.point);
        let apart = Millis((appeal.at - known.at).0.abs());
        let (far, long) = (distance_m / reach.radius_m, apart.0 as f64 / (reach.days * Millis::DAY.0 as f64));
        let inside = far <= 1.0 && long <= 1.0;
        let score = class * (1.0 - far * far) * (1.0 - long * long);
        inside.then(|| Match { id: known.id.clone(), score, distance_m, apart })
    }

    /// What an appeal may be about, the likeliest first.
    pub fn matches<'a>(&self, appeal: &Matter, known: impl IntoIterator<Item = &'a Matter>) -> Vec<Match> {
        let mut matches: Vec<(EventTime, Match)> =
            known.into_iter().filter_map(|known| Some((known.at, self.score(appeal, known)?))).collect();
        matches.sort_by(|(a_at, a), (b_at, b)| {
            b.score.total_cmp(&a.score).then_with(|| a_at.cmp(b_at)).then_with(|| a.id.cmp(&b.id))
        });
        matches.into_iter().map(|(_, one)| one).take(PROPOSED_MAX).collect()
    }

    /// What an appeal is merged into without a person: the likeliest, if it is likely enough. An appeal of whose point
    /// nobody said the datum may be a kilometre off: it merges into nothing.
    pub fn merges_into<'a>(&self, appeal: &Matter, known: impl IntoIterator<Item = &'a Matter>) -> Option<Match> {
        let likeliest = self.matches(appeal, known).into_iter().next();
        likeliest.filter(|one| one.score >= self.least && !appeal.point.datum_unknown)
    }
}

fn class_part(appeal: &str, known: &str) -> Option<f64> {
    if appeal == known {
        return Some(1.0);
    }
    let large = |class: &str| class.get(..LARGE_CLASS).map(str::to_owned);
    (large(appeal).is_some() && large(appeal) == large(known)).then_some(LARGE_CLASS_ONLY)
}

/// Metres between two points, on a sphere that is flat between them: right to a millimetre within a kilometre.
pub(crate) fn distance_m(a: Point, b: Point) -> f64 {
    let middle = f64::midpoint(a.lat, b.lat).to_radians();
    let (north, east) = (a.lat - b.lat, (a.lon - b.lon) * middle.cos());
    METRES_PER_DEGREE * north.hypot(east)
}

#[cfg(test)]
mod tests;
