//! What the platform sends and is answered: the signature of a request, and messages as XML. Pure.

use crate::auth::secret;
use model::{Datum, Point};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use std::collections::BTreeMap;

/// How far the time of a request may be from ours, in seconds.
const TIME_APART_MAX: i64 = 300;
/// Longest name of a sender or an account.
const NAME_MAX: usize = 64;
/// Fields of a message at most.
const FIELDS_MAX: usize = 64;

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// The sender's OpenID, which is personal.
    pub(crate) from: String,
    /// The account that it was sent to.
    pub(crate) to: String,
    /// The same when it is sent again.
    pub(crate) id: String,
    pub(crate) what: What,
}

/// What is said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Text(String),
    /// WGS-84.
    Location(Point),
    /// Somebody begins to follow the account.
    Subscribed,
    /// Something else, as a picture.
    Other,
    /// Something that is not answered, as that somebody follows the account no more.
    Silent,
}

/// Why a request is not from the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// It is not signed with the token.
    Signature,
    /// Its time is too far from ours.
    Time,
}

/// Whether a request is signed with the token, and of now. `now` is in epoch seconds.
pub(crate) fn is_signed(token: &str, sent: (&str, &str, &str), now: i64) -> Result<(), Unsigned> {
    let (signature, timestamp, nonce) = sent;
    // Hashes are compared: the time of it tells nothing of the signature that would be right.
    if secret::hash(&signature.to_ascii_lowercase()) != secret::hash(&sign(token, timestamp, nonce)) {
        return Err(Unsigned::Signature);
    }
    let apart = timestamp.parse::<i64>().map(|at| (now - at).abs());
    if apart.is_ok_and(|apart| apart <= TIME_APART_MAX) { Ok(()) } else { Err(Unsigned::Time) }
}

/// SHA-1 of token, timestamp and nonce in the order of their letters, which is what the platform asks for.
fn sign(token: &str, timestamp: &str, nonce: &str) -> String {
    let mut parts = [token, timestamp, nonce];
    parts.sort_unstable();
    secret::hexadecimal(digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes()).as_ref())
}

/// Reads a message; `Err` says what is wrong with it.
pub(crate) fn read(xml: &str) -> Result<Message, &'static str> {
    let fields = fields(xml).ok_or("the body is no message: one element xml with plain fields")?;
    let get = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if !get("Encrypt").is_empty() {
        return Err("messages are not decrypted: set the account to plain text (明文模式)");
    }
    let name = |name: &str| {
        let is_name = |letter: u8| letter.is_ascii_alphanumeric() || b"_-@.".contains(&letter);
        let value = get(name);
        let fits = (1..=NAME_MAX).contains(&value.len()) && value.bytes().all(is_name);
        fits.then(|| value.to_owned()).ok_or("a message names who sends it and to whom")
    };
    let (from, to) = (name("FromUserName")?, name("ToUserName")?);
    let what = match (get("MsgType"), get("Event")) {
        ("text", _) => What::Text(get("Content").trim().to_owned()),
        ("location", _) => {
            let degrees = |name: &str, most: f64| get(name).parse().ok().filter(|degrees: &f64| degrees.abs() <= most);
            let (lat, lon) = (degrees("Location_X", 90.0), degrees("Location_Y", 180.0));
            let (lat, lon) = lat.zip(lon).ok_or("a location has degrees in Location_X and Location_Y")?;
            // In China the platform's maps have their own datum.
            let (lon, lat) = Datum::Gcj02.to_wgs84(lon, lat);
            What::Location(Point::new(lon, lat))
        }
        ("event", "subscribe") => What::Subscribed,
        ("event", _) => What::Silent,
        ("", _) => return Err("a message has a MsgType"),
        _ => What::Other,
    };
    let id = get("MsgId");
    let is_number = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    // Only what is said has a number; events are answered the same each time.
    if !is_number && matches!(what, What::Text(_) | What::Location(_)) {
        return Err("a message has a MsgId");
    }
    Ok(Message { from, to, id: id.to_owned(), what })
}

/// An answer to a message, as XML. `at` is in epoch seconds.
pub(crate) fn answer(to: &Message, text: &str, at: i64) -> String {
    // The end of a section stands in none.
    let text = text.replace("]]>", "]]&gt;");
    format!(
        "<xml><ToUserName><![CDATA[{}]]></ToUserName><FromUserName><![CDATA[{}]]></FromUserName>\
         <CreateTime>{at}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content></xml>",
        to.from, to.to
    )
}

/// The fields of the one element `xml`, each a text. Fields with elements in them are passed over; a document type, which
/// could name entities, is refused as everything else that is not expected.
fn fields(xml: &str) -> Option<BTreeMap<String, String>> {
    let mut rest = xml.trim().trim_start_matches('\u{feff}');
    if let Some(declared) = rest.strip_prefix("<?xml") {
        rest = declared.split_once("?>")?.1.trim_start();
    }
    rest = rest.strip_prefix("<xml>")?.strip_suffix("</xml>")?;
    let mut fields = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(fields);
        }
        let (name, after) = rest.strip_prefix('<')?.split_once('>')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || fields.len() == FIELDS_MAX {
            return None;
        }
        let end = format!("</{name}>");
        let (text, after) = value(after, &end)?;
        rest = after;
        if let Some(text) = text {
            fields.insert(name.to_owned(), text);
        }
    }
}

