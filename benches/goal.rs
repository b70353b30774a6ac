//! The head of a table, the same for every program of `make bench`.

/// Which goal of `docs/performance.md` the table below it is of, and how busy the machine is.
#[allow(clippy::print_stdout, reason = "a benchmark prints its table")]
pub fn head(id: &str, what: &str, goal: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    println!("\n== {id}: {what}\n   goal: {goal}; load average {load}");
}
