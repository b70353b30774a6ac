//! The report as text for a terminal; as JSON it is its own serialisation.

use super::{Names, Report, Score, Scores};
use model::{EventTime, Millis};
use std::fmt::Write;

impl Report {
    /// Several aligned lines, ending in a line break.
    pub fn to_table(&self) -> String {
        let mut out = String::new();
        let seen = &self.seen;
        let time = |time: Option<EventTime>| time.map_or_else(|| "never".to_owned(), |time| time.to_string());
        let _ = writeln!(
            out,
            "{} readings ({} values) from {} to {}, {:.1} days",
            seen.readings,
            seen.values,
            time(seen.first),
            time(seen.last),
            self.days
        );
        for (what, names) in [
            ("unknown sensors", &seen.unknown_sensors),
            ("unknown metrics", &seen.unknown_metrics),
            ("implausible values", &seen.out_of_range),
        ] {
            push_names(&mut out, what, names);
        }
        for (what, count) in [
            ("late readings", seen.late),
            ("duplicate values", seen.duplicates),
            ("readings without values", seen.empty),
        ] {
            if count > 0 {
                let _ = writeln!(out, "{what}: {count}");
            }
        }
        out.push('\n');
        self.push_rules(&mut out);
        self.push_scores(&mut out);
        out
    }

    fn push_rules(&self, out: &mut String) {
        let head = ["rule", "incidents", "/week", "/day", "alarms/op-day", "open", "at end", "flapping"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for rule in &self.rules {
            rows.push(vec![
                rule.rule.clone(),
                rule.incidents.to_string(),
                format!("{:.2}", rule.per_week),
                format!("{:.2}", rule.per_day),
                format!("{:.2}", rule.alarms_per_operator_day),
                span(rule.open_s),
                rule.open_at_end.to_string(),
                rule.flapping.to_string(),
            ]);
        }
        push_table(out, &rows);
    }

    fn push_scores(&self, out: &mut String) {
        let by_rule = self.rules.iter().filter_map(|rule| Some((rule.rule.clone(), rule.scores.as_ref()?)));
        let by_domain = self.domains.iter().map(|(domain, scores)| (format!("all of {domain}"), scores));
        let scored: Vec<(String, &Scores)> = by_rule.chain(by_domain).collect();
        if scored.is_empty() {
            return;
        }
        let head = ["against labels", "recall", "95 %", "precision", "95 %", "median delay", "90 % delay"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for (name, scores) in scored {
            let mut row = vec![name];
            row.extend(share(&scores.recall));
            row.extend(share(&scores.precision));
            row.push(scores.delay.map_or_else(|| "-".to_owned(), |delay| span(delay.median_s)));
            row.push(scores.delay.map_or_else(|| "-".to_owned(), |delay| span(delay.p90_s)));
            rows.push(row);
        }
        out.push('\n');
        push_table(out, &rows);
        if self.labels_outside > 0 {
            let _ = writeln!(out, "labels outside the recording, not counted: {}", self.labels_outside);
        }
        if !self.unknown_label_keys.is_empty() {
            let keys: Vec<&str> = self.unknown_label_keys.iter().map(String::as_str).take(10).collect();
            let _ = writeln!(out, "keys of labels that the registry lacks: {}", keys.join(", "));
        }
    }
}

fn share(score: &Score) -> [String; 2] {
    let percent = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.0}", 100.0 * share));
    if score.of == 0 {
        return ["-".to_owned(), "-".to_owned()];
    }
    [
        format!("{} % ({}/{})", percent(score.share), score.hits, score.of),
        format!("{}-{}", percent(score.low), percent(score.high)),
    ]
}

/// Seconds as the two largest units of a duration.
pub(super) fn span(seconds: f64) -> String {
    let minutes = Millis(((seconds / 60.0).round() as i64).saturating_mul(Millis::MINUTE.0));
    let whole_hours = Millis(minutes.0 / Millis::HOUR.0 * Millis::HOUR.0);
    if minutes.0.abs() >= Millis::DAY.0 { whole_hours.to_string() } else { minutes.to_string() }
}

pub(super) fn push_names(out: &mut String, what: &str, names: &Names) {
    if names.total() == 0 {
        return;
    }
    let shown: Vec<String> = names.by_name.iter().take(10).map(|(name, count)| format!("{name} ({count})")).collect();
    let more = names.by_name.len().saturating_sub(10);
    let more = if more > 0 || names.others > 0 { format!(" and {more} or more others") } else { String::new() };
    let _ = writeln!(out, "{what}: {} readings left out: {}{more}", names.total(), shown.join(", "));
}

/// The first column to the left, the others to the right.
pub(super) fn push_table(out: &mut String, rows: &[Vec<String>]) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    for row in rows {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(line, "  {cell:>width$}");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}
