//! What is told on the bus beside the steps of cases, appeals and dossiers: acts on incidents and alarms, and deadlines.

use crate::analyze::aside::AsideKind;
use crate::command::case::State;
use crate::command::clock::Stage;
use model::{AreaLevel, Domain, EventTime};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody saw to an incident.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentAcknowledged<'a> {
    pub(crate) incident: Uuid,
    /// The incident's revision that was looked at.
    pub(crate) revision: u32,
    #[schema(value_type = String)]
    pub(crate) domain: Domain,
    pub(crate) by: &'a str,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    pub(crate) note: &'a str,
}

/// An incident was given to somebody, or taken back.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentAssigned<'a> {
    pub(crate) incident: Uuid,
    /// The incident's revision that was looked at.
    pub(crate) revision: u32,
    #[schema(value_type = String)]
    pub(crate) domain: Domain,
    /// Whom it is given to; null where it is taken back.
    pub(crate) to: Option<&'a str>,
    pub(crate) by: &'a str,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
}

/// An alarm was set aside, or returned.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlarmAside<'a> {
    pub(crate) aside: Uuid,
    pub(crate) kind: AsideKind,
    pub(crate) rule: &'a str,
    pub(crate) key: &'a str,
    /// Until when, epoch milliseconds; null where that is open.
    #[schema(value_type = Option<i64>)]
    pub(crate) until: Option<EventTime>,
    pub(crate) reason: &'a str,
    pub(crate) by: &'a str,
    /// Epoch milliseconds, UTC.
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
