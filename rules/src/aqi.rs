//! The tables of the air quality index: HJ 633—2026, in force since 1 March 2026, and HJ 633—2012 for hours before it.
//!
//! They are those of the real-time report, Table 3 and clause 4.2 of the standard: means of one hour, of PM10 and PM2.5
//! against the limits of the day. The moving means of 8 and 24 hours that the edition of 2012 reports beside them are no
//! part of it. The standard ends at 500; concentrations beyond its last row have the index of that row.

/// A pollutant of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pollutant {
    /// Sulphur dioxide.
    So2,
    /// Nitrogen dioxide.
    No2,
    /// Carbon monoxide.
    Co,
    /// Ozone.
    O3,
    /// Particles up to 10 µm.
    Pm10,
    /// Particles up to 2.5 µm.
    Pm2_5,
}

/// Which edition of the standard an hour is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// HJ 633—2012.
    Of2012,
    /// HJ 633—2026: hours that begin on 1 March 2026 or later, by the city's clocks.
    Of2026,
}

/// The indexes that limits stand for, from the first row to the last.
pub const INDEXES: [u16; 8] = [0, 50, 100, 150, 200, 300, 400, 500];

/// With some of a sensor's pollutants missing, the index of the others is told only if it is above this (clause 5.3).
pub const TOLD_ALTHOUGH_MISSING: u16 = 100;

impl Pollutant {
    /// The UCUM unit of all their metrics.
    pub const UNIT: &str = "ug/m3";

    /// All of them, in the order of the standard's table.
    pub const ALL: [Pollutant; 6] =
        [Pollutant::So2, Pollutant::No2, Pollutant::Co, Pollutant::O3, Pollutant::Pm10, Pollutant::Pm2_5];

    /// The metric that measures it, in µg/m³.
    pub fn metric(self) -> &'static str {
        match self {
            Pollutant::So2 => "so2_ugm3",
            Pollutant::No2 => "no2_ugm3",
            Pollutant::Co => "co_ugm3",
            Pollutant::O3 => "o3_ugm3",
            Pollutant::Pm10 => "pm10_ugm3",
            Pollutant::Pm2_5 => "pm2_5_ugm3",
        }
    }

    /// The pollutant that a metric measures.
    pub fn of(metric: &str) -> Option<Pollutant> {
        Pollutant::ALL.into_iter().find(|pollutant| pollutant.metric() == metric)
    }

    /// The smallest step of a concentration, in µg/m³; means are rounded to it, halves to even (clause 4.2.2, GB/T 8170).
    pub fn step_ugm3(self) -> u16 {
        match self {
            // 0.1 mg/m³.
            Pollutant::Co => 100,
            _ => 1,
        }
    }

    /// The concentrations at which the index reaches those of [`INDEXES`], in steps; fewer where the column ends.
    pub fn limits(self, edition: Edition) -> &'static [u16] {
        match (self, edition) {
            (Pollutant::So2, _) => &[0, 150, 500, 650, 800],
            (Pollutant::No2, _) => &[0, 100, 200, 700, 1200, 2340, 3090, 3840],
            (Pollutant::Co, _) => &[0, 50, 100, 350, 600, 900, 1200, 1500],
            (Pollutant::O3, _) => &[0, 160, 200, 300, 400, 800, 1000, 1200],
            (Pollutant::Pm10, Edition::Of2012) => &[0, 50, 150, 250, 350, 420, 500, 600],
            (Pollutant::Pm10, Edition::Of2026) => &[0, 50, 120, 250, 350, 420, 500, 600],
            (Pollutant::Pm2_5, Edition::Of2012) => &[0, 35, 75, 115, 150, 250, 350, 500],
            (Pollutant::Pm2_5, Edition::Of2026) => &[0, 35, 60, 115, 150, 250, 350, 500],
        }
    }

    /// The index beyond the last limit. The edition of 2012 has none for SO₂ above 800: it asks for the mean of the day.
    pub fn beyond(self, edition: Edition) -> Option<u16> {
        match (self, edition) {
            (Pollutant::So2, Edition::Of2012) => None,
            (Pollutant::So2, Edition::Of2026) => Some(200),
            _ => Some(500),
        }
    }
}

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
