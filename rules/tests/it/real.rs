//! The rule packs that come with citywatch, over real measurements: the figures of docs/real-data.md.

use model::{AttrValue, Metrics, Registry, SourceFile, Transition, TransitionKind};
use rules::Settings;
use rules::ast::RuleSet;
use rules::backtest::{self, Options, Outcome, Report, read_labels};
use rules::check::{Known, load};
use rules::data::Recording;
use rules::naive::NaiveCity;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

pub fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of real measurements; none, loudly, where they are absent.
pub fn real_data(set: &str, test: &str) -> Option<PathBuf> {
    let data = std::env::var_os("CITYWATCH_DATA").map_or_else(|| here().join("../../shared/data"), PathBuf::from);
    let folder = data.join(set);
    if !folder.is_dir() {
        eprintln!("NOT RUN: {test}, because {} is absent (set CITYWATCH_DATA)", folder.display());
        return None;
    }
    Some(folder)
}

pub fn registry(paths: &[PathBuf]) -> Registry {
    let texts: Vec<(String, String)> =
        paths.iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect();
    let files: Vec<SourceFile<'_>> = texts.iter().map(|(path, text)| SourceFile { path, text }).collect();
    let loaded = Registry::load(&files, Metrics::seeded());
    assert!(!loaded.has_errors(), "{:?}", loaded.problems);
    loaded.registry
}

pub fn demo() -> Registry {
    let folder = here().join("../seeds/demo");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    registry(&paths)
}

/// One pack, checked against these sensors and those of the demo.
pub fn pack(name: &str, sensors: &Registry) -> Arc<RuleSet> {
    let path = here().join("packs").join(name);
    let mut known = Known::of(&demo());
    known.add_sensors(sensors.sensors());
    let loaded = load(&[(name.to_owned(), fs::read_to_string(path).unwrap())], &known);
    Arc::new(loaded.unwrap_or_else(|errors| panic!("{errors}")).rules)
}

pub struct Run {
    outcome: Outcome,
    report: Report,
    rules: Arc<RuleSet>,
    registry: Arc<Registry>,
}

impl Run {
    /// Incidents of a rule, and labels that it noticed of all labels: the figures of docs/real-data.md.
    pub fn figures(&self, rule: &str) -> (usize, Option<(usize, usize)>) {
        let found = self.report.rules.iter().find(|found| found.rule == rule).unwrap();
        let scores = found.scores.as_ref();
        (found.incidents, scores.map(|scores| (scores.recall.hits, scores.recall.of)))
    }
}

fn recording(folder: &Path) -> Recording<BufReader<File>> {
    Recording::open([("readings.csv".to_owned(), BufReader::new(File::open(folder.join("readings.csv")).unwrap()))])
        .unwrap()
}

fn run(folder: &Path, pack_name: &str, options: &Options) -> Run {
    let registry = Arc::new(registry(&[folder.join("sensors.csv")]));
    let rules = pack(pack_name, &registry);
    run_rules(folder, rules, registry, options)
}

pub fn run_rules(folder: &Path, rules: Arc<RuleSet>, registry: Arc<Registry>, options: &Options) -> Run {
    let settings = Settings::default();
    let outcome = backtest::run(&rules, &registry, &settings, &mut recording(folder), &mut |_| {}).unwrap();
    let labels =
        fs::read_to_string(folder.join("labels.csv")).ok().map(|text| read_labels("labels.csv", &text).unwrap());
    let report = backtest::report(&outcome, &rules, &registry, labels.as_deref(), options);
    eprintln!("{}\n{}", folder.display(), report.to_table());
    Run { outcome, report, rules, registry }
}

/// The slow evaluator finds the same in the same files.
pub fn agrees_with_naive(run: &Run, folder: &Path) {
    let mut city = NaiveCity::new(&run.rules, &run.registry, &Settings::default());
    let naive = backtest::replay(&mut city, &run.registry, &mut recording(folder), &mut |_| {}).unwrap();
    let lines = |transitions: &[Transition]| -> Vec<String> {
        transitions.iter().map(|transition| serde_json::to_string(transition).unwrap()).collect()
    };
    assert_eq!(lines(&naive.transitions), lines(&run.outcome.transitions));
}

