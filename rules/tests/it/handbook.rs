//! The examples of `docs/rule-language.md` do what it says.

use model::{Metrics, Outlines, Registry};
use rules::Settings;
use rules::testing::{self, engines};

const PAGE: &str = include_str!("../../../docs/rule-language.md");

#[test]
fn the_examples_of_the_page_are_good() {
    let blocks: Vec<&str> = PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let tests = blocks.iter().find(|block| block.starts_with("rules: [")).expect("the page has a test file");
    // Of the others, whole rules stand for themselves, and parts of a rule get the head of one.
    let mut files = Vec::new();
    for (index, block) in blocks.iter().filter(|block| *block != tests).enumerate() {
        let head = format!("rules:\n  - id: part.{index}\n    title: Part\n    domain: air\n    each: sensor\n");
        let text = match block {
            whole if whole.starts_with("rules:") => (*whole).to_owned(),
            rule if rule.starts_with("  - ") => format!("rules:\n{rule}"),
            levels if levels.contains("levels:") => format!("{head}{levels}"),
            part => format!("{head}    severity: minor\n{part}"),
        };
        files.push((format!("block {index}"), text));
    }
    assert_eq!(files.len(), 8);
    let registry = Registry::new(Vec::new(), Metrics::seeded());
    let load = |rules: &[(String, String)]| {
        testing::load("page", tests, rules, &registry, &Outlines::default()).unwrap_or_else(|told| panic!("{told}"))
    };
    assert_eq!(load(&files).rules.rules.len(), 9);
    let result = testing::run(&load(&files[..1]), &registry.metrics, &Settings::default(), &engines);
    assert!(result.passed(true), "{result}");
}
