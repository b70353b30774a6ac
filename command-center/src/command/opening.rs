//! Cases from incidents: by itself where the rule has a class, else by an operator; one incident, one case.

use super::case::{Case, State, Where};
use super::decide::{Decision, STEPS_MAX};
use super::desk::{Writing, catch_up, city, register, take};
use super::step::{By, Fact, Likeness, Report, RuleLimits, Step, VerifyResult};
use super::text::{note, reason};
use super::together::{Changes, Written, together};
use crate::CenterError;
use crate::center::Center;
use crate::serve::known::appeal_case;
use crate::store::cases::{StoredCase, case_of, next_number};
use crate::store::incidents::StoredIncident;
use jiff::Timestamp;
use model::{EventTime, IncidentState, Severity, Trust};
use sqlx::AnyConnection;
use std::sync::Arc;
use uuid::Uuid;

/// What somebody reports.
pub(crate) struct Told {
    pub(crate) class: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) severity: Severity,
    pub(crate) place: Where,
}

/// What became of a report.
pub(crate) enum Opened {
    /// A case.
    Case(Box<StoredCase>),
    /// The incident belongs to this case already.
    Already(Uuid),
    /// There is no such incident.
    Missing,
    /// It does not fit.
    Invalid(String),
}

/// The case that an incident becomes by itself at a time, or the open case of an appeal that it joins, as change number
/// `change`: its rule has a class, and it is open,
/// neither inhibited nor set aside nor of a shadow rule. `None` if it becomes none, or is in a case already.
pub(crate) async fn from_incident(
    center: &Center,
    connection: &mut AnyConnection,
    incident: &StoredIncident,
    (change, at): (u64, EventTime),
) -> Result<Option<StoredCase>, CenterError> {
    let city = center.city();
    let Some(rule) = city.rule(&incident.rule).filter(|rule| !rule.shadow) else { return Ok(None) };
    let Some(class) = rule.category.as_ref().filter(|class| center.duties.classes.contains_key(*class)) else {
        return Ok(None);
    };
    let is_alarm = incident.state == IncidentState::Open && !incident.inhibited && incident.aside.is_none();
    if !is_alarm || case_of(connection, incident.id).await?.is_some() {
        return Ok(None);
    }
    let known = appeal_case(center, connection, incident, class).await?;
    let mut writing = Writing::new(center, connection, change - 1);
    match known.filter(|(case, _)| case.version < STEPS_MAX) {
        Some((case, likeness)) => join(&mut writing, center, case, (incident, class), likeness).await?,
        None => made(&mut writing, center, incident, class, super::desk::city(), at).await?,
    }
    Ok(writing.finish().await?.pop())
}

/// The case that an operator makes of an incident, with the rule's class if none is named.
pub(crate) async fn by_operator(
    center: &Arc<Center>,
    id: Uuid,
    class: Option<String>,
    name: String,
) -> Result<Opened, CenterError> {
    together(center, move |writing| Box::pin(async move { of_incident(writing, id, class, name).await })).await
}

async fn of_incident(mut writing: Writing<'_>, id: Uuid, class: Option<String>, name: String) -> Written<Opened> {
    let (center, at) = (writing.center, writing.center.now());
    let Some(incident) = writing.incident(id).await? else { return Ok((Opened::Missing, None)) };
    if let Some(case) = case_of(writing.connection, id).await? {
        return Ok((Opened::Already(case), None));
    }
    let by_rule = center.city().rule(&incident.rule).and_then(|rule| rule.category.clone());
    let Some(class) = class.or(by_rule) else {
        return Ok((Opened::Invalid("the incident's rule has no class: name one".to_owned()), None));
    };
    if !center.duties.classes.contains_key(&class) {
        return Ok((Opened::Invalid(format!("there is no class {class}")), None));
    }
    let by = By { name, side: None, unit: None };
    made(&mut writing, center, &incident, &class, by, at).await?;
    Ok(opened(writing))
}

/// The case that was made.
fn opened(writing: Writing<'_>) -> (Opened, Option<Changes>) {
    let changes = writing.into_changes();
    let case = changes.cases.last().expect("a case was made").clone();
    (Opened::Case(Box::new(case)), Some(changes))
}

/// The case of what somebody of the staff reports.
pub(crate) async fn by_report(center: &Arc<Center>, told: Told, name: String) -> Result<Opened, CenterError> {
    let texts = reason(&told.title).and_then(|title| note(&told.description).map(|description| (title, description)));
    let (title, description) = match texts {
        Ok(texts) => texts,
        Err(_) => return Ok(Opened::Invalid("a title has 1 and a text at most 2,000 characters".to_owned())),
    };
    if !center.duties.classes.contains_key(&told.class) {
        return Ok(Opened::Invalid(format!("there is no class {}", told.class)));
    }
    let report = Report {
        source: "staff".to_owned(),
        class: told.class,
        title,
        description,
        domain: None,
        severity: told.severity,
        place: told.place,
        incident: None,
        rule: None,
        key: None,
        parent: None,
        limits: RuleLimits::default(),
    };
    let secret = crate::auth::secret::new()?;
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, secret.as_bytes());
    let by = By { name, side: None, unit: None };
    let reported = together(center, move |mut writing| {
        Box::pin(async move {
            let at = writing.center.now();
            let (case, steps) = writing.begin(id, report, by, at).await?;
            writing.save(&case, &steps).await?;
            Ok(opened(writing))
        })
    });
    reported.await
}

