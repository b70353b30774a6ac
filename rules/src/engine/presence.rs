//! Which sensors report, which are silent and which are stuck, and how well each subdistrict is covered: see "What is perceived" in
//! `docs/semantics.md`.
//!
//! A reading costs two comparisons here. That a sensor fell silent is found at a tick: of each block of sensors an
//! instant is known that none of them falls silent before, so a block is looked at about once in two of its sensors'
//! intervals, whatever the number of ticks.

use super::codec::{Broken, Reader, Writer};
use super::metric::NEVER;
use super::program::Timing;
use super::stuck::{Run, Turn};
use model::{CoverageClass, EventTime, Metrics, Offset, Partition, Perceived, Perception, Reading};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Sensors that are looked at together.
const BLOCK: usize = 64;
/// What `seen` is below the time of the newest reading while a sensor is silent.
const AWAY: i64 = 1 << 62;
/// `seen` of a sensor that reports is not below this.
const PRESENT: i64 = -(1 << 61);
/// `seen` of a sensor that never reported and was told to be silent.
const SILENT_FROM_THE_START: i64 = NEVER + 1;
/// Unregistered sensors that are remembered, so that each is told once. At the bound further ones are only counted.
const UNREGISTERED_MAX: usize = 1_000;
/// Bytes of an id that is worth telling.
const ID_BYTES_MAX: usize = 256;
/// Coverage is looked at when the clock comes to a new minute.
const COVERAGE_EVERY: i64 = 60_000;

/// The presence of one partition's sensors, by their place in the engine.
#[derive(Debug, Default)]
pub(super) struct Presence {
    held: Vec<Held>,
    plans: Vec<Plan>,
    /// By block: none of its sensors falls silent before the clock comes here.
    due: Vec<i64>,
    next_due: i64,
    areas: Vec<Coverage>,
    area_of: BTreeMap<Arc<str>, u32>,
    /// Unregistered sensors that were told.
    pub unregistered: BTreeSet<String>,
    /// What is to be told, in order.
    told: Vec<Perceived>,
}

/// What is known of a sensor by its readings: half a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Held {
    /// Time of the newest reading that was not late; [`AWAY`] below it while the sensor is silent; [`NEVER`] before the
    /// first; [`SILENT_FROM_THE_START`].
    seen: i64,
    run: Run,
}

const _: () = assert!(size_of::<Held>() == 32, "two sensors share a line of the cache");

/// What does not change of a sensor.
#[derive(Clone, Copy, Debug)]
struct Plan {
    area: u32,
    /// How long after its newest reading it is silent, and how much later the clock says so; `i64::MAX` for one that
    /// is never silent: it is out of service, or reports when something happens.
    stale_after: i64,
    wait: i64,
}

/// A subdistrict of the partition.
#[derive(Debug)]
struct Coverage {
    code: Arc<str>,
    reporting: u32,
    silent: u32,
    told: Option<CoverageClass>,
}

/// An entry of the log, which shows something.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub partition: Partition,
    pub offset: Offset,
}

impl Presence {
    /// Adds the next sensor. `timing` is `None` for one that is never silent.
    pub fn add(&mut self, subdistrict: &str, timing: Option<&Timing>) {
        let area = match self.area_of.get(subdistrict) {
            Some(&area) => area,
            None => {
                let (code, area): (Arc<str>, u32) = (subdistrict.into(), self.areas.len() as u32);
                self.areas.push(Coverage { code: Arc::clone(&code), reporting: 0, silent: 0, told: None });
                self.area_of.insert(code, area);
                area
            }
        };
        let (stale_after, wait) = timing.map_or((i64::MAX, 0), |timing| (timing.stale_after, timing.wait));
        self.held.push(Held { seen: NEVER, run: Run::default() });
        self.plans.push(Plan { area, stale_after, wait });
        self.look_at_all();
    }

    /// Has the next tick look at every sensor.
    pub fn look_at_all(&mut self) {
        self.due.clear();
        self.due.resize(self.held.len().div_ceil(BLOCK), i64::MIN);
        self.next_due = i64::MIN;
    }

