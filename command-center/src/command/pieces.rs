//! What a case is made of: its state, its place, who had it when, how often things happened.

use super::clock::Clock;
use model::EventTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// 上报: somebody or something reported it.
    Reported,
    /// 不属职责待复核: outside the city's duty, as one person says; a second one reviews it.
    Outside,
    /// 不予立案: it is not so, or not the city's to do.
    Rejected,
    /// 核实: it is so.
    Verified,
    /// 立案: the total clock runs.
    Registered,
    /// 派遣: a unit has it and has not accepted.
    Dispatched,
    /// 处置: a unit works on it.
    Handling,
    /// 挂账: put off; the clocks stand.
    Suspended,
    /// 反馈: the unit says that it is done.
    Feedback,
    /// 结案.
    Closed,
    /// 评价: closed, and judged.
    Evaluated,
    /// 作废: a duplicate of another.
    Void,
}

impl State {
    pub(crate) const ALL: [State; 12] = [
        State::Reported,
        State::Outside,
        State::Rejected,
        State::Verified,
        State::Registered,
        State::Dispatched,
        State::Handling,
        State::Suspended,
        State::Feedback,
        State::Closed,
        State::Evaluated,
        State::Void,
    ];

    /// Its word in the store and the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Reported => "reported",
            State::Outside => "outside",
            State::Rejected => "rejected",
            State::Verified => "verified",
            State::Registered => "registered",
            State::Dispatched => "dispatched",
            State::Handling => "handling",
            State::Suspended => "suspended",
            State::Feedback => "feedback",
            State::Closed => "closed",
            State::Evaluated => "evaluated",
            State::Void => "void",
        }
    }

    /// Whether something is still to be done.
    pub(crate) fn is_open(self) -> bool {
        !matches!(self, State::Rejected | State::Closed | State::Evaluated | State::Void)
    }
}

/// Where a case is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Where {
    pub(crate) lon: Option<f64>,
    pub(crate) lat: Option<f64>,
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
}

/// Time in which one unit had the case: what it used of the clock, so that blame is split at each hand-over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Segment {
    pub(crate) unit: String,
    #[schema(value_type = i64)]
    pub(crate) from_at: EventTime,
    #[schema(value_type = Option<i64>)]
    pub(crate) until_at: Option<EventTime>,
    /// Of the clock of handling, in milliseconds; known when it ended.
    pub(crate) used_ms: Option<i64>,
    /// Whether the clock was breached in it.
    pub(crate) breached: bool,
    /// What the clock had used when it began.
    pub(crate) base_ms: i64,
}

/// How often things happened to a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Counts {
    pub(crate) dispatches: u32,
    /// Dispatches to another unit than was proposed, or sent back: the proposal was wrong.
    pub(crate) misdispatches: u32,
    pub(crate) returns: u32,
    pub(crate) feedbacks: u32,
    pub(crate) rework: u32,
    pub(crate) extensions: u32,
    pub(crate) suspensions: u32,
    pub(crate) urges: u32,
    pub(crate) transfers: u32,
    pub(crate) reopened: u32,
    pub(crate) absorbed: u32,
    pub(crate) warned: u32,
    pub(crate) breached: u32,
}

impl Counts {
    /// How often the case was given back or handed on.
    pub(crate) fn bounces(&self) -> u32 {
        self.returns + self.transfers
    }
}

/// A unit that was called to a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Whistle {
    pub(crate) unit: String,
    #[schema(value_type = i64)]
    pub(crate) called_at: EventTime,
    /// When it reported in; null before.
    #[schema(value_type = Option<i64>)]
    pub(crate) reported_at: Option<EventTime>,
    /// Until when it has to; null of whistles from before there was a limit.
    #[serde(default)]
    pub(crate) clock: Option<Clock>,
    /// The case was closed and it had not reported in.
    #[serde(default)]
    pub(crate) missed: bool,
}

impl Whistle {
    /// Whether the unit still has to report in.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.reported_at.is_none() && !self.missed
    }

    /// When time has something to say of it next.
    pub(crate) fn next(&self) -> Option<EventTime> {
        self.clock.as_ref().filter(|_| self.is_waited_for()).and_then(Clock::next)
    }
}

/// A step of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Task {
    pub(crate) what: String,
    /// The unit that does it; null if that is the one that has the case.
    #[serde(default)]
    pub(crate) unit: Option<String>,
    pub(crate) done_by: Option<String>,
    #[schema(value_type = Option<i64>)]
    pub(crate) done_at: Option<EventTime>,
}

/// That a case is not the city's to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Outside {
    pub(crate) reason: String,
    /// Where to go with it.
    pub(crate) where_to: String,
    /// Who said so first; another reviews it.
    pub(crate) by: String,
    /// What the case was before.
    pub(crate) before: State,
    /// Whether a second person says so too.
    pub(crate) upheld: bool,
}
