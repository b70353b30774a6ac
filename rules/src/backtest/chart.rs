//! Charts as SVG.

use super::html::escape;
use model::EventTime;
use std::fmt::Write;

/// Width of a chart and of the names to its left, and height of a row, in the units of the picture.
const WIDTH: f64 = 960.0;
const NAMES: f64 = 210.0;
const ROW: f64 = 22.0;
/// Marks on the axis of time.
const MARKS: i64 = 5;
/// Height of the bars, and how many there are at most: beyond it neighbours are added up.
const BARS: f64 = 120.0;
const BARS_MAX: usize = 370;

/// A stretch of time.
pub(super) struct Bar {
    pub from: EventTime,
    pub to: EventTime,
    pub colour: &'static str,
}

/// One line of a timeline.
pub(super) struct Row {
    pub name: String,
    /// Behind the others.
    pub under: Vec<Bar>,
    pub over: Vec<Bar>,
}

/// Rows of bars over one axis of time.
pub(super) fn timeline(first: EventTime, last: EventTime, rows: &[Row]) -> String {
    let length = ((last - first).0 as f64).max(1.0);
    let x = |time: EventTime| NAMES + (WIDTH - NAMES) * ((time - first).0 as f64 / length).clamp(0.0, 1.0);
    let height = ROW * (rows.len() as f64 + 1.0);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">");
    for mark in 0..=MARKS {
        let time = EventTime(first.0 + (last - first).0 / MARKS * mark);
        let (at, day) = (x(time), day(time));
        let anchor = if mark == MARKS { "end" } else { "start" };
        let _ = write!(svg, "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{height}\" stroke=\"#e2e8ee\"/>");
        let below = height - 6.0;
        let _ = write!(svg, "<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"{anchor}\">{day}</text>");
    }
    for (number, row) in rows.iter().enumerate() {
        let top = ROW * number as f64;
        let _ = write!(svg, "<text x=\"0\" y=\"{:.1}\">{}</text>", top + 15.0, escape(&row.name));
        push_bars(&mut svg, &row.under, &x, (top, ROW));
        push_bars(&mut svg, &row.over, &x, (top + 5.0, ROW - 10.0));
    }
    svg + "</svg>"
}

fn day(time: EventTime) -> String {
    time.to_string().chars().take(10).collect()
}

fn push_bars(svg: &mut String, bars: &[Bar], x: &impl Fn(EventTime) -> f64, (top, height): (f64, f64)) {
    let mut drawn = None;
    for bar in bars {
        let (from, width) = (x(bar.from).floor(), (x(bar.to) - x(bar.from)).max(2.0).ceil());
        // What would cover another one exactly is left out: there may be thousands.
        if drawn == Some((from as i64, width as i64, bar.colour)) {
            continue;
        }
        drawn = Some((from as i64, width as i64, bar.colour));
        let colour = bar.colour;
        let _ = write!(svg, "<rect x=\"{from}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"/>");
    }
}

/// One bar for each count, the highest named; below them the first and the last day.
pub(super) fn bars(first: EventTime, last: EventTime, counts: &[usize]) -> String {
    let together = counts.len().div_ceil(BARS_MAX).max(1);
    let sums: Vec<usize> = counts.chunks(together).map(|some| some.iter().sum()).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let (width, height) = ((WIDTH - 60.0) / sums.len().max(1) as f64, BARS + 20.0);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">");
    let _ = write!(svg, "<text x=\"0\" y=\"12\">{most}</text><text x=\"0\" y=\"{BARS}\">0</text>");
    let _ = write!(svg, "<line x1=\"60\" x2=\"{WIDTH}\" y1=\"{BARS}\" y2=\"{BARS}\" stroke=\"#9aa7b3\"/>");
    for (number, sum) in sums.iter().enumerate().filter(|(_, sum)| **sum > 0) {
        let tall = BARS * *sum as f64 / most as f64;
        let (left, top, wide) = (60.0 + width * number as f64, BARS - tall, (width - 1.0).max(1.0));
        let _ = write!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\" fill=\"#4a7fb0\"/>"
        );
    }
    let below = BARS + 15.0;
    for (at, anchor, time) in [(60.0, "start", first), (WIDTH, "end", last)] {
        let day = day(time);
        let _ = write!(svg, "<text x=\"{at}\" y=\"{below}\" text-anchor=\"{anchor}\">{day}</text>");
    }
    if together > 1 {
        let middle = (60.0 + WIDTH) / 2.0;
        let note = format!("a bar is {together} days · 每柱 {together} 天");
        let _ = write!(svg, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{note}</text>");
    }
    svg + "</svg>"
}