    /// A reading that was not late. True if it may be something to tell: then [`Presence::notice`] is to be called.
    #[inline]
    pub fn see(&mut self, place: usize, reading: &Reading<'_>) -> bool {
        let held = &mut self.held[place];
        if held.seen < PRESENT {
            return true;
        }
        if reading.time.0 <= held.seen {
            return false;
        }
        held.seen = reading.time.0;
        held.run.extend(reading)
    }

    /// A reading that was seen, and may be something to tell.
    #[cold]
    pub fn notice(&mut self, place: usize, reading: &Reading<'_>, metrics: &Metrics, clock: Option<i64>, at: At) {
        let time = reading.time.0;
        if self.held[place].seen < PRESENT && !self.appear(place, &reading.sensor, time, clock, at) {
            return;
        }
        let is_watched = self.plans[place].is_watched();
        let run = &mut self.held[place].run;
        let since = EventTime(run.since());
        let sensor = || reading.sensor.clone().into_owned();
        match run.look(reading, metrics, is_watched) {
            None => {}
            Some(Turn::Stuck) => self.tell(at, time, Perception::Stuck { sensor: sensor(), since }),
            Some(Turn::Moving) => self.tell(at, time, Perception::Moving { sensor: sensor(), since }),
        }
    }

    /// A reading of a sensor that was silent or never reported. False for one so old that the sensor would be silent at
    /// once: it does not count.
    fn appear(&mut self, place: usize, id: &str, time: i64, clock: Option<i64>, at: At) -> bool {
        let plan = self.plans[place];
        let deadline = plan.deadline(time);
        if clock.is_some_and(|clock| deadline <= clock) {
            return false;
        }
        let before = self.held[place].seen;
        let last = last_seen(before);
        self.held[place].seen = last.map_or(time, |last| last.max(time));
        let coverage = &mut self.areas[plan.area as usize];
        coverage.reporting += u32::from(plan.is_watched());
        coverage.silent -= u32::from(plan.is_watched() && before != NEVER);
        let block = &mut self.due[place / BLOCK];
        *block = deadline.min(*block);
        self.next_due = deadline.min(self.next_due);
        let (sensor, last) = (id.to_owned(), last.map(EventTime));
        self.tell(at, time, Perception::Online { sensor, last });
        true
    }

    /// A reading of a sensor that is not registered.
    #[cold]
    pub fn stranger(&mut self, id: &str, time: i64, at: At) {
        let is_new = id.len() <= ID_BYTES_MAX && !self.unregistered.contains(id);
        if is_new && self.unregistered.len() < UNREGISTERED_MAX {
            self.unregistered.insert(id.to_owned());
            self.tell(at, time, Perception::Unregistered { sensor: id.to_owned(), removed: false });
        }
    }

    /// A sensor that the registry no longer has.
    pub fn removed(&mut self, id: &str, time: i64, at: At) {
        self.tell(at, time, Perception::Unregistered { sensor: id.to_owned(), removed: true });
    }

