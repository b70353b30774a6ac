//! What the clock sets off: sensors that fell silent, timers, registration.

use super::Engine;
use super::area::AreaContext;
use super::metric::NEVER;
use super::presence::At;
use super::program::Stage;
use super::sensor::SensorContext;
use super::telling::Teller;
use super::timers::Key;
use model::{EventTime, Offset, Transition};

impl Engine {
    pub(super) fn tick(&mut self, offset: Offset, time: EventTime, out: &mut Vec<Transition>) {
        let before = self.clock;
        let clock = before.map_or(time.0, |clock| clock.max(time.0));
        self.clock = Some(clock);
        if before.is_none() {
            self.register(clock);
        }
        if self.program.stage == Stage::Local {
            let Engine { presence, sensors, program, partition, .. } = self;
            presence.tick(before, clock, At { partition: *partition, offset }, |place| {
                let sensor = &sensors[place];
                (sensor.registered_at, &program.registry.sensors()[sensor.index as usize].id)
            });
        }
        while let Some(key) = self.timers.pop(clock) {
            self.fire(key, clock, out);
        }
    }

    /// Fires what the clock allows at one key, and sets it to be looked at again.
    fn fire(&mut self, key: Key, clock: i64, out: &mut Vec<Transition>) {
        let Engine { program, layouts, sensors, areas, timers, .. } = self;
        let mut teller = Teller { program, out };
        match key {
            Key::Sensor(place) => {
                let sensor = &mut sensors[place as usize];
                let timing = program.timings[sensor.timing as usize];
                let layout = &layouts[sensor.layout as usize];
                sensor.armed = i64::MAX;
                let context = SensorContext { program, layout, timing, offset: 0 };
                sensor.fire(&context, clock.saturating_sub(timing.wait), &mut teller);
                timers.arm(key, sensor.next_timer, timing.wait, &mut sensor.armed);
            }
            Key::Area(place) => {
                let area = &mut areas[place as usize];
                let wait = program.area_wait();
                area.armed = i64::MAX;
                let context = AreaContext { program, layouts, sensors, reading: None };
                area.fire(&context, clock.saturating_sub(wait), &mut teller);
                timers.arm(key, area.next_timer, wait, &mut area.armed);
            }
        }
    }

    /// Registers the sensors that are not yet, at the clock.
    fn register(&mut self, clock: i64) {
        for place in 0..self.sensors.len() {
            if self.sensors[place].registered_at == NEVER {
                self.sensors[place].registered_at = clock;
                self.look_again(Key::Sensor(place as u32));
            }
        }
    }

    /// Has the clock look at a key whose timers are not known.
    pub(super) fn look_again(&mut self, key: Key) {
        let armed = match key {
            Key::Sensor(place) => self.sensors[place as usize].armed,
            Key::Area(place) => self.areas[place as usize].armed,
        };
        self.timers.disarm(key, armed);
        // `fire` with nothing due finds the next timer.
        self.fire(key, i64::MIN / 2, &mut Vec::new());
    }
}
