//! `citywatch rules explain --rule R --key K --at TIME`: why a rule did not fire.

use super::backtest::open;
use super::explain::{told, worth_text};
use crate::failure::Failure;
use crate::inputs;
use crate::lines::DataDir;
use crate::socket::{self, Request};
use crate::why_not::{Answer, OfRecording, Question, Seen, Then, Verdict, answer, from_log};
use ::rules::backtest;
use ::rules::feed::Feed;
use ::rules::naive::{Clause, LevelWhy, MemberRule, Missing, OpenMember, Stands, Unselected, WhyNot};
use model::{EventTime, PARTITIONS, Registry, content_hash};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Asks the citywatch that runs there, or reads the log if none does.
pub fn of_city(data: &DataDir, question: &Question) -> Result<Answer, Failure> {
    match socket::ask(&data.data_dir, &Request::WhyNot { why_not: question.clone() })? {
        Some(mut lines) => {
            let line = lines.next()?.unwrap_or_default();
            serde_json::from_str(&line).map_err(Failure::internal)
        }
        None => from_log(&data.log()?, question, &::rules::Settings::default()),
    }
}

/// Asks rule files over recorded readings, as a backtest has them.
pub fn of_files(rules: &Path, data: &[PathBuf], sensors: &[PathBuf], question: &Question) -> Result<Answer, Failure> {
    let registry = Arc::new(inputs::registry(sensors)?);
    let files = inputs::rule_files(&[rules.to_owned()])?.rules;
    let set = inputs::checked(&files, &inputs::known(&registry))?;
    let settings = ::rules::Settings::default();
    let (mut recording, _) = open(data)?;
    let whole = Arc::new(set.clone());
    let outcome = backtest::run(&whole, &registry, &settings, &mut recording, &mut |_| {});
    let transitions = outcome.map_err(Failure::usage)?.transitions;
    let entries = entries(data, &registry, question.at)?;
    let text: String = files.iter().map(|(_, text)| text.as_str()).collect();
    let then = Then { set, files, registry, settings, version: (content_hash(&text), EventTime(0)) };
    answer(&mut OfRecording::new(entries, transitions), &then, question)
}

/// The log that the readings make, by partition, with nothing later than the question but one tick.
fn entries(data: &[PathBuf], registry: &Registry, at: EventTime) -> Result<Vec<Vec<model::Entry<'static>>>, Failure> {
    let (mut recording, _) = open(data)?;
    let mut entries: Vec<Vec<model::Entry<'static>>> = vec![Vec::new(); PARTITIONS as usize];
    let mut feed = Feed::new();
    let mut seen = backtest::Seen::default();
    let mut put = |partition: u32, _, entry: &model::Entry<'_>| {
        entries[partition as usize].push(match entry {
            model::Entry::Reading(reading) => model::Entry::Reading(reading.clone().into_owned()),
            model::Entry::Tick(time) => model::Entry::Tick(*time),
            model::Entry::Rest(time) => model::Entry::Rest(*time),
            model::Entry::Marker(marker) => model::Entry::Marker(marker.clone()),
        });
    };
    while let Some(reading) = recording.next().map_err(Failure::usage)? {
        if backtest::is_accepted(registry, &reading, &mut seen) {
            let past = reading.time > at + model::Millis::HOUR;
            feed.push(registry, &reading, &mut put);
            if past {
                break;
            }
        }
    }
    feed.finish(&mut put);
    Ok(entries)
}

/// The answer for people.
pub fn text_of(found: &Answer) -> String {
    let mut out = String::new();
    let question = &found.question;
    told(&mut out, format_args!("{} at {}, {}\n", question.rule, question.key, question.at));
    told(&mut out, format_args!("  {}\n", sentence(found)));
    if let Some(problem) = &found.problem {
        told(&mut out, format_args!("  {problem}\n"));
    }
    if let Some(version) = &found.rules {
        told(&mut out, format_args!("\nrule, from {} of rule set {}", version.path, version.hash));
        if version.since > EventTime(0) {
            told(&mut out, format_args!(", in force since {}", version.since));
        }
        out.push('\n');
        for line in version.text.lines() {
            told(&mut out, format_args!("  {line}\n"));
        }
    }
    found.unselected.iter().for_each(|one| unselected_text(&mut out, one));
    if let Some(why) = &found.why {
        why_text(&mut out, why);
    }
    found.members.iter().for_each(|member| member_text(&mut out, member));
    if !found.incidents.is_empty() {
        out.push_str("\nits incidents then\n");
        found.incidents.iter().for_each(|one| incident_text(&mut out, one));
    }
    out
}

