//! What is seen in many incidents: hot spots, repeats, the health of alarms; and what is foretold of a sensor.

pub(crate) mod forecast;
pub(crate) mod forecasts;
pub(crate) mod hotspots;
pub(crate) mod verdicts;

use super::Shared;
use super::problem::{Params, Problem};
use crate::analyze::alarms::{Alarm, AlarmHealth, health};
use crate::analyze::repeats::{Repeat, repeats};
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::Names;
use crate::reader::blocking;
use crate::store::alarms::{Sounded, sounded};
use axum::Json;
use axum::extract::{Extension, State};
use jiff::Timestamp;
use model::{Domain, Millis, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// The stretch where the request does not say, and the longest.
const STRETCH: i64 = 7 * Millis::DAY.0;
const STRETCH_MAX: i64 = 92 * Millis::DAY.0;
/// Alarms that are counted in one answer; a request with more is refused, for an answer from a part would be wrong.
const ALARMS_MAX: usize = 200_000;

/// Which stretch, and which incidents in it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StretchQuery {
    /// First instant, epoch milliseconds; seven days before `to` if it is not said.
    from: Option<i64>,
    /// The instant after the last; where the log's clock stands if it is not said. At most 92 days after `from`.
    to: Option<i64>,
    /// drainage, waste, traffic, air, cross; all if it is not said
    domain: Option<String>,
    /// minor, moderate, severe, extreme: this one and those above; all if it is not said
    severity: Option<String>,
}

/// A stretch, read.
struct Stretch {
    from: i64,
    to: i64,
    domain: Option<Domain>,
    least: Severity,
}

impl StretchQuery {
    fn read(&self, center: &Center) -> Result<Stretch, Problem> {
        let bad = |error: model::UnknownWord| Problem::bad(error.to_string());
        let to = self.to.unwrap_or_else(|| center.now().0);
        let from = self.from.unwrap_or(to.saturating_sub(STRETCH));
        if !(1..=STRETCH_MAX).contains(&to.saturating_sub(from)) {
            return Err(Problem::bad("`from` must be before `to`, and by at most 92 days"));
        }
        let domain = self.domain.as_deref().map(str::parse::<Domain>).transpose().map_err(bad)?;
        let least = self.severity.as_deref().map(str::parse::<Severity>).transpose().map_err(bad)?;
        Ok(Stretch { from, to, domain, least: least.unwrap_or(Severity::Minor) })
    }
}

/// The alarms of a stretch that somebody sees, each with its subdistrict; without those of rules that are on trial.
async fn alarms(
    center: &Center,
    who: &Who,
    stretch: &Stretch,
    with_open: bool,
) -> Result<Vec<(Alarm, Option<String>)>, Problem> {
    let Stretch { from, to, domain, least } = *stretch;
    let wanted = Sounded { from, to, domain, least, reach: &who.reach, with_open };
    let mut found = sounded(&mut *center.store.read().await?, &wanted, ALARMS_MAX + 1).await?;
    if found.len() > ALARMS_MAX {
        return Err(Problem::bad(format!("there are more than {ALARMS_MAX} incidents: ask for a shorter stretch")));
    }
    let city = center.city();
    found.retain(|(alarm, _)| !city.rule(&alarm.rule).is_some_and(|rule| rule.shadow));
    Ok(found)
}

/// How the alarms serve those who see to them.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlarmReport {
    #[serde(flatten)]
    health: AlarmHealth,
    /// Titles of the rules, by id.
    titles: BTreeMap<String, Names>,
}

/// The load that alarms are: per rule and per operator, beside the figures that EEMUA 191 and ISA-18.2 recommend.
#[utoipa::path(get, path = "/api/v1/analyze/alarms", tag = "analyze", params(StretchQuery),
    responses((status = 200, body = AlarmReport), (status = 400, body = Problem)))]
pub(crate) async fn alarm_health(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<StretchQuery>,
) -> Result<Json<AlarmReport>, Problem> {
    let stretch = query.read(&center)?;
    let found = alarms(&center, &who, &stretch, true).await?;
    let city = center.city();
    let report = blocking(move || {
        let alarms: Vec<Alarm> = found.into_iter().map(|(alarm, _)| alarm).collect();
        let health = health(&alarms, stretch.from, stretch.to);
        let titles = alarms.iter().map(|alarm| (alarm.rule.clone(), city.title(&alarm.rule))).collect();
        AlarmReport { health, titles }
    });
    Ok(Json(report.await))
}

/// Places where incidents come again and again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Repeats {
    /// The worst first.
    items: Vec<RepeatView>,
    /// How many more there were.
    left_out: u64,
    from: i64,
    to: i64,
}

/// One of them.
#[derive(Serialize, ToSchema)]
struct RepeatView {
    #[serde(flatten)]
    repeat: Repeat,
    /// Whether the key is a sensor's id.
    is_sensor: bool,
    lon: Option<f64>,
    lat: Option<f64>,
    place_name: Names,
}

/// Places with three or more incidents in the stretch; the worst hundred.
#[utoipa::path(get, path = "/api/v1/analyze/repeats", tag = "analyze", params(StretchQuery),
    responses((status = 200, body = Repeats), (status = 400, body = Problem)))]
pub(crate) async fn repeated(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<StretchQuery>,
) -> Result<Json<Repeats>, Problem> {
    let stretch = query.read(&center)?;
    let (from, to) = (stretch.from, stretch.to);
    let found = alarms(&center, &who, &stretch, false).await?;
    let city = center.city();
    let answer = blocking(move || {
        let alarms: Vec<Alarm> = found.into_iter().map(|(alarm, _)| alarm).collect();
        let zone = &center.working.zone;
        let day = |time: i64| {
            let at = Timestamp::from_millisecond(time).unwrap_or(Timestamp::UNIX_EPOCH);
            zone.to_datetime(at).date()
        };
        let (places, left_out) = repeats(&alarms, (from, to), day);
        let view = |repeat: Repeat| {
            let rule = repeat.rules.first().map(String::as_str).unwrap_or_default();
            let at = city.whereabouts(rule, &repeat.key);
            let is_sensor = city.registry.sensor(&repeat.key).is_some();
            let (lon, lat) = at.place.map(|place| (place.lon, place.lat)).unzip();
            RepeatView { repeat, is_sensor, lon, lat, place_name: at.name }
        };
        Repeats { items: places.into_iter().map(view).collect(), left_out, from, to }
    });
    Ok(Json(answer.await))
}
