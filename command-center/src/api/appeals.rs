//! What citizens ask, without an account: report, look by number and secret, rate, open again, add a photo.
//!
//! Each is counted by address and all together. Who asks from another site's page is refused: a browser says so.

use super::Shared;
use super::appeal_view::{AppealView, Known, Received, view};
use super::appeals_keyed::{placed, taker};
use super::case_acts::refused;
use super::case_view::names;
use super::problem::{Body, Params, Problem};
use crate::auth::guard::is_same_origin;
use crate::auth::secret;
use crate::center::Center;
use crate::city::Names;
use crate::command::evidence::Files;
use crate::command::step::Evidence;
use crate::reader::blocking;
use crate::serve::appeal::acts::{Answered, Ask, PHOTOS_MAX, add_photo, answer, find, for_photo};
use crate::serve::appeal::intake::{NewAppeal, Taken, is_within, take_in};
use crate::serve::appeal::key;
use crate::serve::appeal::life::{Appeal, Judgement};
use crate::serve::appeal::photos::take_room;
use crate::serve::appeal::step::{Channel, Satisfied};
use crate::serve::gate::{Gate, network};
use crate::serve::known::known_near;
use crate::store::appeals::Reporter;
use crate::store::whole;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Point;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use utoipa::{IntoParams, ToSchema};

/// Largest photo, in bytes.
pub(super) const PHOTO_BYTES_MAX: usize = 8 << 20;

/// What is asked of a reporter's program beside number and secret.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Secret {
    /// As it was told when the appeal was taken in; dashes, spaces and case do not matter.
    #[serde(default)]
    secret: String,
}

/// What a citizen reports.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewAppeal)]
pub(crate) struct NewAppealBody {
    /// A class's code, of `GET /api/v1/appeals/classes`.
    class: String,
    /// 1 to 2,000 characters. Mobile telephone numbers in it are hidden.
    text: String,
    /// WGS-84.
    #[serde(default)]
    lon: Option<f64>,
    #[serde(default)]
    lat: Option<f64>,
    /// Code of a subdistrict or a district, where there is no point.
    #[serde(default)]
    area: Option<String>,
    /// Whether somebody is in danger.
    #[serde(default)]
    danger: bool,
    /// The number of a case that is known: it is followed, and no other is made.
    #[serde(default)]
    follows: Option<String>,
    /// At most 64 and 24 characters; kept apart, shown masked, forgotten after 180 days.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    /// Only of an operator or with a token of the scope `appeals:write`, as the next two: the number of the caller's
    /// own list, 1 to 64 characters. The same again is the same appeal, also where it came in the hotline's list.
    #[serde(default)]
    pub(super) reference: Option<String>,
    /// What lon and lat are in: wgs84, gcj02, bd09; wgs84 if it is left out. Converted.
    #[serde(default)]
    pub(super) datum: Option<String>,
    /// By which way it came to the caller; hotline where there is a reference, else page.
    #[serde(default)]
    pub(super) channel: Option<Channel>,
    /// 32 to 64 letters, digits and dashes, 128 random bits or more: the same key again is the same appeal.
    #[serde(default)]
    key: Option<String>,
}

/// What somebody is about to report.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Near {
    /// A class's code.
    class: String,
    /// WGS-84.
    lon: f64,
    lat: f64,
}

/// What is known near a place, the likeliest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownNear {
    /// Within so many metres it is looked for.
    radius_m: f64,
    items: Vec<Known>,
}

/// A class that citizens can report.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppealClass {
    class: String,
    name: Names,
}

/// All of them, by code.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppealClasses {
    items: Vec<AppealClass>,
}

/// How it went.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Rating {
    /// yes, mostly, no
    satisfied: Satisfied,
    solved: bool,
    /// Whether the unit was in touch.
    contacted: bool,
    /// At most 2,000 characters.
    #[serde(default)]
    note: String,
}

/// Why it is opened again.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ReopenBody {
    /// 1 to 2,000 characters.
    reason: String,
}

/// Lets a stranger through a gate, or says when to come again.
pub(super) fn pass(center: &Center, gate: &Gate, from: (SocketAddr, &HeaderMap)) -> Result<(), Problem> {
    gate.pass(&address(from), secret::wall_ms()).map_err(|seconds| {
        center.counters.turned_away.fetch_add(1, Ordering::Relaxed);
        Problem::later(seconds)
    })
}

/// Who asks: behind a proxy on this machine, whom that names last.
fn address((peer, headers): (SocketAddr, &HeaderMap)) -> String {
    let named = headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok()).next_back();
    let named = named.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    network(named.filter(|_| peer.ip().to_canonical().is_loopback()).unwrap_or_else(|| peer.ip()))
}

/// Refuses what a page of another site lets a browser send.
fn is_ours(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::ORIGIN) && !is_same_origin(headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the Origin header must name this host"));
    }
    Ok(())
}

