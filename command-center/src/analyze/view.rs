//! An incident as the API shows it.

use super::aside::AsideKind;
use crate::city::{City, KeyKind, Names};
use crate::store::incidents::StoredIncident;
use model::IncidentState;
use serde::Serialize;
use utoipa::ToSchema;

/// An incident.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Incident)]
pub(crate) struct IncidentView {
    id: String,
    rule: String,
    /// The rule's title by language, `zh` and `en`; one may be missing.
    title: Names,
    /// What it is about: a sensor's id or an area's code.
    key: String,
    key_kind: KeyKind,
    domain: &'static str,
    /// minor, moderate, severe, extreme
    severity: &'static str,
    /// open, cleared
    state: &'static str,
    acknowledged: Option<AcknowledgedView>,
    opened_at: i64,
    changed_at: i64,
    cleared_at: Option<i64>,
    revision: u32,
    message: Option<String>,
    /// Whether what decides is unknown at present.
    stale: bool,
    /// Whether other incidents inhibit it: then it is no alarm of its own.
    inhibited: bool,
    /// How its alarm is set aside: it is then no alarm that anybody has to see to.
    aside: Option<AsideKind>,
    /// The window of maintenance that it opened in, as long as that lasts.
    maintenance: Option<String>,
    /// Who sees to it.
    assignee: Option<String>,
    /// As ISA-18.2 has it: unacknowledged, acknowledged, returned_unacknowledged, normal
    alarm_state: &'static str,
    place: Option<Place>,
    subdistrict: Option<String>,
    district: Option<String>,
    place_name: Names,
}

/// Who saw to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Acknowledged)]
pub(crate) struct AcknowledgedView {
    by: String,
    at: i64,
    note: String,
}

/// A WGS-84 point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Place {
    pub(crate) lon: f64,
    pub(crate) lat: f64,
}

impl IncidentView {
    pub(crate) fn new(city: &City, incident: &StoredIncident) -> IncidentView {
        let at = city.whereabouts(&incident.rule, &incident.key);
        let acknowledged = incident.acknowledged.as_ref();
        IncidentView {
            id: incident.id.to_string(),
            rule: incident.rule.clone(),
            title: city.title(&incident.rule),
            key: incident.key.clone(),
            key_kind: at.kind,
            domain: incident.domain.as_str(),
            severity: incident.severity.as_str(),
            state: incident.state.as_str(),
            acknowledged: acknowledged.map(|act| AcknowledgedView {
                by: act.by.clone(),
                at: act.at.0,
                note: act.note.clone(),
            }),
            opened_at: incident.opened_at.0,
            changed_at: incident.changed_at.0,
            cleared_at: incident.cleared_at.map(|time| time.0),
            revision: incident.revision,
            message: incident.message.clone(),
            stale: incident.stale,
            inhibited: incident.inhibited,
            aside: incident.aside,
            maintenance: incident.maintenance.map(|id| id.to_string()),
            assignee: incident.assignee.clone(),
            alarm_state: match (incident.state, &incident.acknowledged) {
                (IncidentState::Open, None) => "unacknowledged",
                (IncidentState::Open, Some(_)) => "acknowledged",
                (IncidentState::Cleared, None) => "returned_unacknowledged",
                (IncidentState::Cleared, Some(_)) => "normal",
            },
            place: at.place.map(|point| Place { lon: point.lon, lat: point.lat }),
            subdistrict: incident.subdistrict.clone(),
            district: incident.district.clone(),
            place_name: at.name,
        }
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("text and finite numbers always serialise")
    }
}
