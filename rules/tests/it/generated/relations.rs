//! Random rules about incidents: who inhibits whom, what makes up one, storm guards, pipes.

use super::random::{Pace, Random};
use model::{Domain, Millis, Sensor, Severity};
use rules::ast::{About, Condition, Correlate, Each, Near, Relations, Rule, Template, TemplatePart, Text};

/// Has some of the rules inhibit others, and adds rules that are made up from them.
pub fn relate(random: &mut Random, rules: &mut Vec<Rule>, pace: Pace) {
    for rule in &mut *rules {
        rule.about.shadow = random.percent(15);
        rule.relations.max_open = random.maybe(30, &[1, 1, 2, 3]);
        rule.relations.inhibits_upstream = rule.each == Each::Sensor && random.percent(35);
    }
    for index in 0..if random.percent(50) { 1 + random.below(2) } else { 0 } {
        let names: Vec<String> = rules.iter().map(|rule| rule.id.clone()).collect();
        rules.push(correlate(random, format!("s{index}"), &names, pace));
    }
    for index in 0..rules.len() {
        // Each inhibits only those before it, or only those behind it, so that there is no circle.
        let names: Vec<String> = rules[index + 1..].iter().map(|rule| rule.id.clone()).collect();
        for name in names {
            if random.percent(30) {
                rules[index].relations.inhibits.push(name);
            }
        }
    }
    if random.percent(50) {
        let count = rules.len();
        let mut turned: Vec<Vec<String>> = vec![Vec::new(); count];
        for rule in &*rules {
            for other in &rule.relations.inhibits {
                let place = rules.iter().position(|rule| rule.id == *other).unwrap();
                turned[place].push(rule.id.clone());
            }
        }
        rules.iter_mut().zip(turned).for_each(|(rule, inhibits)| rule.relations.inhibits = inhibits);
    }
}

fn correlate(random: &mut Random, id: String, names: &[String], pace: Pace) -> Rule {
    let mut of: Vec<String> = names.iter().filter(|_| random.percent(75)).cloned().collect();
    if of.is_empty() {
        of.push(names[0].clone());
    }
    let at_least = if random.percent(50) { of.len() } else { 1 + random.below(of.len()) } as u32;
    let each = random.pick(&[Each::Sensor, Each::Cell, Each::Cell, Each::Subdistrict]);
    let near = random.pick(&[
        Near::Same(Each::Cell),
        Near::Same(Each::Cell),
        Near::Same(Each::Subdistrict),
        Near::Same(Each::Subdistrict),
        Near::Metres(100.0),
        Near::Metres(1_500.0),
        Near::Pipe,
    ]);
    let within = random.pick(&[0, 5_000, 20_000, 60_000, 600_000].map(Millis)) * pace;
    let max_open = if each == Each::Subdistrict { None } else { random.maybe(15, &[1, 2]) };
    Rule {
        id,
        title: Text { en: "Generated".to_owned(), zh: "生成".to_owned() },
        domain: Domain::Cross,
        each,
        where_: None,
        condition: Condition::Correlate(Correlate { severity: Severity::Extreme, of, within, near, at_least }),
        stale_after: None,
        schedule: None,
        cooldown: Millis(0),
        min_readings: None,
        relations: Relations { max_open, ..Relations::default() },
        message: random.maybe(40, &[Template(vec![TemplatePart::Literal("together".to_owned())])]),
        about: About { shadow: random.percent(15), ..About::default() },
    }
}

/// Gives most sensors a neighbour downstream, sometimes in a circle.
pub fn lay_pipes(random: &mut Random, sensors: &mut [Sensor]) {
    let count = sensors.len();
    for index in 0..count {
        let next = if random.percent(90) { index + 1 } else { random.below(count) };
        if next < count && random.percent(80) {
            sensors[index].downstream = Some(sensors[next].id.clone());
        }
    }
}