/// The classes that can be reported.
#[utoipa::path(get, path = "/api/v1/appeals/classes", tag = "appeals",
    responses((status = 200, body = AppealClasses)))]
pub(crate) async fn classes(State(center): Shared) -> Json<AppealClasses> {
    let view =
        |class: &model::Class| AppealClass { class: class.code.clone(), name: names(&class.name_en, &class.name_zh) };
    Json(AppealClasses { items: center.duties.classes.values().map(view).collect() })
}

/// Open cases near a place that may be what somebody is about to report: they can be followed instead.
#[utoipa::path(get, path = "/api/v1/appeals/near", tag = "appeals", params(Near),
    responses((status = 200, body = KnownNear), (status = 400, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn near(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Params(near): Params<Near>,
) -> Result<Json<KnownNear>, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    if !center.duties.classes.contains_key(&near.class) {
        return Err(Problem::bad(format!("there is no class \"{}\"", near.class)));
    }
    if !(-180.0..=180.0).contains(&near.lon) || !(-90.0..=90.0).contains(&near.lat) {
        return Err(Problem::bad("lon and lat are degrees"));
    }
    let radius_m = center.merging.reach(&near.class).radius_m;
    let found = known_near(&center, near.class, Point::new(near.lon, near.lat)).await?;
    let items = found.iter().map(|(stored, found)| Known::new(&center, stored, found)).collect();
    Ok(Json(KnownNear { radius_m, items }))
}

/// Takes an appeal in: it makes a case, is merged into one that is known, or follows one. The secret is told with it.
#[utoipa::path(post, path = "/api/v1/appeals", tag = "appeals", request_body = NewAppealBody,
    responses((status = 201, body = Received),
        (status = 200, description = "the same key or reference was taken in before", body = Received),
        (status = 400, body = Problem), (status = 403, description = "no token for this, or another area", body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn report(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(new): Body<NewAppealBody>,
) -> Result<Response, Problem> {
    is_ours(&headers)?;
    let keyed = taker(&center, &headers, &new).await?;
    match &keyed {
        Some(who) => center.gates.keyed.pass(&who.name, secret::wall_ms()).map_err(Problem::later)?,
        None => pass(&center, &center.gates.write, (peer, &headers))?,
    }
    let key = match new.key {
        Some(key) if key::is_key(&key) => key,
        Some(_) => return Err(Problem::bad("a key has 32 to 64 letters, digits and dashes")),
        None => secret::new()?,
    };
    let point = placed((new.lon, new.lat), new.datum.as_deref())?;
    if keyed.as_ref().is_some_and(|who| !is_within(&center, &who.reach, point, new.area.as_deref())) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this place is outside your areas"));
    }
    let (by_key, secret) = key::of_key(&key);
    let id = new.reference.as_deref().map_or(by_key, key::of_reference);
    let text = |text: Option<String>| text.map(|text| text.trim().to_owned()).unwrap_or_default();
    let appeal = NewAppeal {
        id,
        secret: secret.clone(),
        channel: new.channel.unwrap_or(if new.reference.is_some() { Channel::Hotline } else { Channel::Page }),
        class: new.class,
        text: new.text,
        point,
        area: new.area,
        danger: new.danger,
        follows: new.follows,
        reference: new.reference,
        taken_by: keyed.map(|who| who.name),
        reporter: Reporter { name: text(new.name), phone: text(new.phone), ..Reporter::default() },
    };
    let taken = whole(async move { take_in(&center, appeal).await.map(|taken| (taken, center)) });
    let (taken, center) = taken.await?;
    let (status, appeal) = match taken {
        Taken::New(appeal) => (StatusCode::CREATED, appeal),
        Taken::Known(appeal) => (StatusCode::OK, appeal),
        Taken::Refused(why) => return Err(Problem::bad(why)),
    };
    // A number of a list says nothing of the secret that was told with it first.
    let secret = if key::hash(&secret) == appeal.said.secret_hash { secret } else { String::new() };
    let received = Received { secret, appeal: view(&center, &appeal).await? };
    let place = format!("/api/v1/appeals/{}", appeal.number);
    Ok((status, [(header::LOCATION, place)], Json(received)).into_response())
}

/// How an appeal stands, step by step, in its reporter's words.
#[utoipa::path(get, path = "/api/v1/appeals/{number}", tag = "appeals", params(("number" = String, Path), Secret),
    responses((status = 200, body = AppealView),
        (status = 404, description = "no appeal has this number and this secret", body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(number): Path<String>,
    Params(Secret { secret }): Params<Secret>,
) -> Result<Json<AppealView>, Problem> {
    pass(&center, &center.gates.look, (peer, &headers))?;
    let appeal = theirs(&center, &number, &secret).await?;
    Ok(Json(view(&center, &appeal).await?))
}

/// Adds a photo (JPEG, PNG, WebP, at most 8 MiB, as the body): it is evidence of the case. Four of an appeal at most.
#[utoipa::path(post, path = "/api/v1/appeals/{number}/photos", tag = "appeals", params(("number" = String, Path), Secret),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = AppealView), (status = 404, body = Problem),
        (status = 409, description = "it has four", body = Problem), (status = 413, body = Problem),
        (status = 415, description = "no photo", body = Problem), (status = 429, body = Problem),
        (status = 507, description = "the room of the day is used up", body = Problem)))]
