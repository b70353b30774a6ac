//! The files that users name: rules, their tests, and the registry; and those that come with the binary.

use crate::failure::{Failure, FileError, read_text};
use ::rules::ast::RuleSet;
use ::rules::check::Known;
use ::rules::testing::is_test;
use model::{Duties, Metrics, Registry, SourceFile};
use std::path::{Path, PathBuf};

/// Folders are entered to this depth; deeper ones are refused, which ends loops of links too.
const DEPTH_MAX: usize = 16;

/// How many sensors the demo city has, if nobody says.
pub const DEMO_SENSORS: usize = 2_000;
/// The rules of the city.
const PACKS: &[(&str, &str)] = &[
    ("rules/packs/air.yaml", include_str!("../rules/packs/air.yaml")),
    ("rules/packs/cross.yaml", include_str!("../rules/packs/cross.yaml")),
    ("rules/packs/drainage.yaml", include_str!("../rules/packs/drainage.yaml")),
    ("rules/packs/traffic.yaml", include_str!("../rules/packs/traffic.yaml")),
    ("rules/packs/waste.yaml", include_str!("../rules/packs/waste.yaml")),
];

/// Their tests.
const PACK_TESTS: &[(&str, &str)] = &[
    ("rules/packs/air.test.yaml", include_str!("../rules/packs/air.test.yaml")),
    ("rules/packs/cross.test.yaml", include_str!("../rules/packs/cross.test.yaml")),
    ("rules/packs/drainage.test.yaml", include_str!("../rules/packs/drainage.test.yaml")),
    ("rules/packs/traffic.test.yaml", include_str!("../rules/packs/traffic.test.yaml")),
    ("rules/packs/waste.test.yaml", include_str!("../rules/packs/waste.test.yaml")),
];

/// Path and text of a file.
pub type NamedText = (String, String);

/// Files of rules, and of tests of rules.
#[derive(Clone, Debug, Default)]
pub struct RuleFiles {
    /// `*.yaml` but for the tests.
    pub rules: Vec<NamedText>,
    /// `*.test.yaml`.
    pub tests: Vec<NamedText>,
}

impl RuleFiles {
    /// Of files as they go together on the log.
    pub fn of(files: Vec<NamedText>) -> RuleFiles {
        let (tests, rules) = files.into_iter().partition(|(path, _)| is_test(path));
        RuleFiles { rules, tests }
    }

    /// All of them, as they go together on the log.
    pub fn together(&self) -> Vec<NamedText> {
        self.rules.iter().chain(&self.tests).cloned().collect()
    }
}

/// Reads the rule files that are named, and all in the folders that are named, each once.
///
/// Beside a named rule file its tests are taken too: `x.test.yaml` beside `x.yaml`.
pub fn rule_files(paths: &[PathBuf]) -> Result<RuleFiles, Failure> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, 0, &|name| name.ends_with(".yaml"), &mut found)?;
        let beside = path.with_extension("test.yaml");
        if path.is_file() && !is_test(&path.to_string_lossy()) && beside.is_file() {
            found.push(beside);
        }
    }
    found.sort();
    found.dedup();
    let read = found.into_iter().map(|path| Ok((path.display().to_string(), read_text(&path)?)));
    Ok(RuleFiles::of(read.collect::<Result<_, Failure>>()?))
}

/// Reads the registry files that are named, and all in the folders that are named.
pub fn registry_files(paths: &[PathBuf]) -> Result<Vec<NamedText>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let named = |name: &str| name == "metrics.yaml" || name.ends_with(".geojson") || name.ends_with(".csv");
        collect(path, 0, &named, &mut found)?;
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|path| Ok((path.display().to_string(), read_text(&path)?))).collect()
}

/// The registry of these files. Its problems are printed on standard error; with an error among them it is refused.
pub fn registry(paths: &[PathBuf]) -> Result<Registry, Failure> {
    let files = registry_files(paths)?;
    let loaded = load(&files);
    for problem in &loaded.problems {
        eprintln!("{problem}");
    }
    if loaded.has_errors() {
        return Err(Failure::usage("the registry has errors; `citywatch registry check` lists them"));
    }
    Ok(loaded.registry)
}

/// Loads registry files over the metrics that come with citywatch.
pub fn load(files: &[NamedText]) -> model::Loaded {
    let others = files.iter().filter(|(path, _)| !Duties::is_file(path));
    let sources: Vec<SourceFile<'_>> = others.map(|(path, text)| SourceFile { path, text }).collect();
    Registry::load(&sources, Metrics::seeded())
}

