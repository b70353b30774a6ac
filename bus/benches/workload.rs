//! The work that a log is measured by, and the table that comes of it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Each figure is the median of so many runs.
const RUNS: usize = 3;
/// How long appends go on in a run.
const RUN_TIME: Duration = Duration::from_secs(2);
const PARTITIONS: u32 = 16;

/// One log under measurement.
pub trait Store: Send + Sync {
    /// Appends records (partition, key, value), durable when it returns.
    fn append(&self, records: &[(u32, &[u8], &[u8])]);
    /// Group commits so far.
    fn groups(&self) -> u64;
    /// Reads all partitions from the start to the end, a piece of each in turn. Gives the number of records.
    fn read_back(&self) -> u64;
}

/// Opens a store in a directory, or makes it there.
pub type Open = fn(&Path) -> Box<dyn Store>;

/// Who appends how: callers at once, records in each of their appends.
const SHAPES: [(usize, usize); 6] = [(1, 1), (1, 100), (1, 2000), (16, 1), (50, 1), (50, 100)];

struct Figures {
    appends_per_s: f64,
    records_per_s: f64,
    cpu_us: f64,
    per_group: f64,
    groups_per_s: f64,
    read_per_s: f64,
    read_cpu_us: f64,
    disk_bytes: f64,
}

/// Measures the stores in turn, in directories under `place`, and prints a table.
#[allow(clippy::print_stdout, reason = "the table is what the program is for")]
pub fn run(place: &Path, stores: &[(&str, Open)]) {
    println!("records of about 150 B over {PARTITIONS} partitions, fdatasync a group, medians of {RUNS} runs");
    println!("load average before: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    println!(
        "{:9} {:>7} {:>8} {:>10} {:>10} {:>9} {:>10} {:>8} {:>12} {:>11} {:>8}",
        "log",
        "callers",
        "rec/app",
        "appends/s",
        "records/s",
        "CPU µs/r",
        "rec/group",
        "syncs/s",
        "read rec/s",
        "read µs/r",
        "disk B/r"
    );
    for (callers, records) in SHAPES {
        let mut all: Vec<Vec<Figures>> = stores.iter().map(|_| vec![]).collect();
        // The stores take turns, so that a neighbour's load meets both.
        for _ in 0..RUNS {
            for ((_, open), runs) in stores.iter().zip(&mut all) {
                runs.push(measure(place, *open, callers, records));
            }
        }
        for ((name, _), runs) in stores.iter().zip(&mut all) {
            let mut median = |figure: fn(&Figures) -> f64| {
                runs.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
                figure(&runs[RUNS / 2])
            };
            println!(
                "{name:9} {callers:>7} {records:>8} {:>10.0} {:>10.0} {:>9.2} {:>10.1} {:>8.0} {:>12.0} {:>11.3} {:>8.0}",
                median(|f| f.appends_per_s),
                median(|f| f.records_per_s),
                median(|f| f.cpu_us),
                median(|f| f.per_group),
                median(|f| f.groups_per_s),
                median(|f| f.read_per_s),
                median(|f| f.read_cpu_us),
                median(|f| f.disk_bytes),
            );
        }
    }
}

fn measure(place: &Path, open: Open, callers: usize, per_append: usize) -> Figures {
    let directory = place.join("bench-log");
    let _ = std::fs::remove_dir_all(&directory);
    let store = open(&directory);
    let values: Vec<Vec<u8>> = (0..4096).map(reading).collect();
    let appends = AtomicU64::new(0);
    let (begun, cpu) = (Instant::now(), cpu_time());
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let (store, values, appends) = (&store, &values, &appends);
            scope.spawn(move || {
                let mut count = caller * 97;
                let mut records = Vec::with_capacity(per_append);
                while begun.elapsed() < RUN_TIME {
                    records.clear();
                    for _ in 0..per_append {
                        count += 1;
                        let partition = count as u32 % PARTITIONS;
                        records.push((partition, b"110105003".as_slice(), values[count % values.len()].as_slice()));
                    }
                    store.append(&records);
                    appends.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), (cpu_time() - cpu).as_secs_f64());
    let appends = appends.into_inner() as f64;
    let records = appends * per_append as f64;
    let groups = store.groups() as f64;
    drop(store);
    let disk = disk_bytes(&directory) as f64;
    let store = open(&directory);
    let (read_begun, read_cpu) = (Instant::now(), cpu_time());
    assert_eq!(store.read_back() as f64, records, "all that was appended is read back");
    let (read_wall, read_cpu) = (read_begun.elapsed().as_secs_f64(), (cpu_time() - read_cpu).as_secs_f64());
    drop(store);
    std::fs::remove_dir_all(&directory).expect("the directory was just made here");
    Figures {
        appends_per_s: appends / wall,
        records_per_s: records / wall,
        cpu_us: cpu * 1e6 / records,
        per_group: records / groups,
        groups_per_s: groups / wall,
        read_per_s: records / read_wall,
        read_cpu_us: read_cpu * 1e6 / records,
        disk_bytes: disk / records,
    }
}

/// A reading as it stands on the log; no two alike, so that a compressing store finds what it would find in a city.
pub fn reading(number: usize) -> Vec<u8> {
    let noise = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (level, flow, battery) = (noise % 4093, noise % 65_521, noise % 1021);
    format!(
        r#"{{"sensor":"110105{:03}-L{:05}","time":{},"values":{{"battery_v":3.{battery:04},"flow_m3s":0.{flow:06},"level_m":1.{level:05}}},"seq":{}}}"#,
        noise % 331,
        noise % 99_991,
        1_763_884_800_000 + number as u64 * 173,
        noise % 1_000_000,
    )
    .into_bytes()
}

/// Processor time of this process so far, from `/proc/self/stat`: hundredths of a second.
pub fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux says so");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks are numbers")).sum();
    Duration::from_millis(ticks * 10)
}

fn disk_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(path) else {
        return std::fs::metadata(path).map_or(0, |metadata| metadata.blocks() * 512);
    };
    entries.map(|entry| disk_bytes(&entry.expect("it was just listed").path())).sum()
}