/// The text up to an end tag, and what is behind it; no text where there are elements.
fn value<'a>(mut rest: &'a str, end: &str) -> Option<(Option<String>, &'a str)> {
    let mut text = String::new();
    loop {
        if let Some(section) = rest.strip_prefix("<![CDATA[") {
            let (plain, after) = section.split_once("]]>")?;
            text.push_str(plain);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(end) {
            return Some((Some(text), after));
        } else if rest.starts_with('<') {
            let (_, after) = rest.split_once(end)?;
            return Some((None, after));
        } else {
            let (plain, after) = rest.split_at(rest.find('<')?);
            text.push_str(&unescaped(plain)?);
            rest = after;
        }
    }
}

/// A text without the five escapes of XML; `None` if it has another.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('&');
    plain.push_str(parts.next()?);
    for part in parts {
        let (name, after) = part.split_once(';')?;
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        });
        plain.push_str(after);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_the_token_and_of_now() {
        // printf '%s' 1409735669abctokenxyz | sha1sum, whose parts stand in the order of their letters.
        let signature = sign("tokenxyz", "1409735669", "abc");
        assert_eq!(
            signature,
            secret::hexadecimal(digest(&SHA1_FOR_LEGACY_USE_ONLY, b"1409735669abctokenxyz").as_ref())
        );
        let signed = |signature: &str, now: i64| is_signed("tokenxyz", (signature, "1409735669", "abc"), now);
        assert_eq!(signed(&signature, 1_409_735_669 + 300), Ok(()));
        assert_eq!(signed(&signature, 1_409_735_669 + 301), Err(Unsigned::Time));
        assert_eq!(signed(&signature, 1_409_735_669 - 301), Err(Unsigned::Time));
        assert_eq!(signed(&signature[1..], 1_409_735_669), Err(Unsigned::Signature));
        assert_eq!(signed("", 1_409_735_669), Err(Unsigned::Signature));
    }

    fn of(more: &str) -> Result<Message, &'static str> {
        read(&format!(
            "<xml>\n<ToUserName><![CDATA[gh_city]]></ToUserName><FromUserName><![CDATA[oABC-_1]]></FromUserName>\n\
             <CreateTime>1348831860</CreateTime>{more}</xml>\n"
        ))
    }

    #[test]
    fn messages_of_the_platform_are_read() {
        let text = "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[积水 <b> & ]]]></Content><MsgId>1234567890123456</MsgId>";
        let message = of(text).unwrap();
        assert_eq!((&*message.from, &*message.to, &*message.id), ("oABC-_1", "gh_city", "1234567890123456"));
        assert_eq!(message.what, What::Text("积水 <b> & ]".to_owned()));
        let place = "<MsgType>location</MsgType><Location_X>39.908500</Location_X><Location_Y>116.397500</Location_Y>\
            <Scale>20</Scale><Label><![CDATA[天安门]]></Label><MsgId>7</MsgId>";
        let What::Location(point) = of(place).unwrap().what else { panic!() };
        assert!((point.lon - 116.391_3).abs() < 0.000_2 && (point.lat - 39.907_1).abs() < 0.000_2, "{point:?}");
        let event = |name: &str| of(&format!("<MsgType>event</MsgType><Event>{name}</Event>")).unwrap().what;
        assert_eq!((event("subscribe"), event("unsubscribe")), (What::Subscribed, What::Silent));
        let nested = "<MsgType>image</MsgType><Pictures><item>1</item></Pictures><MsgId>8</MsgId>";
        assert_eq!(of(nested).unwrap().what, What::Other);
        assert_eq!(
            of("<MsgType>text</MsgType><Content>a &lt; b</Content><MsgId>9</MsgId>").unwrap().what,
            What::Text("a < b".into())
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        assert!(read("<!DOCTYPE x [<!ENTITY e \"e\">]><xml></xml>").is_err());
        assert!(of("<MsgType>text</MsgType><Content>&e;</Content><MsgId>9</MsgId>").is_err(), "an entity");
        assert!(of("<MsgType>text</MsgType><Content>x</Content>").is_err(), "no number");
        assert!(
            of("<MsgType>location</MsgType><Location_X>91</Location_X><Location_Y>1</Location_Y><MsgId>1</MsgId>")
                .is_err()
        );
        assert!(of("<Encrypt><![CDATA[abc]]></Encrypt>").unwrap_err().contains("明文"));
        assert!(of("<MsgType>text").is_err() && read("").is_err() && read("<xml>").is_err());
    }

    #[test]
    fn an_answer_is_a_message_back() {
        let message = of("<MsgType>text</MsgType><Content>x</Content><MsgId>9</MsgId>").unwrap();
        let fields = fields(&answer(&message, "a ]]> b", 5)).unwrap();
        let get = |name: &str| fields[name].as_str();
        assert_eq!((get("ToUserName"), get("FromUserName"), get("CreateTime")), ("oABC-_1", "gh_city", "5"));
        assert_eq!(get("Content"), "a ]]&gt; b");
    }
}