/// An incident joins the case of an appeal, and takes it as far as its class trusts the sensors.
async fn join(
    writing: &mut Writing<'_>,
    center: &Center,
    mut case: Case,
    (incident, class): (&StoredIncident, &str),
    likeness: Likeness,
) -> Result<(), CenterError> {
    let ground = center.ground(false);
    let mut steps = catch_up(&mut case, incident.changed_at, &ground);
    let joined = Fact::Joined { incident: incident.id, likeness: Some(likeness) };
    steps.push(take(&mut case, Decision { fact: joined, clocks: Vec::new() }, city(), incident.changed_at));
    if case.class == class {
        trusted(&mut case, &mut steps, (center, &incident.rule), incident.changed_at);
    }
    writing.save(&case, &steps).await
}

/// Makes a case of its own of an incident that goes from another's, if it is an alarm still.
pub(super) async fn apart(
    writing: &mut Writing<'_>,
    center: &Center,
    id: Uuid,
    at: EventTime,
) -> Result<(), CenterError> {
    let Some(incident) = writing.incident(id).await? else { return Ok(()) };
    let known = center.city();
    let class = known.rule(&incident.rule).filter(|rule| !rule.shadow).and_then(|rule| rule.category.as_ref());
    let class = class.filter(|class| center.duties.classes.contains_key(*class));
    let is_alarm = incident.state == IncidentState::Open && !incident.inhibited && incident.aside.is_none();
    match class.filter(|_| is_alarm) {
        Some(class) => made(writing, center, &incident, class, city(), at).await,
        None => Ok(()),
    }
}

/// Takes a case as far as its class trusts the sensors.
fn trusted(case: &mut Case, steps: &mut Vec<Step>, (center, rule): (&Center, &str), at: EventTime) {
    let trust = center.duties.classes.get(&case.class).map_or(Trust::Reported, |class| class.trust);
    if trust != Trust::Reported && case.state == State::Reported {
        let verified = Fact::Verified { result: VerifyResult::Real, note: format!("rule {rule}") };
        steps.push(take(case, Decision { fact: verified, clocks: Vec::new() }, city(), at));
    }
    if trust == Trust::Registered && case.state == State::Verified {
        steps.push(register(case, &center.ground(false), at));
    }
}

/// Makes the case of an incident, and takes it as far as its class trusts the sensors.
async fn made(
    writing: &mut Writing<'_>,
    center: &Center,
    incident: &StoredIncident,
    class: &str,
    by: By,
    at: EventTime,
) -> Result<(), CenterError> {
    let known = center.city();
    let (rule, place) = (known.rule(&incident.rule), known.whereabouts(&incident.rule, &incident.key).place);
    let title = rule.and_then(|rule| rule.title.get("zh").or_else(|| rule.title.get("en")));
    let report = Report {
        source: "sensor".to_owned(),
        class: class.to_owned(),
        title: title.cloned().unwrap_or_else(|| incident.rule.clone()),
        description: incident.message.clone().unwrap_or_default(),
        domain: Some(incident.domain),
        severity: incident.severity,
        place: Where {
            lon: place.map(|place| place.lon),
            lat: place.map(|place| place.lat),
            district: incident.district.clone(),
            subdistrict: incident.subdistrict.clone(),
        },
        incident: Some(incident.id),
        rule: Some(incident.rule.clone()),
        key: Some(incident.key.clone()),
        parent: None,
        limits: RuleLimits {
            respond_ms: rule.and_then(|rule| rule.respond).map(|span| span.0),
            resolve_ms: rule.and_then(|rule| rule.resolve).map(|span| span.0),
        },
    };
    let id = Uuid::new_v5(&incident.id, b"case");
    let (mut case, mut steps) = writing.begin(id, report, by, at).await?;
    trusted(&mut case, &mut steps, (center, &incident.rule), at);
    writing.save(&case, &steps).await
}

/// The number of a new case: district, day in the city, and a number of that day: 19 digits as the field has them.
pub(super) async fn number(
    connection: &mut AnyConnection,
    center: &Center,
    district: Option<&str>,
    at: EventTime,
) -> Result<String, CenterError> {
    let day = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    let day = center.working.zone.to_datetime(day).date().strftime("%Y%m%d").to_string();
    let number = next_number(connection, "case", &day).await?;
    let is_code = |code: &&str| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    Ok(format!("{}{day}{number:05}", district.filter(is_code).unwrap_or("000000")))
}

/// The day and the number of that day in a case's number.
pub(super) fn day_and_number(number: &str) -> Option<(&str, i64)> {
    let (day, number) = number.get(6..)?.split_at_checked(8)?;
    Some((day, number.parse().ok()?))
}
