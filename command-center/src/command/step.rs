//! A step of a case: what happened, who did it, when, and what it did to the clocks. What stands on the bus; never
//! edited, only added to.

use super::case::{Segment, Where};
use super::clock::{Clock, Stage};
use model::{AreaLevel, Domain, EventTime, Limit, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Who acts for the city itself: rules that are trusted, and time.
pub(crate) const CITY: &str = "citywatch";

/// A step. `(case, version)` names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CaseStep)]
pub(crate) struct Step {
    pub(crate) case: Uuid,
    /// The case's number, which people use.
    pub(crate) number: String,
    /// 1 for the first step of a case.
    pub(crate) version: u64,
    /// Epoch milliseconds, UTC.
    #[schema(value_type = i64)]
    pub(crate) at: EventTime,
    pub(crate) by: By,
    /// The clocks that it changed, as they are after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) clocks: Vec<Clock>,
    #[serde(flatten)]
    pub(crate) what: Fact,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct By {
    /// An account, `token/` and a token's name, or `citywatch`.
    pub(crate) name: String,
    /// On which side of the case; none for what belongs to no side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) side: Option<Side>,
    /// For which unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
}

/// The sides of a case. Nobody acts on two of them in one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// 监督轴: accepts, verifies, checks, closes, evaluates.
    Supervision,
    /// 指挥轴: dispatches and coordinates.
    Command,
    /// Handles.
    Unit,
}

/// What verifying found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerifyResult {
    /// It is so.
    Real,
    /// It is not.
    NotFound,
    /// Nobody can tell.
    CannotTell,
}

/// What checking found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckResult {
    /// It is done.
    Fixed,
    /// It is not.
    NotFixed,
    /// Nobody can tell.
    CannotTell,
}

/// Limits that a rule names for the cases of its incidents, instead of the class's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RuleLimits {
    /// Until somebody is sent, in milliseconds around the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) respond_ms: Option<i64>,
    /// Until it is handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resolve_ms: Option<i64>,
}

/// What a case begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Report {
    /// sensor, staff, citizen
    pub(crate) source: String,
    pub(crate) class: String,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) domain: Option<Domain>,
    #[schema(value_type = String)]
    pub(crate) severity: Severity,
    pub(crate) place: Where,
    /// The incident that it is made from.
    #[serde(default)]
    pub(crate) incident: Option<Uuid>,
    /// The incident's rule and key.
    #[serde(default)]
    pub(crate) rule: Option<String>,
    #[serde(default)]
    pub(crate) key: Option<String>,
    /// The case that it is a part of.
    #[serde(default)]
    pub(crate) parent: Option<Uuid>,
    #[serde(default)]
    pub(crate) limits: RuleLimits,
}

/// A file that shows something. The file itself is kept by its hash, not on the bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Evidence {
    /// SHA-256 of the file, in hexadecimal.
    pub(crate) hash: String,
    /// As in image/jpeg.
    pub(crate) kind: String,
    pub(crate) bytes: u64,
    /// When and where it was taken; null where nobody said.
    #[schema(value_type = Option<i64>)]
    pub(crate) taken_at: Option<EventTime>,
    pub(crate) lon: Option<f64>,
    pub(crate) lat: Option<f64>,
}

