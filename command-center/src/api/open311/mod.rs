//! Open311 GeoReport v2: the services, and reporting and looking up requests, as JSON and XML.
//!
//! It promises the standard's forms, and that nobody's name, telephone or secret is answered. Only what came in by
//! Open311 is listed: other citizens were told that theirs is between them and the city. It does not look addresses up,
//! and fetches no picture: both stand in the text. The standard: wiki.open311.org/GeoReport_v2.

mod answer;
mod requests;

pub(crate) use self::answer::escape;
use self::answer::{Format, Wrong, respond};
use super::Shared;
use super::appeals::pass;
use crate::auth::role::Scope;
use crate::auth::who::{Credential, Who};
use crate::center::Center;
use crate::serve::appeal::intake::Taken;
use axum::Router;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{ConnectInfo, Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;

/// When these forms changed last.
const CHANGED: &str = "2026-11-29T00:00:00Z";
/// The attribute that every service has.
const DANGER: &str = "danger";

/// Names and values, of a query or a form.
struct Given(Vec<(String, String)>);

impl Given {
    /// What is given under a name; an empty text is none.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    }

    /// A list with commas.
    fn list(&self, name: &str) -> Vec<String> {
        let parts = self.get(name).into_iter().flat_map(|list| list.split(','));
        parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }
}

/// In which language words are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lang(&'static str);

impl Lang {
    fn of(headers: &HeaderMap) -> Lang {
        let first = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if first.to_ascii_lowercase().starts_with("zh") { Lang("zh") } else { Lang("en") }
    }
}

type Asked = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// The routes.
pub(super) fn routes() -> Router<Arc<Center>> {
    Router::new()
        .route("/open311/v2/{document}", get(list).post(report))
        .route("/open311/v2/services/{document}", get(service))
        .route("/open311/v2/requests/{document}", get(request))
        .route("/open311/v2/tokens/{document}", get(token))
}

/// A document's name and its format; one without is as XML, which every client of the standard reads.
fn parts(document: &str) -> (&str, Format) {
    match document.rsplit_once('.') {
        Some((name, "json")) => (name, Format::Json),
        Some((name, "xml")) => (name, Format::Xml),
        _ => (document, Format::Xml),
    }
}

fn given(asked: Asked) -> Result<Given, Wrong> {
    let Query(given) = asked.map_err(|_| Wrong::new(StatusCode::BAD_REQUEST, "the query cannot be read"))?;
    Ok(Given(given))
}

/// Lets a stranger look, in this city.
fn may_look(center: &Center, from: (SocketAddr, &HeaderMap), asked: Asked) -> Result<(Given, Lang), Wrong> {
    pass(center, &center.gates.look, from)?;
    let given = given(asked)?;
    is_here(center, &given)?;
    Ok((given, Lang::of(from.1)))
}

/// Whether the jurisdiction is this city's, where one is named.
fn is_here(center: &Center, given: &Given) -> Result<(), Wrong> {
    match given.get("jurisdiction_id") {
        Some(named) if named != center.city().sender() => {
            Err(Wrong::new(StatusCode::NOT_FOUND, format!("jurisdiction_id \"{named}\" was not found")))
        }
        _ => Ok(()),
    }
}

async fn list(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(document): Path<String>,
    asked: Asked,
) -> Response {
    let (name, format) = parts(&document);
    let answer = async {
        let (given, lang) = may_look(&center, (peer, &headers), asked)?;
        match name {
            "services" => Ok(services(&center, lang)),
            "discovery" => Ok(discovery(&headers)),
            "requests" => requests::list(&center, &given, lang).await,
            _ => Err(Wrong::new(StatusCode::NOT_FOUND, format!("there is no document \"{name}\""))),
        }
    };
    let root = ["services", "discovery"].into_iter().find(|root| *root == name).unwrap_or("service_requests");
    respond(format, root, answer.await)
}

async fn service(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(document): Path<String>,
    asked: Asked,
) -> Response {
    let (code, format) = parts(&document);
    let definition = may_look(&center, (peer, &headers), asked).and_then(|(_, lang)| {
        let missing = || Wrong::new(StatusCode::NOT_FOUND, format!("service_code \"{code}\" was not found"));
        let class = center.duties.classes.get(code).ok_or_else(missing)?;
        Ok(json!({ "service_code": class.code, "attributes": [danger(lang)] }))
    });
    respond(format, "service_definition", definition)
}

async fn request(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(document): Path<String>,
    asked: Asked,
) -> Response {
    let (number, format) = parts(&document);
    let answer = async {
        let (_, lang) = may_look(&center, (peer, &headers), asked)?;
        requests::one(&center, number, lang).await
    };
    respond(format, "service_requests", answer.await)
}

/// A request has its number at once, so its token is the number.
async fn token(
    State(center): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(document): Path<String>,
    asked: Asked,
) -> Response {
    let (token, format) = parts(&document);
    let answer = async {
        let (_, lang) = may_look(&center, (peer, &headers), asked)?;
        requests::one(&center, token, lang).await?;
        Ok(json!([{ "token": token, "service_request_id": token }]))
    };
    respond(format, "service_requests", answer.await)
}

async fn report(
    State(center): Shared,
    headers: HeaderMap,
    Path(document): Path<String>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let (name, format) = parts(&document);
    let lang = Lang::of(&headers);
    let answer = async {
        if name != "requests" {
            return Err(Wrong::new(StatusCode::NOT_FOUND, format!("nothing can be posted to \"{name}\"")));
        }
        let unread = |_| Wrong::new(StatusCode::BAD_REQUEST, "send a form: application/x-www-form-urlencoded");
        let given = Given(form.map_err(unread)?.0);
        is_here(&center, &given)?;
        let who = keyed(&center, &given).await?;
        center.gates.keyed.pass(&who.name, crate::auth::secret::wall_ms()).map_err(Wrong::later)?;
        let (new, secret) = requests::new(&center, &given, &who.reach)?;
        match requests::take(&center, new).await? {
            Taken::New(appeal) | Taken::Known(appeal) => {
                let notice = requests::notice(&appeal, &secret, lang);
                Ok(json!([{ "service_request_id": appeal.number, "service_notice": notice, "account_id": null }]))
            }
            Taken::Refused(why) => Err(Wrong::new(StatusCode::BAD_REQUEST, why)),
        }
    };
    let answer = answer.await;
    let is_made = answer.is_ok();
    let mut response = respond(format, "service_requests", answer);
    if is_made {
        *response.status_mut() = StatusCode::CREATED;
    }
    response.into_response()
}

/// Whose api_key it is: a token with the scope appeals:write.
async fn keyed(center: &Center, given: &Given) -> Result<Who, Wrong> {
    let wrong = || Wrong::new(StatusCode::FORBIDDEN, "api_key is missing or not valid");
    let key = given.get("api_key").ok_or_else(wrong)?;
    let who = Credential::token(key).who(center).await?;
    who.filter(|who| who.scopes.contains(&Scope::AppealsWrite)).ok_or_else(wrong)
}

/// Where this stands and which forms it has, by the name that was asked. Behind TLS its proxy says so.
fn discovery(headers: &HeaderMap) -> Value {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    let url = format!("{scheme}://{}/open311/v2", text("host").unwrap_or_default());
    json!({
        "changeset": CHANGED, "contact": null, "key_service": null,
        "endpoints": [{
            "specification": "http://wiki.open311.org/GeoReport_v2", "url": url, "changeset": CHANGED,
            "type": "production", "formats": ["text/xml", "application/json"],
        }],
    })
}

/// The classes of cases.
fn services(center: &Center, lang: Lang) -> Value {
    let service = |class: &model::Class| {
        let name = if lang == Lang("zh") { &class.name_zh } else { &class.name_en };
        json!({
            "service_code": class.code, "service_name": name, "description": name, "metadata": true,
            "type": "realtime", "keywords": format!("{},{}", class.name_en, class.name_zh),
            "group": class.code.get(..2).unwrap_or(&class.code),
        })
    };
    center.duties.classes.values().map(service).collect()
}

/// Whether somebody is in danger: asked of every service.
fn danger(lang: Lang) -> Value {
    let zh = lang == Lang("zh");
    let words = |en: &'static str, zh_words: &'static str| if zh { zh_words } else { en };
    json!({
        "variable": true, "code": DANGER, "datatype": "singlevaluelist", "required": false, "order": 1,
        "datatype_description": words("Choose one.", "请选择一项"),
        "description": words("Is somebody in danger?", "是否危及人身安全"),
        "values": [{ "key": "yes", "name": words("Yes", "是") }, { "key": "no", "name": words("No", "否") }],
    })
}
