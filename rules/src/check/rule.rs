//! One rule: its keys, and what they say together.

use super::known::Known;
use super::levels;
use super::types::{Checker, Place};
use super::values::{self, Fields};
use super::{LONGEST_LIMIT, LONGEST_WINDOW, reach, relations, schedule, suggest};
use crate::ast::{About, Condition, Each, Limits, Rule, Text};
use crate::syntax::expression;
use crate::syntax::yaml::{Key, Node, Value};
use crate::syntax::{File, Report, Span};
use model::{Domain, Millis};

const KEYS: [&str; 30] = [
    "id",
    "title",
    "domain",
    "each",
    "where",
    "when",
    "severity",
    "levels",
    "silent_for",
    "stuck_for",
    "sequence",
    "clear_after",
    "correlate",
    "for",
    "clear_when",
    "clear_for",
    "schedule",
    "cooldown",
    "stale_after",
    "min_readings",
    "enabled",
    "shadow",
    "message",
    "category",
    "limits",
    "inhibits",
    "max_open",
    "runbook",
    "owner",
    "labels",
];
/// Longer ids are refused: an id is part of every transition.
const MAX_ID: usize = 100;

/// A rule that was read, and where its parts stand, for what is checked among all rules.
pub(crate) struct Found {
    /// `None` when something is wrong with the rule; its id still counts as known.
    pub rule: Option<Rule>,
    pub id: String,
    pub id_span: Span,
    pub inhibits: Vec<(String, Span)>,
    /// The rules that it is made up from.
    pub of: Vec<(String, Span)>,
    pub enabled: bool,
}

/// Reads rules of one set of files.
pub(crate) struct Reader<'c, 'r, 'f> {
    pub files: &'f [File],
    pub known: &'c Known,
    pub report: &'r mut Report<'f>,
}

impl<'f> Reader<'_, '_, 'f> {
    /// Reads one rule; `None` if it has not even an id.
    pub fn rule(&mut self, node: &Node) -> Option<Found> {
        let errors = self.report.errors();
        let fields = Fields::of(node, "a rule", self.report)?;
        fields.refuse_unknown("a rule", &KEYS, self.report);

        let id = self.id(&fields, node);
        let title = self.title(&fields, node);
        let domain = self.domain(&fields, node);
        let each = self.each(&fields, node);
        let where_ = fields.get("where").and_then(|node| self.where_(node));
        // A wrong `each` is told once; the rest is checked as if it were the most usual one.
        let condition = levels::read(self, &fields, node, each.as_ref().unwrap_or(&Each::Sensor));
        let message = fields.get("message").and_then(|node| {
            let text = values::text(node, "message", self.report)?;
            // What is made up from incidents has no sensor of its own, whatever its keys are.
            let of_incidents = fields.get("correlate").is_some();
            let each = if of_incidents { Each::Cell } else { each.clone().unwrap_or(Each::Sensor) };
            let mut checker = self.checker(each, Place::Condition);
            super::message::read(checker.0, node, text, &mut checker.1)
        });
        let long = (LONGEST_WINDOW, "a value that counts for so long says nothing of now");
        let stale_after = fields
            .get("stale_after")
            .and_then(|node| values::duration(node, "stale_after", Millis(1), long, self.report));
        let schedule = fields.get("schedule").and_then(|node| schedule::read(self.known, node, self.report));
        let most = (LONGEST_WINDOW, "disable the rule instead");
        let cooldown = fields
            .get("cooldown")
            .and_then(|node| values::duration(node, "cooldown", Millis(1), most, self.report))
            .unwrap_or_default();
        let min_readings = fields
            .get("min_readings")
            .and_then(|node| values::whole_number(node, "min_readings", 1, 1_000_000, self.report));
        if let Some(Condition::Silent { .. }) = condition {
            for key in ["stale_after", "min_readings"].into_iter().filter_map(|key| fields.key(key)) {
                self.report.error(key, "this has no effect beside `silent_for`").hint("leave it out");
            }
        }
        let relations = relations::read(self, &fields, each.as_ref().unwrap_or(&Each::Sensor));
        let of = relations::members(&fields);
        let enabled =
            fields.get("enabled").and_then(|node| values::boolean(node, "enabled", self.report)).unwrap_or(true);
        let about = self.about(&fields);

        let (id, id_span) = id?;
        let good = self.report.errors() == errors;
        let rule = (|| {
            Some(Rule {
                id: id.clone(),
                title: title?,
                domain: domain?,
                each: each?,
                where_,
                condition: condition?,
                stale_after,
                schedule,
                cooldown,
                min_readings,
                relations: relations.relations,
                message,
                about,
            })
        })();
        Some(Found { rule: rule.filter(|_| good), id, id_span, inhibits: relations.inhibits, of, enabled })
    }

    /// A checker for expressions of this rule, and the files they stand in.
    pub fn checker(&mut self, each: Each, place: Place) -> (&'f [File], Checker<'_, '_, 'f>) {
        (self.files, Checker { known: self.known, each, place, report: self.report })
    }

