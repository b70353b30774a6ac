//! An appeal as its reporter sees it, and what is known near a place as everybody may see it.

use super::case_view::unit_name;
use crate::CenterError;
use crate::center::Center;
use crate::city::Names;
use crate::command::case::{Case, State};
use crate::serve::appeal::acts::{CaseTold, came_to, own, photos, told};
use crate::serve::appeal::life::Appeal;
use crate::serve::appeal::step::{Channel, Satisfied};
use crate::serve::appeal::told::{Next, Speaker, Told, state, steps};
use crate::serve::merge::Match;
use crate::store::cases::StoredCase;
use serde::Serialize;
use utoipa::ToSchema;

/// What was taken in, with what its reporter keeps.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceivedAppeal)]
pub(crate) struct Received {
    /// With the number it shows every step; it is told this once. Empty where a reference was taken in before.
    pub(super) secret: String,
    pub(super) appeal: AppealView,
}

/// An appeal as its reporter sees it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Appeal)]
pub(crate) struct AppealView {
    /// The day, and a number of that day.
    number: String,
    received_at: i64,
    channel: Channel,
    class: String,
    class_name: Names,
    /// Mobile telephone numbers are hidden.
    text: String,
    place_name: Names,
    lon: Option<f64>,
    lat: Option<f64>,
    /// The state of the case that it has come to.
    state: State,
    state_text: Names,
    is_open: bool,
    /// Whether it follows what somebody else reported.
    follows: bool,
    /// Whether it is handled as one with another report.
    merged: bool,
    /// The unit that has it; empty where none has.
    unit_name: Names,
    /// What is next; null where it is over.
    next: Option<Next>,
    /// What happened, first to last.
    steps: Vec<Told>,
    /// How many photos came with it.
    photos: usize,
    /// Whether its reporter may say now how it went.
    may_rate: bool,
    /// What they said last: yes, mostly, no; null before.
    satisfied: Option<Satisfied>,
    solved: Option<bool>,
    /// Until when its reporter may open it again, epoch milliseconds; null where they may not.
    reopen_until: Option<i64>,
}

/// Something known near a place.
#[derive(Serialize, ToSchema)]
#[schema(as = KnownMatter)]
pub(crate) struct Known {
    /// The number of the case, to follow it.
    number: String,
    class: String,
    class_name: Names,
    state: State,
    state_text: Names,
    reported_at: i64,
    lon: Option<f64>,
    lat: Option<f64>,
    distance_m: f64,
    /// How likely it is the same, from 0 to 1.
    score: f64,
}

impl Known {
    pub(super) fn new(center: &Center, stored: &StoredCase, found: &Match) -> Known {
        let case = &stored.case;
        Known {
            number: case.number.clone(),
            class: case.class.clone(),
            class_name: class_name(center, &case.class),
            state: case.state,
            state_text: state(case),
            reported_at: case.reported_at.0,
            lon: case.place.lon,
            lat: case.place.lat,
            distance_m: (found.distance_m * 10.0).round() / 10.0,
            score: (found.score * 1_000.0).round() / 1_000.0,
        }
    }
}

pub(super) fn class_name(center: &Center, class: &str) -> Names {
    let class = center.duties.classes.get(class);
    class.map(|class| super::case_view::names(&class.name_en, &class.name_zh)).unwrap_or_default()
}

/// An appeal as it stands now.
pub(super) async fn view(center: &Center, appeal: &Appeal) -> Result<AppealView, CenterError> {
    let mut reading = center.store.read().await?;
    let own = own(&mut reading, appeal).await?;
    let own = told(&mut reading, own).await?;
    let there = came_to(&mut reading, appeal).await?;
    let there = told(&mut reading, there).await?;
    drop(reading);
    Ok(shown(center, appeal, &own, &there))
}

fn shown(center: &Center, appeal: &Appeal, own: &CaseTold, there: &CaseTold) -> AppealView {
    let (city, now) = (center.city(), center.now());
    let name = |unit: &str| unit_name(&city, &center.duties, unit);
    let speaker = Speaker { unit_name: &name, duties: &center.duties, working: &center.working };
    let (said, case): (_, &Case) = (&appeal.said, &there.case);
    let area = said.place.subdistrict.as_deref().or(said.place.district.as_deref());
    AppealView {
        number: appeal.number.clone(),
        received_at: appeal.received_at.0,
        channel: said.channel,
        class: said.class.clone(),
        class_name: class_name(center, &said.class),
        text: said.text.clone(),
        place_name: area.map(|area| city.areas.name_within(area)).unwrap_or_default(),
        lon: said.place.lon,
        lat: said.place.lat,
        state: case.state,
        state_text: state(case),
        is_open: case.state.is_open(),
        follows: said.follows,
        merged: !said.follows && own.case.id != case.id,
        unit_name: case.unit.as_deref().map(name).unwrap_or_default(),
        next: speaker.next(case),
        steps: steps(appeal, (&own.case, &own.steps), (case, &there.steps), &speaker),
        photos: photos(appeal, &there.steps),
        may_rate: appeal.may_rate(case),
        satisfied: appeal.rating.as_ref().map(|rated| rated.satisfied),
        solved: appeal.rating.as_ref().map(|rated| rated.solved),
        reopen_until: appeal.reopen_until(case).filter(|until| now <= *until).map(|until| until.0),
    }
}
