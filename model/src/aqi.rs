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
