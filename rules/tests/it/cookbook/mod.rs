//! The recipes of `docs/cookbook.md`: each rule passes its tests, on both evaluators, and has its picture.
//!
//! `CITYWATCH_WRITE_PICTURES=1` draws them anew.

mod picture;

use model::{Metrics, Outlines, Registry};
use rules::naive::NaiveCity;
use rules::testing::{self, Suite, engines};
use rules::{CityRules, Settings};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A cookbook with fewer is not one.
const RECIPES: usize = 20;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cookbook")
}

/// The recipes by name.
fn recipes() -> Vec<(String, Suite)> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        entries.filter_map(|name| name.strip_suffix(".test.yaml").map(str::to_owned)).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), suite(&name))).collect()
}

fn suite(name: &str) -> Suite {
    let read = |name: &str| fs::read_to_string(folder().join(name)).unwrap();
    let (path, rules) = (format!("{name}.test.yaml"), format!("{name}.yaml"));
    let files = [(rules.clone(), read(&rules))];
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    let suite = testing::load(&path, &read(&path), &files, &registry, &Outlines::default());
    suite.unwrap_or_else(|told| panic!("{told}"))
}

#[test]
fn every_recipe_passes_its_tests_on_both_evaluators() {
    let recipes = recipes();
    assert!(recipes.len() >= RECIPES, "{}", recipes.len());
    let naive = |rules: &Arc<_>, registry: &Arc<Registry>, settings: &Settings| -> Box<dyn CityRules> {
        Box::new(NaiveCity::new(rules, registry, settings))
    };
    let mut failed = String::new();
    for (_, suite) in recipes {
        let production = testing::run(&suite, &Metrics::seeded(), &Settings::default(), &engines);
        if !production.passed(true) {
            failed.push_str(&production.to_string());
        }
        assert_eq!(testing::run(&suite, &Metrics::seeded(), &Settings::default(), &naive), production);
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn the_page_shows_every_recipe_as_it_is() {
    let page = fs::read_to_string(folder().join("../cookbook.md")).unwrap();
    for (name, _) in recipes() {
        let rule = fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
        let shown = rule.split_once('\n').unwrap().1;
        assert!(page.contains(&format!("```yaml\n{shown}```\n")), "the page does not show {name}.yaml as it is");
        assert!(page.contains(&format!("(cookbook/{name}.svg)")), "the page does not show the picture of {name}");
    }
}

#[test]
fn the_pictures_are_those_of_the_tests() {
    for (name, suite) in recipes() {
        let path = folder().join(format!("{name}.svg"));
        let drawn = picture::draw(&suite);
        if std::env::var_os("CITYWATCH_WRITE_PICTURES").is_some() {
            fs::write(&path, &drawn).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == drawn, "{name}.svg is not drawn from its test; CITYWATCH_WRITE_PICTURES=1 draws it anew");
    }
}
