//! A step of an appeal: what stands on `serve` under the appeal's id; never edited, only added to.

use crate::command::case::Where;
use crate::command::step::Likeness;
use model::EventTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A step. `(appeal, version)` names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AppealStep {
    pub(crate) appeal: Uuid,
    /// The appeal's number, which people use.
    pub(crate) number: String,
    /// 1 for the first step of an appeal.
    pub(crate) version: u64,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    #[serde(flatten)]
    pub(crate) what: AppealFact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum AppealFact {
    Received(Received),
    /// Its case is void at once as a duplicate of this one. Taking that back is a step of the case.
    Merged {
        of: Uuid,
        likeness: Likeness,
    },
    Rated(Rated),
    /// The reporter opened the case again.
    Reopened {
        case: Uuid,
        reason: String,
    },
}

impl AppealFact {
    /// The past participle of the event's type.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            AppealFact::Received(_) => "received",
            AppealFact::Merged { .. } => "merged",
            AppealFact::Rated(_) => "rated",
            AppealFact::Reopened { .. } => "reopened",
        }
    }
}

/// By which way it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Channel {
    /// The citizen's page.
    Page,
    /// The hotline's list.
    Hotline,
    /// Open311 GeoReport.
    Open311,
    /// The city's WeChat official account.
    WeChat,
}

impl Channel {
    /// Its word in the store.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Channel::Page => "page",
            Channel::Hotline => "hotline",
            Channel::Open311 => "open311",
            Channel::WeChat => "wechat",
        }
    }
}

/// What was said. Mobile telephone numbers in the text are hidden; who said it stands elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Received {
    pub(crate) channel: Channel,
    pub(crate) class: String,
    pub(crate) text: String,
    pub(crate) place: Where,
    /// Whether somebody is in danger, as the reporter says.
    pub(crate) danger: bool,
    /// The case that was made for it; the one that it follows where `follows`.
    pub(crate) case: Uuid,
    pub(crate) follows: bool,
    /// The number of the channel's own list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The account or token that took it down for its reporter; none where the reporter came by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) taken_by: Option<String>,
    /// SHA-256 of the secret, whose 80 random bits nobody guesses.
    pub(crate) secret_hash: String,
}

/// How satisfied a reporter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Satisfied {
    /// 满意.
    Yes,
    /// 基本满意.
    Mostly,
    /// 不满意.
    No,
}

/// What a reporter says when all is done, tied to the case and to the unit that had it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Rated {
    pub(crate) case: Uuid,
    /// How often the case was opened again before: each closing is rated once.
    pub(crate) round: u32,
    pub(crate) satisfied: Satisfied,
    pub(crate) solved: bool,
    /// Whether the unit was in touch.
    pub(crate) contacted: bool,
    pub(crate) note: String,
    /// The unit that had the case last; none if it was closed before anybody was sent.
    pub(crate) unit: Option<String>,
    pub(crate) class: String,
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
}