    /// The clock went on: `before` is where it stood. `registered_at` and `id` are of the sensor at a place.
    pub fn tick<'a>(&mut self, before: Option<i64>, clock: i64, at: At, sensor: impl Fn(usize) -> (i64, &'a str)) {
        if clock >= self.next_due {
            for block in 0..self.due.len() {
                if clock >= self.due[block] {
                    self.due[block] = self.look_at(block, clock, at, &sensor);
                }
            }
            self.next_due = self.due.iter().copied().min().unwrap_or(i64::MAX);
        }
        let minute = |time: i64| time.div_euclid(COVERAGE_EVERY);
        if before.is_some_and(|before| minute(before) != minute(clock)) {
            self.look_at_coverage(clock, at);
        }
    }

    /// Tells which sensors of a block are silent; returns when it is to be looked at again.
    fn look_at<'a>(&mut self, block: usize, clock: i64, at: At, sensor: &impl Fn(usize) -> (i64, &'a str)) -> i64 {
        let mut due = i64::MAX;
        for place in block * BLOCK..self.held.len().min((block + 1) * BLOCK) {
            let (seen, plan) = (self.held[place].seen, self.plans[place]);
            let is_known_silent = seen < PRESENT && seen != NEVER;
            if is_known_silent || !plan.is_watched() {
                continue;
            }
            let since = if seen == NEVER { sensor(place).0 } else { seen };
            let deadline = plan.deadline(since);
            if deadline > clock {
                due = due.min(deadline);
                continue;
            }
            let coverage = &mut self.areas[plan.area as usize];
            coverage.silent += 1;
            coverage.reporting -= u32::from(seen != NEVER);
            let seen_silent = if seen == NEVER { SILENT_FROM_THE_START } else { seen - AWAY };
            self.held[place] = Held { seen: seen_silent, run: Run::default() };
            let (id, last) = (sensor(place).1.to_owned(), (seen != NEVER).then_some(EventTime(seen)));
            self.tell(at, since.saturating_add(plan.stale_after), Perception::Silent { sensor: id, last });
        }
        due
    }

    fn look_at_coverage(&mut self, clock: i64, at: At) {
        for area in 0..self.areas.len() {
            let coverage = &mut self.areas[area];
            let (reporting, silent) = (coverage.reporting, coverage.silent);
            let now = CoverageClass::of(reporting, silent);
            if let Some(class) = now.filter(|_| now != coverage.told) {
                coverage.told = now;
                let area = coverage.code.to_string();
                self.tell(at, clock, Perception::Coverage { area, class, reporting, silent });
            }
        }
    }

    fn tell(&mut self, at: At, time: i64, perceived: Perception) {
        let At { partition, offset } = at;
        let before = self.told.last().filter(|before| before.offset == offset);
        let part = before.map_or(0, |before| before.part + 1);
        self.told.push(Perceived { partition, offset, part, time: EventTime(time), perceived });
    }

    /// Moves what is to be told to the end of `out`.
    pub fn take_told(&mut self, out: &mut Vec<Perceived>) {
        out.append(&mut self.told);
    }

    /// Takes over what another one had to tell.
    pub fn untold(&mut self, told: Vec<Perceived>) {
        self.told = told;
    }

    /// The time by which a sensor is known; see [`Held::seen`].
    pub fn seen(&self, place: usize) -> i64 {
        self.held[place].seen
    }

    /// Saves what is known of a sensor.
    pub fn save(&self, place: usize, writer: &mut Writer<'_>) {
        writer.signed(self.held[place].seen);
        self.held[place].run.save(writer);
    }

    /// Takes up what was saved of a sensor; of one that is not here it is passed over.
    pub fn load(&mut self, place: Option<usize>, reader: &mut Reader<'_>) -> Result<(), Broken> {
        let (seen, run) = (reader.signed()?, Run::load(reader)?);
        let Some(place) = place else { return Ok(()) };
        let plan = self.plans[place];
        // Out of service, a sensor is neither silent nor told to be; back in service it is looked at anew.
        let (seen, run) =
            if plan.is_watched() { (seen, run) } else { (last_seen(seen).unwrap_or(NEVER), Run::default()) };
        self.held[place] = Held { seen, run };
        let coverage = &mut self.areas[plan.area as usize];
        coverage.reporting += u32::from(plan.is_watched() && seen >= PRESENT);
        coverage.silent += u32::from(plan.is_watched() && seen < PRESENT && seen != NEVER);
        Ok(())
    }

    /// The class of each subdistrict that has been told.
    pub fn told_classes(&self) -> impl Iterator<Item = (&str, CoverageClass)> {
        self.areas.iter().filter_map(|area| Some((&*area.code, area.told?)))
    }

    /// Takes up the class that was told of a subdistrict, if it is still there.
    pub fn restore_class(&mut self, code: &str, class: CoverageClass) {
        if let Some(&area) = self.area_of.get(code) {
            self.areas[area as usize].told = Some(class);
        }
    }
}

impl Plan {
    fn is_watched(&self) -> bool {
        self.stale_after != i64::MAX
    }

    /// When the clock finds a sensor silent whose newest reading was at `seen`.
    fn deadline(&self, seen: i64) -> i64 {
        seen.saturating_add(self.stale_after).saturating_add(self.wait)
    }
}

/// Time of the newest reading, whether or not the sensor is silent by now.
fn last_seen(seen: i64) -> Option<i64> {
    match seen {
        NEVER | SILENT_FROM_THE_START => None,
        seen if seen < PRESENT => Some(seen + AWAY),
        seen => Some(seen),
    }
}
