//! The promise as a whole: over one log of real measurements and two million generated readings, any number of
//! workers and any kills give the same incident file, byte for byte, and nothing stands on `analyze` twice.

use crate::city::{self, History, Seeded};
use crate::kill::{Moment, STEPS, run_and_kill};
use crate::run;
use bus::{EmbeddedLog, EmbeddedSettings};
use model::{Metrics, Registry, SourceFile};
use rules::check::Known;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::tempdir;

const GENERATED: usize = 2_000_000;
const SENSORS: usize = 20_000;
/// Kills at random moments, beside one at every step of a checkpoint.
const KILLS: usize = 10;

/// Folders of real measurements; none, loudly, where they are absent.
fn real_sets() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = std::env::var_os("CITYWATCH_DATA").map_or_else(|| here.join("../../shared/data"), PathBuf::from);
    let sets = ["beijing_aq", "jakarta_drainage"].map(|set| data.join(set));
    let (there, absent): (Vec<_>, Vec<_>) = sets.into_iter().partition(|set| set.is_dir());
    for set in absent {
        eprintln!("NOT PART OF THE RECOVERY TEST: {} is absent (set CITYWATCH_DATA)", set.display());
    }
    there
}

/// The registry of all: the real sensors, the demo's (for the attributes that packs name), and the generated ones.
fn registry(sets: &[PathBuf]) -> Registry {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds/demo");
    let mut paths: Vec<PathBuf> = fs::read_dir(demo).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.extend(sets.iter().map(|set| set.join("sensors.csv")));
    let texts: Vec<(String, String)> =
        paths.iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect();
    let files: Vec<SourceFile<'_>> = texts.iter().map(|(path, text)| SourceFile { path, text }).collect();
    let loaded = Registry::load(&files, Metrics::seeded());
    assert!(!loaded.has_errors(), "{:?}", loaded.problems);
    let mut sensors = loaded.registry.sensors().to_vec();
    sensors.extend(city::sensors(SENSORS));
    Registry::new(sensors, loaded.registry.metrics)
}

fn record(dir: &Path) {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/packs");
    let pack = |name: &str| (name.to_owned(), fs::read_to_string(packs.join(name)).unwrap());
    let sets = real_sets();
    let registry = registry(&sets);
    let log = EmbeddedLog::open(dir, EmbeddedSettings::default()).unwrap();
    stream::config::publish_registry(&log, &registry, city::START).unwrap();
    stream::config::publish_rules(&log, &[pack("air.yaml"), pack("drainage.yaml")], &Known::default(), city::START)
        .unwrap();
    let readings: Vec<PathBuf> = sets.iter().map(|set| set.join("readings.csv")).collect();
    if !readings.is_empty() {
        city::record_files(&log, &registry, &readings);
    }
    let mut history = History::with_steps(SENSORS, 13, 2);
    history.append(&log, GENERATED / 2);
    let own = ("own.yaml".to_owned(), city::RULES.to_owned());
    stream::config::publish_rules(&log, &[pack("air.yaml"), own], &Known::default(), history.time()).unwrap();
    history.append(&log, GENERATED / 2);
}

#[test]
fn a_large_history_survives_workers_and_kills() {
    let (recorded, first) = (tempdir().unwrap(), tempdir().unwrap());
    record(recorded.path());
    let expected = run::to_the_end(recorded.path(), first.path(), 1);
    let lines = expected.lines().count();
    assert!(lines > 5_000, "the history is not eventful enough: {lines}");
    for workers in [2, 4] {
        let run = tempdir().unwrap();
        let found = run::to_the_end(recorded.path(), run.path(), workers);
        run::assert_same(&found, &expected, &format!("{workers} workers"));
    }

    let run = tempdir().unwrap();
    let mut seeded = Seeded(14);
    let mut killed = 0;
    let at_random = (0..KILLS).map(|_| Moment::Operation(1 + seeded.below(1_500)));
    let moments: Vec<Moment> = STEPS.iter().map(|step| Moment::Step(step, 1)).chain(at_random).collect();
    for (round, moment) in moments.iter().enumerate() {
        killed += usize::from(run_and_kill(recorded.path(), run.path(), [1, 2, 4][round % 3], moment));
    }
    let found = run::to_the_end(recorded.path(), run.path(), 2);
    run::assert_same(&found, &expected, "killed and killed again");
    assert_eq!(killed, STEPS.len() + KILLS, "every child must live until its kill");
    println!("{lines} transitions, {killed} kills");
}
