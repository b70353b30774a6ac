//! The incident queue: list, detail, acknowledge.

use super::problem::{Body, Params, Problem, seen};
use super::{Shared, cached::names_tag, sensors::Near};
use crate::analyze::acts::{IncidentAct, Outcome, acknowledged};
use crate::analyze::aside::AsideKind;
use crate::analyze::view::IncidentView;
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::ThresholdKind;
use crate::store::acts::acts_of;
use crate::store::incidents::{Acknowledged, StoredIncident, find, find_within, transitions};
use crate::store::pages::{Asides, Cursor, Filter, page};
use crate::store::whole;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{AttrValue, Domain, IncidentState, Sensor, Severity, Transition};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Incidents of a page where the request does not say, and the most it may ask for.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;
/// Longest note, in characters.
const NOTE_MAX: usize = 2_000;
/// Sensors told around an incident.
const NEAR_MAX: usize = 10;
/// Charts of an incident: its evidence names fewer sensors and metrics than this.
const CHARTS_MAX: usize = 16;

/// Which incidents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct IncidentQuery {
    /// open (default), cleared or all
    state: Option<String>,
    /// drainage, waste, traffic, air, cross
    domain: Option<String>,
    /// minor, moderate, severe, extreme
    severity: Option<String>,
    /// Code of a district, a subdistrict, or of the incident's own area.
    area: Option<String>,
    acknowledged: Option<bool>,
    /// shelved, suppressed, out_of_service, or all; those that are not set aside if it is not said.
    aside: Option<String>,
    /// true: also those that other incidents inhibit, which are no alarms of their own
    inhibited: Option<bool>,
    /// At most so many; 100 if it is not said, 1,000 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Incidents, newest change first; after the last page come those that changed since the first.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentPage {
    items: Vec<IncidentView>,
    /// Asks for the next page; null at the end.
    next: Option<String>,
}

/// An incident with all that explains it.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentDetail {
    #[serde(flatten)]
    incident: IncidentView,
    /// As they stand on the bus.
    #[schema(value_type = Vec<Object>)]
    transitions: Vec<Box<RawValue>>,
    acts: Vec<Act>,
    /// The rule as it was written; null if it is not known here.
    rule_text: Option<String>,
    charts: Vec<Chart>,
    /// Sensors of the domain near it.
    near: Vec<Near>,
}

/// What was done to it.
#[derive(Serialize, ToSchema)]
struct Act {
    /// acknowledged, realarmed, assigned
    act: &'static str,
    by: String,
    at: i64,
    /// The note or the reason; of `realarmed` the severity that it came to.
    note: String,
    /// Whom it was given to.
    to: Option<String>,
}

/// What to draw of the evidence.
#[derive(Serialize, ToSchema)]
struct Chart {
    sensor: String,
    metric: String,
    unit: Option<String>,
    threshold: Vec<ChartLine>,
}

/// A line across a chart.
#[derive(Serialize, ToSchema)]
struct ChartLine {
    value: f64,
    kind: ThresholdKind,
    severity: &'static str,
}

/// Why it was acknowledged.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AcknowledgeBody {
    /// At most 2,000 characters; may be empty.
    #[serde(default)]
    note: String,
}

/// The incident queue.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(IncidentQuery),
    responses((status = 200, body = IncidentPage), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<IncidentQuery>,
) -> Result<Json<IncidentPage>, Problem> {
    let bad = |error: model::UnknownWord| Problem::bad(error.to_string());
    let filter = Filter {
        state: match query.state.as_deref() {
            Some("all") => None,
            Some(word) => Some(word.parse().map_err(bad)?),
            None => Some(IncidentState::Open),
        },
        domain: query.domain.as_deref().map(str::parse::<Domain>).transpose().map_err(bad)?,
        severity: query.severity.as_deref().map(str::parse::<Severity>).transpose().map_err(bad)?,
        area: query.area,
        acknowledged: query.acknowledged,
        aside: match query.aside.as_deref() {
            None => Asides::None,
            Some("all") => Asides::All,
            Some(word) => Asides::Only(
                AsideKind::named(word).ok_or_else(|| Problem::bad(format!("nothing is set aside as \"{word}\"")))?,
            ),
        },
        key: None,
        with_inhibited: query.inhibited.unwrap_or(false),
        reach: Some(who.reach),
    };
    let cursor = query.cursor.map(|text| text.parse::<Cursor>()).transpose();
    let cursor = cursor.map_err(|_| Problem::bad("the cursor is not one of ours: begin again without it"))?;
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let found = page(&mut *center.store.read().await?, &filter, cursor, limit).await?;
    let items = found.items.iter().map(|incident| IncidentView::new(&center.city(), incident)).collect();
    Ok(Json(IncidentPage { items, next: found.next.map(|cursor| cursor.to_string()) }))
}

