//! What is known near a place and a time: open cases, and open incidents that are in no case.
//!
//! It finds and scores, by the city's settings; what joins what is an event, which `command` makes and takes back.

use super::merge::{LARGE_CLASS, METRES_PER_DEGREE, Match, Matter};
use crate::CenterError;
use crate::analyze::aside::AsideKind;
use crate::center::Center;
use crate::command::case::{Case, State};
use crate::command::citizen::Known;
use crate::command::step::Likeness;
use crate::store::cases::{StoredCase, open_near};
use crate::store::incidents::{StoredIncident, open_alone};
use model::{EventTime, Millis, Point};
use sqlx::AnyConnection;
use uuid::Uuid;

/// What an appeal speaks of, so that no person is needed to say so: an open case, else an open incident in no case.
pub(crate) async fn speaks_of(
    center: &Center,
    connection: &mut AnyConnection,
    appeal: &Matter,
    district: Option<&str>,
) -> Result<Option<Known>, CenterError> {
    let known: Vec<Matter> = near(center, connection, appeal).await?.iter().filter_map(matter_of).collect();
    if let Some((case, likeness)) = likeliest(center, appeal, &known) {
        return Ok(Some(Known::Case(case, likeness)));
    }
    let known = alone(center, connection, appeal, district).await?;
    Ok(likeliest(center, appeal, &known).map(|(incident, likeness)| Known::Incident(incident, likeness)))
}

/// The open case of an appeal that an incident of this class speaks of; none where it has no place of its own.
pub(crate) async fn appeal_case(
    center: &Center,
    connection: &mut AnyConnection,
    incident: &StoredIncident,
    class: &str,
) -> Result<Option<(Case, Likeness)>, CenterError> {
    let Some(matter) = matter_of_incident(center, incident, class) else { return Ok(None) };
    let mut stored = near(center, connection, &matter).await?;
    stored.retain(|stored| stored.case.source == "citizen" && stored.case.state != State::Outside);
    let known: Vec<Matter> = stored.iter().filter_map(matter_of).collect();
    let found = likeliest(center, &matter, &known);
    Ok(found.and_then(|(id, likeness)| {
        let stored = stored.into_iter().find(|stored| stored.case.id == id)?;
        Some((stored.case, likeness))
    }))
}

/// What is known near a place and may be what somebody is about to report, the likeliest first.
pub(crate) async fn known_near(
    center: &Center,
    class: String,
    point: Point,
) -> Result<Vec<(StoredCase, Match)>, CenterError> {
    let matter = Matter { id: String::new(), class, point, at: center.now() };
    let mut reading = center.store.read().await?;
    let stored = near(center, &mut reading, &matter).await?;
    let known: Vec<Matter> = stored.iter().filter_map(matter_of).collect();
    let matches = center.merging.matches(&matter, &known).into_iter();
    let with_case = |found: Match| {
        let case = stored.iter().find(|stored| stored.case.id.to_string() == found.id)?;
        Some((case.clone(), found))
    };
    Ok(matches.filter_map(with_case).collect())
}

/// The likeliest, if it is likely enough.
fn likeliest(center: &Center, matter: &Matter, known: &[Matter]) -> Option<(Uuid, Likeness)> {
    let found = center.merging.merges_into(matter, known)?;
    Some((found.id.parse().ok()?, likeness(&found)))
}

/// Open cases that a matter may be about.
async fn near(
    center: &Center,
    connection: &mut AnyConnection,
    matter: &Matter,
) -> Result<Vec<StoredCase>, CenterError> {
    let Point { lon, lat, .. } = matter.point;
    let (radius_m, _) = center.merging.widest();
    let north = radius_m / METRES_PER_DEGREE;
    // At the poles there are no cities.
    let east = north / lat.to_radians().cos().max(0.01);
    let large = matter.class.get(..LARGE_CLASS).unwrap_or(&matter.class);
    open_near(connection, large, (lon, lat), (east, north), since(center, matter)).await
}

/// Open incidents in no case that a matter may be about: of rules that have a class, count, and whose sensors do.
async fn alone(
    center: &Center,
    connection: &mut AnyConnection,
    matter: &Matter,
    district: Option<&str>,
) -> Result<Vec<Matter>, CenterError> {
    let city = center.city();
    let found = open_alone(connection, district, since(center, matter)).await?;
    let of = |incident: &StoredIncident| {
        let rule = city.rule(&incident.rule).filter(|rule| !rule.shadow)?;
        let class = rule.category.as_ref().filter(|class| center.duties.classes.contains_key(*class))?;
        let is_sound = incident.aside != Some(AsideKind::OutOfService);
        matter_of_incident(center, incident, class).filter(|_| is_sound)
    };
    Ok(found.iter().filter_map(of).collect())
}

/// From when on something may be the same.
fn since(center: &Center, matter: &Matter) -> EventTime {
    let (_, days) = center.merging.widest();
    EventTime(matter.at.0 - (days * Millis::DAY.0 as f64) as i64)
}

fn matter_of(stored: &StoredCase) -> Option<Matter> {
    let case = &stored.case;
    let point = Point::new(case.place.lon?, case.place.lat?);
    Some(Matter { id: case.id.to_string(), class: case.class.clone(), point, at: case.reported_at })
}

fn matter_of_incident(center: &Center, incident: &StoredIncident, class: &str) -> Option<Matter> {
    let place = center.city().whereabouts(&incident.rule, &incident.key).place?;
    let (id, point) = (incident.id.to_string(), Point::new(place.lon, place.lat));
    Some(Matter { id, class: class.to_owned(), point, at: incident.opened_at })
}

/// As it stands on the bus: as exact as it is worth.
fn likeness(found: &Match) -> Likeness {
    let rounded = |number: f64, steps: f64| (number * steps).round() / steps;
    Likeness {
        score: rounded(found.score, 1_000.0),
        distance_m: rounded(found.distance_m, 10.0),
        apart_ms: found.apart.0,
    }
}
