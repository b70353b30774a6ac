//! The functions that need more than a window, for sensor rules: `robust_z`, `seasonal_z`, `iaqi`, `aqi`.

use super::compiler::Compiler;
use super::expression::{Number, Values};
use super::index::{EndedHour, KEPT, Measured};
use super::layout::for_each_condition;
use super::metric::SensorValues;
use super::window::UNKNOWN;
use crate::aqi::Pollutant;
use crate::ast::{Expr, Rule, WindowFunction};
use std::sync::Arc;

/// Such a function, compiled for a layout.
#[derive(Clone, Debug)]
pub(super) enum Special {
    RobustZ { place: usize, view: usize, least: u32, resolution: f64 },
    SeasonalZ { place: usize, span: i64, least: u32, resolution: f64 },
    Iaqi { measured: Measured, least: u32 },
    Aqi { measured: Box<[Measured]>, least: u32 },
}

impl Compiler<'_> {
    /// `robust_z` or `seasonal_z` of a metric that the sensor reports.
    pub fn score(&mut self, function: WindowFunction, name: &str, place: u32, span: i64) -> Number {
        let least = self.least.unwrap_or(function.least_readings());
        let resolution = (self.resolution)(name);
        let special = if function == WindowFunction::RobustZ {
            let view = self.view(place, span, function) as usize;
            Special::RobustZ { place: place as usize, view, least, resolution }
        } else {
            let longest = &mut self.seasons[place as usize];
            *longest = span.max(*longest);
            Special::SeasonalZ { place: place as usize, span, least, resolution }
        };
        Number::Special(Box::new(special))
    }

    pub fn iaqi(&mut self, name: &str) -> Number {
        let (Some(slot), Some(pollutant)) = ((self.place_of)(name), Pollutant::of(name)) else {
            return Number::Constant(UNKNOWN);
        };
        let measured = Measured { pollutant, slot };
        self.keep_hours(&[measured]);
        Number::Special(Box::new(Special::Iaqi { measured, least: self.least.unwrap_or(1) }))
    }

    pub fn aqi(&mut self) -> Number {
        let measured = measured(self.place_of);
        if measured.is_empty() {
            return Number::Constant(UNKNOWN);
        }
        self.keep_hours(&measured);
        Number::Special(Box::new(Special::Aqi { measured, least: self.least.unwrap_or(1) }))
    }

    fn keep_hours(&mut self, measured: &[Measured]) {
        for one in measured {
            self.view(one.slot, KEPT, WindowFunction::Count);
        }
    }
}

/// The pollutants that a sensor measures.
pub(super) fn measured(place_of: &dyn Fn(&str) -> Option<u32>) -> Box<[Measured]> {
    let slot = |pollutant: Pollutant| Some(Measured { pollutant, slot: place_of(pollutant.metric())? });
    Pollutant::ALL.into_iter().filter_map(slot).collect()
}

/// The slots of the metrics whose index a rule asks for: the ends of their hours evaluate it.
pub(super) fn hourly(rule: &Rule, place_of: &dyn Fn(&str) -> Option<u32>) -> Box<[u32]> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for_each_condition(rule, &mut |condition| {
        condition.visit(&mut |part| {
            if matches!(part, Expr::Iaqi(_) | Expr::Aqi) {
                part.collect_metrics(&mut names);
            }
        });
    });
    names.iter().filter_map(|name| place_of(name)).collect()
}

impl SensorValues<'_> {
    /// What such a function is worth.
    pub fn compute(&self, special: &Special) -> f64 {
        let hour = || EndedHour::at(&self.program.settings.zone, self.at);
        match special {
            Special::RobustZ { place, .. } | Special::SeasonalZ { place, .. } if self.last(*place).is_nan() => UNKNOWN,
            Special::RobustZ { place, view, least, resolution } => {
                let history = self.metrics[*place].history.as_ref();
                history.map_or(UNKNOWN, |history| history.readings.robust_z(*view, *least, *resolution))
            }
            Special::SeasonalZ { place, span, least, resolution } => {
                let metric = &self.metrics[*place];
                let season = metric.history.as_ref().and_then(|history| history.season.as_ref());
                season.map_or(UNKNOWN, |season| season.z(metric.value, *span, self.at, *least, *resolution))
            }
            Special::Iaqi { measured, least } => {
                let index = hour().iaqi(&self.metrics[measured.slot as usize], measured.pollutant, *least);
                index.map_or(UNKNOWN, f64::from)
            }
            Special::Aqi { measured, least } => {
                hour().aqi(self.metrics, measured, *least).map_or(UNKNOWN, |(index, _)| f64::from(index))
            }
        }
    }
}