/// One incident: its transitions, evidence charts, rule and acts. Its ETag is what acknowledging needs.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = IncidentDetail), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::missing("incident", &id))?;
    let mut reading = center.store.read().await?;
    let found = within(&mut reading, id, &who.reach).await?;
    let bodies = transitions(&mut reading, id).await?;
    let acts = acts_of(&mut reading, id).await?;
    drop(reading);
    let tag = tag(&found);
    if names_tag(headers.get(header::IF_NONE_MATCH), &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let read: Vec<Transition> = bodies.iter().filter_map(|body| serde_json::from_str(body).ok()).collect();
    let at = center.city().whereabouts(&found.rule, &found.key);
    let detail = IncidentDetail {
        incident: IncidentView::new(&center.city(), &found),
        transitions: bodies.into_iter().filter_map(|body| RawValue::from_string(body).ok()).collect(),
        acts: acts.into_iter().map(act).collect(),
        rule_text: center.city().rule(&found.rule).map(|rule| rule.text.clone()),
        charts: charts(&center.city(), &found, &read),
        near: at
            .place
            .map(|place| Near::around(&center.city().registry, place, found.domain.as_str(), &found.key, NEAR_MAX))
            .unwrap_or_default(),
    };
    Ok(([(header::ETAG, tag)], Json(detail)).into_response())
}

/// Somebody sees to it. Needs the detail's ETag in If-Match.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/acknowledge", tag = "incidents",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "the ETag of the detail")),
    request_body = AcknowledgeBody,
    responses((status = 200, body = IncidentView), (status = 404, body = Problem),
        (status = 409, description = "acknowledged already", body = Problem),
        (status = 412, description = "it changed since", body = Problem),
        (status = 428, description = "If-Match is missing", body = Problem)))]
pub(crate) async fn acknowledge(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Body<AcknowledgeBody>, Problem>,
) -> Result<Response, Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::missing("incident", &id))?;
    within(&mut *center.store.read().await?, id, &who.reach).await?;
    let seen = seen(&headers)?;
    let Body(body) = body?;
    if body.note.chars().count() > NOTE_MAX {
        return Err(Problem::bad(format!("the note is longer than {NOTE_MAX} characters")));
    }
    let act = Acknowledged { by: who.name, at: center.now(), note: body.note };
    let outcome = whole(async move {
        let outcome = acknowledged(&center, id, seen, act).await;
        outcome.map(|outcome| (outcome, center))
    });
    let (outcome, center) = outcome.await?;
    acted(&center, id, outcome)
}

/// The answer to an act.
pub(super) fn acted(center: &Center, id: Uuid, outcome: Outcome) -> Result<Response, Problem> {
    match outcome {
        Outcome::Done(incident) => Ok(shown(center, &incident).into_response()),
        Outcome::Missing => Err(Problem::missing("incident", &id.to_string())),
        Outcome::Already(by) => {
            Err(Problem::new(StatusCode::CONFLICT, format!("it was acknowledged by \"{}\" already", by.by)))
        }
        Outcome::Stale => {
            let text = "the incident changed since you looked at it: look again";
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, text))
        }
    }
}

/// An incident as it is after an act, with its new tag.
pub(super) fn shown(center: &Center, incident: &StoredIncident) -> impl IntoResponse {
    let tag = [(header::ETAG, HeaderValue::from_str(&tag(incident)).expect("a number in quotes"))];
    (tag, Json(IncidentView::new(&center.city(), incident)))
}

/// An incident within a reach. Where an incident lies never changes, so what is within stays within.
pub(super) async fn within(
    reading: &mut sqlx::AnyConnection,
    id: Uuid,
    reach: &Reach,
) -> Result<StoredIncident, Problem> {
    if let Some(found) = find_within(&mut *reading, id, reach).await? {
        return Ok(found);
    }
    match find(reading, id).await? {
        Some(_) => Err(Problem::new(StatusCode::FORBIDDEN, "this incident is outside your areas")),
        None => Err(Problem::missing("incident", &id.to_string())),
    }
}

/// Names this version of an incident.
fn tag(incident: &StoredIncident) -> String {
    format!("\"{}\"", incident.change)
}

fn act(act: IncidentAct) -> Act {
    Act { act: act.act.name(), by: act.by, at: act.at.0, note: act.note, to: act.to }
}

/// One chart for each sensor and metric of the evidence.
fn charts(city: &crate::city::City, incident: &StoredIncident, transitions: &[Transition]) -> Vec<Chart> {
    let named = transitions.iter().flat_map(|transition| &transition.evidence);
    let pairs: BTreeSet<(&str, &str)> = named.map(|reading| (&*reading.sensor, &*reading.metric)).collect();
    let lines = city.rule(&incident.rule).map(|rule| &rule.thresholds[..]).unwrap_or_default();
    let chart = |(sensor, metric): (&str, &str)| {
        let of_metric = lines.iter().filter(|line| line.metric == metric);
        let threshold = of_metric.filter_map(|line| {
            let value = line.value * share_of(city.registry.sensor(sensor), line.attribute.as_deref())?;
            Some(ChartLine { value, kind: line.kind, severity: line.severity.as_str() })
        });
        Chart {
            sensor: sensor.to_owned(),
            metric: metric.to_owned(),
            unit: city.registry.metrics.get(metric).map(|metric| metric.unit.clone()),
            threshold: threshold.collect(),
        }
    };
    pairs.into_iter().take(CHARTS_MAX).map(chart).collect()
}

/// What a line of a chart is multiplied with; none where the sensor lacks the attribute.
fn share_of(sensor: Option<&Sensor>, attribute: Option<&str>) -> Option<f64> {
    let Some(attribute) = attribute else { return Some(1.0) };
    match sensor?.attr.get(attribute)? {
        AttrValue::Number(number) => Some(*number),
        AttrValue::Bool(_) | AttrValue::Text(_) => None,
    }
}
