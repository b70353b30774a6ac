//! What people may do to a case: the acts, which roles each is for, and on which side of the case it is.

use super::step::{CheckResult, Side, VerifyResult};
use crate::auth::role::Role;
use model::{EventTime, Limit};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal, $side:expr, [$($role:ident),+];)+) => {
        /// The kinds of acts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Kind { $($(#[$doc])* $kind),+ }

        impl Kind {
            pub(crate) const ALL: &'static [Kind] = &[$(Kind::$kind),+];

            /// Its word, which is the last part of its route.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Kind::$kind => $word),+ }
            }

            /// Who may.
            pub(crate) const fn roles(self) -> &'static [Role] {
                match self { $(Kind::$kind => &[$(Role::$role),+]),+ }
            }

            /// On which side it is; none for what belongs to no side.
            pub(crate) const fn side(self) -> Option<Side> {
                match self { $(Kind::$kind => $side),+ }
            }
        }
    };
}

const SUPERVISION: Option<Side> = Some(Side::Supervision);
const COMMAND: Option<Side> = Some(Side::Command);
const UNIT: Option<Side> = Some(Side::Unit);

kinds! {
    Verify = "verify", SUPERVISION, [Inspector, Operator];
    Register = "register", SUPERVISION, [Operator];
    PutOutside = "put-outside", SUPERVISION, [Operator];
    ReviewOutside = "review-outside", SUPERVISION, [Inspector, Supervisor];
    Dispatch = "dispatch", COMMAND, [Dispatcher];
    Accept = "accept", UNIT, [Unit];
    Return = "return", UNIT, [Unit];
    Feedback = "feedback", UNIT, [Unit];
    AskExtension = "ask-extension", UNIT, [Unit];
    GrantExtension = "grant-extension", COMMAND, [Dispatcher];
    RefuseExtension = "refuse-extension", COMMAND, [Dispatcher];
    Suspend = "suspend", COMMAND, [Dispatcher];
    Resume = "resume", COMMAND, [Dispatcher];
    Check = "check", SUPERVISION, [Inspector];
    CloseCleared = "close-cleared", SUPERVISION, [Operator];
    Void = "void", SUPERVISION, [Operator];
    Unmerge = "unmerge", SUPERVISION, [Operator];
    Separate = "separate", SUPERVISION, [Operator];
    Urge = "urge", SUPERVISION, [Supervisor];
    Transfer = "transfer", COMMAND, [Dispatcher];
    Evaluate = "evaluate", SUPERVISION, [Supervisor, Operator];
    Reopen = "reopen", SUPERVISION, [Supervisor];
    Note = "note", None, [Operator, Dispatcher, Unit, Inspector, Supervisor];
    Whistle = "whistle", None, [Dispatcher, Unit];
    ReportIn = "report-in", UNIT, [Unit];
    DoTask = "do-task", UNIT, [Unit];
    AddPart = "add-part", COMMAND, [Dispatcher];
}

/// A note; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = NoteBody)]
pub(crate) struct Note {
    /// At most 2,000 characters.
    #[serde(default)]
    pub(crate) note: String,
}

/// A reason; must be given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = ReasonBody)]
pub(crate) struct Reason {
    /// 1 to 2,000 characters.
    pub(crate) reason: String,
}

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = VerifyBody)]
pub(crate) struct Verify {
    pub(crate) result: VerifyResult,
    #[serde(default)]
    pub(crate) note: String,
}

/// Registers, as this class if it is another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = RegisterBody)]
pub(crate) struct Register {
    #[serde(default)]
    pub(crate) class: Option<String>,
    #[serde(default)]
    pub(crate) note: String,
}

/// Puts it outside the city's duty. Reason and place are told to who reported it, when a second person says so too.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = PutOutsideBody)]
pub(crate) struct PutOutside {
    /// 1 to 2,000 characters.
    pub(crate) reason: String,
    /// Where to go with it: who does have it to do. 1 to 2,000 characters.
    pub(crate) where_to: String,
}

/// Whether it is outside the city's duty indeed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = ReviewOutsideBody)]
pub(crate) struct ReviewOutside {
    /// false: it is sent back, and goes on as before.
    pub(crate) upheld: bool,
    /// Must be given where it is sent back.
    #[serde(default)]
    pub(crate) note: String,
}

/// Sends it to a unit.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[schema(as = DispatchBody)]
pub(crate) struct Dispatch {
    /// The one that the duty list proposes if it is left out.
    #[serde(default)]
    pub(crate) unit: Option<String>,
    /// As in `4 work_hour`; that of the class if it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) limit: Option<Limit>,
    #[serde(default)]
    pub(crate) note: String,
}

/// What the unit says, with hashes of evidence that it added since it was sent or sent back to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = FeedbackBody)]
pub(crate) struct Feedback {
    #[serde(default)]
    pub(crate) note: String,
    #[serde(default)]
    pub(crate) evidence: Vec<String>,
}

