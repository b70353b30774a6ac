//! How well each subdistrict is covered by its sensors, as the rules stage said last. In memory, bounded by the areas.

use model::CoverageClass;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::RwLock;
use utoipa::ToSchema;

/// How well an area is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Coverage {
    /// full: nine of ten report; partial: half; poor; none
    #[schema(value_type = String)]
    pub(crate) class: CoverageClass,
    /// Sensors in service that reported, and that were silent, when the class became this one.
    pub(crate) reporting: u32,
    pub(crate) silent: u32,
    /// Event time since when it is so.
    pub(crate) since: i64,
}

/// By code of the subdistrict. An area of which nothing was said is unknown, not uncovered.
#[derive(Default)]
pub(crate) struct Coverages(RwLock<BTreeMap<String, Coverage>>);

impl Coverages {
    /// The rules stage says how an area is covered.
    pub(crate) fn told(&self, area: String, coverage: Coverage) {
        self.0.write().expect("nothing panics while it holds this lock").insert(area, coverage);
    }

    /// How an area is covered; `None` while nothing is known.
    pub(crate) fn of(&self, area: &str) -> Option<Coverage> {
        self.0.read().expect("nothing panics while it holds this lock").get(area).copied()
    }
}
