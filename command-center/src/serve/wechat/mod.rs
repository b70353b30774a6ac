//! Appeals by the city's WeChat official account: a text says what it is, and within ten minutes a location, or a text
//! with the name of a subdistrict, says where; then it is taken in, and answered with number and secret.
//!
//! What it promises: a message that the platform sends again is answered the same and makes nothing twice, also after a
//! kill; who sends is kept as a keyed hash alone, and is on no bus. What it does not do: it sends nothing of its own
//! accord, and fetches no picture.

mod message;
mod settings;

pub(crate) use self::message::{Message, Unsigned, answer, is_signed, read};
pub use self::settings::WeChat;

use self::message::What;
use super::appeal::acts::came_to;
use super::appeal::intake::{NewAppeal, Taken, take_in};
use super::appeal::key;
use super::appeal::life::Appeal;
use super::appeal::step::Channel;
use super::appeal::told::Speaker;
use crate::CenterError;
use crate::api::case_view::unit_name;
use crate::auth::secret::{hexadecimal, wall_ms};
use crate::center::Center;
use crate::city::City;
use crate::store::appeals::{Reporter, find_appeal};
use crate::store::wechat::{Said, keep_said, said_by};
use crate::store::{commit, whole};
use hmac::{Hmac, KeyInit, Mac};
use model::{AreaLevel, Millis, Point};
use sha2::Sha256;
use std::sync::Arc;

/// How long a text waits for its place.
const WAITS_MS: i64 = 10 * Millis::MINUTE.0;
/// How long it is kept that something was said: long after the platform sends it again.
pub(crate) const KEPT_MS: i64 = Millis::DAY.0;
/// Longest text of an appeal, in characters; a longer one is cut.
const TEXT_MAX: usize = 2_000;
/// What a text begins with that says where.
const PLACE_WORDS: [&str; 3] = ["地点", "位置", "place"];

const HOW: &str = "请先用文字说明情况，再发送位置（“＋”→“位置”），即可受理。\n\
    Say in a text what it is, then send the location.";
const NOTED: &str = "已记下。请在 10 分钟内发送位置（“＋”→“位置”），或回复“地点 街道名称”，即可受理；也可继续补充文字。\n\
    Noted. Within ten minutes send the location, or \"place\" and the name of the subdistrict; you may add to the text.";
const NOWHERE: &str = "未找到该街道。请发送位置，或回复“地点 街道名称”。\n\
    There is no such subdistrict here. Send the location, or \"place\" and the name of the subdistrict.";
const LATER: &str = "发送过于频繁，请稍后再试。\nToo many messages: please try again later.";

/// Where it is.
enum Place {
    Point(Point),
    /// Code of an area.
    Area(String),
}

/// What is answered to a message; none where nothing is.
pub(crate) async fn hear(
    center: &Arc<Center>,
    settings: &WeChat,
    message: &Message,
) -> Result<Option<String>, CenterError> {
    let sender = keyed(settings, &["sender", &message.from]);
    Ok(match &message.what {
        What::Silent => None,
        What::Subscribed | What::Other => Some(HOW.to_owned()),
        What::Location(point) => Some(place(center, settings, (&sender, &message.id), Place::Point(*point)).await?),
        What::Text(text) => match named_place(text) {
            None => note(center, &sender, &message.id, text).await?,
            Some(name) => match area_named(&center.city(), name) {
                Some(code) => Some(place(center, settings, (&sender, &message.id), Place::Area(code)).await?),
                None => Some(NOWHERE.to_owned()),
            },
        },
    })
}

