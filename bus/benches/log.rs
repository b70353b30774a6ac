//! Appends, syncs, processor time, reading back and disk of the embedded log: `cargo bench -p bus`.
//!
//! An argument names the directory to work in, `target` by default. `bus/compare` runs the same beside fjall.

mod embedded;
#[path = "../../benches/goal.rs"]
mod goal;
mod workload;

fn main() {
    let place = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let place = place.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").to_owned());
    goal::head("the log", "appends of the embedded log, durable", "none of its own: decision 0001 compares it");
    workload::run(place.as_ref(), &[("segments", embedded::open)]);
}
