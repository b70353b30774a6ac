//! What is asked of a set of entities: how many, after which, and which of them.

use crate::api::problem::Problem;
use serde_json::{Value, json};

/// Entities of an answer where the request does not say, and the most.
const TOP: usize = 100;
const TOP_MAX: usize = 1_000;
/// Entities that may be skipped; further on a filter is needed.
const SKIP_MAX: usize = 100_000;

/// A comparison of a filter.
#[derive(Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) property: String,
    pub(super) operator: String,
    pub(super) literal: String,
}

/// What is asked of a set.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Asked {
    pub(super) top: usize,
    pub(super) skip: usize,
    pub(super) count: bool,
    pub(super) filter: Vec<Condition>,
}

/// Reads the options; one that is not answered is told.
pub(super) fn asked(pairs: &[(String, String)]) -> Result<Asked, Problem> {
    let mut asked = Asked { top: TOP, ..Asked::default() };
    for (name, value) in pairs {
        let number = || value.parse::<usize>().map_err(|_| Problem::bad(format!("{name} is a whole number")));
        match name.as_str() {
            "$top" => asked.top = number()?.min(TOP_MAX),
            "$skip" => asked.skip = number()?,
            "$count" => asked.count = value == "true",
            "$filter" => asked.filter = conditions(value)?,
            "$orderby" if value == "phenomenonTime desc" => {}
            _ => {
                let text = "$top, $skip, $count and $filter are answered, and $orderby=phenomenonTime desc";
                return Err(Problem::bad(format!("{name}={value} is not answered here: {text}")));
            }
        }
    }
    if asked.skip > SKIP_MAX {
        return Err(Problem::bad(format!("at most {SKIP_MAX} can be skipped: narrow with $filter")));
    }
    Ok(asked)
}

/// Comparisons joined by `and`.
fn conditions(text: &str) -> Result<Vec<Condition>, Problem> {
    let wrong = || {
        Problem::bad(format!("the filter \"{text}\" is not read here: compare as in name eq 'level_m' and id ne 'P1'"))
    };
    let words = words(text).ok_or_else(wrong)?;
    // Three words for each, and one between two.
    if words.len() % 4 != 3 {
        return Err(wrong());
    }
    let mut found = Vec::new();
    for group in words.chunks(4) {
        let (property, operator, literal) = match group {
            [property, operator, literal] => (property, operator, literal),
            [property, operator, literal, and] if and == "and" => (property, operator, literal),
            _ => return Err(wrong()),
        };
        if !["eq", "ne", "gt", "ge", "lt", "le"].contains(&operator.as_str()) {
            return Err(wrong());
        }
        found.push(Condition { property: property.clone(), operator: operator.clone(), literal: literal.clone() });
    }
    Ok(found)
}

/// Words between spaces; a quoted one is one, without its quotes.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => {
                let end = end_of_quote(quoted)?;
                (quoted[..end].replace("''", "'"), &quoted[end + 1..])
            }
            None => rest.split_once(' ').map_or((rest.to_owned(), ""), |(word, after)| (word.to_owned(), after)),
        };
        words.push(word);
        rest = after.trim_start();
    }
    Some(words)
}

/// Where a quoted text ends: at a quote that is not doubled.
fn end_of_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// A page of what is listed in order.
pub(super) fn paged<T>(items: impl Iterator<Item = T>, asked: &Asked, here: &str, make: impl Fn(T) -> Value) -> Value {
    let (mut value, mut seen, mut is_more) = (Vec::new(), 0_usize, false);
    for item in items {
        if seen >= asked.skip && value.len() < asked.top {
            value.push(make(item));
        } else if seen >= asked.skip {
            is_more = true;
            if !asked.count {
                break;
            }
        }
        seen += 1;
    }
    let mut page = json!({ "value": value });
    if asked.count {
        page["@iot.count"] = json!(seen);
    }
    if is_more {
        page["@iot.nextLink"] = json!(next(asked, here));
    }
    page
}

fn next(asked: &Asked, here: &str) -> String {
    let filter: Vec<String> = asked.filter.iter().map(Condition::text).collect();
    let filter = filter.join("%20and%20");
    let filter = if filter.is_empty() { filter } else { format!("&$filter={filter}") };
    let count = if asked.count { "&$count=true" } else { "" };
    format!("{here}?$top={}&$skip={}{count}{filter}", asked.top, asked.skip + asked.top)
}

impl Condition {
    /// As it stands in an address.
    fn text(&self) -> String {
        let quoted = match self.property.as_str() {
            "phenomenonTime" => self.literal.clone(),
            _ => format!("'{}'", self.literal.replace('\'', "''")),
        };
        let encoded: String = quoted.bytes().fold(String::new(), |text, byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'\'' | b':' => {
                text + &char::from(byte).to_string()
            }
            other => text + &format!("%{other:02X}"),
        });
        format!("{}%20{}%20{encoded}", self.property, self.operator)
    }

    /// Whether a text is as it wants.
    pub(super) fn holds(&self, text: &str) -> Result<bool, Problem> {
        match self.operator.as_str() {
            "eq" => Ok(text == self.literal),
            "ne" => Ok(text != self.literal),
            _ => Err(Problem::bad(format!("{} is compared with eq and ne", self.property))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(property: &str, operator: &str, literal: &str) -> Condition {
        Condition { property: property.to_owned(), operator: operator.to_owned(), literal: literal.to_owned() }
    }

    #[test]
    fn filters_are_comparisons_joined_by_and() {
        let two = conditions("name eq 'a b''s' and  phenomenonTime ge 2026-07-20T08:00:00Z").unwrap();
        assert_eq!(two, [condition("name", "eq", "a b's"), condition("phenomenonTime", "ge", "2026-07-20T08:00:00Z")]);
        assert_eq!(two[0].text(), "name%20eq%20'a%20b''s'");
        for wrong in ["", "name", "name eq", "name eq 'a' and", "name eq 'a' or id eq 'b'", "name is 'a'", "name eq 'a"]
        {
            assert!(conditions(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_says_where_the_next_one_is() {
        let asked = |top, skip, count| Asked { top, skip, count, filter: Vec::new() };
        let page = |asked: &Asked| paged(0..5, asked, "here", |item| json!(item));
        assert_eq!(page(&asked(2, 0, false)), json!({ "value": [0, 1], "@iot.nextLink": "here?$top=2&$skip=2" }));
        assert_eq!(page(&asked(2, 3, true)), json!({ "value": [3, 4], "@iot.count": 5 }));
        assert_eq!(page(&asked(5, 9, false)), json!({ "value": [] }));
        let pairs = [("$top".to_owned(), "5000".to_owned()), ("$expand".to_owned(), "Things".to_owned())];
        assert!(super::asked(&pairs).is_err());
        assert_eq!(super::asked(&pairs[..1]).unwrap().top, TOP_MAX);
    }
}