/// How much one report speaks of what is known, and why: see `serve::merge`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Likeness {
    /// From 0 to 1.
    pub(crate) score: f64,
    /// How far apart in metres.
    pub(crate) distance_m: f64,
    /// How far apart in milliseconds.
    pub(crate) apart_ms: i64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CaseFact)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Fact {
    Reported(Report),
    Verified {
        result: VerifyResult,
        note: String,
    },
    Registered {
        class: String,
        note: String,
    },
    /// It is not the city's to do, as one person says; a second one reviews it.
    PutOutside {
        reason: String,
        where_to: String,
    },
    /// Where it is upheld, reason and place are told to who reported it; else it goes on as before.
    OutsideReviewed {
        upheld: bool,
        note: String,
        reason: String,
        where_to: String,
    },
    /// Who reported it asks for a second look at what was rejected.
    AskedAgain {
        reason: String,
        /// Whether it was rejected as not the city's to do.
        outside: bool,
    },
    /// `is_proposed`: the duty list says so too.
    Dispatched {
        unit: String,
        is_proposed: bool,
        note: String,
        #[serde(default)]
        tasks: Vec<String>,
        /// The unit of each task; null for the unit itself. Left out where all are its own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        task_units: Vec<Option<String>>,
        /// Each task waits for those before it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        in_order: bool,
    },
    Accepted {
        note: String,
    },
    Returned {
        reason: String,
    },
    FedBack {
        note: String,
        evidence: Vec<String>,
    },
    ExtensionAsked {
        /// As in `4 work_hour`.
        #[schema(value_type = String)]
        limit: Limit,
        reason: String,
    },
    ExtensionGranted {
        /// As in `4 work_hour`.
        #[schema(value_type = String)]
        limit: Limit,
        note: String,
    },
    ExtensionRefused {
        reason: String,
    },
    Suspended {
        #[schema(value_type = i64)]
        until: EventTime,
        reason: String,
    },
    /// By somebody, or because its end came.
    Resumed {
        note: String,
    },
    Checked {
        result: CheckResult,
        note: String,
        evidence: Vec<String>,
    },
    /// It ended by itself before anybody was sent.
    SelfCleared {
        note: String,
    },
    /// `likeness`: how much it speaks of the other, where it was merged without a person.
    Voided {
        of: Uuid,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        likeness: Option<Likeness>,
    },
    Unmerged {
        reason: String,
    },
    /// Another case is void as a duplicate of this one.
    Absorbed {
        duplicate: Uuid,
    },
    /// It is no longer.
    Released {
        duplicate: Uuid,
    },
    Urged {
        reason: String,
    },
    /// `before` is what the unit before used of the clock.
    Transferred {
        unit: String,
        reason: String,
        before: Option<Segment>,
    },
    Evaluated {
        score: u8,
        note: String,
    },
    Reopened {
        reason: String,
    },
    /// An incident is about the same as it. `likeness`: how much so.
    Joined {
        incident: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        likeness: Option<Likeness>,
    },
    /// An incident that had joined is about something else.
    Separated {
        incident: Uuid,
        reason: String,
    },
    EvidenceAdded(Evidence),
    Noted {
        note: String,
    },
    /// `clock` is that of each unit's reporting in.
    Whistled {
        units: Vec<String>,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock: Option<Box<Clock>>,
    },
    /// Units that were called used 80 % of their time to report in.
    WhistleWarned {
        units: Vec<String>,
    },
    /// They used all of it.
    WhistleBreached {
        units: Vec<String>,
    },
    ReportedIn {
        unit: String,
        note: String,
    },
    TaskDone {
        task: usize,
    },
    PartAdded {
        part: Uuid,
    },
    /// A part is over, or is not any more.
    PartOver {
        part: Uuid,
        over: bool,
    },
    /// All parts are over.
    PartsDone,
    /// A clock used 80 % of its limit.
    Warned {
        stage: Stage,
    },
    /// People were called: the unit where its time grows short, those of the next level where it is over. `who` was on
    /// duty or has a contact; nobody, if it is empty.
    Called {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        level: Option<AreaLevel>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        units: Vec<String>,
        who: Vec<String>,
    },
    /// A clock used its limit; the next level is called.
    Breached {
        stage: Stage,
        #[schema(value_type = Option<String>)]
        climbs_to: Option<AreaLevel>,
    },
}

impl Fact {
    /// The past participle of the event's type.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Fact::Reported(_) => "reported",
            Fact::Verified { .. } => "verified",
            Fact::Registered { .. } => "registered",
            Fact::PutOutside { .. } => "put_outside",
            Fact::OutsideReviewed { .. } => "outside_reviewed",
            Fact::AskedAgain { .. } => "asked_again",
            Fact::Dispatched { .. } => "dispatched",
            Fact::Accepted { .. } => "accepted",
            Fact::Returned { .. } => "returned",
            Fact::FedBack { .. } => "fed_back",
            Fact::ExtensionAsked { .. } => "extension_asked",
            Fact::ExtensionGranted { .. } => "extension_granted",
            Fact::ExtensionRefused { .. } => "extension_refused",
            Fact::Suspended { .. } => "suspended",
            Fact::Resumed { .. } => "resumed",
            Fact::Checked { .. } => "checked",
            Fact::SelfCleared { .. } => "self_cleared",
            Fact::Voided { .. } => "voided",
            Fact::Unmerged { .. } => "unmerged",
            Fact::Absorbed { .. } => "absorbed",
            Fact::Released { .. } => "released",
            Fact::Urged { .. } => "urged",
            Fact::Transferred { .. } => "transferred",
            Fact::Evaluated { .. } => "evaluated",
            Fact::Reopened { .. } => "reopened",
            Fact::Joined { .. } => "joined",
            Fact::Separated { .. } => "separated",
            Fact::EvidenceAdded(_) => "evidence_added",
            Fact::Noted { .. } => "noted",
            Fact::Whistled { .. } => "whistled",
            Fact::WhistleWarned { .. } => "whistle_warned",
            Fact::WhistleBreached { .. } => "whistle_breached",
            Fact::ReportedIn { .. } => "reported_in",
            Fact::TaskDone { .. } => "task_done",
            Fact::PartAdded { .. } => "part_added",
            Fact::PartOver { .. } => "part_over",
            Fact::PartsDone => "parts_done",
            Fact::Warned { .. } => "warned",
            Fact::Breached { .. } => "breached",
            Fact::Called { .. } => "called",
        }
    }
}
