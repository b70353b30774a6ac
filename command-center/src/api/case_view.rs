//! A case as the API shows it.

use crate::city::{City, Names};
use crate::command::case::{Counts, Segment, State, Task, Whistle};
use crate::command::clock::Clock;
use crate::store::cases::StoredCase;
use model::{AreaLevel, Duties, EventTime, PlanStep, Severity};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A case in a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = CaseRow)]
pub(crate) struct CaseRow {
    id: String,
    /// 19 digits: district, day, number of that day.
    number: String,
    /// Names this version; the ETag of the detail.
    version: u64,
    state: State,
    is_open: bool,
    /// Whether one of its clocks is breached.
    is_late: bool,
    class: String,
    /// The class's name by language; empty if the class is no longer listed.
    class_name: Names,
    title: String,
    /// The rule's title by language, where it was made from an incident.
    title_by_language: Names,
    severity: &'static str,
    domain: Option<&'static str>,
    district: Option<String>,
    subdistrict: Option<String>,
    place_name: Names,
    lon: Option<f64>,
    lat: Option<f64>,
    /// The unit that has it.
    unit: Option<String>,
    unit_name: Names,
    parent: Option<String>,
    reported_at: i64,
    changed_at: i64,
    /// When the first of its clocks is due; null while none runs.
    due_at: Option<i64>,
    /// When the first of its clocks warns, at 80 % of its limit; null while none runs.
    warn_at: Option<i64>,
    /// How often a unit returned it, or it was transferred to another.
    bounces: u32,
}

/// A case with all that happened to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseDetail {
    #[serde(flatten)]
    row: CaseRow,
    description: String,
    /// sensor, staff, citizen
    source: String,
    /// The rule and key of the incident that it was made from.
    rule: Option<String>,
    key: Option<String>,
    incidents: Vec<String>,
    registered_at: Option<i64>,
    closed_at: Option<i64>,
    suspended_until: Option<i64>,
    /// The limit that the unit asks for.
    asked: Option<String>,
    /// Up to which level a breach climbed: district, city
    #[schema(value_type = Option<String>)]
    climbed_to: Option<AreaLevel>,
    clocks: Vec<Clock>,
    /// What each clock has used of its limit until now, in milliseconds, in the order of `clocks`.
    used_ms: Vec<i64>,
    /// The limit of each clock in milliseconds of its unit of time, in the order of `clocks`.
    limit_ms: Vec<i64>,
    /// Time by unit: blame is split at each hand-over.
    segments: Vec<Segment>,
    counts: Counts,
    whistles: Vec<Whistle>,
    /// Units that were called and had not reported in when the case was closed.
    missed: Vec<String>,
    tasks: Vec<TaskView>,
    /// Whether each task waits for those before it.
    in_order: bool,
    /// Parts by id, and whether each is over.
    #[schema(value_type = BTreeMap<String, bool>)]
    parts: BTreeMap<Uuid, bool>,
    duplicate_of: Option<String>,
    /// Hashes.
    evidence: Vec<String>,
    /// Of these, what the unit that has it added since it was sent or sent back to it: what its feedback may name.
    evidence_after: Vec<String>,
    /// 1 to 5.
    score: Option<u8>,
    /// What the duty list proposes; null if it names nobody.
    proposal: Option<Proposal>,
    /// What who asks may do now: the last parts of the routes, in the order of the table in docs/cases.md.
    acts: Vec<&'static str>,
    /// As they stand on the bus.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Box<RawValue>>,
}

/// A step of the plan.
#[derive(Serialize, ToSchema)]
struct TaskView {
    #[serde(flatten)]
    task: Task,
    /// What is to be done, by language; empty if the class's plan is another by now.
    what_by_language: Names,
}

/// A unit that the duty list proposes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Proposal {
    pub(crate) unit: String,
    pub(crate) unit_name: Names,
    /// city, district, subdistrict
    #[schema(value_type = String)]
    pub(crate) level: AreaLevel,
}