fn sentence(found: &Answer) -> String {
    let open = found.incidents.iter().find(|one| one.cleared_at.is_none());
    match found.verdict {
        Verdict::Fired => match open {
            Some(open) => format!("it did fire: incident {} was open since {}", open.incident, open.opened_at),
            None => "it did fire then".to_owned(),
        },
        Verdict::Inhibited => {
            let by = open.iter().flat_map(|open| &open.inhibited_by).map(|by| match (&by.rule, &by.key) {
                (Some(rule), Some(key)) => format!("{rule} at {key} ({})", by.incident),
                _ => by.incident.to_string(),
            });
            format!("it did fire, and was kept quiet by {}", by.collect::<Vec<_>>().join(", "))
        }
        Verdict::Shadow => "it did fire, as a shadow that nobody is shown (`shadow: true`)".to_owned(),
        Verdict::NoRule => "there was no such rule in force then".to_owned(),
        Verdict::Disabled => "it did not fire: the rule is disabled (`enabled: false`)".to_owned(),
        Verdict::NotSelected => "it did not fire: the rule does not look there".to_owned(),
        Verdict::HeldBack => {
            let by = found.why.iter().flat_map(|why| &why.held_back).map(|held| match held.until {
                Some(until) => format!("its {} until {until}", held.by),
                None => format!("its {}", held.by),
            });
            let by: Vec<String> = by.collect();
            format!("it did not fire: what it waits for was there, and counted as false by {}", by.join(" and "))
        }
        Verdict::TooShort => "it did not fire: what it waits for was there, and not for long enough".to_owned(),
        Verdict::Unknown => "it did not fire: something that it needs was not known".to_owned(),
        Verdict::Missed => "it did not fire: its condition was false".to_owned(),
        Verdict::Incomplete => "it did not fire: not all that it is made up of was there".to_owned(),
        Verdict::NotKnown => "it cannot be told".to_owned(),
    }
}

fn why_text(out: &mut String, why: &WhyNot) {
    told(out, format_args!("\nfrom {} to {}: {} evaluations\n", why.from, why.at, why.evaluations));
    match why.clock {
        None => out.push_str("  there was nothing to evaluate: the log had no tick\n"),
        Some(clock) if clock < why.at => told(out, format_args!("  the clock had come only to {clock}\n")),
        Some(_) => {}
    }
    for held in &why.held_back {
        told(
            out,
            format_args!(
                "  held back by its {}: {} times, from {} to {}\n",
                held.by, held.evaluations, held.first, held.last
            ),
        );
    }
    if let Some(silence) = &why.silence {
        let left = silence.opens_at - why.at;
        told(out, format_args!("  heard last at {}; it opens at {}, {left} later\n", silence.since, silence.opens_at));
    }
    if let Some(stuck) = &why.stuck {
        match stuck.since {
            None => told(out, format_args!("  {} was never heard\n", stuck.metric)),
            Some(since) => told(
                out,
                format_args!(
                    "  {} has its value since {since}, for {} of {}\n",
                    stuck.metric,
                    (why.at - since).max(model::Millis(0)),
                    stuck.needs
                ),
            ),
        }
    }
    match &why.sequence {
        Some(seen) => {
            for (number, step) in seen.steps.iter().enumerate() {
                let not = if step.not { "not " } else { "" };
                let last = step.last.map_or("never".to_owned(), |last| format!("last at {last}"));
                told(
                    out,
                    format_args!("  step {}: {not}{}: fitted {} times, {last}\n", number + 1, step.when, step.fitted),
                );
                clauses_text(out, &step.clauses);
            }
            if let Some((first, steps)) = seen.furthest {
                told(out, format_args!("  the attempt that came furthest began at {first} and saw {steps} steps\n"));
            }
        }
        None => why.levels.iter().for_each(|level| level_text(out, level)),
    }
}

