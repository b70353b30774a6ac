//! The report as one page of HTML: it loads nothing, and draws its charts itself, as SVG.

use super::chart::{Bar, Row, bars, timeline};
use super::report::{incidents, usable_labels};
use super::table::{push_names, span};
use super::{Diff, Label, Options, Outcome, Report, Score, Scores, Seen};
use crate::ast::RuleSet;
use model::{EventTime, Millis, Severity};
use std::fmt::Write;

const STYLE: &str = "body{font:14px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;color:#1b2733;background:#fff;\
margin:2rem auto;max-width:1000px;padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}\
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;border-bottom:1px solid #e2e8ee;text-align:right;\
white-space:nowrap}td:first-child,th:first-child{text-align:left}th{font-weight:600;color:#52616f}\
svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,'Noto Sans CJK SC',sans-serif;fill:#52616f}\
.note{color:#52616f}.key span{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em;vertical-align:-.05em}";

/// Colour of what a label says.
const LABEL: &str = "#cfe3f7";
/// Colours of a diff: only old, only new, moved.
const OLD: &str = "#c0392b";
const NEW: &str = "#1e8449";
const MOVED: &str = "#d68910";

/// Text of a table's cell, or of anything else, that markup cannot break out of.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What a backtest found, with charts of when, how often and how late.
pub fn backtest_page(
    outcome: &Outcome,
    rules: &RuleSet,
    labels: Option<&[Label]>,
    options: &Options,
    report: &Report,
) -> String {
    let seen = &report.seen;
    let mut body = String::from("<h1>Backtest · 回测</h1>");
    push_seen(&mut body, seen);
    let head = [
        "rule · 规则",
        "incidents · 告警",
        "per week · 每周",
        "alarms/operator-day · 人日警报",
        "open · 时长",
        "flapping · 抖动",
    ];
    let (found, quiet): (Vec<_>, Vec<_>) = report.rules.iter().partition(|rule| rule.incidents > 0);
    let rows = found.iter().map(|rule| {
        let (week, alarms) = (format!("{:.2}", rule.per_week), format!("{:.2}", rule.alarms_per_operator_day));
        let (incidents, flapping) = (rule.incidents.to_string(), rule.flapping.to_string());
        vec![rule.rule.clone(), incidents, week, alarms, span(rule.open_s), flapping]
    });
    body.push_str("<h2>By rule · 各规则</h2>");
    push_table(&mut body, &head, rows);
    if !quiet.is_empty() {
        let quiet: Vec<&str> = quiet.iter().map(|rule| rule.rule.as_str()).collect();
        let _ = write!(body, "<p class=\"note\">no incidents · 无告警: {}</p>", escape(&quiet.join(", ")));
    }
    push_scores(&mut body, report);
    let (Some(first), Some(last)) = (seen.first, seen.last) else { return page("citywatch backtest", &body) };
    let found = incidents(&outcome.transitions, last);
    let known = labels.map(|labels| usable_labels(labels, seen, options.tolerance)).unwrap_or_default();
    let rows = rules.rules.iter().map(|rule| {
        let domain = rule.domain.as_str();
        let fits = known.iter().filter(|label| domain == "cross" || label.domain == domain);
        let under = fits.map(|label| Bar { from: label.start, to: label.end, colour: LABEL });
        let of_rule = found.iter().filter(|incident| incident.rule == rule.id);
        let over = of_rule.map(|one| Bar { from: one.opened, to: one.ended, colour: colour(one.worst) });
        Row { name: rule.id.clone(), under: under.collect(), over: over.collect() }
    });
    body.push_str("<h2>When · 何时</h2><p class=\"key\">");
    let severities = [Severity::Minor, Severity::Moderate, Severity::Severe, Severity::Extreme];
    for severity in severities {
        push_key(&mut body, colour(severity), name(severity));
    }
    if labels.is_some() {
        push_key(&mut body, LABEL, "labelled · 标注事件");
    }
    body.push_str("</p>");
    let shown: Vec<Row> = rows.filter(|row| !row.over.is_empty()).collect();
    body.push_str(&timeline(first, last, &shown));
    let opened: Vec<EventTime> = found.iter().map(|incident| incident.opened).collect();
    body.push_str("<h2>Incidents a day · 每日告警数</h2>");
    body.push_str(&bars(first, last, &per_day(first, last, &opened)));
    page("citywatch backtest", &body)
}

/// What another rule set would change, with a chart of when.
pub fn diff_page(diff: &Diff) -> String {
    let mut body = String::from("<h1>Old and new rules · 新旧规则对比</h1>");
    push_seen(&mut body, &diff.seen);
    let head = ["rule · 规则", "same · 相同", "moved · 变动", "only old · 仅旧", "only new · 仅新"];
    let rows = diff.rules.iter().map(|rule| {
        let counts = [rule.same, rule.moved.len(), rule.only_old.len(), rule.only_new.len()];
        std::iter::once(rule.name()).chain(counts.map(|count| count.to_string())).collect()
    });
    push_table(&mut body, &head, rows);
    let rows: Vec<Row> = changed(diff);
    if rows.is_empty() {
        body.push_str("<p>Both find the same. · 两者结果相同。</p>");
        return page("citywatch rules diff", &body);
    }
    body.push_str("<h2>When · 何时</h2><p class=\"key\">");
    for (colour, name) in [(OLD, "only old · 仅旧"), (NEW, "only new · 仅新"), (MOVED, "moved · 变动")] {
        push_key(&mut body, colour, name);
    }
    body.push_str("</p>");
    if let (Some(first), Some(last)) = (diff.seen.first, diff.seen.last) {
        body.push_str(&timeline(first, last, &rows));
    }
    let _ = write!(body, "<h2>Changes · 变化</h2><pre>{}</pre>", escape(&diff.to_table()));
    page("citywatch rules diff", &body)
}

