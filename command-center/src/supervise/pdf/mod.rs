//! The month's report as PDF, for publication: A4, in Chinese and English, every figure that the CSV has, rankings with
//! their intervals drawn.
//!
//! It is a function of the report and the names of units: the same report is the same file, byte for byte. Typefaces are
//! not embedded; see `font.rs`.

mod font;
mod page;

use self::page::{Align, Cell, Column, Document};
use super::enforcement::Enforcement;
use super::exposure::Exposed;
use super::kpi::{Kpi, Kpis, Rate};
use super::publish::{Report, against, reason, shown};
use super::score::Group;
use super::statistics::Interval;
use model::Millis;
use std::collections::BTreeMap;

/// Cases that are named beside a finding; the report as JSON has all.
const EVIDENCE_MAX: usize = 40;

/// The report as PDF. `names` are the Chinese names of units by code; a unit that is not in it is called by its code.
pub fn pdf(report: &Report, names: &BTreeMap<String, String>) -> Vec<u8> {
    let title = format!("{} 月检查、月曝光、月排名 Monthly report", report.month);
    let digest = &report.formula_digest;
    let foot = format!("{} · 公式 formula {} · SHA-256 {digest}", report.month, report.formula);
    let unit = |code: &str| names.get(code).map_or_else(|| code.to_owned(), |name| format!("{name}\n{code}"));
    let mut document = Document::new(&title, &foot);
    document.heading(&title, 16.0);
    document.note(&format!(
        "统计期 period {} – {} · 公式 formula {} · SHA-256 {digest}",
        report.period.from, report.period.until, report.formula
    ));
    document.note(
        "区间为 95 % 置信区间；区间重叠的单位名次并列，写作最好与最差名次；得分未知或基数不足的单位不排名。 Intervals hold with \
         95 %. Units whose intervals overlap share places, told as the best and the worst; without a score, or with too \
         few cases, a unit is not ranked.",
    );
    if report.groups.is_empty() {
        document.note("本月无单位可计。 No unit had anything to do.");
    }
    report.groups.iter().for_each(|group| ranking(&mut document, group, &unit));
    indicators(&mut document, report, &unit);
    exposed(&mut document, &report.exposed, &unit);
    checks(&mut document, report);
    findings(&mut document, &report.enforcement, &unit);
    corrections(&mut document, report, &unit);
    document.finish()
}

fn column(head: &str, share: f32, align: Align) -> Column {
    Column { head: head.to_owned(), share, align }
}

fn ranking(document: &mut Document, group: &Group, unit: &dyn Fn(&str) -> String) {
    document.heading(&format!("月排名 Ranking: {}", group.name), 12.0);
    if group.at_ceiling {
        document.note("多数得分已近满分，排名意义有限。 Most scores sit at the ceiling: this ranking says little.");
    }
    let columns = [
        column("名次\nRank", 1.0, Align::Right),
        column("单位\nUnit", 3.2, Align::Left),
        column("得分\nScore", 0.9, Align::Right),
        column("95 % 下限\nLow", 0.9, Align::Right),
        column("95 % 上限\nHigh", 0.9, Align::Right),
        column("得分与区间（0–100）\nScore and interval", 4.0, Align::Left),
        column("最小基数\nLeast n", 0.8, Align::Right),
    ];
    let rows: Vec<Vec<Cell>> = group
        .units
        .iter()
        .map(|ranked| {
            let score = &ranked.score;
            let Interval { low, high } = score.interval;
            vec![
                shown::rank(ranked).into(),
                unit(&score.unit).into(),
                shown::score(score.score).into(),
                format!("{low:.2}").into(),
                format!("{high:.2}").into(),
                Cell::Interval { low, high, value: score.score },
                score.least.to_string().into(),
            ]
        })
        .collect();
    document.table(&columns, &rows);
}

/// Each indicator of each ranked unit with numerator and denominator.
fn indicators(document: &mut Document, report: &Report, unit: &dyn Fn(&str) -> String) {
    let ranked: Vec<&str> =
        report.groups.iter().flat_map(|group| &group.units).map(|ranked| ranked.score.unit.as_str()).collect();
    if ranked.is_empty() {
        return;
    }
    document.heading("指标（分子 / 分母） Indicators, numerator / denominator", 12.0);
    let mut columns = vec![column("单位\nUnit", 2.6, Align::Left)];
    columns.extend(Kpi::ALL.iter().map(|kpi| {
        let (english, chinese) = kpi.names();
        column(&format!("{chinese}\n{english}"), 1.0, Align::Right)
    }));
    columns.push(column("平均处置\nhandling h", 1.0, Align::Right));
    let rows: Vec<Vec<Cell>> = ranked
        .into_iter()
        .map(|code| {
            let kpis = report.units.get(code);
            let mut row = vec![unit(code).into()];
            row.extend(Kpi::ALL.iter().map(|kpi| {
                let Rate { hits, of } = kpis.map(|kpis| kpis.rate(*kpi)).unwrap_or_default();
                Cell::from(format!("{hits} / {of}"))
            }));
            let mean = kpis.and_then(Kpis::handling_ms_mean);
            row.push(mean.map_or_else(|| "–".to_owned(), |ms| format!("{:.2}", ms / Millis::HOUR.0 as f64)).into());
            row
        })
        .collect();
    document.table(&columns, &rows);
}