/// A text that only who has the token could make, and that says nothing of what it is made from.
fn keyed(settings: &WeChat, parts: &[&str]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(settings.token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(parts.join("/").as_bytes());
    hexadecimal(&mac.finalize().into_bytes())
}

/// The name of a place, where a text says where.
fn named_place(text: &str) -> Option<&str> {
    let rest = PLACE_WORDS.iter().find_map(|word| {
        let begin = text.get(..word.len()).filter(|begin| begin.eq_ignore_ascii_case(word))?;
        text.strip_prefix(begin)
    })?;
    // "地点" alone, or with a mark or a space behind it: otherwise the word belongs to what is told.
    let name = rest.trim_start_matches([':', '：', ' ', '\u{3000}']);
    (name.len() < rest.len() || rest.is_empty()).then_some(name.trim())
}

/// The code of the subdistrict or district with a name in Chinese or English, or with this code.
fn area_named(city: &City, name: &str) -> Option<String> {
    let of_level = |level| {
        let mut areas = city.areas.of_level(Some(level));
        let is_named = |names: &crate::city::Names| names.values().any(|one| one.eq_ignore_ascii_case(name));
        areas.find(|(code, area)| *code == name || is_named(&area.name)).map(|(code, _)| code.to_owned())
    };
    of_level(AreaLevel::Subdistrict).or_else(|| of_level(AreaLevel::District))
}

/// Notes what somebody says; said again by the platform it is noted already.
async fn note(center: &Arc<Center>, sender: &str, id: &str, text: &str) -> Result<Option<String>, CenterError> {
    if text.is_empty() {
        return Ok(Some(HOW.to_owned()));
    }
    let now = wall_ms();
    let known = said_by(&mut *center.store.read().await?, sender).await?;
    if let Some(said) = known.as_ref().filter(|said| said.message == id) {
        // What was taken in is answered where its place was said.
        return Ok((!said.text.is_empty()).then(|| NOTED.to_owned()));
    }
    if is_too_often(center, sender) {
        return Ok(Some(LATER.to_owned()));
    }
    let before = known.filter(|said| !said.text.is_empty() && now - said.at <= WAITS_MS);
    let together = before.map_or_else(|| text.to_owned(), |said| format!("{}\n{text}", said.text));
    let text = together.chars().take(TEXT_MAX).collect();
    keep(center, sender, Said { message: id.to_owned(), text, at: now }).await?;
    Ok(Some(NOTED.to_owned()))
}

/// Takes in what was said, now that it is known where.
async fn place(
    center: &Arc<Center>,
    settings: &WeChat,
    (sender, message): (&str, &str),
    place: Place,
) -> Result<String, CenterError> {
    // The appeal is named by the message that completes it: sent again it is the same one, with the same secret.
    let (id, secret) = key::of_key(&keyed(settings, &["appeal", sender, message]));
    let mut reading = center.store.read().await?;
    let (taken, said) = (find_appeal(&mut reading, id).await?, said_by(&mut reading, sender).await?);
    drop(reading);
    if let Some(appeal) = taken {
        // Whoever was killed in between has not emptied it; a text of after that has another number.
        return taken_in(center, &appeal, &secret).await;
    }
    let now = wall_ms();
    let Some(said) = said.filter(|said| !said.text.is_empty() && now - said.at <= WAITS_MS) else {
        return Ok(HOW.to_owned());
    };
    if is_too_often(center, sender) {
        return Ok(LATER.to_owned());
    }
    let (point, area) = match place {
        Place::Point(point) => (Some(point), None),
        Place::Area(code) => (None, Some(code)),
    };
    let new = NewAppeal {
        id,
        secret: secret.clone(),
        channel: Channel::WeChat,
        class: settings.class_of(&said.text).to_owned(),
        text: said.text,
        point,
        area,
        danger: false,
        follows: None,
        reference: None,
        taken_by: None,
        reporter: Reporter::default(),
    };
    let for_taking = Arc::clone(center);
    match whole(async move { take_in(&for_taking, new).await }).await? {
        Taken::New(appeal) | Taken::Known(appeal) => {
            keep(center, sender, Said { message: said.message, text: String::new(), at: now }).await?;
            taken_in(center, &appeal, &secret).await
        }
        Taken::Refused(why) => Ok(format!("未能受理，请核对位置是否在本市。\nIt could not be taken in: {why}.")),
    }
}

fn is_too_often(center: &Center, sender: &str) -> bool {
    center.gates.write.pass(sender, wall_ms()).is_err()
}

async fn keep(center: &Arc<Center>, sender: &str, said: Said) -> Result<(), CenterError> {
    let (center, sender) = (Arc::clone(center), sender.to_owned());
    whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        keep_said(&mut transaction, &sender, &said).await?;
        commit(transaction).await
    })
    .await
}

/// Number and secret, and what is next by when.
async fn taken_in(center: &Center, appeal: &Appeal, secret: &str) -> Result<String, CenterError> {
    let case = came_to(&mut *center.store.read().await?, appeal).await?;
    let city = center.city();
    let unit = |unit: &str| unit_name(&city, &center.duties, unit);
    let speaker = Speaker { unit_name: &unit, duties: &center.duties, working: &center.working };
    let (mut zh, mut en) = (String::new(), String::new());
    if let Some(next) = speaker.next(&case) {
        let word = |language: &str| next.text.get(language).cloned().unwrap_or_default();
        let by = next.by.and_then(|by| jiff::Timestamp::from_millisecond(by).ok());
        let by = by.map(|by| center.working.zone.to_datetime(by).strftime("%Y-%m-%d %H:%M").to_string());
        zh = format!("\n下一步：{}{}", word("zh"), by.as_ref().map_or(String::new(), |by| format!("（{by} 前）")));
        en = format!("\nNext: {}{}", word("en"), by.map_or(String::new(), |by| format!(" By {by}.")));
    }
    let number = &appeal.number;
    Ok(format!(
        "已受理，编号 {number}，查询码 {secret}。凭此查询进度、评价结果。{zh}\n\
         Taken in: number {number}, secret {secret}. With both every step can be seen, and the outcome rated.{en}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_where_only_by_the_word_and_a_mark() {
        assert_eq!(named_place("地点 东华门街道"), Some("东华门街道"));
        assert_eq!(named_place("位置：东华门街道"), Some("东华门街道"));
        assert_eq!(named_place("Place 110101001"), Some("110101001"));
        assert_eq!(named_place("地点"), Some(""));
        assert_eq!(named_place("地点附近有积水"), None);
        assert_eq!(named_place("placeholder"), None);
        assert_eq!(named_place("积水"), None);
    }
}
