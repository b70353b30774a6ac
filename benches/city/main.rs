//! The built binary as a whole, measured from outside: `cargo bench --bench city [latency|recovery|reload|storm|devices|start]...`.
//!
//! Without a name all are run. The load comes from this process, so its own time is not in any CPU figure.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "../../tests/it/device.rs"]
#[expect(dead_code, reason = "acknowledgements are only drained here")]
mod device;
mod devices;
#[path = "../goal.rs"]
mod goal;
#[path = "../../bus/tests/it/kafka_server.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with the tests")]
mod kafka_server;
mod latency;
mod process;
mod recovery;
mod reload;
mod start;
mod storm;

fn main() {
    // cargo itself passes `--bench`.
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|other| other == name);
    for (name, run) in [
        ("latency", latency::run as fn()),
        ("devices", devices::run),
        ("recovery", recovery::run),
        ("reload", reload::run),
        ("storm", storm::run),
        ("start", start::run),
    ] {
        if wanted(name) {
            run();
        }
    }
}

/// Nearest rank of sorted values.
fn quantile<T: Copy + Default>(sorted: &[T], q: f64) -> T {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