fn exposed(document: &mut Document, cases: &[Exposed], unit: &dyn Fn(&str) -> String) {
    document.heading("月曝光 Exposure", 12.0);
    if cases.is_empty() {
        return document.note("无。 None.");
    }
    let columns = [
        column("案件\nCase", 3.0, Align::Left),
        column("类别\nClass", 0.7, Align::Left),
        column("单位\nUnit", 3.0, Align::Left),
        column("原因\nReasons", 5.0, Align::Left),
    ];
    let rows: Vec<Vec<Cell>> = cases
        .iter()
        .map(|case| {
            let reasons: Vec<String> = case.reasons.iter().map(reason).collect();
            vec![
                case.case.as_str().into(),
                case.class.as_str().into(),
                unit(&case.unit).into(),
                reasons.join("; ").into(),
            ]
        })
        .collect();
    document.table(&columns, &rows);
}

fn checks(document: &mut Document, report: &Report) {
    let Some(checks) = &report.checks else { return };
    document.heading("月检查 Month's check", 12.0);
    document
        .note("抽查未发现不等于没有：未查之处按区间推断。 What was not looked at is extrapolated, with its interval.");
    let columns = [
        column("类别\nClass", 1.0, Align::Left),
        column("抽查\nVisits", 1.0, Align::Right),
        column("发现\nFound", 1.0, Align::Right),
        column("漏报\nMissed", 1.0, Align::Right),
        column("漏报率\nShare (95 %)", 2.0, Align::Right),
        column("全域漏报\nIn all cells (95 %)", 2.4, Align::Right),
    ];
    let rows: Vec<Vec<Cell>> =
        shown::checks(checks).into_iter().map(|row| row.into_iter().map(Cell::from).collect()).collect();
    document.table(&columns, &rows);
}

fn findings(document: &mut Document, enforcement: &Enforcement, unit: &dyn Fn(&str) -> String) {
    document.heading("选择性执行 Selective enforcement", 12.0);
    document.note(&format!(
        "{} 次检验，经多重检验校正；仅供约谈，不作结论。 {0} tests, corrected together. For people to look into: no verdict.",
        enforcement.tests
    ));
    if enforcement.findings.is_empty() {
        return document.note("无发现。 No findings.");
    }
    let columns = [
        column("单位\nUnit", 2.4, Align::Left),
        column("发现\nFinding", 2.0, Align::Left),
        column("本单位\nShare", 0.9, Align::Right),
        column("同组应有\nPeers", 0.8, Align::Right),
        column("OR (95 %)", 1.6, Align::Right),
        column("q", 0.8, Align::Right),
        column("案件\nCases", 4.0, Align::Left),
    ];
    let rows: Vec<Vec<Cell>> = enforcement
        .findings
        .iter()
        .map(|finding| {
            let (english, chinese) = finding.kind.names();
            let mut evidence: Vec<&str> = finding.evidence.iter().take(EVIDENCE_MAX).map(String::as_str).collect();
            let more = finding.evidence.len().saturating_sub(EVIDENCE_MAX);
            let rest = format!("另有 {more} 件 and {more} more");
            if more > 0 {
                evidence.push(&rest);
            }
            let Interval { low, high } = finding.interval;
            vec![
                unit(&finding.unit).into(),
                format!("{chinese}\n{english}").into(),
                format!("{} / {}", finding.share.hits, finding.share.of).into(),
                format!("{:.1} %", 100.0 * finding.expected).into(),
                format!("{:.2} ({low:.2} – {high:.2})", finding.odds_ratio).into(),
                format!("{:.2e}", finding.q).into(),
                evidence.join(" ").into(),
            ]
        })
        .collect();
    document.table(&columns, &rows);
}

fn corrections(document: &mut Document, report: &Report, unit: &dyn Fn(&str) -> String) {
    if report.corrections.is_empty() {
        return;
    }
    document.heading("申诉成立 Upheld objections", 12.0);
    document.note("此前公布的结果未计入。 Results published before they were upheld lack them.");
    let columns = [
        column("申诉\nObjection", 1.2, Align::Left),
        column("单位\nUnit", 2.4, Align::Left),
        column("事项\nAgainst", 3.4, Align::Left),
        column("成立\nUpheld", 1.6, Align::Left),
        column("计入\nCounted", 1.4, Align::Left),
    ];
    let rows: Vec<Vec<Cell>> = report
        .corrections
        .iter()
        .map(|one| {
            vec![
                one.objection.as_str().into(),
                unit(&one.unit).into(),
                against(one).into(),
                one.upheld_at.to_string().into(),
                shown::counted(one).into(),
            ]
        })
        .collect();
    document.table(&columns, &rows);
}