/// The incidents of each rule that are not the same in both, on a row.
fn changed(diff: &Diff) -> Vec<Row> {
    let bar = |found: &super::Found, colour| Bar { from: found.opened, to: found.ended, colour };
    let rows = diff.rules.iter().map(|rule| {
        let old = rule.only_old.iter().map(|found| bar(found, OLD));
        let new = rule.only_new.iter().map(|found| bar(found, NEW));
        let moved = rule.moved.iter().map(|moved| bar(&moved.new, MOVED));
        Row { name: rule.rule.clone(), under: Vec::new(), over: old.chain(new).chain(moved).collect() }
    });
    rows.filter(|row| !row.over.is_empty()).collect()
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>\n"
    )
}

fn push_seen(body: &mut String, seen: &Seen) {
    let time = |time: Option<EventTime>| time.map_or_else(|| "never".to_owned(), |time| time.to_string());
    let (first, last) = (time(seen.first), time(seen.last));
    let _ = write!(body, "<p>{} readings · 观测, {first} – {last}</p>", seen.readings);
    for (what, names) in [
        ("unknown sensors · 未注册传感器", &seen.unknown_sensors),
        ("unknown metrics · 未知指标", &seen.unknown_metrics),
        ("implausible values · 不合理值", &seen.out_of_range),
    ] {
        let mut text = String::new();
        push_names(&mut text, what, names);
        if !text.is_empty() {
            let _ = write!(body, "<p class=\"note\">{}</p>", escape(&text));
        }
    }
}

fn push_scores(body: &mut String, report: &Report) {
    let found = report.rules.iter().filter(|rule| rule.incidents > 0);
    let by_rule = found.filter_map(|rule| Some((rule.rule.clone(), rule.scores.as_ref()?)));
    let by_domain = report.domains.iter().map(|(domain, scores)| (format!("all of {domain}"), scores));
    let scored: Vec<(String, &Scores)> = by_rule.chain(by_domain).collect();
    if scored.is_empty() {
        return;
    }
    let head = ["rule · 规则", "recall · 召回", "precision · 精确", "median delay · 中位延迟", "90 % · 九成延迟"];
    let rows = scored.iter().map(|(name, scores)| {
        let delay =
            |of: fn(&super::Delay) -> f64| scores.delay.as_ref().map_or("–".to_owned(), |delay| span(of(delay)));
        let (recall, precision) = (share(&scores.recall), share(&scores.precision));
        vec![name.clone(), recall, precision, delay(|delay| delay.median_s), delay(|delay| delay.p90_s)]
    });
    body.push_str("<h2>Against labels · 对照标注</h2>");
    push_table(body, &head, rows);
}

/// Percent with the ends of its interval and the counts.
fn share(score: &Score) -> String {
    let (Some(share), Some(low), Some(high)) = (score.share, score.low, score.high) else { return "–".to_owned() };
    let [share, low, high] = [share, low, high].map(|part| 100.0 * part);
    format!("{share:.0} % [{low:.0}–{high:.0}] {}/{}", score.hits, score.of)
}

fn push_table(body: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    body.push_str("<table><tr>");
    head.iter().for_each(|cell| *body += &format!("<th>{}</th>", escape(cell)));
    body.push_str("</tr>");
    for row in rows {
        body.push_str("<tr>");
        row.iter().for_each(|cell| *body += &format!("<td>{}</td>", escape(cell)));
        body.push_str("</tr>");
    }
    body.push_str("</table>");
}

fn push_key(body: &mut String, colour: &str, name: &str) {
    let _ = write!(body, "<span style=\"background:{colour}\"></span>{}", escape(name));
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Minor => "minor · 一般",
        Severity::Moderate => "moderate · 较大",
        Severity::Severe => "severe · 重大",
        Severity::Extreme => "extreme · 特别重大",
    }
}

fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Minor => "#f4d03f",
        Severity::Moderate => "#eb984e",
        Severity::Severe => "#d35445",
        Severity::Extreme => "#7d3c98",
    }
}

/// How many opened on each day of 24 hours from the first reading on.
fn per_day(first: EventTime, last: EventTime, opened: &[EventTime]) -> Vec<usize> {
    let days = (last - first).0.max(0) / Millis::DAY.0 + 1;
    let mut counts = vec![0; days as usize];
    for time in opened {
        let day = (*time - first).0.clamp(0, (days - 1) * Millis::DAY.0) / Millis::DAY.0;
        counts[day as usize] += 1;
    }
    counts
}
