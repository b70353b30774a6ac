//! Service requests: reporting one, and the public view of those that came in by Open311.

use super::answer::Wrong;
use super::{DANGER, Given, Lang};
use crate::CenterError;
use crate::api::appeal_view::class_name;
use crate::api::case_view::unit_name;
use crate::auth::role::Reach;
use crate::auth::secret;
use crate::center::Center;
use crate::city::Names;
use crate::serve::appeal::acts::came_to;
use crate::serve::appeal::intake::{NewAppeal, Taken, is_within, take_in};
use crate::serve::appeal::key;
use crate::serve::appeal::life::Appeal;
use crate::serve::appeal::step::Channel;
use crate::serve::appeal::told::{Speaker, state};
use crate::store::appeals::{AppealFilter, Reporter, appeal_numbered, appeals_by};
use crate::store::whole;
use axum::http::StatusCode;
use model::{EventTime, Millis, Point};
use serde_json::{Value, json};
use sqlx::AnyConnection;
use std::sync::Arc;

/// The longest span of a list, as the standard advises.
const SPAN: Millis = Millis(90 * Millis::DAY.0);
/// Requests of an answer at most; the newest.
const LISTED_MAX: usize = 200;
/// Numbers that one request may name.
const NUMBERS_MAX: usize = 50;

/// What is reported, and the secret that its reporter is told.
pub(super) fn new(center: &Center, given: &Given, reach: &Reach) -> Result<(NewAppeal, String), Wrong> {
    let mut wrong = Vec::new();
    let class = given.get("service_code").unwrap_or_default().to_owned();
    if class.is_empty() {
        wrong.push("service_code is missing".to_owned());
    } else if !center.duties.classes.contains_key(&class) {
        let text = format!("service_code \"{class}\" was not found");
        return Err(Wrong::new(StatusCode::NOT_FOUND, text));
    }
    let degrees = |name: &str| given.get(name).map(|text| text.parse::<f64>().ok());
    let point = match (degrees("lat"), degrees("long")) {
        (Some(Some(lat)), Some(Some(lon))) => Some(Point::new(lon, lat)),
        (None, None) => None,
        _ => {
            wrong.push("lat and long are degrees, and go together".to_owned());
            None
        }
    };
    let mut area = given.get("address_id").map(str::to_owned);
    if let (None, None, Some(address)) = (point, &area, given.get("address_string")) {
        area = center.city().areas.named_in(address);
        if area.is_none() {
            let text = format!("address_string \"{address}\" names no district and no subdistrict of this city alone");
            return Err(Wrong::new(StatusCode::BAD_REQUEST, format!("{text}: send lat and long, or address_id")));
        }
    }
    if point.is_none() && area.is_none() && wrong.is_empty() {
        let text =
            "a location is missing: lat and long, the code of an area as address_id, or its name in address_string";
        wrong.push(text.to_owned());
    }
    let words = ["description", "address_string", "media_url"].into_iter().filter_map(|name| given.get(name));
    let text = words.collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        wrong.push("description is missing".to_owned());
    }
    if !wrong.is_empty() {
        return Err(Wrong::parameters(wrong));
    }
    if !is_within(center, reach, point, area.as_deref()) {
        return Err(Wrong::new(StatusCode::FORBIDDEN, "this place is outside the areas of the api_key"));
    }
    let name = [given.get("last_name"), given.get("first_name")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let text_of = |name: &str| given.get(name).unwrap_or_default().to_owned();
    let (id, secret) = key::of_key(&secret::new()?);
    let new = NewAppeal {
        id,
        secret: secret.clone(),
        channel: Channel::Open311,
        class,
        text,
        point,
        area,
        danger: given.get(&format!("attribute[{DANGER}]")) == Some("yes"),
        follows: None,
        reference: None,
        taken_by: None,
        reporter: Reporter {
            name,
            phone: text_of("phone"),
            email: text_of("email"),
            device: text_of("device_id"),
            account: text_of("account_id"),
        },
    };
    Ok((new, secret))
}

/// Takes it in.
pub(super) async fn take(center: &Arc<Center>, new: NewAppeal) -> Result<Taken, CenterError> {
    let center = Arc::clone(center);
    whole(async move { take_in(&center, new).await }).await
}

/// What its reporter is told, once.
pub(super) fn notice(appeal: &Appeal, secret: &str, lang: Lang) -> String {
    let number = &appeal.number;
    match lang {
        Lang("zh") => format!("编号 {number}，查询码 {secret}：凭此查询进度、评价结果"),
        _ => format!("Number {number}, secret {secret}: with both every step can be seen, and the outcome rated."),
    }
}

