//! The cases of `tests/cases`: each a sentence of the rule language, every evaluator must pass them all.

use crate::{text, yaml};
use model::{
    Entry, EvidencePosition, IncidentState, Metric, Metrics, Millis, PARTITIONS, Partition, Registry, Sensor,
    Transition, TransitionKind, incident_id,
};
use rules::ast::RuleSet;
use rules::check::{self, Known};
use rules::engine::{Engine, Program};
use rules::naive::Naive;
use rules::{PartitionRules, Settings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The metrics of all cases.
const METRICS: [&str; 7] = ["level_m", "flow_m3s", "pump_on", "battery_v", "pm2_5_ugm3", "so2_ugm3", "co_ugm3"];

/// One case as it is written.
struct Case {
    file: String,
    name: String,
    settings: Settings,
    registry: Arc<Registry>,
    rules: Arc<RuleSet>,
    /// Each with the lines that follow it behind `->`.
    script: Vec<(String, Vec<String>)>,
}

type Make<'a> = &'a dyn Fn(&Case, Partition) -> Box<dyn PartitionRules>;

#[test]
fn there_are_enough_of_them_and_their_names_differ() {
    let cases = read();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn the_naive_evaluator_passes() {
    all_pass(&|case, partition| {
        Box::new(Naive::new(&case.rules, case.registry.clone(), case.settings.clone(), partition))
    });
}

#[test]
fn the_production_evaluator_passes() {
    all_pass(&|case, partition| {
        let program = Program::compile(case.rules.clone(), case.registry.clone(), case.settings.clone());
        Box::new(Engine::new(Arc::new(program), partition))
    });
}

fn all_pass(make: Make<'_>) {
    let wrong: Vec<String> = read().iter().filter_map(|case| run(case, make).err()).collect();
    assert!(wrong.is_empty(), "{} cases fail\n\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs a case; the error shows the script with what came instead.
fn run(case: &Case, make: Make<'_>) -> Result<(), String> {
    let mut partitions: BTreeMap<Partition, (Vec<Entry<'static>>, Box<dyn PartitionRules>)> = BTreeMap::new();
    for sensor in case.registry.sensors() {
        let partition = sensor.partition();
        partitions.entry(partition).or_insert_with(|| (Vec::new(), make(case, partition)));
    }
    let first = *partitions.keys().next().expect("a case has sensors");
    let mut seen: Vec<Transition> = Vec::new();
    let mut report = String::new();
    let mut right = true;
    for (line, expected) in &case.script {
        let (entry, only) = text::parse_entry(line);
        let only = match &entry {
            Entry::Reading(reading) => {
                Some(case.registry.sensor(&reading.sensor).map_or(first, |sensor| sensor.partition()))
            }
            _ => only.map(|subdistrict| model::partition_of(subdistrict.as_bytes(), PARTITIONS)),
        };
        let mut out = Vec::new();
        for (partition, (log, evaluator)) in &mut partitions {
            if only.is_none_or(|only| only == *partition) {
                evaluator.apply(log.len() as u64, &entry, &mut out);
                log.push(entry.clone());
            }
        }
        for transition in &out {
            check_what_always_holds(case, transition, &seen, &partitions);
            seen.push(transition.clone());
        }
        // They come sorted by key and rule; in the files they stand in the order in which they are read best.
        let mut expected = expected.clone();
        let word = |line: &String, index| line.split(' ').nth(index).unwrap_or_default().to_owned();
        expected.sort_by_key(|line| (word(line, 2), word(line, 1)));
        let got: Vec<String> = out.iter().map(text::transition).collect();
        report.push_str(&format!("      {line}\n"));
        let same = got.len() == expected.len() && expected.iter().zip(&got).all(|(expected, got)| fits(expected, got));
        right &= same;
        for line in &got {
            report.push_str(&format!("      -> {line}\n"));
        }
        for line in expected.iter().filter(|_| !same) {
            report.push_str(&format!("   !! -> {line}\n"));
        }
    }
    if right { Ok(()) } else { Err(format!("{}: {}\n{report}", case.file, case.name)) }
}

/// What is left out of an expectation is not compared: evidence, its offsets, the message.
fn fits(expected: &str, got: &str) -> bool {
    let mut got = got.to_owned();
    if !expected.contains(" message ") {
        got.truncate(got.find(" message ").unwrap_or(got.len()));
    }
    if !expected.contains(" evidence ") {
        let start = got.find(" evidence ").unwrap_or(got.len());
        let end = got.find(" message ").unwrap_or(got.len());
        got.replace_range(start..end, "");
    } else if !expected.contains('#') {
        got = got.split(' ').map(|word| word.split('#').next().unwrap_or(word)).collect::<Vec<_>>().join(" ");
    }
    got == expected
}

/// Id, revision, opened_at and state follow from the transitions before; evidence stands on the log where it says.
fn check_what_always_holds(
    case: &Case,
    transition: &Transition,
    seen: &[Transition],
    logs: &BTreeMap<Partition, (Vec<Entry<'static>>, Box<dyn PartitionRules>)>,
) {
    let same_key = |other: &&Transition| (&other.rule, &other.key) == (&transition.rule, &transition.key);
    let before = seen.iter().rev().find(same_key);
    let open = before.filter(|before| before.state == IncidentState::Open);
    let line = text::transition(transition);
    assert_eq!(transition.revision, open.map_or(1, |open| open.revision + 1), "{}: {line}", case.name);
    assert_eq!(transition.opened_at, open.map_or(transition.time, |open| open.opened_at), "{}: {line}", case.name);
    assert_eq!(open.is_none(), transition.transition == TransitionKind::Opened, "{}: {line}", case.name);
    let cleared = transition.transition == TransitionKind::Cleared;
    assert_eq!(cleared, transition.state == IncidentState::Cleared, "{}: {line}", case.name);
    assert!(before.is_none_or(|before| before.time <= transition.time), "{}: {line}", case.name);
    let id = incident_id(&case.settings.prefix, &transition.rule, &transition.key, transition.opened_at);
    assert_eq!(transition.id, id, "{}: {line}", case.name);
    let shown = |one: &&Transition| one.id == transition.id && one.inhibited_by.is_empty();
    let shown = seen.iter().chain([transition]).find(shown).map_or(0, |first| first.revision);
    assert_eq!(transition.shown_from, shown, "{}: {line}", case.name);
    for evidence in &transition.evidence {
        let EvidencePosition { partition, offset } = evidence.position;
        let Entry::Reading(reading) = &logs[&partition].0[offset as usize] else { panic!("{line}: not a reading") };
        let value = reading.values.iter().find(|(metric, _)| *metric == evidence.metric).map(|(_, value)| *value);
        assert_eq!((&*reading.sensor, reading.time), (&*evidence.sensor, evidence.time), "{}: {line}", case.name);
        assert_eq!(value, Some(evidence.value), "{}: {line}", case.name);
    }
}

fn read() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for path in files {
        let file = yaml::parse(&std::fs::read_to_string(&path).unwrap());
        for case in file["cases"].as_array().expect("`cases` is a list") {
            let sensors = case.get("sensors").or_else(|| file.get("sensors")).cloned().unwrap_or(json!({ "A": {} }));
            let sensors = sensors.as_object().expect("`sensors` is a mapping").iter();
            let registry = Arc::new(Registry::new(sensors.map(|(id, fields)| sensor(id, fields)).collect(), metrics()));
            cases.push(Case {
                file: path.file_name().unwrap().display().to_string(),
                name: case["name"].as_str().expect("a case has a name").to_owned(),
                settings: case.get("settings").map_or_else(Settings::default, settings),
                rules: Arc::new(rule_set(case["rules"].as_array().expect("`rules` is a list"), &registry)),
                registry,
                script: script(case["log"].as_str().expect("`log` is text")),
            });
        }
    }
    cases
}

fn script(text: &str) -> Vec<(String, Vec<String>)> {
    let mut script: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("-> ") {
            Some(expected) => script.last_mut().expect("an entry comes first").1.push(expected.to_owned()),
            None => script.push((line.to_owned(), Vec::new())),
        }
    }
    script
}

/// The sensor with what its case leaves out.
fn sensor(id: &str, fields: &Value) -> Sensor {
    let spans = ["interval", "lateness", "stale_after"];
    let mut all = json!({
        "id": id, "domain": "drainage", "interval": 60_000, "subdistrict": "S1",
    });
    for (name, value) in fields.as_object().expect("a sensor is a mapping") {
        let value = if spans.contains(&name.as_str()) { json!(span(value)) } else { value.clone() };
        all[name] = value;
    }
    serde_json::from_value(all).unwrap()
}

fn span(value: &Value) -> i64 {
    value.as_str().expect("a duration is text").parse::<Millis>().unwrap().0
}

fn settings(fields: &Value) -> Settings {
    let mut settings = Settings::default();
    for (name, value) in fields.as_object().expect("`settings` is a mapping") {
        match name.as_str() {
            "settle" => settings.settle = Millis(span(value)),
            "lateness" => settings.lateness = Millis(span(value)),
            "lateness_by_domain" => {
                let domains = value.as_object().expect("`lateness_by_domain` is a mapping");
                settings.lateness_by_domain =
                    domains.iter().map(|(domain, value)| (domain.clone(), Millis(span(value)))).collect();
            }
            other => panic!("no setting `{other}`"),
        }
    }
    settings
}

/// All but the pollutants are numbers without a unit, so that any two can be compared.
fn metrics() -> Metrics {
    let metric = |name: &str| Metric {
        unit: if name.ends_with("_ugm3") { "ug/m3" } else { "1" }.to_owned(),
        domain: "drainage".to_owned(),
        plausible: [f64::MIN, f64::MAX],
        max_change: f64::MAX,
        resolution: 0.01,
        name: BTreeMap::new(),
    };
    Metrics(METRICS.iter().map(|name| ((*name).to_owned(), metric(name))).collect())
}

/// The rules through the production parser, with what a case leaves out.
fn rule_set(rules: &[Value], registry: &Registry) -> RuleSet {
    let whole: Vec<Value> = rules
        .iter()
        .map(|rule| {
            let mut all = json!({ "title": { "en": "Case", "zh": "案例" }, "domain": "drainage", "each": "sensor" });
            let fields: &Map<String, Value> = rule.as_object().expect("a rule is a mapping");
            for (name, value) in fields {
                all[name] = value.clone();
            }
            all
        })
        .collect();
    // JSON is YAML too.
    let text = json!({ "rules": whole }).to_string();
    let files = [("case".to_owned(), text)];
    check::load(&files, &Known::of(registry)).unwrap_or_else(|errors| panic!("{errors}")).rules
}
