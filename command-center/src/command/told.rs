//! What steps of cases are on the bus: each step, and the deadlines for those who supervise. Pure.

use super::case::Case;
use super::step::{Fact, Step};
use crate::events::{self, Deadline};
use crate::store::cases::body;
use crate::store::outbox::Waiting;
use bus::Topic;

/// The event of a step.
pub(super) fn event(step: &Step) -> Waiting {
    Waiting {
        seq: 0,
        topic: Topic::Command,
        key: step.case.to_string(),
        event_id: format!("{}/{}", step.case, step.version),
        kind: format!("org.citywatch.case.{}", step.what.name()),
        at: step.at,
        body: body(step),
    }
}

/// The event of a deadline, for those who supervise: by unit, else by area.
pub(super) fn deadline(case: &Case, step: &Step) -> Option<Waiting> {
    let (stage, climbs_to) = match &step.what {
        Fact::Warned { stage } => (*stage, None),
        Fact::Breached { stage, climbs_to } => (*stage, *climbs_to),
        _ => return None,
    };
    let place = &case.place;
    let area = place.subdistrict.as_ref().or(place.district.as_ref());
    let key = case.unit.clone().or_else(|| area.cloned()).unwrap_or_else(|| "city".to_owned());
    let clock = step.clocks.iter().chain(&case.clocks).find(|clock| clock.stage == stage);
    let deadline = Deadline {
        case: case.id,
        number: &case.number,
        version: step.version,
        class: &case.class,
        state: case.state,
        stage,
        at: step.at,
        limit: clock.map(|clock| clock.limit.to_string()),
        unit: case.unit.as_deref(),
        district: place.district.as_deref(),
        subdistrict: place.subdistrict.as_deref(),
        climbs_to,
    };
    Some(Waiting {
        seq: 0,
        topic: Topic::Supervise,
        key,
        event_id: format!("{}/{}/deadline", step.case, step.version),
        kind: format!("org.citywatch.deadline.{}", step.what.name()),
        at: step.at,
        body: events::body(&deadline),
    })
}