/// The limit that the unit asks for, of the unit of time that the limit has.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[schema(as = AskExtensionBody)]
pub(crate) struct AskExtension {
    /// So much more, as in `4 work_hour`.
    #[schema(value_type = String)]
    pub(crate) more: Limit,
    pub(crate) reason: String,
}

/// Puts it off.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = SuspendBody)]
pub(crate) struct Suspend {
    /// Epoch milliseconds; it goes on then by itself.
    #[schema(value_type = i64)]
    pub(crate) until: EventTime,
    pub(crate) reason: String,
}

/// What checking found, with hashes of evidence that the case has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = CheckBody)]
pub(crate) struct Check {
    pub(crate) result: CheckResult,
    #[serde(default)]
    pub(crate) note: String,
    #[serde(default)]
    pub(crate) evidence: Vec<String>,
}

/// A duplicate of another open case.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = VoidBody)]
pub(crate) struct Void {
    #[schema(value_type = String)]
    pub(crate) of: Uuid,
    pub(crate) reason: String,
}

/// An incident that joined it is about something else.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = SeparateBody)]
pub(crate) struct Separate {
    #[schema(value_type = String)]
    pub(crate) incident: Uuid,
    /// 1 to 2,000 characters.
    pub(crate) reason: String,
}

/// Hands it to another unit, of any level.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[schema(as = TransferBody)]
pub(crate) struct Transfer {
    pub(crate) unit: String,
    /// A limit from the hand-over on; what is left of the old one if it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) limit: Option<Limit>,
    pub(crate) reason: String,
}

/// Judges how it was handled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = EvaluateBody)]
pub(crate) struct Evaluate {
    /// 1 to 5.
    pub(crate) score: u8,
    #[serde(default)]
    pub(crate) note: String,
}

/// Calls units to a case.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[schema(as = WhistleBody)]
pub(crate) struct Whistle {
    /// 1 to 16 units.
    pub(crate) units: Vec<String>,
    pub(crate) reason: String,
    /// Within which they must report in, as in `1 urgent_hour`; two urgent hours if it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) limit: Option<Limit>,
}

/// A step of the plan is done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = DoTaskBody)]
pub(crate) struct DoTask {
    /// Its place in the plan, from 0.
    pub(crate) task: usize,
}

/// A part for a unit: a case of its own, registered and dispatched at once.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[schema(as = AddPartBody)]
pub(crate) struct AddPart {
    pub(crate) unit: String,
    pub(crate) title: String,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) limit: Option<Limit>,
}

/// An act.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    Verify(Verify),
    Register(Register),
    PutOutside(PutOutside),
    ReviewOutside(ReviewOutside),
    Dispatch(Dispatch),
    Accept(Note),
    Return(Reason),
    Feedback(Feedback),
    AskExtension(AskExtension),
    GrantExtension(Note),
    RefuseExtension(Reason),
    Suspend(Suspend),
    Resume(Note),
    Check(Check),
    CloseCleared(Note),
    Void(Void),
    Unmerge(Reason),
    Separate(Separate),
    Urge(Reason),
    Transfer(Transfer),
    Evaluate(Evaluate),
    Reopen(Reason),
    Note(Note),
    Whistle(Whistle),
    ReportIn(Note),
    DoTask(DoTask),
    AddPart(AddPart),
}

impl Act {
    /// Its kind.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Act::Verify(_) => Kind::Verify,
            Act::Register(_) => Kind::Register,
            Act::PutOutside(_) => Kind::PutOutside,
            Act::ReviewOutside(_) => Kind::ReviewOutside,
            Act::Dispatch(_) => Kind::Dispatch,
            Act::Accept(_) => Kind::Accept,
            Act::Return(_) => Kind::Return,
            Act::Feedback(_) => Kind::Feedback,
            Act::AskExtension(_) => Kind::AskExtension,
            Act::GrantExtension(_) => Kind::GrantExtension,
            Act::RefuseExtension(_) => Kind::RefuseExtension,
            Act::Suspend(_) => Kind::Suspend,
            Act::Resume(_) => Kind::Resume,
            Act::Check(_) => Kind::Check,
            Act::CloseCleared(_) => Kind::CloseCleared,
            Act::Void(_) => Kind::Void,
            Act::Unmerge(_) => Kind::Unmerge,
            Act::Separate(_) => Kind::Separate,
            Act::Urge(_) => Kind::Urge,
            Act::Transfer(_) => Kind::Transfer,
            Act::Evaluate(_) => Kind::Evaluate,
            Act::Reopen(_) => Kind::Reopen,
            Act::Note(_) => Kind::Note,
            Act::Whistle(_) => Kind::Whistle,
            Act::ReportIn(_) => Kind::ReportIn,
            Act::DoTask(_) => Kind::DoTask,
            Act::AddPart(_) => Kind::AddPart,
        }
    }
}
