//! What an incident about the air tells of its parts.

use crate::text::{START, parse_entry};
use model::{Metrics, Registry, Sensor};
use rules::Settings;
use rules::ast::Each;
use rules::check::{Known, load};
use rules::naive::{Explainer, Worth};

#[test]
fn an_index_is_told_with_that_of_each_pollutant() {
    let sensor = r#"{"id":"A","domain":"air","interval":3600000,"subdistrict":"S1"}"#;
    let sensor: Sensor = serde_json::from_str(sensor).unwrap();
    let registry = Registry::new(vec![sensor], Metrics::seeded());
    let text = "rules: [{ id: a, title: A, domain: air, each: sensor, when: aqi() > 100, severity: minor }]";
    let loaded = load(&[("air.yaml".to_owned(), text.to_owned())], &Known::of(&registry)).unwrap();
    let rule = &loaded.rules.rules[0];
    assert_eq!(rule.each, Each::Sensor);
    let mut explainer = Explainer::new(rule, &registry, &Settings::default(), "A").unwrap();
    let mut told = Vec::new();
    for (offset, line) in ["10m A pm2_5_ugm3=40 so2_ugm3=600", "46m42s tick"].iter().enumerate() {
        explainer.apply(0, offset as u64, &parse_entry(line).0, &mut told);
    }
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].transition.time - START, "46m40s".parse().unwrap());
    let parts = &told[0].decided.as_ref().unwrap().parts;
    let worth = |text: &str| parts.iter().find(|part| part.text == text).map(|part| part.worth.clone());
    assert_eq!(worth("aqi() > 100"), Some(Worth::Bool(true)));
    assert_eq!(worth("aqi()"), Some(Worth::Number(134.0)));
    assert_eq!(worth("iaqi(so2_ugm3)"), Some(Worth::Number(134.0)));
    assert_eq!(worth("iaqi(pm2_5_ugm3)"), Some(Worth::Number(57.0)));
    assert_eq!(worth("iaqi(co_ugm3)"), Some(Worth::Unknown));
}
