//! The areas of the city, and points inside its subdistricts.

use crate::dice::{share, throw};
use model::{Loaded, Metrics, Registry, SourceFile};
use serde_json::Value;

/// City, districts and subdistricts as GeoJSON: real codes and names, schematic outlines (see README.md).
pub const AREAS: &str = include_str!("../areas/areas.geojson");

/// The path that problems in [`AREAS`] would name.
const PATH: &str = "seeds/areas/areas.geojson";

/// Size of a unit cell in degrees of longitude and latitude: about 100 m each way at 40 degrees north.
const CELL_LON: f64 = 0.001_18;
const CELL_LAT: f64 = 0.000_9;
/// Cells of one side of a community's square. Communities of a subdistrict are numbered by three digits, so are the cells
/// of each: 900 of them, and the largest subdistrict has some 170 communities.
const COMMUNITY_SIDE: usize = 30;

/// The areas of the city as a registry without sensors, and their outlines.
pub fn areas() -> Loaded {
    let loaded = Registry::load(&[SourceFile { path: PATH, text: AREAS }], Metrics::seeded());
    assert!(loaded.problems.is_empty(), "the areas that come with citywatch are whole: {:?}", loaded.problems);
    loaded
}

/// One subdistrict, as the generator needs it.
#[derive(Debug)]
pub struct Subdistrict {
    pub code: String,
    pub district: String,
    pub name_en: String,
    pub name_zh: String,
    /// Its convex outline, anticlockwise, longitude and latitude, not closed.
    corners: Vec<[f64; 2]>,
}

/// All subdistricts in the order of their codes.
pub fn subdistricts() -> Vec<Subdistrict> {
    let collection: Value = serde_json::from_str(AREAS).expect("the areas that come with citywatch are JSON");
    let features = collection["features"].as_array().expect("a collection has features");
    let mut found: Vec<Subdistrict> = features
        .iter()
        .filter(|feature| feature["properties"]["level"] == "subdistrict")
        .map(|feature| {
            let text = |value: &Value| value.as_str().expect("areas have codes and names").to_owned();
            let properties = &feature["properties"];
            let code = text(&properties["code"]);
            let ring = feature["geometry"]["coordinates"][0].as_array().expect("a subdistrict is one polygon");
            let corner = |at: &Value, axis: usize| at[axis].as_f64().expect("a position is two numbers");
            Subdistrict {
                district: code[..6].to_owned(),
                name_en: text(&properties["name"]["en"]),
                name_zh: text(&properties["name"]["zh"]),
                corners: ring[1..].iter().map(|at| [corner(at, 0), corner(at, 1)]).collect(),
                code,
            }
        })
        .collect();
    found.sort_by(|a, b| a.code.cmp(&b.code));
    found
}

impl Subdistrict {
    /// A point inside, all of it equally likely but for a rim.
    pub fn point(&self, whom: u64) -> [f64; 2] {
        let first = self.corners[0];
        let fan = || self.corners[1..].windows(2).map(|pair| [first, pair[0], pair[1]]);
        let whole: f64 = fan().map(area).sum();
        let mut left = share(throw(whom, 1)) * whole;
        let mut chosen = [first; 3];
        for triangle in fan() {
            chosen = triangle;
            left -= area(triangle);
            if left <= 0.0 {
                break;
            }
        }
        let (mut along, mut across) = (share(throw(whom, 2)), share(throw(whom, 3)));
        if along + across > 1.0 {
            (along, across) = (1.0 - along, 1.0 - across);
        }
        let centre = self.centre();
        // A rim of a twentieth stays empty, so that rounding never moves a sensor over a border.
        std::array::from_fn(|axis| {
            let inside = chosen[0][axis]
                + along * (chosen[1][axis] - chosen[0][axis])
                + across * (chosen[2][axis] - chosen[0][axis]);
            centre[axis] + 0.95 * (inside - centre[axis])
        })
    }

    /// The point so far off `from` in metres, or as much of the way as stays inside.
    pub fn near(&self, from: [f64; 2], east_m: f64, north_m: f64) -> [f64; 2] {
        let step = [east_m / 100.0 * CELL_LON, north_m / 100.0 * CELL_LAT];
        let there = |part: f64| [from[0] + part * step[0], from[1] + part * step[1]];
        [1.0, 0.5, 0.25].into_iter().map(there).find(|point| self.holds(*point)).unwrap_or(from)
    }

    /// The middle of the unit cell that a point stands in, if that is inside, else the point.
    pub fn cell_middle(&self, point: [f64; 2]) -> [f64; 2] {
        let [west, north] = self.north_west();
        let (column, row) = ((point[0] - west) / CELL_LON, (north - point[1]) / CELL_LAT);
        let middle = [west + (column.floor() + 0.5) * CELL_LON, north - (row.floor() + 0.5) * CELL_LAT];
        if self.holds(middle) { middle } else { point }
    }

    /// Code of the unit cell of a point inside, as DB11/T 064 has it: 9 digits of the subdistrict, 3 of the community, 3 of
    /// the cell, numbered from west to east and from north to south. Communities here are squares of 900 cells.
    pub fn cell(&self, point: [f64; 2]) -> String {
        let [west, north] = self.north_west();
        let east = self.corners.iter().fold(f64::MIN, |most, corner| most.max(corner[0]));
        let column = ((point[0] - west) / CELL_LON).max(0.0) as usize;
        let row = ((north - point[1]) / CELL_LAT).max(0.0) as usize;
        let columns = ((east - west) / CELL_LON) as usize / COMMUNITY_SIDE + 1;
        let community = row / COMMUNITY_SIDE * columns + column / COMMUNITY_SIDE;
        let cell = row % COMMUNITY_SIDE * COMMUNITY_SIDE + column % COMMUNITY_SIDE;
        format!("{}{community:03}{cell:03}", self.code)
    }

    fn holds(&self, point: [f64; 2]) -> bool {
        let next = self.corners.iter().cycle().skip(1);
        self.corners.iter().zip(next).all(|(from, to)| area([*from, *to, point]) > 0.0)
    }

    fn centre(&self) -> [f64; 2] {
        let count = self.corners.len() as f64;
        std::array::from_fn(|axis| self.corners.iter().map(|corner| corner[axis]).sum::<f64>() / count)
    }

    fn north_west(&self) -> [f64; 2] {
        self.corners.iter().fold([f64::MAX, f64::MIN], |most, corner| [most[0].min(corner[0]), most[1].max(corner[1])])
    }
}

/// Twice the area, positive for an anticlockwise triangle.
fn area([a, b, c]: [[f64; 2]; 3]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}
