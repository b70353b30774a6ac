//! Hot spots: places whose neighbourhood has more incidents than chance would give it.
//!
//! The local statistic Gi* with weights of one for a place and its nearest neighbours; its normal approximation; and the
//! p-values of all places corrected together. Pure.
//!
//! J. K. Ord, A. Getis, "Local spatial autocorrelation statistics: distributional issues and an application",
//! Geographical Analysis 27 (1995), equation 14.

use crate::supervise::statistics::{adjusted, normal_two_sided};
use model::Point;
use rstar::RTree;
use rstar::primitives::GeomWithData;
use serde::Serialize;
use utoipa::ToSchema;

/// A place's neighbours: the nearest eight, as around a square of a grid.
pub(crate) const NEIGHBOURS: usize = 8;
/// With fewer places the normal approximation says little (Ord and Getis, section 3).
pub(crate) const PLACES_MIN: usize = 30;
/// Of what is found so, no more than this share is by chance.
pub(crate) const FALSE_SHARE: f64 = 0.05;

/// What is found of a place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Spot {
    /// Gi*: standard deviations above what chance gives the place and its neighbours; below it where negative.
    pub(crate) z: f64,
    /// The chance of a Gi* as far from zero, either way.
    pub(crate) p: f64,
    /// The same, corrected for the number of places (Benjamini and Hochberg).
    pub(crate) p_adjusted: f64,
}

impl Spot {
    /// Whether so much is more than chance.
    pub(crate) fn is_hot(&self) -> bool {
        self.z > 0.0 && self.p_adjusted <= FALSE_SHARE
    }
}

/// Gi* of each place; nothing where there are too few places, or all values are the same.
pub(crate) fn spots(places: &[Point], values: &[f64]) -> Option<Vec<Spot>> {
    if places.len() < PLACES_MIN {
        return None;
    }
    let scores = gi_star(values, &neighbourhoods(places, NEIGHBOURS))?;
    let chances: Vec<f64> = scores.iter().map(|z| normal_two_sided(*z)).collect();
    let corrected = adjusted(&chances);
    let spot = |((z, p), p_adjusted)| Spot { z, p, p_adjusted };
    Some(scores.into_iter().zip(chances).zip(corrected).map(spot).collect())
}

/// Gi* of each place from its neighbourhood, in which it is itself; nothing where no two values differ, or a
/// neighbourhood is all there is.
fn gi_star(values: &[f64], neighbourhoods: &[Vec<usize>]) -> Option<Vec<f64>> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let score = |near: &Vec<usize>| {
        let (sum, weight) = (near.iter().map(|at| values[*at]).sum::<f64>(), near.len() as f64);
        // Weights are one, so that their sum is that of their squares.
        let spread = variance.sqrt() * ((count * weight - weight * weight) / (count - 1.0)).sqrt();
        (spread > 0.0).then(|| (sum - mean * weight) / spread)
    };
    neighbourhoods.iter().map(score).collect()
}