/// What rules over this registry may name: what it has, and the attributes of the demo city, which the packs are written
/// for; an attribute that no sensor has is unknown everywhere.
pub fn known(registry: &Registry) -> Known {
    known_beside(registry, &demo().registry)
}

/// As [`known`], where the demo city's registry is at hand.
pub fn known_beside(registry: &Registry, demo: &Registry) -> Known {
    let mut known = Known::of(registry);
    for (name, kind) in Known::of(demo).attributes {
        known.attributes.entry(name).or_insert(kind);
    }
    known
}

/// Checks rule files as one set. What is wrong is printed on standard error; with an error among it the set is refused.
pub fn checked(files: &[NamedText], known: &Known) -> Result<RuleSet, Failure> {
    match ::rules::check::load(files, known) {
        Ok(loaded) => {
            eprint!("{}", loaded.warnings);
            Ok(loaded.rules)
        }
        Err(diagnostics) => {
            eprint!("{diagnostics}");
            Err(Failure::usage("the rules have errors"))
        }
    }
}

/// The demo city's sensors and areas.
pub fn demo() -> model::Loaded {
    model::Loaded { registry: seeds::registry(DEMO_SENSORS, crate::demo::SEED), ..seeds::areas() }
}

/// The sensors and areas that a configuration names, those of the demo city if it names none.
pub fn city_registry(paths: &[PathBuf]) -> Result<Registry, Failure> {
    if paths.is_empty() { Ok(demo().registry) } else { registry(paths) }
}

/// The rules that a configuration names and their tests, those that come with the binary if it names none.
pub fn city_rules(paths: &[PathBuf]) -> Result<RuleFiles, Failure> {
    if paths.is_empty() { Ok(packs()) } else { rule_files(paths) }
}

/// The classes, units and duties that a configuration names, those that come with citywatch where it names none. What is
/// wrong is printed on standard error; with an error among it they are refused.
pub fn city_duties(paths: &[PathBuf]) -> Result<Duties, Failure> {
    let files = registry_files(paths)?;
    if !files.iter().any(|(path, _)| Duties::is_file(path)) {
        return Ok(Duties::seeded());
    }
    let (duties, problems) = duties(&files);
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.iter().any(|problem| problem.is_error) {
        return Err(Failure::usage("the duties have errors; `citywatch registry check` lists them"));
    }
    Ok(duties)
}

/// Reads the classes, units and duties among registry files, and what is wrong with them.
pub fn duties(files: &[NamedText]) -> (Duties, Vec<model::Problem>) {
    let sources: Vec<SourceFile<'_>> = files.iter().map(|(path, text)| SourceFile { path, text }).collect();
    Duties::read(&sources)
}

/// The outlines of the areas that a configuration names, those of the demo city if it names none.
pub fn city_areas(paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    if paths.is_empty() { Ok(vec![seeds::AREAS.to_owned()]) } else { area_texts(paths) }
}

/// The texts of the GeoJSON files among these, for the outlines of the areas in them.
fn area_texts(paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let files = registry_files(paths)?;
    Ok(files.into_iter().filter(|(path, _)| path.ends_with(".geojson")).map(|(_, text)| text).collect())
}

/// The rules that come with the binary, and their tests.
pub fn packs() -> RuleFiles {
    RuleFiles { rules: named(PACKS), tests: named(PACK_TESTS) }
}

fn named(files: &[(&str, &str)]) -> Vec<NamedText> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn collect(path: &Path, depth: usize, wanted: &dyn Fn(&str) -> bool, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |source| Failure::usage(FileError { doing: "read", path: path.to_owned(), source });
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        // What is named is taken, whatever it is called; below a folder the name decides.
        if depth == 0 || path.file_name().is_some_and(|name| wanted(&name.to_string_lossy())) {
            found.push(path.to_owned());
        }
        return Ok(());
    }
    if depth > DEPTH_MAX {
        return Err(Failure::usage(format!("{} is {depth} folders deep: is it a loop?", path.display())));
    }
    for entry in std::fs::read_dir(path).map_err(failed)? {
        collect(&entry.map_err(failed)?.path(), depth + 1, wanted, found)?;
    }
    Ok(())
}
