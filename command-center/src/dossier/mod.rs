//! Dossiers: what people of the city talk over, step by step, beside the cases: interviews 约谈 and objections 申诉 of
//! units, deliberations 群众议事 of panels, mediations 调处化解 of disputes, checks 月检查 of a month; and what the city says
//! itself: public notices 公告, published scores and raised findings.
//!
//! What they share: each is the fold of its steps, which stand on the bus and are only added to; of two who act at once
//! one wins; who acted on one side of it acts on no other; a store that is lost is made again from the log. What they do
//! not share is in a file each: what happens, in which order, and who may. No dossier changes a case.

pub(crate) mod deliberation;
pub(crate) mod desk;
pub(crate) mod interview;
pub(crate) mod mediation;
pub(crate) mod month_check;
pub(crate) mod objection;
pub(crate) mod public_notice;
pub(crate) mod replay;
pub(crate) mod score;

use crate::command::decide::{Actor, Refused};
use crate::command::step::{By, Side};
use bus::Topic;
use model::EventTime;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Steps of one dossier; one more is refused.
pub(crate) const STEPS_MAX: u64 = 200;

/// A step. `(dossier, version)` names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DossierStep)]
pub(crate) struct Step<F> {
    /// Which kind of dossier.
    pub(crate) kind: String,
    pub(crate) dossier: Uuid,
    /// The dossier's number, which people use.
    pub(crate) number: String,
    /// 1 for the first step.
    pub(crate) version: u64,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    pub(crate) by: By,
    #[serde(flatten)]
    pub(crate) what: F,
}

/// What every dossier has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DossierHead)]
pub(crate) struct Head {
    #[schema(value_type = String)]
    pub(crate) id: Uuid,
    /// The day, and its number of that day.
    pub(crate) number: String,
    /// Steps so far; names this version: the ETag of the detail.
    pub(crate) version: u64,
    #[schema(value_type = i64)]
    pub(crate) began_at: EventTime,
    #[schema(value_type = i64)]
    pub(crate) changed_at: EventTime,
    /// On which side each person acted.
    pub(crate) sides: BTreeMap<String, Side>,
}

/// What it is searched by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filed<'a> {
    pub(crate) state: &'static str,
    pub(crate) is_open: bool,
    pub(crate) unit: Option<&'a str>,
    pub(crate) case: Option<Uuid>,
    /// What it is about, in words that are compared.
    pub(crate) about: Option<String>,
    pub(crate) district: Option<&'a str>,
    pub(crate) subdistrict: Option<&'a str>,
}

/// A kind of dossier.
pub(crate) trait Dossier: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What happens to it.
    type Fact: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Its word in the store, and in the types of its events.
    const KIND: &'static str;
    /// Where its steps stand.
    const TOPIC: Topic;

    /// The dossier that a first step begins; `None` if the step is no beginning.
    fn begin(head: Head, what: &Self::Fact) -> Option<Self>;
    /// What a later step does to it.
    fn apply(&mut self, step: &Step<Self::Fact>);
    fn head(&self) -> &Head;
    fn head_mut(&mut self) -> &mut Head;
    fn filed(&self) -> Filed<'_>;
    /// The past participle of the event's type.
    fn name(what: &Self::Fact) -> &'static str;
    /// What somebody may do to it now: the last parts of the routes. Not all of it is certain before it is asked for.
    fn offered(&self, actor: &Actor) -> Vec<&'static str>;
}

impl Head {
    fn of<F>(step: &Step<F>) -> Head {
        let mut head = Head {
            id: step.dossier,
            number: step.number.clone(),
            version: 0,
            began_at: step.at,
            changed_at: step.at,
            sides: BTreeMap::new(),
        };
        head.note(step);
        head
    }

    fn note<F>(&mut self, step: &Step<F>) {
        (self.version, self.changed_at) = (step.version, step.at);
        if let Some(side) = step.by.side {
            self.sides.entry(step.by.name.clone()).or_insert(side);
        }
    }

    /// Whether somebody may act on a side.
    pub(crate) fn admit(&self, actor: &Actor, side: Side) -> Result<(), Refused> {
        match self.sides.get(&actor.name) {
            Some(other) if *other != side => Err(Refused::Side("you have acted on the other side of it".to_owned())),
            _ => Ok(()),
        }
    }
}

/// The dossier after a step; `None` if the step does not follow what there is.
pub(crate) fn fold<D: Dossier>(held: Option<D>, step: &Step<D::Fact>) -> Option<D> {
    match held {
        None if step.version == 1 => D::begin(Head::of(step), &step.what),
        Some(mut dossier) if step.version == dossier.head().version + 1 => {
            dossier.head_mut().note(step);
            dossier.apply(step);
            Some(dossier)
        }
        _ => None,
    }
}

/// Where a unit stands, by its code, which ends in its area's: nine digits for a subdistrict, six for a district.
pub(crate) fn place_of(unit: &str) -> (Option<&str>, Option<&str>) {
    let area = unit.rsplit('-').next().unwrap_or_default();
    let is_code = area.bytes().all(|byte| byte.is_ascii_digit());
    match area.len() {
        9 if is_code => (Some(&area[..6]), Some(area)),
        6 if is_code => (Some(area), None),
        _ => (None, None),
    }
}

/// That a step was taken by the unit that a dossier is about.
pub(crate) fn of_unit(actor: &Actor, unit: &str) -> Result<(), Refused> {
    if actor.unit.as_deref() == Some(unit) { Ok(()) } else { Err(Refused::Side("it is about another unit".to_owned())) }
}

/// That somebody who decides about a unit is not of it.
pub(crate) fn not_of_unit(actor: &Actor, unit: &str) -> Result<(), Refused> {
    if actor.unit.as_deref() == Some(unit) {
        return Err(Refused::Side("you are of the unit that it is about".to_owned()));
    }
    Ok(())
}