fn level_text(out: &mut String, level: &LevelWhy) {
    let stands = match level.stands {
        Stands::Normal => "normal".to_owned(),
        Stands::Pending(since) => format!("pending since {since}"),
        Stands::On => "open".to_owned(),
        Stands::Clearing(since) => format!("clearing since {since}"),
    };
    told(out, format_args!("  {}: when {}", level.severity, level.when));
    if level.needs.0 > 0 {
        told(out, format_args!(", for {}", level.needs));
    }
    told(out, format_args!("\n    {stands}; true {} times, unknown {} times\n", level.held, level.unknown));
    if let Some((from, to)) = level.longest {
        told(out, format_args!("    it held longest from {from} to {to}, for {} of {}\n", to - from, level.needs));
    }
    clauses_text(out, &level.clauses);
}

fn clauses_text(out: &mut String, clauses: &[Clause]) {
    for clause in clauses {
        told(out, format_args!("    {}: {} at the end", clause.text, worth_text(&clause.worth)));
        told(out, format_args!("; held {} times, unknown {} times\n", clause.held, clause.unknown));
        if let Some(near) = clause.nearest {
            let (left, right, by) = (rounded(near.left), rounded(near.right), rounded(near.by));
            told(out, format_args!("      nearest miss: {left} against {right}, by {by}, at {}\n", near.at));
        }
        clause.missing.iter().for_each(|missing| missing_text(out, missing));
    }
}

/// Twelve significant digits: what is beyond them is the arithmetic's own.
fn rounded(number: f64) -> f64 {
    format!("{number:.11e}").parse().unwrap_or(number)
}

fn missing_text(out: &mut String, missing: &Missing) {
    let Missing { sensor, what, since, unknown_since } = missing;
    told(out, format_args!("      {what} of {sensor}: "));
    match (since, unknown_since) {
        (Some(since), Some(unknown)) => {
            told(out, format_args!("silent since {since}, counts no more since {unknown}\n"));
        }
        (Some(since), None) => told(out, format_args!("too few readings; the newest is of {since}\n")),
        (None, _) if what.starts_with("attr.") => out.push_str("the registry does not have it\n"),
        (None, _) => out.push_str("never heard\n"),
    }
}

fn unselected_text(out: &mut String, one: &Unselected) {
    match one {
        Unselected::NoKey { each, nearest } => {
            told(out, format_args!("\nthe registry of then has no {each} of that name"));
            if let Some(nearest) = nearest {
                told(out, format_args!("; did you mean {nearest}?"));
            }
            out.push('\n');
        }
        Unselected::Domain { sensor, is } => {
            told(out, format_args!("\n{sensor} is of domain {is}, which the rule does not see\n"));
        }
        Unselected::Where { sensor, parts } => {
            told(out, format_args!("\n`where` does not select {sensor}\n"));
            for part in parts {
                let indent = "  ".repeat(part.depth + 1);
                told(out, format_args!("{indent}{}  {}\n", part.text, worth_text(&part.worth)));
            }
        }
    }
}

fn member_text(out: &mut String, member: &MemberRule) {
    told(out, format_args!("\n{}: {} open there\n", member.rule, member.here.len()));
    let mut line = |what: &str, one: &OpenMember| {
        told(out, format_args!("  {what}{} since {}", one.key, one.opened_at));
        if let Some(cleared) = one.cleared_at {
            told(out, format_args!(" until {cleared}"));
        }
        if let Some(metres) = one.metres {
            told(out, format_args!(", {metres} m away"));
        }
        match one.after {
            Some(after) if after.0 < 0 => {
                told(out, format_args!(", opened {} before the first", model::Millis(-after.0)));
            }
            Some(after) => told(out, format_args!(", opened {after} after the first")),
            None => {}
        }
        out.push('\n');
    };
    member.here.iter().for_each(|one| line("", one));
    member.nearest.iter().for_each(|one| line("nearest elsewhere: ", one));
    member.last.iter().for_each(|one| line("the last one there: ", one));
}

fn incident_text(out: &mut String, one: &Seen) {
    told(out, format_args!("  {} {} from {}", one.incident, one.severity, one.opened_at));
    match one.cleared_at {
        Some(cleared) => told(out, format_args!(" to {cleared}")),
        None => out.push_str(", open"),
    }
    for by in &one.inhibited_by {
        told(out, format_args!(", inhibited by {}", by.incident));
    }
    out.push('\n');
}
