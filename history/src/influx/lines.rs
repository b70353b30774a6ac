//! Points as line protocol: `metric,sensor=id v=1.5 1763884800000`.

use crate::Point;
use model::EventTime;
use std::fmt::Write;
use std::ops::Range;

/// The times that InfluxDB can hold, in epoch milliseconds, with some to spare.
const TIMES: Range<i64> = -9_200_000_000_000..9_200_000_000_000;
/// The longest name of a sensor or metric.
const NAME_MAX: usize = 1_024;

/// Lines that go in one request.
#[derive(Default)]
pub(super) struct Batch {
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of some lines.
    pub(super) fn text(&self, lines: Range<usize>) -> &str {
        let end = |count: usize| if count == 0 { 0 } else { self.ends[count - 1] };
        &self.text[end(lines.start)..end(lines.end)]
    }

    /// Adds a point; false if it is one that InfluxDB cannot hold.
    pub(super) fn push(&mut self, point: &Point<'_>) -> bool {
        let is_good =
            point.value.is_finite() && TIMES.contains(&point.time.0) && is_name(point.sensor) && is_name(point.metric);
        if is_good {
            escaped(&mut self.text, point.metric, ", ");
            self.text.push_str(",sensor=");
            escaped(&mut self.text, point.sensor, ",= ");
            writeln!(self.text, " v={} {}", point.value, point.time.0).expect("a text takes all that is written");
            self.ends.push(self.text.len());
        }
        is_good
    }

    /// Adds what we note for ourselves about a day.
    pub(super) fn push_note(&mut self, measurement: &str, time: EventTime, value: bool) {
        writeln!(self.text, "{measurement} v={} {}", u8::from(value), time.0)
            .expect("a text takes all that is written");
        self.ends.push(self.text.len());
    }
}

/// Whether a name can stand in a line: one that ends in a backslash, or begins as a comment does, cannot.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_MAX
        && !name.ends_with('\\')
        && !name.starts_with(['#', '_'])
        && !name.chars().any(char::is_control)
}

fn escaped(text: &mut String, name: &str, marks: &str) {
    for character in name.chars() {
        if marks.contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
}

/// A text as it stands in a Flux query.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        // `${` begins an expression inside a text.
        if matches!(character, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_kinds_stand_in_a_line_and_others_are_refused() {
        let mut batch = Batch::default();
        let point = |sensor, value| Point { sensor, metric: "level m,x", time: EventTime(5), value };
        assert!(batch.push(&point("积水 1,a=b", 1.5)) && batch.push(&point("s", -0.25)));
        assert_eq!(batch.text(0..1), "level\\ m\\,x,sensor=积水\\ 1\\,a\\=b v=1.5 5\n");
        assert_eq!(batch.text(1..2), "level\\ m\\,x,sensor=s v=-0.25 5\n");
        assert_eq!((batch.text(0..0), batch.text(0..2).lines().count()), ("", 2));
        let long = "x".repeat(NAME_MAX + 1);
        for bad in ["", "a\nb", "a\\", "#a", &long] {
            assert!(!batch.push(&point(bad, 1.0)), "{bad}");
        }
        assert!(!batch.push(&point("s", f64::NAN)) && batch.len() == 2);
        assert_eq!(quoted("a\"b\\${c}"), "\"a\\\"b\\\\\\${c}\"");
    }
}
