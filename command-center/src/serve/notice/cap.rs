//! Messages of the utilities' feed as OASIS CAP 1.2 documents.
//!
//! Elements stand in the order of the standard's schema. Times have an offset and never a Z; a circle is
//! `latitude,longitude radius` (CAP 1.2, §§ 3.3.2 and 3.2.4).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{Certainty, Domain, EventTime, FeedMessage, MsgType, Severity, Urgency};
use std::collections::BTreeMap;

/// The languages of a document, and what the feed calls them.
const LANGUAGES: [(&str, &str); 2] = [("zh-CN", "zh"), ("en-US", "en")];

/// The document of a message. `first_sent` is when the incident's first message was sent, which references name.
pub(crate) fn document(message: &FeedMessage, first_sent: EventTime, zone: &TimeZone) -> String {
    let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    xml.open("alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"");
    xml.text("identifier", &message.identifier);
    xml.text("sender", &message.sender);
    xml.text("sent", &time(message.sent, zone));
    xml.text("status", "Actual");
    xml.text(
        "msgType",
        match message.msg_type {
            MsgType::Alert => "Alert",
            MsgType::Update => "Update",
            MsgType::Cancel => "Cancel",
        },
    );
    xml.text("scope", "Restricted");
    xml.text("restriction", "for the utility in charge");
    if !message.references.is_empty() {
        let named = |first: &String| format!("{},{first},{}", message.sender, time(first_sent, zone));
        xml.text("references", &message.references.iter().map(named).collect::<Vec<_>>().join(" "));
    }
    xml.text("incidents", &message.incident.to_string());
    for (language, name) in LANGUAGES {
        info(&mut xml, message, (language, name), zone);
    }
    xml.close("alert");
    xml.0
}

fn info(xml: &mut Xml, message: &FeedMessage, (language, name): (&str, &str), zone: &TimeZone) {
    xml.open("info");
    xml.text("language", language);
    xml.text("category", category(message.domain));
    xml.text("event", said(&message.title, name, &message.rule));
    xml.text(
        "urgency",
        match message.urgency {
            Urgency::Immediate => "Immediate",
            Urgency::Expected => "Expected",
            Urgency::Past => "Past",
        },
    );
    xml.text(
        "severity",
        match message.severity {
            Severity::Minor => "Minor",
            Severity::Moderate => "Moderate",
            Severity::Severe => "Severe",
            Severity::Extreme => "Extreme",
        },
    );
    xml.text(
        "certainty",
        match message.certainty {
            Certainty::Observed => "Observed",
            Certainty::Unknown => "Unknown",
        },
    );
    xml.text("onset", &time(message.opened_at, zone));
    if let Some(text) = &message.message {
        xml.text("description", text);
    }
    for (label, value) in [("rule", &message.rule), ("key", &message.key)] {
        xml.open("parameter");
        xml.text("valueName", label);
        xml.text("value", value);
        xml.close("parameter");
    }
    xml.open("area");
    xml.text("areaDesc", said(&message.area_desc, name, &message.key));
    if let Some(place) = message.place {
        xml.text("circle", &format!("{},{} 0", place.lat, place.lon));
    }
    for code in [&message.district, &message.subdistrict].into_iter().flatten() {
        xml.open("geocode");
        xml.text("valueName", "GB/T 2260");
        xml.text("value", code);
        xml.close("geocode");
    }
    xml.close("area");
    xml.close("info");
}

/// In this language, else in the other, else what is there at least.
fn said<'a>(names: &'a BTreeMap<String, String>, language: &str, else_said: &'a str) -> &'a str {
    names.get(language).or_else(|| names.values().next()).map_or(else_said, String::as_str)
}

fn category(domain: Domain) -> &'static str {
    match domain {
        Domain::Drainage => "Infra",
        Domain::Waste | Domain::Air => "Env",
        Domain::Traffic => "Transport",
        Domain::Cross => "Other",
    }
}

