//! What is sent, form by form: the body of a delivery for who gets it. Pure.

use super::cap;
use super::contact::{Contact, ContactKind, Language};
use super::retry::Tried;
use super::sign::{hmac, signatures};
use super::subscription::{Content, Form, SNAPSHOT, Subscription};
use crate::command::duty::notice::Notice;
use crate::store::deliveries::Delivery;
use axum::http::{HeaderName, header};
use jiff::tz::TimeZone;
use model::{EventTime, Millis};
use serde::Deserialize;
use serde_json::{Value, json};

/// The type of a message that only tries whether they arrive.
pub(crate) const TEST: &str = "org.citywatch.subscription.tested";
/// The type of a notice.
pub(crate) const NOTICE: &str = "org.citywatch.notice.sent";
/// Bytes of a text that WeCom takes.
const WECOM_MAX: usize = 2_048;
/// Bytes of a text that DingTalk takes.
const DINGTALK_MAX: usize = 20_000;
/// What a robot says that is asked too often: WeCom 45009, DingTalk 130101.
const TOO_OFTEN: [i64; 2] = [45_009, 130_101];

/// What is sent, and how.
#[derive(Clone, Debug)]
pub(crate) enum Sent {
    /// By POST.
    Post {
        url: String,
        headers: Vec<(HeaderName, String)>,
        body: String,
        /// Reads the answer of a 2xx.
        judge: fn(&[u8]) -> Result<(), Tried>,
    },
    /// By mail.
    Mail { to: String, subject: String, text: String },
}

/// A delivery for a subscriber. `None` if it cannot be read: then it is not ours.
pub(crate) fn of_subscription(one: &Subscription, delivery: &Delivery, zone: &TimeZone, now: i64) -> Option<Sent> {
    let (kind, body) = match (one.form, &*delivery.kind) {
        (_, TEST) | (_, SNAPSHOT) => {
            ("application/json", enveloped(delivery, EventTime(now), &serde_json::from_str(&delivery.body).ok()?))
        }
        (Form::Cap, _) => {
            let content: Content = serde_json::from_str(&delivery.body).ok()?;
            ("application/cap+xml", cap::document(&content.message, content.first_sent, zone))
        }
        (Form::Json, _) => {
            let content: Content = serde_json::from_str(&delivery.body).ok()?;
            let message = serde_json::to_value(&content.message).ok()?;
            ("application/json", enveloped(delivery, content.message.sent, &message))
        }
    };
    signed(&one.url, &one.secrets(now), (kind, body), delivery, now)
}

/// A notice for a contact. `None` if it cannot be read.
pub(crate) fn of_contact(contact: &Contact, delivery: &Delivery, zone: &TimeZone, now: i64) -> Option<Sent> {
    let notice: Notice = serde_json::from_str(&delivery.body).ok()?;
    let (title, text) = (notice.title(contact.language), notice.text(contact.language, zone));
    let json = || vec![(header::CONTENT_TYPE, "application/json".to_owned())];
    Some(match contact.kind {
        ContactKind::Email => Sent::Mail { to: contact.address.clone(), subject: title, text },
        ContactKind::Webhook => {
            let data: Value = serde_json::from_str(&delivery.body).ok()?;
            let body = enveloped(delivery, notice.at, &data);
            let secret = contact.secret.as_deref()?;
            return signed(&contact.address, &[secret], ("application/json", body), delivery, now);
        }
        ContactKind::Wecom => {
            let text = cut(&text, WECOM_MAX, contact.language);
            let body = json!({ "msgtype": "text", "text": { "content": text } }).to_string();
            Sent::Post { url: contact.address.clone(), headers: json(), body, judge: robot }
        }
        ContactKind::Dingtalk => {
            let text = cut(&text, DINGTALK_MAX, contact.language);
            let body = json!({ "msgtype": "text", "text": { "content": text } }).to_string();
            let url = dingtalk(&contact.address, contact.secret.as_deref(), now);
            Sent::Post { url, headers: json(), body, judge: robot }
        }
    })
}

fn enveloped(delivery: &Delivery, at: EventTime, data: &Value) -> String {
    json!({ "type": delivery.kind, "timestamp": at.to_string(), "data": data }).to_string()
}