/// Each place with its nearest others. Of those that are equally far the earlier ones are taken.
fn neighbourhoods(places: &[Point], most: usize) -> Vec<Vec<usize>> {
    let middle = places.iter().map(|place| place.lat).sum::<f64>() / places.len() as f64;
    // On a plane: within a city a degree of longitude has one length.
    let shrink = middle.to_radians().cos();
    let flat = |place: &Point| [place.lon * shrink, place.lat];
    let tree = RTree::bulk_load(
        places.iter().enumerate().map(|(at, place)| GeomWithData::new(flat(place), at)).collect::<Vec<_>>(),
    );
    let near = |(at, place): (usize, &Point)| {
        let here = flat(place);
        let mut found: Vec<(f64, usize)> = Vec::new();
        for (one, away) in tree.nearest_neighbor_iter_with_distance_2(here) {
            if found.len() > most && found.last().is_some_and(|(last, _)| away > *last) {
                break;
            }
            if one.data != at {
                found.push((away, one.data));
            } else {
                found.insert(0, (-1.0, at));
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.truncate(most + 1);
        found.into_iter().map(|(_, at)| at).collect()
    };
    places.iter().enumerate().map(near).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of PySAL's documentation (esda, `G_Local`, binary weights, star): six points, neighbours within 15.
    #[test]
    fn the_published_example_has_its_scores() {
        let points = [(10.0, 10.0), (20.0, 10.0), (40.0, 10.0), (15.0, 20.0), (30.0, 20.0), (30.0, 30.0_f64)];
        let within = |a: (f64, f64)| {
            let near = |(_, b): &(usize, &(f64, f64))| (a.0 - b.0).hypot(a.1 - b.1) <= 15.0;
            points.iter().enumerate().filter(near).map(|(at, _)| at).collect::<Vec<_>>()
        };
        let neighbourhoods: Vec<_> = points.iter().map(|point| within(*point)).collect();
        let found = gi_star(&[2.0, 3.0, 3.2, 5.0, 8.0, 7.0], &neighbourhoods).unwrap();
        let published = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331];
        for (found, published) in found.iter().zip(published) {
            assert!((found - published).abs() < 5e-9, "{found} is not {published}");
        }
    }

    /// By hand: of 1, 1, 1, 5 the mean is 2 and the variance 3. The last with one neighbour: (6 − 4) / √(3 · (8 − 4) / 3).
    #[test]
    fn a_small_one_by_hand() {
        let found = gi_star(&[1.0, 1.0, 1.0, 5.0], &[vec![0, 1], vec![1, 2], vec![2, 1], vec![3, 2]]).unwrap();
        assert!((found[3] - 1.0).abs() < 1e-12 && (found[0] + 1.0).abs() < 1e-12, "{found:?}");
        assert_eq!(gi_star(&[2.0, 2.0, 2.0], &[vec![0, 1], vec![1], vec![2]]), None, "all the same");
    }

    fn grid(side: usize) -> Vec<Point> {
        let at = |index: usize| (116.3 + 0.01 * (index % side) as f64, 39.8 + 0.008 * (index / side) as f64);
        (0..side * side).map(at).map(|(lon, lat)| Point::new(lon, lat)).collect()
    }

    #[test]
    fn a_planted_spot_is_found_and_nothing_else() {
        let places = grid(20);
        let hot = |index: usize| (8..11).contains(&(index % 20)) && (8..11).contains(&(index / 20));
        let values: Vec<f64> = (0..400).map(|index| if hot(index) { 12.0 } else { (index * 7 % 5) as f64 }).collect();
        let found = spots(&places, &values).unwrap();
        let is_near = |index: usize| (7..12).contains(&(index % 20)) && (7..12).contains(&(index / 20));
        for (index, spot) in found.iter().enumerate() {
            assert!(!hot(index) || spot.is_hot(), "{index}: {spot:?}");
            assert!(is_near(index) || !spot.is_hot(), "{index}: {spot:?}");
        }
        assert_eq!(spots(&places[..PLACES_MIN - 1], &values[..PLACES_MIN - 1]), None, "too few places");
    }

    #[test]
    fn a_neighbourhood_is_the_place_and_its_nearest() {
        let places = grid(5);
        let found = neighbourhoods(&places, 8);
        assert!(found.iter().enumerate().all(|(at, near)| near.len() == 9 && near[0] == at));
        let mut middle = found[12].clone();
        middle.sort_unstable();
        assert_eq!(middle, [6, 7, 8, 11, 12, 13, 16, 17, 18]);
        let twins = vec![Point::new(116.4, 39.9); 12];
        assert!(neighbourhoods(&twins, 8).iter().enumerate().all(|(at, near)| near.len() == 9 && near[0] == at));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn neither_scale_nor_shift_matters(values in prop::collection::vec(0_u32..40, 49), times in 1.0..50.0_f64, plus in -20.0..20.0_f64) {
            let places = grid(7);
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let moved: Vec<f64> = values.iter().map(|value| value * times + plus).collect();
            let (Some(here), Some(there)) = (spots(&places, &values), spots(&places, &moved)) else { return Ok(()) };
            for (a, b) in here.iter().zip(&there) {
                prop_assert!((a.z - b.z).abs() < 1e-6 && a.p <= a.p_adjusted + 1e-12);
            }
        }

        #[test]
        fn chance_finds_hardly_anything(seed in 0_u64..1_000_000) {
            let places = grid(12);
            let mut state = seed;
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 33) % 8) as f64
            };
            let values: Vec<f64> = (0..144).map(|_| draw()).collect();
            let hot = spots(&places, &values).unwrap().iter().filter(|spot| spot.is_hot()).count();
            prop_assert!(hot <= 14, "{} of 144", hot);
        }
    }
}
