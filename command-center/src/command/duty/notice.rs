//! What those on duty are told, and in which words. Pure.

use super::escalation::Reason;
use crate::city::Names;
use crate::serve::notice::contact::Language;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{EventTime, Severity};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use utoipa::ToSchema;

/// Things that a notice names; beyond them it says how many there are.
pub(crate) const ITEMS_MAX: usize = 20;

/// A notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Notice {
    /// The chain's name; empty of a notice that no chain sends.
    pub(crate) chain: String,
    /// Null of a notice that only tries whether it arrives.
    pub(crate) reason: Option<Reason>,
    /// Steps of the chain that were told so far.
    pub(crate) step: usize,
    /// The digest of a storm.
    pub(crate) is_storm: bool,
    /// Nobody that the chain names was on duty, so all operators are told.
    pub(crate) is_for_all: bool,
    /// The worst of what is open, else of what is over.
    #[schema(value_type = String)]
    pub(crate) severity: Severity,
    /// How many are open, and how many are over since the last notice.
    pub(crate) open: usize,
    pub(crate) over: usize,
    /// At most 20, what is open and worst first.
    pub(crate) items: Vec<Item>,
    /// By the log's clock.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Item {
    /// incident, case
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) title: Names,
    pub(crate) place: Names,
    #[schema(value_type = String)]
    pub(crate) severity: Severity,
    #[schema(value_type = i64)]
    pub(crate) since: EventTime,
    pub(crate) is_over: bool,
}

impl Notice {
    /// One that only tries whether it arrives.
    pub(crate) fn test(at: EventTime) -> Notice {
        Notice {
            chain: String::new(),
            reason: None,
            step: 0,
            is_storm: false,
            is_for_all: false,
            severity: Severity::Minor,
            open: 0,
            over: 0,
            items: Vec::new(),
            at,
        }
    }

    /// One line: how bad, how many, and the first of them.
    pub(crate) fn title(&self, language: Language) -> String {
        let first = self.items.first().map(|item| said(&item.title, language, &item.id)).unwrap_or_default();
        let severity = severity(self.severity, language);
        match (language, self.reason) {
            (Language::Zh, None) => "citywatch 测试通知".to_owned(),
            (Language::En, None) => "citywatch: a test".to_owned(),
            (Language::Zh, Some(Reason::Over)) => format!("已解除：{first}{}", more(self.over, language)),
            (Language::En, Some(Reason::Over)) => format!("Over: {first}{}", more(self.over, language)),
            (Language::Zh, Some(_)) if self.is_storm => format!("告警风暴：{severity}，共 {} 起待处理", self.open),
            (Language::En, Some(_)) if self.is_storm => format!("Alarm storm: {} open, {severity}", self.open),
            (Language::Zh, Some(_)) => format!("【{severity}】{first}{}", more(self.open, language)),
            (Language::En, Some(_)) => format!("[{severity}] {first}{}", more(self.open, language)),
        }
    }

