//! The month's report: as JSON, as CSV, and as one page of HTML that prints well. `pdf` writes it as PDF.

use super::case::{CallBack, Case, Seen};
use super::enforcement::{Enforcement, enforcement};
use super::exposure::{Exposed, Reason, exposure};
use super::formula::Formula;
use super::kpi::{By, Kpi, Kpis, Rate, kpis};
use super::month_checks::MonthChecks;
use super::objections::{Contested, Correction, Upheld, corrected, corrections};
use super::period::{Month, Period};
use super::score::{Group, ranking};
use crate::auth::secret::hexadecimal;
use model::Millis;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// All that is published of a month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The month, as in `2026-07`.
    pub month: String,
    /// The formula and its version.
    pub formula: String,
    /// SHA-256 of the formula's file, in hexadecimal.
    pub formula_digest: String,
    /// From when to when it counts.
    pub period: Period,
    /// The indicators by unit.
    pub units: BTreeMap<String, Kpis>,
    /// The rankings.
    pub groups: Vec<Group>,
    /// The exposed cases.
    pub exposed: Vec<Exposed>,
    /// The findings of selective enforcement.
    pub enforcement: Enforcement,
    /// Upheld objections of units that change this month: a result without one of them was derived before it was upheld.
    pub corrections: Vec<Correction>,
    /// The month's check; nothing where no visits were drawn.
    pub checks: Option<MonthChecks>,
}

impl Report {
    /// It as one JSON: what `supervise score --format json` prints, without the line feed.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("text and numbers always serialise")
    }

    /// SHA-256 of its JSON, in hexadecimal.
    pub fn digest(&self) -> String {
        hexadecimal(&Sha256::digest(self.json().as_bytes()))
    }
}

/// Cases that are exposed in a month at most.
const EXPOSED_MAX: usize = 100;

/// All of a month but its check, from what stands on the log.
pub(super) fn report(
    month: Month,
    formula: &Formula,
    cases: &[Case],
    calls: &[CallBack],
    seen: &[Seen],
    upheld: &[Upheld],
) -> Report {
    let period = formula.period(month);
    let mut corrections = corrections(cases, upheld, period, formula);
    let cases = &corrected(cases, upheld, formula);
    let units = kpis(cases, calls, period, By::Unit, formula);
    let mut enforcement = enforcement(cases, seen, period, formula);
    enforcement.without(month, upheld, formula, &mut corrections);
    Report {
        month: month.to_string(),
        formula: formula.id(),
        formula_digest: formula.digest.clone(),
        period,
        groups: ranking(&units, formula),
        units,
        exposed: exposure(cases, period, formula, EXPOSED_MAX),
        enforcement,
        corrections,
        checks: None,
    }
}