#[test]
fn beijing_air() {
    let Some(folder) = real_data("beijing_aq", "beijing_air") else { return };
    let run = run(&folder, "air.yaml", &Options::default());
    assert_eq!(run.figures("air.pm25"), (313, Some((20, 20))));
    assert_eq!(run.figures("air.city-episode"), (24, Some((20, 20))));
    assert_eq!(run.figures("air.index").0, 435);
    assert_eq!(run.figures("air.dust").0, 69);
    assert_eq!(run.figures("air.ozone").0, 145);
    assert_eq!(run.figures("air.nitrogen-dioxide").0, 23);
    assert_eq!(run.figures("air.pm25-leap").0, 41);
    assert_eq!(run.figures("air.station-silent").0, 27);
    // The year's largest SO2 is the limit itself, and its largest CO lies below.
    assert_eq!(run.figures("air.sulphur-dioxide").0, 0);
    assert_eq!(run.figures("air.carbon-monoxide").0, 0);
    // One station in each subdistrict and district has no neighbours to be compared with, and none hangs.
    for rule in ["air.district-smog", "air.station-apart", "air.station-stuck"] {
        assert_eq!(run.figures(rule).0, 0, "{rule}");
    }
}

/// An episode is one incident in each subdistrict.
#[test]
fn a_smog_episode_is_a_handful_of_incidents() {
    let Some(folder) = real_data("beijing_aq", "a_smog_episode_is_a_handful_of_incidents") else { return };
    let run = run(&folder, "air.yaml", &Options::default());
    let labels = fs::read_to_string(folder.join("labels.csv")).unwrap();
    let labels = read_labels("labels.csv", &labels).unwrap();
    let smog = || run.outcome.transitions.iter().filter(|transition| transition.rule == "air.pm25");
    for label in &labels {
        let opened = smog().filter(|one| one.transition == TransitionKind::Opened && one.time <= label.end);
        let cleared = smog().filter(|one| one.transition == TransitionKind::Cleared && one.time < label.start);
        assert_eq!(opened.count() - cleared.count(), 6, "at {:?}, {}", label.start, label.name);
    }
}

#[test]
fn jakarta_drainage() {
    let Some(folder) = real_data("jakarta_drainage", "jakarta_drainage") else { return };
    let run = run(&folder, "drainage.yaml", &Options::default());
    assert_eq!(run.figures("drainage.river-level"), (129, Some((142, 142))));
    assert_eq!(run.figures("drainage.river-rising"), (269, Some((139, 142))));
    agrees_with_naive(&run, &folder);
}

/// The gauges on one river, joined by what the registry says is downstream of what.
#[test]
fn a_flood_that_passes_the_gates_of_jakarta_is_one_story() {
    let Some(folder) = real_data("jakarta_drainage", "a_flood_that_passes_the_gates_of_jakarta_is_one_story") else {
        return;
    };
    let placed = registry(&[folder.join("sensors.csv")]);
    let sensors = placed.sensors().iter().map(|one| {
        let mut one = one.clone();
        one.attr.insert("river".to_owned(), AttrValue::Text("Ciliwung".to_owned()));
        one
    });
    let registry = Arc::new(Registry::new(sensors.collect(), placed.metrics.clone()));
    let rules = pack("drainage.yaml", &registry);
    let run = run_rules(&folder, rules, registry, &Options::default());
    assert_eq!(run.figures("drainage.river-flood").0, 80);

    let mut keys: BTreeMap<Uuid, &str> = BTreeMap::new();
    let mut floods: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    let mut quiet: BTreeSet<Uuid> = BTreeSet::new();
    for one in &run.outcome.transitions {
        keys.insert(one.id, &one.key);
        if one.rule == "drainage.river-flood" {
            floods.entry(one.id).or_default().extend(&one.members);
        } else if one.rule == "drainage.river-level" && !one.inhibited_by.is_empty() {
            quiet.insert(one.id);
        }
    }
    let gates = |members: &BTreeSet<Uuid>| members.iter().map(|id| keys[id]).collect::<BTreeSet<_>>().len();
    let of = |count: usize| floods.values().filter(|members| gates(members) == count).count();
    assert_eq!((of(3), of(2), of(1)), (31, 33, 16), "floods by the gates that they passed");
    assert_eq!(floods.values().map(BTreeSet::len).sum::<usize>(), 307, "their children");
    assert_eq!(quiet.len(), 126, "of 129 incidents at an alert level");
    agrees_with_naive(&run, &folder);
}

