//! What supervision watches now: cases that are late or about to be, by unit, area and level; cases that bounce; cases that
//! nobody has. Within the reach of who asks.

use super::Shared;
use super::case_view::{CaseRow, unit_name};
use super::problem::Problem;
use crate::auth::who::Who;
use crate::city::Names;
use crate::command::case::{Case, State as Stands};
use crate::command::clock::Clock;
use crate::dossier::place_of;
use crate::store::cases::{CaseFilter, StoredCase};
use crate::store::pages::Listed;
use axum::Json;
use axum::extract::{Extension, State};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Open cases that are looked at, the newest first; `is_whole` says whether there were more.
const CASES_MAX: usize = 20_000;
/// Cases of a list.
const LIST_MAX: usize = 100;
/// From so many hand-overs on a case bounces.
const BOUNCES: u32 = 2;

/// Open cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LiveCount {
    open: u64,
    /// A clock used 80 % of its limit, and none all of it.
    soon: u64,
    /// A clock is breached.
    late: u64,
}

/// What supervision watches now.
#[derive(Serialize, ToSchema)]
pub(crate) struct LiveCases {
    all: LiveCount,
    /// By unit, without those that nobody has.
    units: BTreeMap<String, LiveCount>,
    /// By district, without those that lie in none.
    districts: BTreeMap<String, LiveCount>,
    /// By the level of the unit: city, district, subdistrict.
    levels: BTreeMap<&'static str, LiveCount>,
    /// Late, the longest first; 100 at most.
    late: Vec<CaseRow>,
    /// About to be late, the next due first; 100 at most.
    soon: Vec<CaseRow>,
    /// Given back or handed on twice or more, the most often first; 100 at most.
    bouncing: Vec<CaseRow>,
    /// Registered and with nobody, the oldest first; 100 at most.
    ownerless: Vec<CaseRow>,
    /// Whether all open cases were looked at: the newest 20,000 are.
    is_whole: bool,
    #[schema(value_type = BTreeMap<String, BTreeMap<String, String>>)]
    unit_names: BTreeMap<String, Names>,
}

/// Cases that are late or about to be, by unit, district and level; those that bounce, and those without an owner.
#[utoipa::path(get, path = "/api/v1/supervise/live", tag = "supervise",
    responses((status = 200, body = LiveCases), (status = 403, body = Problem)))]
pub(crate) async fn live(State(center): Shared, Extension(who): Extension<Who>) -> Result<Json<LiveCases>, Problem> {
    let filter = CaseFilter { is_open: Some(true), reach: Some(who.reach), ..CaseFilter::default() };
    let mut cases = filter.select(&mut *center.store.read().await?, None, CASES_MAX + 1).await?;
    let is_whole = cases.len() <= CASES_MAX;
    cases.truncate(CASES_MAX);
    let (mut all, mut units, mut districts, mut levels) =
        (LiveCount::default(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for StoredCase { case, .. } in &cases {
        all.add(case);
        if let Some(unit) = &case.unit {
            entry(&mut units, unit.clone()).add(case);
            let level = match place_of(unit) {
                (_, Some(_)) => "subdistrict",
                (Some(_), None) => "district",
                (None, None) => "city",
            };
            entry(&mut levels, level).add(case);
        }
        if let Some(district) = &case.place.district {
            entry(&mut districts, district.clone()).add(case);
        }
    }
    let (city, duties) = (center.city(), &center.duties);
    let rows = |mut chosen: Vec<&StoredCase>, order: &dyn Fn(&Case) -> i64| -> Vec<CaseRow> {
        chosen.sort_by_key(|stored| (order(&stored.case), stored.case.id));
        chosen.into_iter().take(LIST_MAX).map(|stored| CaseRow::new(&city, duties, stored)).collect()
    };
    let chosen = |fits: fn(&Case) -> bool| cases.iter().filter(|stored| fits(&stored.case)).collect::<Vec<_>>();
    let due = |case: &Case| case.due_at().map_or(i64::MAX, |at| at.0);
    let (late, soon) = (rows(chosen(Case::is_late), &due), rows(chosen(is_soon), &due));
    let bouncing = rows(chosen(|case| case.counts.bounces() >= BOUNCES), &|case| -i64::from(case.counts.bounces()));
    let ownerless = rows(chosen(|case| case.unit.is_none() && case.state == Stands::Registered), &|case| {
        case.registered_at.unwrap_or(case.reported_at).0
    });
    let unit_names = units.keys().map(|unit| (unit.clone(), unit_name(&city, duties, unit))).collect();
    Ok(Json(LiveCases { all, units, districts, levels, late, soon, bouncing, ownerless, is_whole, unit_names }))
}

impl LiveCount {
    fn add(&mut self, case: &Case) {
        self.open += 1;
        self.soon += u64::from(is_soon(case));
        self.late += u64::from(case.is_late());
    }
}

fn entry<K: Ord>(counts: &mut BTreeMap<K, LiveCount>, key: K) -> &mut LiveCount {
    counts.entry(key).or_default()
}

/// Whether a clock that runs has warned, and none is breached.
fn is_soon(case: &Case) -> bool {
    let warned = |clock: &Clock| clock.is_on() && clock.running_since.is_some() && clock.warned_at.is_some();
    !case.is_late() && case.clocks_of_limits().any(warned)
}
