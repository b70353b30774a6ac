//! The tables of the air quality index are [`model::aqi`]; here is what any calculation by them must find.

pub use model::aqi::{Edition, INDEXES, Pollutant, TOLD_ALTHOUGH_MISSING};

/// Concentrations and their indexes, calculated in exact fractions.
#[cfg(test)]
pub(crate) mod vectors {
    use super::{Edition, Pollutant};
    use Edition::{Of2012, Of2026};
    use Pollutant::{Co, No2, O3, Pm2_5, Pm10, So2};

    /// In steps of the pollutant: µg/m³, for CO tenths of mg/m³.
    type Vectors = (Pollutant, Edition, &'static [(u16, Option<u16>)]);

    const VECTORS: [Vectors; 9] = [
        (
            Pm2_5,
            Of2026,
            &[
                (0, Some(0)),
                (1, Some(2)),
                (35, Some(50)),
                (36, Some(52)),
                (45, Some(70)),
                (60, Some(100)),
                (61, Some(101)),
                (75, Some(114)),
                (115, Some(150)),
                (150, Some(200)),
                (151, Some(201)),
                (250, Some(300)),
                (500, Some(500)),
                (501, Some(500)),
            ],
        ),
        (Pm2_5, Of2012, &[(35, Some(50)), (36, Some(52)), (75, Some(100)), (76, Some(102)), (115, Some(150))]),
        (
            Pm10,
            Of2026,
            &[
                (50, Some(50)),
                (51, Some(51)),
                (120, Some(100)),
                (121, Some(101)),
                (150, Some(112)),
                (250, Some(150)),
                (420, Some(300)),
                (600, Some(500)),
            ],
        ),
        (Pm10, Of2012, &[(50, Some(50)), (150, Some(100)), (151, Some(101)), (250, Some(150)), (601, Some(500))]),
        (
            O3,
            Of2026,
            &[
                (160, Some(50)),
                (161, Some(52)),
                (200, Some(100)),
                (201, Some(101)),
                (300, Some(150)),
                (1200, Some(500)),
            ],
        ),
        (No2, Of2026, &[(100, Some(50)), (101, Some(51)), (200, Some(100)), (201, Some(101)), (3841, Some(500))]),
        (So2, Of2026, &[(150, Some(50)), (151, Some(51)), (500, Some(100)), (800, Some(200)), (900, Some(200))]),
        (So2, Of2012, &[(500, Some(100)), (800, Some(200)), (801, None)]),
        (
            Co,
            Of2026,
            &[
                (5, Some(5)),
                (21, Some(21)),
                (51, Some(51)),
                (100, Some(100)),
                (101, Some(101)),
                (654, Some(218)),
                (1500, Some(500)),
                (1501, Some(500)),
            ],
        ),
    ];

    /// Columns of means that the real-time report has not, with what is beyond them: the formula is the same.
    #[expect(clippy::type_complexity, reason = "a table of the standard, read once")]
    const OTHER_MEANS: [(&str, &[u16], u16, &[(u16, u16)]); 3] = [
        ("O3, 8 h", &[0, 100, 160, 215, 265, 800], 300, &[(100, 50), (160, 100), (161, 101), (800, 300), (900, 300)]),
        ("SO2, day", &[0, 50, 150, 475, 800, 1600, 2100, 2620], 500, &[(150, 100), (151, 101), (475, 150)]),
        ("CO, day", &CO_DAY, 500, &[(22, 55)]),
    ];
    const CO_DAY: [u16; 8] = [0, 20, 40, 140, 240, 360, 480, 600];

    /// Asserts all of them, and that rounding up never slips where f64 does: at 23 concentrations of CO.
    ///
    /// `along` is the formula by itself, `None` beyond the last limit.
    pub(crate) fn check(
        index: impl Fn(u16, Pollutant, Edition) -> Option<u16>,
        along: impl Fn(u16, &[u16]) -> Option<u16>,
    ) {
        for (pollutant, edition, vectors) in VECTORS {
            for &(concentration, expected) in vectors {
                assert_eq!(index(concentration, pollutant, edition), expected, "{pollutant:?} {concentration}");
            }
        }
        for (column, limits, beyond, vectors) in OTHER_MEANS {
            for &(concentration, expected) in vectors {
                assert_eq!(along(concentration, limits).unwrap_or(beyond), expected, "{column} {concentration}");
            }
        }
        let slips = |limits: &[u16]| {
            let slips = |concentration: &u16| {
                let exact = along(*concentration, limits).unwrap();
                let in_floats = in_floats(*concentration, limits);
                assert!(in_floats == exact || in_floats == exact + 1, "{concentration}");
                in_floats != exact
            };
            (0..=*limits.last().unwrap()).filter(slips).count()
        };
        assert_eq!((slips(Co.limits(Of2026)), slips(&CO_DAY)), (22, 1));
    }

    /// The formula as it would be written carelessly, of tenths.
    fn in_floats(concentration: u16, limits: &[u16]) -> u16 {
        let row = limits.iter().skip(1).position(|limit| *limit >= concentration).unwrap() + 1;
        let [low, high] = [limits[row - 1], limits[row]].map(|limit| f64::from(limit) / 10.0);
        let [from, to] = [super::INDEXES[row - 1], super::INDEXES[row]].map(f64::from);
        ((to - from) / (high - low) * (f64::from(concentration) / 10.0 - low) + from).ceil() as u16
    }
}