#[test]
fn los_angeles_traffic() {
    let Some(folder) = real_data("metr_la", "los_angeles_traffic") else { return };
    let run = run(&folder, "traffic.yaml", &Options::default());
    assert_eq!(run.figures("traffic.area-congestion"), (17, None));
    assert_eq!(run.figures("traffic.congestion"), (467, None));
    assert_eq!(run.figures("traffic.standstill"), (94, None));
    assert_eq!(run.figures("traffic.sudden-drop"), (138, None));
    assert_eq!(run.figures("traffic.detector-frozen"), (8, None));
    assert_eq!(run.figures("traffic.city-index"), (6, None), "a rush hour is one incident");
    // The budget of one operator is 144 alarms a day (IEC 62682).
    let alarms: f64 = run.report.rules.iter().map(|rule| rule.alarms_per_operator_day).sum();
    assert_eq!(alarms.round(), 112.0);
}

/// Closures and gaps, and nothing of holidays and of weather that cannot be.
#[test]
fn minneapolis_motorway() {
    let Some(folder) = real_data("metro_i94", "minneapolis_motorway") else { return };
    let run = run(&folder, "traffic.yaml", &Options::default());
    assert_eq!(run.figures("traffic.flow-lost"), (7, None));
    assert_eq!(run.figures("traffic.detector-silent"), (99, None));
    let found: usize = run.report.rules.iter().map(|rule| rule.incidents).sum();
    assert_eq!(found, 7 + 99);
    let refused: u64 = run.outcome.seen.out_of_range.by_name.values().sum();
    assert_eq!(refused, 11);
    agrees_with_naive(&run, &folder);
}

#[test]
fn numenta_series() {
    let Some(folder) = real_data("nab", "numenta_series") else { return };
    let run = run(&folder, "traffic.yaml", &Options::default());
    assert_eq!(run.figures("traffic.travel-time"), (19, Some((3, 5))));
    assert_eq!(run.figures("traffic.travel-time-unusual"), (7, Some((2, 5))));
    assert_eq!(run.figures("traffic.travel-time-for-hour"), (13, Some((3, 5))));
    assert_eq!(run.figures("traffic.detector-silent").0, 341);
    agrees_with_naive(&run, &folder);
}

#[test]
fn melbourne_bins() {
    let Some(folder) = real_data("wyndham_bins", "melbourne_bins") else { return };
    let run = run(&folder, "waste.yaml", &Options::default());
    assert_eq!(run.figures("waste.bin-full"), (1477, Some((1492, 1492))));
    assert_eq!(run.figures("waste.not-emptied").0, 9);
    assert_eq!(run.figures("waste.sensor-silent").0, 161);
}

#[test]
fn edinburgh_bins() {
    let Some(folder) = real_data("edinburgh_bins", "edinburgh_bins") else { return };
    let run = run(&folder, "waste.yaml", &Options::default());
    // These bins speak only when they are emptied: what they held then is not what they hold.
    assert_eq!(run.report.rules.iter().map(|rule| rule.incidents).sum::<usize>(), 0);
    agrees_with_naive(&run, &folder);
}
