//! The areas of the city, and which of them a point stands in.

use geo::{BoundingRect, Coord, CoordinatePosition, MultiPolygon, coordinate_position::CoordPos};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How large an area is, from large to small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AreaLevel {
    /// The whole city.
    City,
    /// 区.
    District,
    /// 街道, the key of the log.
    Subdistrict,
    /// 单元网格, about a hectare.
    Cell,
}

/// One area of the city, without its outline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// Its code, unique in the city.
    pub code: String,
    /// How large it is.
    pub level: AreaLevel,
    /// Its name by language, `en` and `zh`; empty if it has none.
    #[serde(default)]
    pub name: BTreeMap<String, String>,
}

/// The outlines of areas, indexed for placement.
///
/// A point on a border belongs to both sides; of several areas of one level the smallest code wins, so that placement
/// depends neither on the order of files nor on rounding at a shared edge.
#[derive(Debug, Default)]
pub struct Outlines {
    areas: Vec<(AreaLevel, String, MultiPolygon<f64>)>,
    tree: RTree<GeomWithData<Rectangle<[f64; 2]>, usize>>,
}

/// The codes of the areas that hold a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its district.
    pub district: Option<&'a str>,
    /// Its subdistrict.
    pub subdistrict: Option<&'a str>,
    /// Its unit cell.
    pub cell: Option<&'a str>,
}

impl Outlines {
    /// An index of these outlines (WGS-84 degrees).
    pub fn new(outlines: impl IntoIterator<Item = (AreaLevel, String, MultiPolygon<f64>)>) -> Outlines {
        let areas: Vec<_> = outlines.into_iter().collect();
        let boxes = areas.iter().enumerate().filter_map(|(index, (_, _, outline))| {
            let bounds = outline.bounding_rect()?;
            let (low, high) = (bounds.min(), bounds.max());
            Some(GeomWithData::new(Rectangle::from_corners([low.x, low.y], [high.x, high.y]), index))
        });
        let tree = RTree::bulk_load(boxes.collect());
        Outlines { areas, tree }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.areas.is_empty()
    }

    /// The areas that hold the point, their borders included.
    pub fn place(&self, lon: f64, lat: f64) -> Place<'_> {
        let mut place = Place::default();
        for entry in self.tree.locate_in_envelope_intersecting(AABB::from_point([lon, lat])) {
            let (level, code, outline) = &self.areas[entry.data];
            let slot = match level {
                AreaLevel::City => continue,
                AreaLevel::District => &mut place.district,
                AreaLevel::Subdistrict => &mut place.subdistrict,
                AreaLevel::Cell => &mut place.cell,
            };
            let is_smaller = slot.is_none_or(|held| code.as_str() < held);
            if is_smaller && outline.coordinate_position(&Coord { x: lon, y: lat }) != CoordPos::Outside {
                *slot = Some(code);
            }
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{LineString, Polygon};

    fn square(west: f64, south: f64, size: f64) -> MultiPolygon<f64> {
        let (east, north) = (west + size, south + size);
        let ring = LineString::from(vec![(west, south), (east, south), (east, north), (west, north), (west, south)]);
        Polygon::new(ring, Vec::new()).into()
    }

    #[test]
    fn a_border_goes_to_the_smallest_code_in_any_order() {
        let areas = [
            (AreaLevel::Subdistrict, "B".to_owned(), square(0.0, 0.0, 1.0)),
            (AreaLevel::Subdistrict, "A".to_owned(), square(1.0, 0.0, 1.0)),
            (AreaLevel::District, "D".to_owned(), square(0.0, 0.0, 1.5)),
        ];
        for outlines in [Outlines::new(areas.clone()), Outlines::new(areas.into_iter().rev())] {
            assert_eq!(outlines.place(0.5, 0.5).subdistrict, Some("B"));
            assert_eq!(outlines.place(1.0, 0.5).subdistrict, Some("A"), "the shared edge");
            assert_eq!(outlines.place(1.0, 1.0).subdistrict, Some("A"), "the shared corner");
            assert_eq!(outlines.place(1.2, 0.5).district, Some("D"));
            assert_eq!(outlines.place(1.8, 0.5), Place { subdistrict: Some("A"), ..Place::default() });
            assert_eq!(outlines.place(5.0, 5.0), Place::default());
        }
    }

    #[test]
    fn a_hole_is_outside() {
        let mut outline = square(0.0, 0.0, 3.0);
        outline.0[0].interiors_push(square(1.0, 1.0, 1.0).0[0].exterior().clone());
        let outlines = Outlines::new([(AreaLevel::Cell, "C".to_owned(), outline)]);
        assert_eq!(outlines.place(0.5, 0.5).cell, Some("C"));
        assert_eq!(outlines.place(1.5, 1.5).cell, None);
    }
}
