//! The queue of appeals for the city's people: what came in by which way, and how far it is. Who said it is masked.

use super::Shared;
use super::appeal_view::class_name;
use super::appeals_desk::{masked_email, masked_name, masked_phone};
use super::case_view::unit_name;
use super::problem::{Params, Problem};
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::Names;
use crate::command::case::{Case, State};
use crate::command::citizen::leads_to;
use crate::serve::appeal::step::{Channel, Satisfied};
use crate::serve::appeal::told::{Next, Speaker};
use crate::store::appeals_list::{After, Listed, Standing, Wanted, appeals_page};
use axum::Json;
use axum::extract::{Extension, State as Of};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Appeals of a page where the request does not say, and the most it may ask for.
const PAGE: usize = 50;
const PAGE_MAX: usize = 200;
/// Longest text that is looked for, in characters.
const TEXT_MAX: usize = 100;

/// Which appeals.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AppealQuery {
    /// Of the case that was made for it, or that it follows: open (default), over, merged (void as one with another),
    /// all, or one of the states of cases
    state: Option<String>,
    /// A class's code.
    class: Option<String>,
    /// page, hotline, open311, wechat
    #[param(value_type = Option<String>)]
    channel: Option<Channel>,
    /// Code of a district or a subdistrict.
    area: Option<String>,
    /// What stands in its words, 100 characters at most; or its whole number, or that of the channel's own list.
    text: Option<String>,
    /// At most so many; 50 if it is not said, 200 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Appeals, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppealPage {
    items: Vec<AppealRow>,
    /// Asks for the next page; null at the end.
    next: Option<String>,
}

/// An appeal in the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppealRow {
    number: String,
    received_at: i64,
    channel: Channel,
    /// The number of the channel's own list.
    reference: Option<String>,
    /// The account or token that took it down; null where its reporter came by themselves.
    taken_by: Option<String>,
    class: String,
    class_name: Names,
    text: String,
    /// Whether somebody is in danger, as the reporter says.
    danger: bool,
    district: Option<String>,
    subdistrict: Option<String>,
    place_name: Names,
    lon: Option<f64>,
    lat: Option<f64>,
    /// The case that it has come to: its own, the one that it follows, or the one that it was merged into.
    #[schema(value_type = String)]
    case: uuid::Uuid,
    case_number: String,
    /// Of that case.
    state: State,
    is_open: bool,
    /// Whether one of that case's clocks is breached.
    is_late: bool,
    unit: Option<String>,
    unit_name: Names,
    /// What is next, and by when; null where it is over.
    next: Option<Next>,
    /// Whether it follows what somebody else reported.
    follows: bool,
    /// Whether it is handled as one with another report.
    merged: bool,
    /// Masked, as in 138****5678; null where nobody told, or it is forgotten.
    name: Option<String>,
    phone: Option<String>,
    /// Masked, as in z***@example.com.
    email: Option<String>,
    /// yes, mostly, no; null before.
    satisfied: Option<Satisfied>,
    solved: Option<bool>,
}

/// The queue of appeals, newest first, within the areas of who asks.
#[utoipa::path(get, path = "/api/v1/appeals", tag = "appeals", params(AppealQuery),
    responses((status = 200, body = AppealPage), (status = 400, body = Problem)))]
pub(crate) async fn list(
    Of(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<AppealQuery>,
) -> Result<Json<AppealPage>, Problem> {
    let standing = match query.state.as_deref() {
        None | Some("open") => Some(Standing::Open),
        Some("over") => Some(Standing::Over),
        Some("merged") => Some(Standing::In(State::Void.name())),
        Some("all") => None,
        Some(word) => {
            let known = State::ALL.iter().find(|state| state.name() == word);
            let state = known.ok_or_else(|| Problem::bad(format!("there is no state \"{word}\"")))?;
            Some(Standing::In(state.name()))
        }
    };
    let text = query.text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_MAX) {
        return Err(Problem::bad(format!("a text that is looked for has {TEXT_MAX} characters at most")));
    }
    let after = query.cursor.map(|text| text.parse::<After>()).transpose();
    let after = after.map_err(|_| Problem::bad("the cursor is not one of ours: begin again without it"))?;
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let (class, channel, area, reach) = (query.class, query.channel, query.area, who.reach);
    let wanted = Wanted { standing, class, channel, area, text, reach };
    let mut reading = center.store.read().await?;
    let mut found = appeals_page(&mut reading, &wanted, after.as_ref(), limit + 1).await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|last| After::of(&last.appeal).to_string());
    let mut items = Vec::new();
    for one in found {
        let own = one.case.id;
        let case = leads_to(&mut reading, one.case.clone()).await?;
        items.push(AppealRow::new(&center, one, &case, own != case.id));
    }
    Ok(Json(AppealPage { items, next }))
}

impl AppealRow {
    fn new(center: &Center, listed: Listed, case: &Case, merged: bool) -> AppealRow {
        let Listed { appeal, reporter, .. } = listed;
        let (city, said) = (center.city(), appeal.said);
        let name_of = |unit: &str| unit_name(&city, &center.duties, unit);
        let speaker = Speaker { unit_name: &name_of, duties: &center.duties, working: &center.working };
        let area = said.place.subdistrict.as_deref().or(said.place.district.as_deref());
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        AppealRow {
            number: appeal.number,
            received_at: appeal.received_at.0,
            channel: said.channel,
            reference: said.reference,
            taken_by: said.taken_by,
            class_name: class_name(center, &said.class),
            class: said.class,
            text: said.text,
            danger: said.danger,
            place_name: area.map(|area| city.areas.name_within(area)).unwrap_or_default(),
            district: said.place.district,
            subdistrict: said.place.subdistrict,
            lon: said.place.lon,
            lat: said.place.lat,
            case: case.id,
            case_number: case.number.clone(),
            state: case.state,
            is_open: case.state.is_open(),
            is_late: case.is_late(),
            unit: case.unit.clone(),
            unit_name: case.unit.as_deref().map(name_of).unwrap_or_default(),
            next: speaker.next(case),
            follows: said.follows,
            merged: merged && !said.follows,
            name: reporter.as_ref().and_then(|reporter| told(masked_name(&reporter.name))),
            phone: reporter.as_ref().and_then(|reporter| told(masked_phone(&reporter.phone))),
            email: reporter.and_then(|reporter| told(reporter.email)).map(|email| masked_email(&email)),
            satisfied: appeal.rating.as_ref().map(|rated| rated.satisfied),
            solved: appeal.rating.as_ref().map(|rated| rated.solved),
        }
    }
}