/// Requests by their numbers, or by service, time and status.
pub(super) async fn list(center: &Center, given: &Given, lang: Lang) -> Result<Value, Wrong> {
    let numbers = given.list("service_request_id");
    if numbers.len() > NUMBERS_MAX {
        let text = format!("service_request_id names {NUMBERS_MAX} requests at most");
        return Err(Wrong::new(StatusCode::BAD_REQUEST, text));
    }
    let mut wrong = Vec::new();
    let mut time = |name: &str| -> Option<EventTime> {
        let parsed = given.get(name)?.parse().ok();
        if parsed.is_none() {
            wrong.push(format!("{name} is a time as in 2026-03-02T08:00:00+08:00"));
        }
        parsed
    };
    let (from, until) = (time("start_date"), time("end_date"));
    let statuses = given.list("status");
    if let Some(other) = statuses.iter().find(|status| !["open", "closed"].contains(&status.as_str())) {
        wrong.push(format!("status is open or closed, not \"{other}\""));
    }
    if !wrong.is_empty() {
        return Err(Wrong::parameters(wrong));
    }
    let mut reading = center.store.read().await?;
    let mut appeals = Vec::new();
    if numbers.is_empty() {
        let until = until.unwrap_or_else(|| from.map_or(center.now(), |from| from + SPAN));
        let from = from.unwrap_or(EventTime(until.0 - SPAN.0)).max(EventTime(until.0 - SPAN.0));
        let filter = AppealFilter { channel: Channel::Open311, classes: given.list("service_code"), from, until };
        appeals = appeals_by(&mut reading, &filter, LISTED_MAX).await?;
    }
    for number in &numbers {
        appeals.extend(public(&mut reading, number).await?);
    }
    let mut shown = Vec::new();
    for appeal in appeals {
        let request = request(center, &mut reading, &appeal, lang).await?;
        if statuses.is_empty() || statuses.iter().any(|status| request["status"] == *status.as_str()) {
            shown.push(request);
        }
    }
    Ok(Value::Array(shown))
}

/// One request.
pub(super) async fn one(center: &Center, number: &str, lang: Lang) -> Result<Value, Wrong> {
    let mut reading = center.store.read().await?;
    let found = public(&mut reading, number).await?;
    let missing = || Wrong::new(StatusCode::NOT_FOUND, format!("service_request_id \"{number}\" was not found"));
    let appeal = found.ok_or_else(missing)?;
    Ok(json!([request(center, &mut reading, &appeal, lang).await?]))
}

/// An appeal that everybody may see: not what another server has, so that two that ask each other stay apart.
async fn public(reading: &mut AnyConnection, number: &str) -> Result<Option<Appeal>, CenterError> {
    let found = appeal_numbered(reading, number).await?;
    Ok(found.filter(|appeal| appeal.said.channel == Channel::Open311 && appeal.said.reference.is_none()))
}

async fn request(
    center: &Center,
    reading: &mut AnyConnection,
    appeal: &Appeal,
    lang: Lang,
) -> Result<Value, CenterError> {
    let case = came_to(reading, appeal).await?;
    let (city, said) = (center.city(), &appeal.said);
    let word = |names: &Names| names.get(lang.0).cloned().unwrap_or_default();
    let unit = |unit: &str| unit_name(&city, &center.duties, unit);
    let speaker = Speaker { unit_name: &unit, duties: &center.duties, working: &center.working };
    let next = speaker.next(&case);
    let area = said.place.subdistrict.as_deref().or(said.place.district.as_deref());
    let time = |at: i64| {
        let at = jiff::Timestamp::from_second(at.div_euclid(1_000)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.display_with_offset(center.working.zone.to_offset(at)).to_string()
    };
    Ok(json!({
        "service_request_id": appeal.number,
        "status": if case.state.is_open() { "open" } else { "closed" },
        "status_notes": word(&state(&case)),
        "service_name": word(&class_name(center, &said.class)),
        "service_code": said.class,
        "description": said.text,
        "agency_responsible": case.unit.as_deref().map(|code| word(&unit(code))),
        "service_notice": next.as_ref().map(|next| word(&next.text)),
        "requested_datetime": time(appeal.received_at.0),
        "updated_datetime": time(case.changed_at.0.max(appeal.received_at.0)),
        "expected_datetime": next.and_then(|next| next.by).map(time),
        "address": area.map(|area| word(&city.areas.name_within(area))),
        "address_id": area,
        "zipcode": null,
        "lat": said.place.lat,
        "long": said.place.lon,
        "media_url": null,
    }))
}
