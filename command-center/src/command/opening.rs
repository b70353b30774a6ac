//! Cases from incidents: by itself where the rule has a class, else by an operator; one incident, one case.

use super::case::Where;
use super::decide::Decision;
use super::desk::{Writing, city, register, take};
use super::step::{By, Fact, Report, RuleLimits, VerifyResult};
use super::text::{note, reason};
use crate::CenterError;
use crate::center::Center;
use crate::store::cases::{StoredCase, case_of, next_number};
use crate::store::commit;
use crate::store::incidents::{StoredIncident, find, newest_change, note_change};
use jiff::Timestamp;
use model::{EventTime, IncidentState, Severity, Trust};
use sqlx::AnyConnection;
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

/// The case that an incident becomes by itself, as change number `change`: its rule has a class, and it is open,
/// neither inhibited nor set aside nor of a shadow rule. `None` if it becomes none, or is in a case already.
pub(crate) async fn from_incident(
    center: &Center,
    connection: &mut AnyConnection,
    incident: &StoredIncident,
    change: u64,
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
    let mut writing = Writing::new(center, connection, change - 1);
    made(&mut writing, center, incident, class, super::desk::city(), incident.changed_at).await?;
    Ok(writing.into_changed().pop())
}

/// The case that an operator makes of an incident, with the rule's class if none is named.
pub(crate) async fn by_operator(
    center: &Center,
    id: Uuid,
    class: Option<String>,
    name: String,
) -> Result<Opened, CenterError> {
    let at = center.now();
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let Some(incident) = find(&mut transaction, id).await? else { return Ok(Opened::Missing) };
    if let Some(case) = case_of(&mut transaction, id).await? {
        return Ok(Opened::Already(case));
    }
    let by_rule = center.city().rule(&incident.rule).and_then(|rule| rule.category.clone());
    let Some(class) = class.or(by_rule) else {
        return Ok(Opened::Invalid("the incident's rule has no class: name one".to_owned()));
    };
    if !center.duties.classes.contains_key(&class) {
        return Ok(Opened::Invalid(format!("there is no class {class}")));
    }
    let first = newest_change(&mut transaction).await?;
    let mut writing = Writing::new(center, &mut transaction, first);
    let by = By { name, side: None, unit: None };
    made(&mut writing, center, &incident, &class, by, at).await?;
    finish(center, writing.into_changed(), transaction, first).await.map(|case| Opened::Case(Box::new(case)))
}

/// The case of what somebody of the staff reports.
pub(crate) async fn by_report(center: &Center, told: Told, name: String) -> Result<Opened, CenterError> {
    let texts = reason(&told.title).and_then(|title| note(&told.description).map(|description| (title, description)));
    let (title, description) = match texts {
        Ok(texts) => texts,
        Err(_) => return Ok(Opened::Invalid("a title has 1 and a text at most 2,000 characters".to_owned())),
    };
    if !center.duties.classes.contains_key(&told.class) {
        return Ok(Opened::Invalid(format!("there is no class {}", told.class)));
    }
    let at = center.now();
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let first = newest_change(&mut transaction).await?;
    let mut writing = Writing::new(center, &mut transaction, first);
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
    let (case, steps) = writing.begin(id, report, By { name, side: None, unit: None }, at).await?;
    writing.save(&case, &steps).await?;
    finish(center, writing.into_changed(), transaction, first).await.map(|case| Opened::Case(Box::new(case)))
}

async fn finish(
    center: &Center,
    mut changed: Vec<StoredCase>,
    mut transaction: sqlx::Transaction<'_, sqlx::Any>,
    first: u64,
) -> Result<StoredCase, CenterError> {
    note_change(&mut transaction, first + changed.len() as u64).await?;
    commit(transaction).await?;
    changed.iter().for_each(|case| super::desk::tell(center, case));
    center.outbox.notify_one();
    Ok(changed.pop().expect("a case was made"))
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
    let trust = center.duties.classes.get(class).map_or(Trust::Reported, |class| class.trust);
    if trust != Trust::Reported {
        let verified = Fact::Verified { result: VerifyResult::Real, note: format!("rule {}", incident.rule) };
        steps.push(take(&mut case, Decision { fact: verified, clocks: Vec::new() }, city(), at));
    }
    if trust == Trust::Registered {
        steps.push(register(&mut case, &center.ground(false), at));
    }
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