    /// All of it as lines of plain text.
    pub(crate) fn text(&self, language: Language, zone: &TimeZone) -> String {
        let mut text = self.title(language);
        text.push('\n');
        let why = match (language, self.reason) {
            (Language::Zh, None) => "收到本条即表示通知可以送达。",
            (Language::En, None) => "You got this, so notices arrive.",
            (Language::Zh, Some(Reason::Began)) => "新告警，请确认。",
            (Language::En, Some(Reason::Began)) => "New: please acknowledge.",
            (Language::Zh, Some(Reason::Escalated)) => "无人确认，已升级到您。",
            (Language::En, Some(Reason::Escalated)) => "Nobody acknowledged it: it comes to you.",
            (Language::Zh, Some(Reason::Changed)) => "有变化。",
            (Language::En, Some(Reason::Changed)) => "Something changed.",
            (Language::Zh, Some(Reason::Repeated)) => "仍未确认。",
            (Language::En, Some(Reason::Repeated)) => "Still not acknowledged.",
            (Language::Zh, Some(Reason::Over)) => "无需再处理。",
            (Language::En, Some(Reason::Over)) => "No act is needed any more.",
            (Language::Zh, Some(Reason::Warned)) => "处置时限已用八成，请抓紧处置。",
            (Language::En, Some(Reason::Warned)) => "80 % of the time to handle it is used.",
            (Language::Zh, Some(Reason::Whistled)) => "吹哨：请到现场报到。",
            (Language::En, Some(Reason::Whistled)) => "Your unit is called to this case: report in.",
            (Language::Zh, Some(Reason::ReportIn)) => "报到时限已用八成，请尽快报到。",
            (Language::En, Some(Reason::ReportIn)) => "80 % of the time to report in is used.",
            (Language::Zh, Some(Reason::Unreported)) => "被吹哨单位未按时报到。",
            (Language::En, Some(Reason::Unreported)) => "A unit that was called did not report in in time.",
            (Language::Zh, Some(Reason::Late)) => "下级处置已超时限，现上报到您。",
            (Language::En, Some(Reason::Late)) => "It is late with the level below: it comes to you.",
        };
        text.push_str(why);
        text.push('\n');
        if self.is_for_all {
            text.push_str(match language {
                Language::Zh => "值班表上此时无人，故通知全体值班操作员。\n",
                Language::En => "Nobody is on duty for it now, so all operators are told.\n",
            });
        }
        for item in &self.items {
            let (title, place) = (said(&item.title, language, &item.id), said(&item.place, language, ""));
            let (severity, since) = (severity(item.severity, language), local(item.since, zone));
            let over = match (language, item.is_over) {
                (_, false) => "",
                (Language::Zh, true) => "，已解除",
                (Language::En, true) => ", over",
            };
            let _ = match language {
                Language::Zh => writeln!(text, "· {title}｜{place}｜{severity}｜{since} 起{over}"),
                Language::En => writeln!(text, "- {title}, {place}, {severity}, since {since}{over}"),
            };
        }
        let left = (self.open + self.over).saturating_sub(self.items.len());
        if left > 0 {
            let _ = match language {
                Language::Zh => writeln!(text, "…另有 {left} 起，见平台。"),
                Language::En => writeln!(text, "… and {left} more on the page."),
            };
        }
        text
    }
}

fn more(count: usize, language: Language) -> String {
    match (language, count) {
        (_, 0 | 1) => String::new(),
        (Language::Zh, count) => format!(" 等 {count} 起"),
        (Language::En, count) => format!(" and {} more", count - 1),
    }
}

fn said(names: &Names, language: Language, else_said: &str) -> String {
    let one = names.get(language.name()).or_else(|| names.values().next());
    one.map_or_else(|| else_said.to_owned(), String::clone)
}

fn severity(severity: Severity, language: Language) -> &'static str {
    match (language, severity) {
        (Language::En, severity) => severity.as_str(),
        (Language::Zh, Severity::Minor) => "一般",
        (Language::Zh, Severity::Moderate) => "较大",
        (Language::Zh, Severity::Severe) => "重大",
        (Language::Zh, Severity::Extreme) => "特别重大",
    }
}

/// As in 03-02 08:15.
fn local(at: EventTime, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    zone.to_datetime(at).strftime("%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_bad_how_many_and_where() {
        let names =
            |zh: &str, en: &str| Names::from([("zh".to_owned(), zh.to_owned()), ("en".to_owned(), en.to_owned())]);
        let item = Item {
            kind: "incident".to_owned(),
            id: "1".to_owned(),
            title: names("积水", "Waterlogging"),
            place: names("东城区", "Dongcheng"),
            severity: Severity::Severe,
            since: EventTime(1_772_409_600_000),
            is_over: false,
        };
        let notice = Notice {
            chain: "water".to_owned(),
            reason: Some(Reason::Escalated),
            step: 2,
            severity: Severity::Severe,
            open: 3,
            items: vec![item.clone(), Item { is_over: true, ..item }],
            ..Notice::test(EventTime(1_772_409_600_000))
        };
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        assert_eq!(
            notice.text(Language::Zh, &zone),
            "【重大】积水 等 3 起\n无人确认，已升级到您。\n· 积水｜东城区｜重大｜03-02 08:00 起\n\
             · 积水｜东城区｜重大｜03-02 08:00 起，已解除\n…另有 1 起，见平台。\n"
        );
        assert!(
            notice.text(Language::En, &zone).starts_with("[severe] Waterlogging and 2 more\nNobody acknowledged it")
        );
        let storm = Notice { is_storm: true, ..notice };
        assert_eq!(storm.title(Language::Zh), "告警风暴：重大，共 3 起待处理");
        assert!(Notice::test(EventTime(0)).text(Language::Zh, &zone).contains("测试"));
    }
}