/// With the headers of Standard Webhooks: the id is that of the delivery, the time that of this try.
fn signed(url: &str, secrets: &[&str], (kind, body): (&str, String), delivery: &Delivery, now: i64) -> Option<Sent> {
    let seconds = now.div_euclid(1_000);
    let signature = signatures(secrets, &delivery.id, seconds, &body)?;
    let headers = vec![
        (header::CONTENT_TYPE, kind.to_owned()),
        (HeaderName::from_static("webhook-id"), delivery.id.clone()),
        (HeaderName::from_static("webhook-timestamp"), seconds.to_string()),
        (HeaderName::from_static("webhook-signature"), signature),
    ];
    Some(Sent::Post { url: url.to_owned(), headers, body, judge: |_| Ok(()) })
}

/// The address of a robot of DingTalk with the signature of this moment, where it has a secret.
fn dingtalk(address: &str, secret: Option<&str>, now: i64) -> String {
    let Some(secret) = secret else { return address.to_owned() };
    let sign = hmac(secret.as_bytes(), format!("{now}\n{secret}").as_bytes());
    let sign: String = url::form_urlencoded::byte_serialize(sign.as_bytes()).collect();
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}timestamp={now}&sign={sign}")
}

/// What a robot answers: 200 also where it refuses.
fn robot(answer: &[u8]) -> Result<(), Tried> {
    #[derive(Deserialize)]
    struct Answer {
        errcode: i64,
        #[serde(default)]
        errmsg: String,
    }
    let status = Some(200);
    match serde_json::from_slice::<Answer>(answer) {
        Ok(Answer { errcode: 0, .. }) => Ok(()),
        Ok(Answer { errcode, errmsg }) => {
            let why = format!("the robot said {errcode} {errmsg}");
            if TOO_OFTEN.contains(&errcode) {
                Err(Tried::Away { status, why, after: Some(Millis::MINUTE) })
            } else {
                Err(Tried::Refused { status, why })
            }
        }
        Err(_) => Err(Tried::Refused { status, why: "this is not the answer of a robot".to_owned() }),
    }
}

/// Text of at most so many bytes, which says where it was cut.
fn cut(text: &str, most: usize, language: Language) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mark = match language {
        Language::Zh => "\n…（全文见平台）",
        Language::En => "\n… (the rest is on the page)",
    };
    let end = (0..=most - mark.len()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{mark}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dingtalk_is_signed_as_its_documentation_has_it() {
        // What `hmac.new(secret, f"{timestamp}\n{secret}", sha256)`, base64 and quote_plus of Python make of these.
        let url =
            dingtalk("https://oapi.dingtalk.com/robot/send?access_token=t", Some("this is secret"), 1_577_262_236_757);
        let sign = "&sign=hmPWwU%2B7lVdm3ZZz0r9tSfx0L4Q26jWOZr9%2BGs6EZQM%3D";
        assert_eq!(url, format!("https://oapi.dingtalk.com/robot/send?access_token=t&timestamp=1577262236757{sign}"));
        assert_eq!(dingtalk("https://a/b", None, 1), "https://a/b");
    }

    #[test]
    fn robots_say_in_the_body_whether_they_took_it() {
        assert_eq!(robot(br#"{"errcode":0,"errmsg":"ok"}"#), Ok(()));
        assert!(matches!(robot(br#"{"errcode":93000,"errmsg":"invalid webhook url"}"#), Err(Tried::Refused { .. })));
        assert!(matches!(robot(br#"{"errcode":45009,"errmsg":"api freq out of limit"}"#), Err(Tried::Away { .. })));
        assert!(matches!(robot(b"<html>"), Err(Tried::Refused { .. })));
    }

    #[test]
    fn texts_are_cut_between_letters() {
        let long = "水".repeat(1_000);
        let short = cut(&long, WECOM_MAX, Language::Zh);
        assert!(short.len() <= WECOM_MAX && short.ends_with("（全文见平台）"), "{}", short.len());
        assert_eq!(cut("a", WECOM_MAX, Language::En), "a");
    }
}
