//! A service request of another server as an appeal of ours. Pure.

use super::settings::Open311Pull;
use model::Point;
use serde_json::Value;
use std::collections::BTreeMap;

/// Longest text of an appeal, in characters; a longer one is cut.
const TEXT_MAX: usize = 2_000;
/// Longest number of another server, in characters.
const NUMBER_MAX: usize = 128;

/// What another server says of a request, as far as it is taken in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// Its `service_request_id`.
    pub(super) number: String,
    pub(super) class: String,
    pub(super) text: String,
    pub(super) point: Point,
}

/// What becomes of a member of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    /// It is to be taken in.
    New(Request),
    /// It is closed, or has no number yet: it is passed over, and comes again if that changes.
    Passed,
    /// It cannot be taken.
    Refused(String),
}

/// Reads a member of an answer; `knows` says whether a class is one of ours.
pub(super) fn read(member: &Value, pull: &Open311Pull, knows: impl Fn(&str) -> bool) -> Read {
    let Some(number) = text(member, "service_request_id") else { return Read::Passed };
    if text(member, "status").is_some_and(|status| status.eq_ignore_ascii_case("closed")) {
        return Read::Passed;
    }
    if number.chars().count() > NUMBER_MAX {
        return Read::Refused(format!("a service_request_id has at most {NUMBER_MAX} characters"));
    }
    let code = text(member, "service_code").unwrap_or_default();
    let class = match class_of(&code, &pull.classes, pull.class.as_deref(), knows) {
        Ok(class) => class,
        Err(why) => return Read::Refused(why),
    };
    let degrees = |name: &str| text(member, name)?.parse::<f64>().ok().filter(|degrees| degrees.is_finite());
    let (Some(lat), Some(lon)) = (degrees("lat"), degrees("long")) else {
        return Read::Refused("it has no lat and long: addresses are not looked up".to_owned());
    };
    let said = ["description", "address", "media_url"].into_iter().filter_map(|name| text(member, name));
    let mut said: Vec<String> = said.collect();
    if said.is_empty() {
        said.extend(text(member, "service_name"));
    }
    if said.is_empty() {
        return Read::Refused("it says nothing: description and service_name are empty".to_owned());
    }
    let words: String = said.join("\n").chars().take(TEXT_MAX).collect();
    Read::New(Request { number, class, text: words, point: Point::new(lon, lat) })
}

fn class_of(
    code: &str,
    classes: &BTreeMap<String, String>,
    other: Option<&str>,
    knows: impl Fn(&str) -> bool,
) -> Result<String, String> {
    let same = || Some(code).filter(|code| knows(code));
    let class = classes.get(code).map(String::as_str).or(other).or_else(same);
    match class {
        Some(class) if knows(class) => Ok(class.to_owned()),
        Some(class) => Err(format!("service_code \"{code}\" is to be the class \"{class}\", which is none of ours")),
        None => Err(format!("service_code \"{code}\" has no class: name one in the settings of the server")),
    }
}

/// A field as text: servers write numbers with quotes and without. Empty is none.
fn text(member: &Value, name: &str) -> Option<String> {
    let text = match member.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    fn pull(more: &str) -> Open311Pull {
        let text = format!("[[pull]]\nurl = \"https://a.example\"\n{more}");
        Open311Pull::parse(&text, Path::new("")).unwrap().remove(0)
    }

    fn read(member: &Value, more: &str) -> Read {
        super::read(member, &pull(more), |class| ["0402", "0102"].contains(&class))
    }

    #[test]
    fn numbers_are_texts_or_numbers() {
        let member = json!({ "service_request_id": 638_344, "status": "open", "service_code": "0402",
            "description": "mud", "address": "", "lat": 37.762_221_815, "long": "-122.4651145" });
        let Read::New(request) = read(&member, "") else { panic!() };
        assert_eq!((&*request.number, &*request.class, &*request.text), ("638344", "0402", "mud"));
        assert_eq!((request.point.lat, request.point.lon), (37.762_221_815, -122.465_114_5));
    }

    #[test]
    fn a_code_is_mapped_then_the_default_then_itself() {
        let of = |code: &str, more: &str| {
            let member =
                json!({ "service_request_id": "1", "service_code": code, "description": "x", "lat": 1, "long": 1 });
            match read(&member, more) {
                Read::New(request) => request.class,
                Read::Refused(why) => why,
                Read::Passed => "passed".to_owned(),
            }
        };
        let both = "class = \"0102\"\nclasses = { \"006\" = \"0402\" }";
        assert_eq!((of("006", both), of("007", both)), ("0402".to_owned(), "0102".to_owned()));
        assert_eq!(of("0402", ""), "0402");
        assert!(of("006", "").contains("has no class"));
        assert!(of("006", "class = \"9999\"").contains("none of ours"));
    }

    #[test]
    fn what_is_closed_or_has_no_number_is_passed_over() {
        assert_eq!(read(&json!({ "service_request_id": "1", "status": "closed" }), ""), Read::Passed);
        assert_eq!(read(&json!({ "service_request_id": "", "token": "x" }), ""), Read::Passed);
        let nowhere = json!({ "service_request_id": "1", "service_code": "0402", "lat": null, "long": "" });
        assert!(matches!(read(&nowhere, ""), Read::Refused(why) if why.contains("lat and long")));
    }
}
