//! What a storm does at one low spot: rain to sewer to road to traffic, minute by minute.
//!
//! A lumped model, good for a stage and for no design: a linear reservoir turns rain into runoff; what the pipe cannot take
//! fills its chambers and then stands on the road; traffic slows in the water. It is worked out once for each load, and
//! looked up.

/// Minutes that a response lasts; it has ebbed away before.
const MINUTES: usize = 6 * 60;
/// Loads are told apart in steps of this; a load of 1 is the design storm of the place.
const STEP: f64 = 1.0 / 16.0;
/// The largest load, in steps.
const STEPS: usize = 40;

/// Rain of load 1 at its peak, mm/h, and the minute of the peak.
pub const PEAK_MM_H: f64 = 40.0;
const PEAK_AT_MIN: f64 = 35.0;
/// Time constant of the catchment, minutes.
const RUNOFF_MIN: f64 = 20.0;
/// What the pipe takes just full, mm/h.
const CAPACITY_MM_H: f64 = 42.0;
/// Fill of a pipe that runs full without pressure.
const RUNNING_FULL: f64 = 0.85;
/// How much water the chambers hold above the pipe, mm, and the fill (level over diameter) at which they spill.
const CHAMBERS_MM: f64 = 1.5;
const SPILLING: f64 = 2.2;
/// How fast pumps and pipe take the water back, mm/h at most.
const EBB_MM_H: f64 = 8.0;
/// How deep the first millimetre that the chambers do not hold stands at the low spot, in metres; the spot widens upwards.
const POND_M: f64 = 0.14;
const POND_EXPONENT: f64 = 0.7;
/// The deepest pond: then the water runs on.
const POND_MAX_M: f64 = 0.9;
/// Water this deep halves the speed, in metres, and traffic follows within so many minutes.
const HALF_SPEED_M: f64 = 0.09;
const QUEUE_MIN: f64 = 6.0;
/// A river gathers the runoff of many such places, and is slower by so many minutes.
const RIVER_MIN: f64 = 60.0;
/// How much higher it stands for each mm/h of runoff, metres.
const RIVER_M: f64 = 0.045;

/// What stands at a low spot at one minute of a storm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// How much higher than in dry weather the sewer stands, as a share of its diameter.
    pub rise: f64,
    /// Depth of the water on the road, metres.
    pub pond_m: f64,
    /// By how much the speed is lower, as a share of it.
    pub slowed: f64,
    /// How much higher than in dry weather the river stands, metres.
    pub river_m: f64,
}

/// The responses to all loads.
#[derive(Debug)]
pub struct Responses(Vec<[f32; 4]>);

impl Responses {
    pub fn new() -> Responses {
        Responses((0..=STEPS).flat_map(|step| response(step as f64 * STEP)).collect())
    }

    /// The state so many minutes after the storm came.
    pub fn at(&self, load: f64, minutes: f64) -> State {
        if !(0.0..MINUTES as f64 - 1.0).contains(&minutes) {
            return State::default();
        }
        let row = ((load / STEP).round() as usize).min(STEPS) * MINUTES;
        let (before, part) = (minutes as usize, minutes.fract());
        let (a, b) = (self.0[row + before], self.0[row + before + 1]);
        let [rise, pond_m, slowed, river_m] =
            std::array::from_fn(|which| f64::from(a[which]) + part * f64::from(b[which] - a[which]));
        State { rise, pond_m, slowed, river_m }
    }
}

/// Rain in mm/h so many minutes after it began, for a load.
pub fn rain_mm_h(load: f64, minutes: f64) -> f64 {
    if minutes <= 0.0 {
        return 0.0;
    }
    let part = minutes / PEAK_AT_MIN;
    load * PEAK_MM_H * (part * (1.0 - part).exp()).powi(2)
}

fn response(load: f64) -> Vec<[f32; 4]> {
    let (mut runoff, mut stored, mut slowed, mut river) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    let minutes = (0..MINUTES).map(|minute| {
        let rain = rain_mm_h(load, minute as f64);
        runoff += (rain - runoff) / RUNOFF_MIN;
        let surplus = (runoff - CAPACITY_MM_H).max(-EBB_MM_H);
        stored = (stored + surplus / 60.0).max(0.0);
        // Depth over diameter of a pipe that is not full goes with a power of the flow (Manning, roughly).
        let running = RUNNING_FULL * (runoff / CAPACITY_MM_H).min(1.0).powf(0.7);
        let pressed = (SPILLING - RUNNING_FULL) * (stored / CHAMBERS_MM).min(1.0);
        let pond = (POND_M * (stored - CHAMBERS_MM).max(0.0).powf(POND_EXPONENT)).min(POND_MAX_M);
        let wet = 0.12 * (rain / 30.0).min(1.0);
        let drag = 1.0 - (1.0 - wet) / (1.0 + (pond / HALF_SPEED_M).powi(2));
        slowed += (drag - slowed) / QUEUE_MIN;
        river += (runoff - river) / RIVER_MIN;
        [running + pressed, pond, slowed, RIVER_M * river].map(|value| value as f32)
    });
    minutes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(load: f64) -> State {
        let responses = Responses::new();
        let states = (0..MINUTES).map(|minute| responses.at(load, minute as f64));
        states.fold(State::default(), |worst, state| State {
            rise: worst.rise.max(state.rise),
            pond_m: worst.pond_m.max(state.pond_m),
            slowed: worst.slowed.max(state.slowed),
            river_m: worst.river_m.max(state.river_m),
        })
    }

    #[test]
    fn a_place_takes_its_design_storm_and_drowns_in_twice_of_it() {
        let (half, design, twice) = (worst(0.5), worst(1.0), worst(2.0));
        assert!(half.rise < 0.6 && half.pond_m == 0.0 && half.slowed < 0.13, "{half:?}");
        assert!(design.rise < 0.8 && design.pond_m == 0.0, "{design:?}");
        assert!(design.river_m < 0.9 && twice.river_m > 1.2, "{design:?}, {twice:?}");
        assert!(twice.rise > 1.2 && twice.pond_m > 0.4 && twice.slowed > 0.9, "{twice:?}");
    }

    #[test]
    fn all_ebbs_away() {
        let end = Responses::new().at(2.5, MINUTES as f64 - 2.0);
        assert!(end.rise < 0.05 && end.pond_m == 0.0 && end.slowed < 0.01 && end.river_m < 0.05, "{end:?}");
    }
}