pub(crate) async fn add(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(number): Path<String>,
    Params(Secret { secret }): Params<Secret>,
    request: Request,
) -> Result<Json<AppealView>, Problem> {
    is_ours(request.headers())?;
    pass(&center, &center.gates.write, (peer, request.headers()))?;
    let appeal = theirs(&center, &number, &secret).await?;
    // Only whose secret is right has a file read.
    photo(&center, &appeal, Bytes::from_request(request, &()).await?).await?;
    Ok(Json(view(&center, &appeal).await?))
}

async fn photo(center: &Arc<Center>, appeal: &Appeal, bytes: Bytes) -> Result<(), Problem> {
    let kind = Files::kind(&bytes).filter(|kind| kind.starts_with("image/"));
    let no_photo = || Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send a photo: JPEG, PNG or WebP");
    let kind = kind.ok_or_else(no_photo)?.to_owned();
    let full = || Problem::new(StatusCode::CONFLICT, format!("an appeal has {PHOTOS_MAX} photos at most"));
    // What is refused takes no room of the day, and leaves no file.
    for_photo(center, appeal).await?.ok_or_else(full)?;
    let (for_files, size) = (Arc::clone(center), bytes.len() as u64);
    if !take_room(center, size).await? {
        let text =
            "the city takes no more photos of this size today: send it tomorrow; your appeal is taken without it";
        return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, text));
    }
    let hash = blocking(move || for_files.evidence.keep(&bytes)).await?;
    let evidence = Evidence { hash, kind, bytes: size, taken_at: None, lon: None, lat: None };
    let (center, appeal) = (Arc::clone(center), appeal.clone());
    let added = whole(async move { add_photo(&center, &appeal, evidence).await }).await?;
    if added { Ok(()) } else { Err(full()) }
}

/// Says how it went, once each time it is done; tied to the case and to the unit.
#[utoipa::path(post, path = "/api/v1/appeals/{number}/rating", tag = "appeals", params(("number" = String, Path), Secret),
    request_body = Rating,
    responses((status = 200, body = AppealView), (status = 404, body = Problem),
        (status = 409, description = "it is not done, or rated already", body = Problem)))]
pub(crate) async fn rating(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(number): Path<String>,
    Params(Secret { secret }): Params<Secret>,
    headers: HeaderMap,
    Body(said): Body<Rating>,
) -> Result<Json<AppealView>, Problem> {
    let Rating { satisfied, solved, contacted, note } = said;
    let ask = Ask::Rate(Judgement { satisfied, solved, contacted, note });
    act(center, (peer, &headers), (number, secret), ask).await
}

/// Opens it again within 15 days of its end, twice at most: its clocks run anew.
#[utoipa::path(post, path = "/api/v1/appeals/{number}/reopen", tag = "appeals", params(("number" = String, Path), Secret),
    request_body = ReopenBody,
    responses((status = 200, body = AppealView), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "it is not done, or too long ago", body = Problem)))]
pub(crate) async fn reopen(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(number): Path<String>,
    Params(Secret { secret }): Params<Secret>,
    headers: HeaderMap,
    Body(ask): Body<ReopenBody>,
) -> Result<Json<AppealView>, Problem> {
    act(center, (peer, &headers), (number, secret), Ask::Reopen(ask.reason)).await
}

async fn act(
    center: Arc<Center>,
    from: (SocketAddr, &HeaderMap),
    (number, secret): (String, String),
    ask: Ask,
) -> Result<Json<AppealView>, Problem> {
    is_ours(from.1)?;
    pass(&center, &center.gates.write, from)?;
    let name = number.clone();
    let done = whole(async move { answer(&center, &number, &secret, ask).await.map(|done| (done, center)) });
    let (done, center) = done.await?;
    match done {
        Answered::Done(appeal) => Ok(Json(view(&center, &appeal).await?)),
        Answered::Missing => Err(missing(&name)),
        Answered::Refused(why) => Err(refused(why)),
    }
}

async fn theirs(center: &Center, number: &str, secret: &str) -> Result<Appeal, Problem> {
    let found = find(&mut *center.store.read().await?, number, secret).await?;
    found.ok_or_else(|| missing(number))
}

fn missing(number: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("no appeal has the number \"{number}\" and this secret"))
}
