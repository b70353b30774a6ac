//! What is told on the bus beside the steps of cases, appeals and dossiers: acts on incidents and alarms, and deadlines.

use crate::analyze::aside::AsideKind;
use crate::analyze::maintenance::TargetKind;
use crate::command::case::State;
use crate::command::clock::Stage;
use model::{AreaLevel, Domain, EventTime, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody saw to an incident.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct IncidentAcknowledged {
    pub(crate) incident: Uuid,
    /// The incident's revision that was looked at.
    pub(crate) revision: u32,
    #[schema(value_type = String)]
    pub(crate) domain: Domain,
    pub(crate) by: String,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    pub(crate) note: String,
}

/// An incident was given to somebody, or taken back.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct IncidentAssigned {
    pub(crate) incident: Uuid,
    /// The incident's revision that was looked at.
    pub(crate) revision: u32,
    #[schema(value_type = String)]
    pub(crate) domain: Domain,
    /// Whom it is given to; null where it is taken back.
    pub(crate) to: Option<String>,
    pub(crate) by: String,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    /// May be empty.
    #[serde(default)]
    pub(crate) reason: String,
}

/// An incident that somebody saw to became worse: it wants an answer again.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct IncidentRealarmed {
    pub(crate) incident: Uuid,
    /// The incident's revision that is worse.
    pub(crate) revision: u32,
    #[schema(value_type = String)]
    pub(crate) domain: Domain,
    /// minor, moderate, severe, extreme
    #[schema(value_type = String)]
    pub(crate) severity: Severity,
    /// Who saw to it before, and when.
    pub(crate) acknowledged_by: String,
    #[schema(value_type = i64)]
    pub(crate) acknowledged_at: EventTime,
    /// When it became worse, epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
}

/// An alarm was set aside, or returned.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct AlarmAside {
    pub(crate) aside: Uuid,
    pub(crate) kind: AsideKind,
    pub(crate) rule: String,
    pub(crate) key: String,
    /// Until when, epoch milliseconds; null where that is open.
    #[schema(value_type = Option<i64>)]
    pub(crate) until: Option<EventTime>,
    pub(crate) reason: String,
    pub(crate) by: String,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
}

/// A window of maintenance was planned, or is over.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Maintenance)]
pub(crate) struct MaintenanceTold {
    pub(crate) window: Uuid,
    pub(crate) kind: TargetKind,
    /// A sensor's id, an area's code or a rule's id.
    pub(crate) target: String,
    /// Where that lies.
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) from: EventTime,
    /// Its end, also where somebody ended it before.
    #[schema(value_type = i64)]
    pub(crate) until: EventTime,
    /// Empty where its end came by itself.
    pub(crate) reason: String,
    /// `citywatch` where its end came by itself.
    pub(crate) by: String,
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
}

/// A clock of a case used 80 % of its limit, or all of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deadline<'a> {
    pub(crate) case: Uuid,
    pub(crate) number: &'a str,
    /// The case's version that says it.
    pub(crate) version: u64,
    pub(crate) class: &'a str,
    pub(crate) state: State,
    pub(crate) stage: Stage,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    /// As in `4 work_hour`.
    pub(crate) limit: Option<String>,
    pub(crate) unit: Option<&'a str>,
    pub(crate) district: Option<&'a str>,
    pub(crate) subdistrict: Option<&'a str>,
    /// The level that is called; null where none is.
    #[schema(value_type = Option<String>)]
    pub(crate) climbs_to: Option<AreaLevel>,
}

/// The JSON of an event's data.
pub(crate) fn body(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("text and finite numbers always serialise")
}
