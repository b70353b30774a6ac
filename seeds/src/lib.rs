//! The city that comes with citywatch: Beijing's areas, as many sensors in it as are wanted, and scenarios that say what the
//! sensors measure and what truly happens.
//!
//! All of it is invented but for codes and names of areas (README.md says what came from where), and all of it is
//! deterministic: the same count, seed and start give the same bytes, on any machine. Nothing here reads a clock or a file.

mod areas;
pub mod cases;
mod dice;
mod scenario;
mod sensors;
mod table;

pub use areas::{AREAS, areas};
pub use scenario::{Label, Readings, SCENARIOS, Scenario};
pub use sensors::{SENSORS_MAX, registry, sensors};
pub use table::{write_labels, write_sensors};