/// Style of the page. Colours tell nothing that words do not.
const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;color:#111}\
table{border-collapse:collapse;width:100%;margin:0 0 2em}th,td{border-bottom:1px solid #ccc;padding:.2em .5em;text-align:left}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.bar{position:relative;height:.8em;min-width:12em;background:#eee}\
.bar i{position:absolute;top:0;bottom:0;background:#888}.bar b{position:absolute;top:-.2em;bottom:-.2em;width:2px;background:#111}\
@media print{body{margin:0;max-width:none;font-size:10pt}h2{break-after:avoid}tr{break-inside:avoid}thead{display:table-header-group}\
.bar,.bar i,.bar b{print-color-adjust:exact}@page{size:A4 landscape;margin:1.5cm}}";

/// One line a unit: its place, its score with interval, and each indicator with numerator and denominator. UTF-8 with a
/// byte order mark, which spreadsheets need for Chinese.
pub fn csv(report: &Report) -> String {
    let mut text = String::from("\u{feff}month,formula,group,unit,rank,rank_worst,score,low,high");
    for kpi in Kpi::ALL {
        let name = kpi.names().0.replace(' ', "_");
        text.push_str(&format!(",{name},{name}_of"));
    }
    text.push_str(",handling_ms_mean\n");
    for group in &report.groups {
        for ranked in &group.units {
            let score = &ranked.score;
            let known = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let place = |place: Option<u64>| place.map_or_else(String::new, |place| place.to_string());
            let words = [&report.month, &report.formula, &group.name, &score.unit].map(|word| field(word)).join(",");
            let places = format!("{},{}", place(ranked.rank), place(ranked.rank_worst));
            let interval = format!("{},{}", score.interval.low, score.interval.high);
            text.push_str(&format!("{words},{places},{},{interval}", known(score.score)));
            let kpis = report.units.get(&score.unit);
            for kpi in Kpi::ALL {
                let Rate { hits, of } = kpis.map(|kpis| kpis.rate(kpi)).unwrap_or_default();
                text.push_str(&format!(",{hits},{of}"));
            }
            text.push_str(&format!(",{}\n", known(kpis.and_then(Kpis::handling_ms_mean))));
        }
    }
    text
}

/// A field of CSV (RFC 4180). What a spreadsheet would take for a formula is kept a text.
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The page, in Chinese and English, whole in itself.
pub fn html(report: &Report) -> String {
    let mut page = String::new();
    let title = format!("{} 月排名 Ranking", escape(&report.month));
    page.push_str(&format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1><p>公式 formula {} · {} – {}</p>\n",
        escape(&report.formula),
        report.period.from,
        report.period.until,
    ));
    report.groups.iter().for_each(|group| ranking_table(&mut page, group));
    exposed(&mut page, &report.exposed);
    if let Some(checks) = &report.checks {
        month_checks(&mut page, checks);
    }
    findings(&mut page, &report.enforcement);
    objections(&mut page, &report.corrections);
    page.push_str("</body></html>\n");
    page
}

fn ranking_table(page: &mut String, group: &Group) {
    line(page, format_args!("<h2>{}</h2>", escape(&group.name)));
    if group.at_ceiling {
        page.push_str(
            "<p>多数得分已近满分，排名意义有限。 Most scores sit at the ceiling: this ranking says little.</p>\n",
        );
    }
    page.push_str(
        "<table><thead><tr><th class=n>名次 Rank</th><th>单位 Unit</th><th class=n>得分 Score</th><th>95 %</th>\
         <th>区间 Interval</th><th class=n>最小基数 Least n</th></tr></thead><tbody>\n",
    );
    for ranked in &group.units {
        let score = &ranked.score;
        let (rank, value) = (shown::rank(ranked), shown::score(score.score));
        let (low, high) = (score.interval.low, score.interval.high);
        let mark = score.score.map_or_else(String::new, |score| format!("<b style=\"left:{score:.2}%\"></b>"));
        line(
            page,
            format_args!(
                "<tr><td class=n>{rank}</td><td>{}</td><td class=n>{value}</td><td>{low:.2} – {high:.2}</td><td><div class=bar>\
                 <i style=\"left:{low:.2}%;width:{:.2}%\"></i>{mark}</div></td><td class=n>{}</td></tr>",
                escape(&score.unit),
                high - low,
                score.least
            ),
        );
    }
    page.push_str("</tbody></table>\n");
}

fn exposed(page: &mut String, cases: &[Exposed]) {
    page.push_str(
        "<h2>月曝光 Exposure</h2><table><thead><tr><th>案件 Case</th><th>类别 Class</th><th>单位 Unit</th>\
         <th>原因 Reasons</th></tr></thead><tbody>\n",
    );
    for case in cases {
        let reasons: Vec<String> = case.reasons.iter().map(reason).collect();
        let row = [&case.case, &case.class, &case.unit, &reasons.join("; ")].map(|cell| escape(cell)).join("</td><td>");
        line(page, format_args!("<tr><td>{row}</td></tr>"));
    }
    page.push_str("</tbody></table>\n");
}

fn month_checks(page: &mut String, checks: &MonthChecks) {
    page.push_str(
        "<h2>月检查 Month's check</h2><table><thead><tr><th>类别 Class</th><th class=n>抽查 Visits</th>\
         <th class=n>发现 Found</th><th class=n>漏报 Missed</th><th class=n>漏报率 Share (95 %)</th>\
         <th class=n>全域漏报 In all cells (95 %)</th></tr></thead><tbody>\n",
    );
    for row in shown::checks(checks) {
        let cells = row.map(|cell| escape(&cell)).join("</td><td class=n>");
        line(page, format_args!("<tr><td>{cells}</td></tr>"));
    }
    page.push_str("</tbody></table>\n");
}

/// A reason in words.
pub(super) fn reason(reason: &Reason) -> String {
    let hours = |late: &Millis| late.0 / Millis::HOUR.0;
    match reason {
        Reason::HandledLate { late } => format!("超期处置 handled {} h late", hours(late)),
        Reason::Unproven { at } => format!("无证据结案 closed without evidence at {at}"),
        Reason::Reworked { times } => format!("多次返工 reworked {times} times"),
        Reason::Reopened { times } => format!("重开 reopened {times} times"),
        Reason::Left { late } => format!("超期未处置 left for {} h past its limit", hours(late)),
    }
}

fn findings(page: &mut String, enforcement: &Enforcement) {
    line(
        page,
        format_args!(
            "<h2>选择性执行 Selective enforcement</h2><p>{} 次检验，经多重检验校正；仅供约谈，不作结论。 {0} tests, \
             corrected together. For people to look into: no verdict.</p><table><thead><tr><th>单位 Unit</th>\
             <th>发现 Finding</th><th class=n>本单位 Share</th><th class=n>同组应有 Peers</th><th class=n>OR (95 %)</th>\
             <th class=n>q</th><th>案件 Cases</th></tr></thead><tbody>",
            enforcement.tests
        ),
    );
    for finding in &enforcement.findings {
        let (english, chinese) = finding.kind.names();
        line(
            page,
            format_args!(
                "<tr><td>{}</td><td>{chinese} {english}</td><td class=n>{} / {}</td><td class=n>{:.1} %</td>\
                 <td class=n>{:.2} ({:.2} – {:.2})</td><td class=n>{:.2e}</td><td>{}</td></tr>",
                escape(&finding.unit),
                finding.share.hits,
                finding.share.of,
                100.0 * finding.expected,
                finding.odds_ratio,
                finding.interval.low,
                finding.interval.high,
                finding.q,
                escape(&finding.evidence.join(" ")),
            ),
        );
    }
    page.push_str("</tbody></table>\n");
}

fn objections(page: &mut String, corrections: &[Correction]) {
    if corrections.is_empty() {
        return;
    }
    page.push_str(
        "<h2>申诉成立 Upheld objections</h2><p>此前公布的结果未计入。 Results published before they were upheld lack them.</p>\
         <table><thead><tr><th>申诉 Objection</th><th>单位 Unit</th><th>事项 Against</th><th>成立 Upheld</th>\
         <th>计入 Counted</th></tr></thead><tbody>\n",
    );
    for one in corrections {
        let counted = shown::counted(one);
        let row = [&one.objection, &one.unit, &against(one), &one.upheld_at.to_string()].map(|cell| escape(cell));
        line(page, format_args!("<tr><td>{}</td><td>{counted}</td></tr>", row.join("</td><td>")));
    }
    page.push_str("</tbody></table>\n");
}

/// What an upheld objection was against, in words.
pub(super) fn against(one: &Correction) -> String {
    match &one.against {
        Contested::Case { case, deduction, .. } => format!("{deduction} {case}"),
        Contested::Finding { month, finding } => {
            let (english, chinese) = finding.names();
            format!("{month} {chinese} {english}")
        }
    }
}

/// Figures in words, the same in the page and in the PDF.
pub(super) mod shown {
    use super::super::month_checks::{Checked, MonthChecks};
    use super::super::objections::Correction;
    use super::super::score::Ranked;
    use super::super::statistics::Interval;

    /// The best and the worst place.
    pub(in super::super) fn rank(ranked: &Ranked) -> String {
        match (ranked.rank, ranked.rank_worst) {
            (Some(best), Some(worst)) if best == worst => best.to_string(),
            (Some(best), Some(worst)) => format!("{best}–{worst}"),
            _ => "不排名 not ranked".to_owned(),
        }
    }

    pub(in super::super) fn score(score: Option<f64>) -> String {
        score.map_or_else(|| "未知 unknown".to_owned(), |score| format!("{score:.2}"))
    }

    /// The rows of the month's check: all classes, then each: class, visits, found, missed, share, in all cells.
    pub(in super::super) fn checks(checks: &MonthChecks) -> Vec<[String; 6]> {
        let row = |class: &str, one: &Checked| {
            let unknown = || "未知 unknown".to_owned();
            let within = |value: String, interval: Interval, digits: usize| {
                format!("{value} ({:.digits$} – {:.digits$})", interval.low, interval.high)
            };
            let share = one.estimate.and_then(|of| Some((of.share?, of.share_interval?)));
            [
                class.to_owned(),
                format!("{} / {}", one.visited, one.planned),
                one.found.to_string(),
                one.missed.to_string(),
                share.map_or_else(unknown, |(share, interval)| within(format!("{share:.2}"), interval, 2)),
                one.estimate.map_or_else(unknown, |of| within(format!("{:.1}", of.missed), of.missed_interval, 1)),
            ]
        };
        let classes = checks.classes.iter().map(|(class, one)| row(class, one));
        std::iter::once(row("全部 all", &checks.all)).chain(classes).collect()
    }

    /// Whether the formula counts an upheld objection.
    pub(in super::super) fn counted(one: &Correction) -> &'static str {
        if one.counted { "是 yes" } else { "本版公式不计 not by this formula" }
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(page, "{text}").expect("a text takes all that is written to it");
}

/// Text that stays text in HTML.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}
