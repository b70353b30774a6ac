//! Cases from the log: the fold of the steps that stand on `citywatch.command` into what supervision looks at.
//!
//! What it promises: the same steps give the same cases, in whatever order the partitions were read, because the steps
//! of one case are in one partition. Steps and fields that it does not know change nothing. What it does not do: it
//! decides nothing; a step says itself what it did to the clocks.

use super::case::{Case, Check, Closing, Deduction, Dispatch, Sensed, Source};
use model::{AreaLevel, EventTime, Millis};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Cells are squares of a thousandth of a degree, about 100 m.
pub(crate) const CELLS_PER_DEGREE: f64 = 1_000.0;

/// A step that is none: the log is damaged, or it was written by a newer citywatch.
#[derive(Debug, thiserror::Error)]
#[error("a step of a case or an appeal on the log cannot be read; was it written by a newer citywatch?")]
pub struct StepError(#[source] serde_json::Error);

impl StepError {
    pub(super) fn of(source: serde_json::Error) -> StepError {
        StepError(source)
    }
}

/// All cases of a log, as far as it was read.
#[derive(Debug, Default)]
pub struct CaseFold {
    cases: BTreeMap<String, Folded>,
}

/// A case and what is needed to go on with it.
#[derive(Debug)]
struct Folded {
    case: Case,
    version: u64,
    /// Whether the unit gave evidence when it last said that it is done.
    shown: bool,
}

/// Whether an event is a step of a case: an act on an incident has no `step`.
#[derive(Deserialize)]
struct Probe {
    step: Option<String>,
}

/// What supervision reads of a step.
#[derive(Deserialize)]
struct Step {
    case: String,
    version: u64,
    at: EventTime,
    #[serde(default)]
    clocks: Vec<Clock>,
    #[serde(flatten)]
    what: Fact,
}

#[derive(Deserialize)]
struct Clock {
    stage: String,
    used_ms: i64,
    due_at: Option<EventTime>,
    breached_at: Option<EventTime>,
    stopped_at: Option<EventTime>,
}

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Fact {
    Reported {
        source: String,
        class: String,
        place: Place,
        incident: Option<String>,
        rule: Option<String>,
        key: Option<String>,
    },
    Verified {
        result: String,
    },
    Accepted,
    Joined {
        incident: String,
    },
    Registered {
        class: String,
    },
    Dispatched {
        unit: String,
        #[serde(default)]
        is_proposed: bool,
    },
    Transferred {
        unit: String,
        before: Option<Segment>,
    },
    Returned,
    FedBack {
        #[serde(default)]
        evidence: Vec<String>,
    },
    Checked {
        result: String,
        #[serde(default)]
        evidence: Vec<String>,
    },
    SelfCleared,
    PartsDone,
    Voided {
        of: Option<String>,
    },
    Unmerged,
    Reopened,
    ExtensionGranted,
    Breached {
        stage: String,
    },
    #[serde(other)]
    Other,
}

/// What the unit before used of the clock.
#[derive(Deserialize)]
struct Segment {
    used_ms: Option<i64>,
}

#[derive(Deserialize)]
struct Place {
    lon: Option<f64>,
    lat: Option<f64>,
    district: Option<String>,
    subdistrict: Option<String>,
}

impl CaseFold {
    /// Takes the data of one event of the topic; those that are no steps of cases, and steps that it has, change nothing.
    pub fn add(&mut self, data: &[u8]) -> Result<(), StepError> {
        let Probe { step: Some(_) } = serde_json::from_slice(data).map_err(StepError)? else { return Ok(()) };
        let step: Step = serde_json::from_slice(data).map_err(StepError)?;
        match self.cases.get_mut(&step.case) {
            Some(folded) if folded.version < step.version => folded.apply(&step),
            Some(_) => {}
            None => {
                if let Some(folded) = Folded::begin(&step) {
                    self.cases.insert(step.case, folded);
                }
            }
        }
        Ok(())
    }

    /// The cases, by id.
    pub fn cases(self) -> Vec<Case> {
        self.cases.into_values().map(|folded| folded.case).collect()
    }
}

impl Folded {
    fn begin(step: &Step) -> Option<Folded> {
        let Fact::Reported { source, class, place, incident, rule, key } = &step.what else { return None };
        let source = match source.as_str() {
            "sensor" => Source::Sensor,
            "staff" => Source::Inspector,
            _ => Source::Citizen,
        };
        let cell = |(lon, lat): (f64, f64)| {
            format!("{}/{}", (lon * CELLS_PER_DEGREE).floor(), (lat * CELLS_PER_DEGREE).floor())
        };
        let case = Case {
            id: step.case.clone(),
            class: class.clone(),
            source,
            district: place.district.clone().unwrap_or_default(),
            subdistrict: place.subdistrict.clone().unwrap_or_default(),
            cell: place.lon.zip(place.lat).map(cell).unwrap_or_default(),
            level: AreaLevel::City,
            reported_at: step.at,
            registered_at: None,
            due_at: None,
            late_at: None,
            dispatches: Vec::new(),
            checks: Vec::new(),
            closed: None,
            void_at: None,
            reopened_at: Vec::new(),
            deductions: Vec::new(),
            sensed: Sensed {
                incidents: incident.iter().map(|incident| (step.at, incident.clone())).collect(),
                alarm: rule.clone().zip(key.clone()),
                ..Sensed::default()
            },
        };
        let mut folded = Folded { case, version: step.version, shown: false };
        folded.clocks(step);
        Some(folded)
    }

    fn apply(&mut self, step: &Step) {
        self.version = step.version;
        self.case.sensed.note(step);
        let case = &mut self.case;
        let newest = case.dispatches.len().checked_sub(1);
        let deduction = match &step.what {
            Fact::Returned => newest.map(Deduction::Returned),
            Fact::Checked { result, .. } if result == "not_fixed" => Some(Deduction::Reworked(case.checks.len())),
            Fact::Breached { stage } if stage == "handle" => newest.map(Deduction::HandledLate),
            Fact::Breached { stage } if stage == "total" && case.closed.is_none() => Some(Deduction::ClosedLate),
            _ => None,
        };
        case.deductions.extend(deduction.map(|deduction| (step.version, deduction)));
        match &step.what {
            Fact::Reported { .. } | Fact::Verified { .. } | Fact::Accepted | Fact::Joined { .. } | Fact::Other => {}
            Fact::Breached { .. } => {
                let is_late = matches!(deduction, Some(Deduction::ClosedLate));
                case.late_at = case.late_at.or(is_late.then_some(step.at));
            }
            Fact::ExtensionGranted => {
                if let Some(last) = case.dispatches.last_mut() {
                    last.is_spent = false;
                }
            }
            Fact::Registered { class } => {
                case.class.clone_from(class);
                case.registered_at = case.registered_at.or(Some(step.at));
            }
            Fact::Dispatched { unit, .. } => self.hand_to(unit, step.at),
            Fact::Transferred { unit, before } => {
                if let Some(last) = case.dispatches.last_mut() {
                    last.handed_on_at = Some(step.at);
                    if let Some(used_ms) = before.as_ref().and_then(|before| before.used_ms)
                        && last.handled_at.is_none()
                    {
                        last.worked = Millis(last.worked_before.0 + used_ms);
                    }
                }
                self.hand_to(unit, step.at);
                let clock = step.clocks.iter().find(|clock| clock.stage == "handle");
                if let (Some(last), Some(clock)) = (self.case.dispatches.last_mut(), clock) {
                    last.worked_before = Millis(clock.used_ms);
                    last.is_spent = clock.breached_at.is_some();
                }
            }
            Fact::Returned => {
                if let Some(last) = case.dispatches.last_mut() {
                    last.returned_at = Some(step.at);
                }
            }
            Fact::FedBack { evidence } => {
                self.shown = !evidence.is_empty();
                if let Some(last) = case.dispatches.last_mut() {
                    last.handled_at = last.handled_at.or(Some(step.at));
                }
            }
            Fact::Checked { result, evidence } => {
                let passed = match result.as_str() {
                    "fixed" => Some(true),
                    "not_fixed" => Some(false),
                    _ => None,
                };
                case.checks.push(Check { at: step.at, passed });
                if passed == Some(true) {
                    let proven = self.shown || !evidence.is_empty();
                    self.close(step.at, if proven { Closing::Checked } else { Closing::Unproven });
                }
            }
            Fact::SelfCleared => self.close(step.at, Closing::SelfCleared),
            Fact::PartsDone => self.close(step.at, Closing::Checked),
            Fact::Voided { .. } => case.void_at = Some(step.at),
            Fact::Unmerged => case.void_at = None,
            Fact::Reopened => case.reopened_at.push(step.at),
        }
        self.clocks(step);
    }

    fn hand_to(&mut self, unit: &str, at: EventTime) {
        let case = &mut self.case;
        if let Some(last) = case.dispatches.last_mut() {
            last.wrong = last.returned_at.is_some() && last.unit != unit;
        }
        case.level = level(unit);
        case.dispatches.push(Dispatch {
            unit: unit.to_owned(),
            at,
            due_at: None,
            returned_at: None,
            wrong: false,
            handled_at: None,
            worked: Millis(0),
            worked_before: Millis(0),
            handed_on_at: None,
            is_spent: false,
        });
    }

    fn close(&mut self, at: EventTime, closing: Closing) {
        self.case.closed = self.case.closed.or(Some((at, closing)));
    }

    /// What the step did to the clocks. A clock that stopped was due when it was; one that is paused is due at no time.
    fn clocks(&mut self, step: &Step) {
        for clock in &step.clocks {
            let due = |before: Option<EventTime>| if clock.stopped_at.is_some() { before } else { clock.due_at };
            match clock.stage.as_str() {
                "total" if self.case.closed.is_none() || clock.stopped_at.is_some() => {
                    self.case.due_at = due(self.case.due_at);
                }
                "handle" => {
                    // What is done again after a check is not handled a second time.
                    if let Some(last) = self.case.dispatches.last_mut()
                        && last.handled_at.is_none_or(|at| at == step.at)
                    {
                        last.due_at = due(last.due_at);
                        last.worked = Millis(clock.used_ms);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Sensed {
    fn note(&mut self, step: &Step) {
        match &step.what {
            Fact::Joined { incident } => self.incidents.push((step.at, incident.clone())),
            Fact::Verified { result } => self.refuted_at = (result == "not_found").then_some(step.at),
            Fact::Dispatched { unit, is_proposed } => self.sent.push((step.at, unit.clone(), *is_proposed)),
            Fact::Accepted | Fact::FedBack { .. } | Fact::SelfCleared | Fact::PartsDone => {
                self.taken_at = self.taken_at.or(Some(step.at));
            }
            Fact::Voided { of } => self.duplicate_of = of.clone().map(|of| (step.at, of)),
            Fact::Unmerged => self.duplicate_of = None,
            _ => {}
        }
    }
}

/// The level of a unit by its code, which ends in its area's: nine digits for a subdistrict, six for a district.
pub(super) fn level(unit: &str) -> AreaLevel {
    let area = unit.rsplit('-').next().unwrap_or_default();
    let is_code = area.bytes().all(|byte| byte.is_ascii_digit());
    match area.len() {
        9 if is_code => AreaLevel::Subdistrict,
        6 if is_code => AreaLevel::District,
        _ => AreaLevel::City,
    }
}