/// As in 2026-07-20T08:00:00+08:00; UTC is -00:00.
fn time(at: EventTime, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::MAX);
    let offset = zone.to_offset(at);
    let local = offset.to_datetime(at);
    let minutes = offset.seconds() / 60;
    let sign = if minutes > 0 { '+' } else { '-' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    format!("{}{sign}{hours:02}:{minutes:02}", local.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// XML in the making.
struct Xml(String);

impl Xml {
    fn open(&mut self, tag: &str) {
        self.0.push_str(&format!("<{tag}>"));
    }

    fn close(&mut self, tag: &str) {
        self.0.push_str(&format!("</{tag}>"));
    }

    fn text(&mut self, tag: &str, text: &str) {
        self.open(tag);
        crate::api::escape_xml(&mut self.0, text);
        self.close(tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{FeedContext, IncidentState, Point, Transition, TransitionKind, incident_id};

    fn message(revision: u32) -> FeedMessage {
        let transition = Transition {
            id: incident_id("citywatch.", "a.b", "S1", EventTime(5)),
            rule: "a.b".into(),
            key: "S1".into(),
            domain: Domain::Drainage,
            severity: Severity::Severe,
            state: IncidentState::Open,
            transition: TransitionKind::Updated,
            revision,
            time: EventTime(1_784_505_600_000),
            opened_at: EventTime(1_784_502_000_000),
            evidence: Vec::new(),
            message: Some("水位 < 0.5 & 升".into()),
            stale: None,
            reason: None,
            inhibited_by: Vec::new(),
            members: Vec::new(),
            storm: None,
            shown_from: 1,
        };
        let context = FeedContext {
            title: BTreeMap::from([("zh".into(), "积水".into()), ("en".into(), "Waterlogging".into())]),
            place: Some(Point::new(116.4, 39.9)),
            district: Some("110101".into()),
            ..FeedContext::default()
        };
        FeedMessage::of_transition(&transition, "citywatch", context)
    }

    /// The elements in the order in which they begin.
    fn order(text: &str) -> Vec<&str> {
        let tags = text.split('<').skip(2).filter(|tag| !tag.starts_with('/'));
        tags.map(|tag| tag.split([' ', '>']).next().unwrap_or_default()).collect()
    }

    #[test]
    fn elements_stand_in_the_order_of_the_schema() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let message = message(2);
        let text = document(&message, message.opened_at, &zone);
        let info = [
            "info",
            "language",
            "category",
            "event",
            "urgency",
            "severity",
            "certainty",
            "onset",
            "description",
            "parameter",
            "valueName",
            "value",
            "parameter",
            "valueName",
            "value",
            "area",
            "areaDesc",
            "circle",
            "geocode",
            "valueName",
            "value",
        ];
        let head = [
            "alert",
            "identifier",
            "sender",
            "sent",
            "status",
            "msgType",
            "scope",
            "restriction",
            "references",
            "incidents",
        ];
        assert_eq!(order(&text), [&head[..], &info, &info].concat());
        assert!(text.contains("<sent>2026-07-20T08:00:00+08:00</sent>"), "{text}");
        let references = format!("citywatch,{}/1,2026-07-20T07:00:00+08:00", message.incident);
        assert!(text.contains(&format!("<references>{references}</references>")), "{text}");
        assert!(text.contains("<circle>39.9,116.4 0</circle>") && text.contains("水位 &lt; 0.5 &amp; 升"), "{text}");
        assert!(text.contains("<event>积水</event>") && text.contains("<event>Waterlogging</event>"));
    }

    #[test]
    fn utc_is_never_a_z() {
        let message = message(1);
        let text = document(&message, message.opened_at, &TimeZone::UTC);
        assert!(text.contains("<sent>2026-07-20T00:00:00-00:00</sent>") && !text.contains("<references>"), "{text}");
        let west = time(EventTime(0), &TimeZone::fixed(jiff::tz::Offset::constant(-3)));
        assert_eq!(west, "1969-12-31T21:00:00-03:00");
    }
}