    /// The value of a key that must be there.
    pub fn required<'n>(&mut self, fields: &Fields<'n>, node: &Node, key: &str, example: &str) -> Option<&'n Node> {
        let found = fields.get(key);
        // A key that is only misspelt was told as such.
        let misspelt = |(other, _): &(Key, Node)| {
            !KEYS.contains(&other.text.as_str()) && suggest::nearest(&other.text, KEYS) == Some(key)
        };
        if found.is_none() && !fields.entries().iter().any(misspelt) {
            let span = head(fields, node);
            self.report.error(span, format!("the rule has no `{key}`")).hint(format!("add `{key}: {example}`"));
        }
        found
    }

    fn id(&mut self, fields: &Fields<'_>, node: &Node) -> Option<(String, Span)> {
        let node = self.required(fields, node, "id", "drainage.surcharge")?;
        let id = values::text(node, "id", self.report)?;
        let word =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if id.len() > MAX_ID || !id.split('.').all(word) {
            self.report.error(node.span, format!("`{id}` cannot be an id")).hint(format!(
                "ids are words of a-z, 0-9, `-` and `_` joined by dots, at most {MAX_ID} characters: drainage.surcharge"
            ));
            return None;
        }
        Some((id.to_owned(), node.span))
    }

    fn title(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Text> {
        let node = self.required(fields, node, "title", "{ en: Sewer surcharge, zh: 排水管满溢 }")?;
        let Value::Mapping(_) = node.value else {
            let text = values::text(node, "title", self.report)?;
            return Some(Text { en: text.to_owned(), zh: text.to_owned() });
        };
        let fields = Fields::of(node, "title", self.report)?;
        fields.refuse_unknown("a title", &["en", "zh"], self.report);
        let mut language = |key: &str| match fields.get(key) {
            Some(node) => values::text(node, "a title", self.report).map(str::to_owned),
            None => None,
        };
        let (en, zh) = (language("en"), language("zh"));
        if en.is_none() && zh.is_none() && fields.get("en").is_none() && fields.get("zh").is_none() {
            self.report.error(node.span, "a title needs `en` or `zh`");
        }
        let any = en.clone().or_else(|| zh.clone())?;
        Some(Text { en: en.unwrap_or_else(|| any.clone()), zh: zh.unwrap_or(any) })
    }

    fn domain(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Domain> {
        let node = self.required(fields, node, "domain", "drainage")?;
        let words: Vec<&str> = Domain::ALL.iter().map(|domain| domain.as_str()).collect();
        values::word(node, "domain", &words, self.report)?.parse().ok()
    }

    fn each(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Each> {
        if fields.get("correlate").is_some() && fields.get("each").is_none() {
            return Some(Each::Cell);
        }
        let node = self.required(fields, node, "each", "sensor")?;
        if let Value::Scalar(text, _) = &node.value
            && let Some(name) = text.strip_prefix("attr.")
        {
            self.checker(Each::Sensor, Place::Where).1.known_attribute(name, node.span)?;
            return Some(Each::Attr(name.into()));
        }
        let words = ["sensor", "cell", "subdistrict", "district", "city", "attr.NAME"];
        Some(match values::word(node, "value of `each`", &words, self.report)? {
            "sensor" => Each::Sensor,
            "cell" => Each::Cell,
            "subdistrict" => Each::Subdistrict,
            "district" => Each::District,
            "city" => Each::City,
            _ => {
                let hint = "write the attribute's name, for example attr.road";
                self.report.error(node.span, "attr.NAME stands for an attribute of the sensors").hint(hint);
                return None;
            }
        })
    }

    fn where_(&mut self, node: &Node) -> Option<crate::ast::Expr> {
        let expr = expression::parse(self.files, node, self.report)?;
        let checked = self.checker(Each::Sensor, Place::Where).1.condition(&expr, "`where`")?;
        reach::check(&checked, "`where`", ": it selects no sensor", self.report);
        Some(checked.expr)
    }

    fn about(&mut self, fields: &Fields<'_>) -> About {
        let report = &mut *self.report;
        let mut text = |key: &str| fields.get(key).and_then(|node| values::text(node, key, report)).map(str::to_owned);
        let (category, runbook, owner) = (text("category"), text("runbook"), text("owner"));
        let shadow = fields.get("shadow").and_then(|node| values::boolean(node, "shadow", report)).unwrap_or(false);
        let limits = fields.get("limits").and_then(|node| {
            let fields = Fields::of(node, "limits", report)?;
            fields.refuse_unknown("limits", &["respond", "resolve"], report);
            let most = (LONGEST_LIMIT, "give the case a limit that somebody can keep");
            let mut limit =
                |key: &str| fields.get(key).and_then(|node| values::duration(node, key, Millis(1), most, report));
            Some(Limits { respond: limit("respond"), resolve: limit("resolve") })
        });
        let labels = fields.get("labels").and_then(|node| Fields::of(node, "labels", report)).map(|fields| {
            let pair =
                |(key, node): &(Key, Node)| Some((key.text.clone(), values::text(node, "a label", report)?.to_owned()));
            fields.entries().iter().filter_map(pair).collect()
        });
        About { category, limits, runbook, owner, labels: labels.unwrap_or_default(), shadow }
    }
}

/// What is underlined when something is missing in a rule: its id, else its first key.
pub(crate) fn head(fields: &Fields<'_>, node: &Node) -> Span {
    let id = fields.get("id").map(|node| node.span);
    id.or_else(|| fields.entries().first().map(|(key, _)| key.span)).unwrap_or(node.span)
}
