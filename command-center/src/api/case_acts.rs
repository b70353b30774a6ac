//! A route for each act on a case. All need the detail's ETag in If-Match; who was slower is told so.

use super::Shared;
use super::cases::{elsewhere, now, within};
use super::problem::{Body, Problem, seen};
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::act::{self, Act};
use crate::command::decide::Refused;
use crate::command::desk::{self, Outcome};
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

macro_rules! acts {
    ($($(#[doc = $doc:literal])+ $name:ident, $path:literal, $body:ident, $act:ident;)+) => {
        $(
            $(#[doc = $doc])+
            #[utoipa::path(post, path = $path, tag = "cases", request_body = act::$body,
                params(("id" = String, Path, description = "id or number"),
                    ("If-Match" = String, Header, description = "the ETag of the detail")),
                responses((status = 200, body = super::case_view::CaseDetail), (status = 400, body = Problem),
                    (status = 403, description = "another role, side, unit or area", body = Problem),
                    (status = 404, body = Problem),
                    (status = 409, description = "not as the case stands", body = Problem),
                    (status = 412, description = "it changed since", body = Problem),
                    (status = 428, description = "If-Match is missing", body = Problem)))]
            async fn $name(
                State(center): Shared,
                Extension(who): Extension<Who>,
                Path(id): Path<String>,
                headers: HeaderMap,
                body: Result<Body<act::$body>, Problem>,
            ) -> Result<Response, Problem> {
                done(center, who, &id, &headers, body.map(|Body(body)| Act::$act(body))).await
            }
        )+

        /// The routes of all acts.
        pub(super) fn routes() -> OpenApiRouter<Arc<Center>> {
            OpenApiRouter::new()$(.routes(routes!($name)))+
        }
    };
}

acts! {
    /// 核实: real, not_found (it is rejected) or cannot_tell.
    verify, "/api/v1/cases/{id}/verify", Verify, Verify;
    /// 立案: the total clock starts.
    register, "/api/v1/cases/{id}/register", Register, Register;
    /// Outside the city's duty, with a reason and where to go; a second person reviews it.
    put_outside, "/api/v1/cases/{id}/put-outside", PutOutside, PutOutside;
    /// Upheld, it is rejected and who reported it is told reason and place; else it goes on as before.
    review_outside, "/api/v1/cases/{id}/review-outside", ReviewOutside, ReviewOutside;
    /// 派遣 to the proposed unit or another.
    dispatch, "/api/v1/cases/{id}/dispatch", Dispatch, Dispatch;
    /// 签收 by the unit.
    accept, "/api/v1/cases/{id}/accept", Note, Accept;
    /// 回退 by the unit: it is dispatched anew.
    give_back, "/api/v1/cases/{id}/return", Reason, Return;
    /// 反馈 by the unit: it says that it is done.
    feedback, "/api/v1/cases/{id}/feedback", Feedback, Feedback;
    /// 延期: the unit asks for a longer limit.
    ask_extension, "/api/v1/cases/{id}/ask-extension", AskExtension, AskExtension;
    /// The longer limit is granted.
    grant_extension, "/api/v1/cases/{id}/grant-extension", Note, GrantExtension;
    /// The longer limit is refused.
    refuse_extension, "/api/v1/cases/{id}/refuse-extension", Reason, RefuseExtension;
    /// 挂账: put off until an end; the clocks stand.
    suspend, "/api/v1/cases/{id}/suspend", Suspend, Suspend;
    /// Goes on before its end.
    resume, "/api/v1/cases/{id}/resume", Note, Resume;
    /// 核查, never by the unit: fixed (it is closed), not_fixed (back to the unit) or cannot_tell.
    check, "/api/v1/cases/{id}/check", Check, Check;
    /// Closes a case whose incidents ended by themselves before anybody was sent.
    close_cleared, "/api/v1/cases/{id}/close-cleared", Note, CloseCleared;
    /// 作废: a duplicate of another open case.
    void, "/api/v1/cases/{id}/void", Void, Void;
    /// Takes being a duplicate back; the case is what it was.
    unmerge, "/api/v1/cases/{id}/unmerge", Reason, Unmerge;
    /// An incident that had joined goes: it becomes a case of its own, if it is an alarm still.
    separate, "/api/v1/cases/{id}/separate", Separate, Separate;
    /// 督办.
    urge, "/api/v1/cases/{id}/urge", Reason, Urge;
    /// To another unit, of any level; the clock's time is split at the hand-over.
    transfer, "/api/v1/cases/{id}/transfer", Transfer, Transfer;
    /// 评价: 1 to 5.
    evaluate, "/api/v1/cases/{id}/evaluate", Evaluate, Evaluate;
    /// Opens a closed case again; the clocks start anew.
    reopen, "/api/v1/cases/{id}/reopen", Reason, Reopen;
    /// Adds a note.
    note, "/api/v1/cases/{id}/note", Note, Note;
    /// 吹哨: calls units to the case, which must report in.
    whistle, "/api/v1/cases/{id}/whistle", Whistle, Whistle;
    /// 报到 by a unit that was called.
    report_in, "/api/v1/cases/{id}/report-in", Note, ReportIn;
    /// A step of the plan is done.
    do_task, "/api/v1/cases/{id}/do-task", DoTask, DoTask;
    /// A part for another unit; a case without a unit of its own is closed when all parts are over.
    add_part, "/api/v1/cases/{id}/add-part", AddPart, AddPart;
}

/// The answer to a unit about a case that is none of its own.
pub(super) fn other_unit() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "the case is another unit's, or your unit was not called")
}

async fn done(
    center: Arc<Center>,
    who: Who,
    id: &str,
    headers: &HeaderMap,
    act: Result<Act, Problem>,
) -> Result<Response, Problem> {
    let (seen, act) = match (seen(headers), act) {
        (Ok(seen), Ok(act)) => (seen, act),
        (seen, act) => {
            // Whoever may not see the case is told that, and nothing else.
            within(&mut *center.store.look().await?, id, &who.reach).await?;
            return Err(seen.err().or(act.err()).expect("one of the two is wrong"));
        }
    };
    let problem = match desk::act(&center, id.to_owned(), seen, act, who.actor()).await? {
        Outcome::Done(stored) => return Ok(now(&center, &who, &stored).await?),
        Outcome::Missing => Problem::missing("case", id),
        Outcome::Elsewhere => elsewhere(),
        Outcome::Stale => {
            Problem::new(StatusCode::PRECONDITION_FAILED, "the case changed since you looked at it: look again")
        }
        Outcome::Refused(why) => refused(why),
    };
    Err(problem)
}

/// The answer to what may not be done.
pub(super) fn refused(why: Refused) -> Problem {
    match why {
        Refused::Role => Problem::new(StatusCode::FORBIDDEN, "this needs another role"),
        Refused::Side(why) => Problem::new(StatusCode::FORBIDDEN, why),
        Refused::OtherUnit => other_unit(),
        Refused::Elsewhere => Problem::new(
            StatusCode::FORBIDDEN,
            "the other case is outside your areas: ask somebody who sees both, of the district or the city",
        ),
        Refused::State(why) => Problem::new(StatusCode::CONFLICT, why),
        Refused::Invalid(why) => Problem::bad(why),
    }
}
