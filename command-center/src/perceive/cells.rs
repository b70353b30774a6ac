//! Which cells of the city's grid sensors watch. Pure.

use super::areas::Areas;
use super::sensors::{SensorState, View};
use model::AreaLevel;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How a cell is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Watch {
    /// A sensor in it is online.
    Watched,
    /// Sensors stand in it and none is online.
    Quiet,
    /// No sensor stands in it.
    Bare,
}

/// How many cells are how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CellCounts {
    /// Cells in which a sensor is online.
    pub(crate) watched: u64,
    /// Cells in which sensors stand and none is online.
    pub(crate) quiet: u64,
    /// Cells in which no sensor stands.
    pub(crate) bare: u64,
}

/// The sensors of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) sensors: u32,
    pub(crate) online: u32,
}

impl Standing {
    pub(crate) fn watch(self) -> Watch {
        match self {
            Standing { sensors: 0, .. } => Watch::Bare,
            Standing { online: 0, .. } => Watch::Quiet,
            _ => Watch::Watched,
        }
    }
}

impl CellCounts {
    fn count(&mut self, watch: Watch) {
        *match watch {
            Watch::Watched => &mut self.watched,
            Watch::Quiet => &mut self.quiet,
            Watch::Bare => &mut self.bare,
        } += 1;
    }
}

/// The sensors of each cell in which any stand. Codes are copied, so that cells are gone through while sensors change.
pub(crate) fn standing(now: &View<'_>) -> FxHashMap<String, Standing> {
    let mut cells: FxHashMap<String, Standing> = FxHashMap::default();
    for (index, sensor) in now.registry().sensors().iter().enumerate() {
        let Some(cell) = sensor.cell.as_deref() else { continue };
        if !cells.contains_key(cell) {
            cells.insert(cell.to_owned(), Standing::default());
        }
        let standing = cells.get_mut(cell).expect("it was put in just now");
        standing.sensors += 1;
        standing.online += u32::from(now.sensor(index).state == SensorState::Online);
    }
    cells
}

/// How the cells of each area of a level are watched, or all together under the code `whole`. Areas without cells are not
/// in it.
pub(crate) fn counted(
    areas: &Areas,
    cells: &FxHashMap<String, Standing>,
    level: AreaLevel,
    whole: &str,
) -> BTreeMap<String, CellCounts> {
    let mut counts: BTreeMap<String, CellCounts> = BTreeMap::new();
    for (code, _) in areas.of_level(Some(AreaLevel::Cell)) {
        let above = match level {
            AreaLevel::City => Some(whole.to_owned()),
            level => areas.above(code, level),
        };
        let Some(above) = above else { continue };
        counts.entry(above).or_default().count(cells.get(code).copied().unwrap_or_default().watch());
    }
    counts
}
