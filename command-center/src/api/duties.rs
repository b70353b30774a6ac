//! The lists that cases go by: classes, units, duties.

use super::Shared;
use super::case_view::names;
use crate::city::Names;
use axum::Json;
use axum::extract::State;
use model::{AreaLevel, Trust};
use serde::Serialize;
use utoipa::ToSchema;

/// A class of cases.
#[derive(Serialize, ToSchema)]
#[schema(as = Class)]
pub(crate) struct ClassView {
    class: String,
    /// Which list of codes it is of.
    scheme: String,
    name: Names,
    /// How far a case of a sensor's incident goes by itself: reported, verified, registered.
    trust: &'static str,
    /// Limits, as in `4 work_hour`.
    dispatch: String,
    handle: String,
    check: String,
    total: String,
    climb: String,
    /// The power that a unit needs.
    power: Option<String>,
    /// Whether feedback needs evidence.
    evidence: bool,
    /// What is to be done, in order.
    plan: Vec<Names>,
}

/// All classes by code.
#[derive(Serialize, ToSchema)]
pub(crate) struct Classes {
    items: Vec<ClassView>,
}

/// A unit, or a kind of unit.
#[derive(Serialize, ToSchema)]
#[schema(as = Unit)]
pub(crate) struct UnitView {
    /// Where `is_each` is true, its code has the area's added: `street-office-110101007`.
    unit: String,
    name: Names,
    /// city, district, subdistrict
    #[schema(value_type = String)]
    level: AreaLevel,
    area: Option<String>,
    /// Whether each area of the level has one.
    is_each: bool,
    powers: Vec<String>,
}

/// All units by code.
#[derive(Serialize, ToSchema)]
pub(crate) struct Units {
    items: Vec<UnitView>,
}

/// Who answers for a class at a level.
#[derive(Serialize, ToSchema)]
#[schema(as = Duty)]
pub(crate) struct DutyView {
    class: String,
    /// city, district, subdistrict
    #[schema(value_type = String)]
    level: AreaLevel,
    /// Null for every area of the level.
    area: Option<String>,
    unit: String,
}

/// All duties.
#[derive(Serialize, ToSchema)]
pub(crate) struct DutyList {
    items: Vec<DutyView>,
}

/// The classes of cases with their limits.
#[utoipa::path(get, path = "/api/v1/classes", tag = "duties", responses((status = 200, body = Classes)))]
pub(crate) async fn classes(State(center): Shared) -> Json<Classes> {
    let view = |class: &model::Class| ClassView {
        class: class.code.clone(),
        scheme: class.scheme.clone(),
        name: names(&class.name_en, &class.name_zh),
        trust: match class.trust {
            Trust::Reported => "reported",
            Trust::Verified => "verified",
            Trust::Registered => "registered",
        },
        dispatch: class.dispatch.to_string(),
        handle: class.handle.to_string(),
        check: class.check.to_string(),
        total: class.total.to_string(),
        climb: class.climb.to_string(),
        power: class.power.clone(),
        evidence: class.evidence,
        plan: class.plan.iter().map(|step| names(&step.en, &step.zh)).collect(),
    };
    Json(Classes { items: center.duties.classes.values().map(view).collect() })
}

/// The units with their powers.
#[utoipa::path(get, path = "/api/v1/units", tag = "duties", responses((status = 200, body = Units)))]
pub(crate) async fn units(State(center): Shared) -> Json<Units> {
    let view = |unit: &model::Unit| UnitView {
        unit: unit.code.clone(),
        name: names(&unit.name_en, &unit.name_zh),
        level: unit.level,
        area: unit.area.clone(),
        is_each: !unit.is_single(),
        powers: unit.powers.clone(),
    };
    Json(Units { items: center.duties.units.values().map(view).collect() })
}

/// Who answers for what.
#[utoipa::path(get, path = "/api/v1/duties", tag = "duties", responses((status = 200, body = DutyList)))]
pub(crate) async fn duties(State(center): Shared) -> Json<DutyList> {
    let view = |duty: &model::Duty| DutyView {
        class: duty.class.clone(),
        level: duty.level,
        area: duty.area.clone(),
        unit: duty.unit.clone(),
    };
    Json(DutyList { items: center.duties.duties.iter().map(view).collect() })
}