impl CaseRow {
    pub(crate) fn new(city: &City, duties: &Duties, stored: &StoredCase) -> CaseRow {
        let case = &stored.case;
        let (class, place) = (duties.classes.get(&case.class), &case.place);
        let area = place.subdistrict.as_deref().or(place.district.as_deref());
        CaseRow {
            id: case.id.to_string(),
            number: case.number.clone(),
            version: case.version,
            state: case.state,
            is_open: case.state.is_open(),
            is_late: case.is_late(),
            class: case.class.clone(),
            class_name: class.map(|class| names(&class.name_en, &class.name_zh)).unwrap_or_default(),
            title: case.title.clone(),
            title_by_language: case.rule.as_deref().map(|rule| city.title(rule)).unwrap_or_default(),
            severity: Severity::as_str(case.severity),
            domain: case.domain.map(model::Domain::as_str),
            district: place.district.clone(),
            subdistrict: place.subdistrict.clone(),
            place_name: area.map(|area| city.areas.name_within(area)).unwrap_or_default(),
            lon: place.lon,
            lat: place.lat,
            unit: case.unit.clone(),
            unit_name: case.unit.as_deref().map(|unit| unit_name(city, duties, unit)).unwrap_or_default(),
            parent: case.parent.map(|parent| parent.to_string()),
            reported_at: case.reported_at.0,
            changed_at: case.changed_at.0,
            due_at: case.due_at().map(|at| at.0),
            warn_at: case.clocks_of_limits().filter_map(|clock| clock.warn_at).min().map(|at| at.0),
            bounces: case.counts.bounces(),
        }
    }
}

impl CaseDetail {
    /// `time` tells what a clock has used of its limit, and the limit, in milliseconds.
    pub(crate) fn new(
        (city, duties): (&City, &Duties),
        stored: &StoredCase,
        time: impl Fn(&Clock) -> (i64, i64),
        (proposal, acts): (Option<Proposal>, Vec<&'static str>),
        steps: Vec<String>,
    ) -> CaseDetail {
        let case = stored.case.clone();
        let ms = |at: Option<EventTime>| at.map(|at| at.0);
        let missed = case.missed();
        let (used_ms, limit_ms) = case.clocks.iter().map(time).unzip();
        let plan = duties.classes.get(&case.class).map(|class| class.plan.as_slice()).unwrap_or_default();
        let tasks = case.tasks.iter().map(|task| TaskView::new(task, plan)).collect();
        CaseDetail {
            row: CaseRow::new(city, duties, stored),
            description: case.description,
            source: case.source,
            rule: case.rule,
            key: case.key,
            incidents: case.incidents.iter().map(Uuid::to_string).collect(),
            registered_at: ms(case.registered_at),
            closed_at: ms(case.closed_at),
            suspended_until: ms(case.suspended_until),
            asked: case.asked,
            climbed_to: case.climbed_to,
            used_ms,
            limit_ms,
            clocks: case.clocks,
            segments: case.segments,
            counts: case.counts,
            missed,
            whistles: case.whistles,
            tasks,
            in_order: case.in_order,
            parts: case.parts,
            duplicate_of: case.duplicate_of.map(|of| of.to_string()),
            evidence: case.evidence,
            evidence_after: case.evidence_after,
            score: case.score,
            proposal,
            acts,
            steps: steps.into_iter().filter_map(|body| RawValue::from_string(body).ok()).collect(),
        }
    }
}

impl TaskView {
    fn new(task: &Task, plan: &[PlanStep]) -> TaskView {
        let step = plan.iter().find(|step| step.en == task.what);
        let what_by_language = step.map(|step| names(&step.en, &step.zh)).unwrap_or_default();
        TaskView { task: task.clone(), what_by_language }
    }
}

/// The name of a unit, with its area where each area has one.
pub(crate) fn unit_name(city: &City, duties: &Duties, code: &str) -> Names {
    let Some((unit, area)) = duties.unit(code) else { return Names::new() };
    let within = area.map(|area| city.areas.name_within(&area)).unwrap_or_default();
    let part = |language: &str| within.get(language).map(String::as_str).unwrap_or_default();
    let parts = [unit.name_en.as_str(), part("en")];
    let english: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    names(&english.join(", "), &joined(part("zh"), &unit.name_zh))
}

/// One name after the other; what the first ends with and the second begins with stands once, as in 东城区水务局.
fn joined(area: &str, unit: &str) -> String {
    let begins = unit.char_indices().map(|(at, letter)| &unit[..at + letter.len_utf8()]);
    let shared = begins.filter(|begin| area.ends_with(begin)).map(str::len).max().unwrap_or(0);
    format!("{area}{}", &unit[shared..])
}

pub(crate) fn names(en: &str, zh: &str) -> Names {
    Names::from([("en".to_owned(), en.to_owned()), ("zh".to_owned(), zh.to_owned())])
}
