//! Appeals as the city's people see them: those of a case, who said it, and the hotline's lists.
//!
//! Names and telephone numbers are masked; who reads them in clear is written down before the answer.

use super::Shared;
use super::cases::within;
use super::problem::Problem;
use crate::auth::admin::in_writing;
use crate::auth::audit::note;
use crate::auth::role::Role;
use crate::auth::who::Who;
use crate::command::step::Likeness;
use crate::serve::appeal::acts::{came_to, duplicates, told};
use crate::serve::appeal::import::{Imported, import as take_list};
use crate::serve::appeal::life::Appeal;
use crate::serve::appeal::step::{Channel, Satisfied};
use crate::store::appeals::{Reporter, appeal_numbered, appeals_of, refused_lines, reporter_of};
use crate::store::whole;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// Largest list, in bytes: some ten thousand lines.
pub(super) const LIST_BYTES_MAX: usize = 4 << 20;
/// Appeals of a case that are shown; the oldest.
const SHOWN_MAX: usize = 200;
/// Refused lines that are shown; the newest.
const LINES_MAX: usize = 500;

/// The appeals of a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseAppeals {
    /// Oldest first, 200 at most.
    items: Vec<CaseAppeal>,
}

/// An appeal of a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseAppeal {
    number: String,
    received_at: i64,
    channel: Channel,
    class: String,
    text: String,
    /// The case that was made for it; another than this one where it was merged, and `unmerge` there takes that back.
    #[schema(value_type = String)]
    case: uuid::Uuid,
    follows: bool,
    /// How much it spoke of this one, where it was merged without a person.
    likeness: Option<Likeness>,
    /// Masked, as in 138****5678; null where nobody told, or it is forgotten.
    name: Option<String>,
    phone: Option<String>,
    /// Masked, as in z***@example.com.
    email: Option<String>,
    /// Masked: the first two characters.
    device: Option<String>,
    account: Option<String>,
    /// yes, mostly, no; null before.
    satisfied: Option<Satisfied>,
    solved: Option<bool>,
}

/// Who said it, in clear.
#[derive(Serialize, ToSchema)]
pub(crate) struct Contact {
    name: String,
    phone: String,
    email: String,
    /// What an Open311 client calls the device and the account.
    device: String,
    account: String,
}

/// A line of a list that could not be taken.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedLine)]
pub(crate) struct LineView {
    refused_at: i64,
    by: String,
    /// Its place in the list; the head is 1.
    line: i64,
    reason: String,
    /// Whole.
    text: String,
}

/// Lines that could not be taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusedLines {
    /// Newest first, 500 at most; kept for 180 days.
    items: Vec<LineView>,
}

/// The first letter of a name: 张*.
pub(super) fn masked_name(name: &str) -> String {
    name.chars().next().map(|first| format!("{first}*")).unwrap_or_default()
}

/// The first three and the last four of a long number, of a short one nothing.
pub(super) fn masked_phone(phone: &str) -> String {
    let letters: Vec<char> = phone.chars().collect();
    if letters.len() < 10 {
        return "*".repeat(letters.len());
    }
    let (head, tail) = (letters[..3].iter().collect::<String>(), letters[letters.len() - 4..].iter());
    format!("{head}****{}", tail.collect::<String>())
}

/// The first letter of an address of e-mail, and where it is: z***@example.com.
pub(super) fn masked_email(email: &str) -> String {
    let (name, host) = email.rsplit_once('@').unwrap_or((email, ""));
    let first: String = name.chars().take(1).collect();
    if host.is_empty() { format!("{first}***") } else { format!("{first}***@{host}") }
}

/// The first two characters of a device or an account.
fn masked_id(id: &str) -> String {
    let first: String = id.chars().take(2).collect();
    format!("{first}***")
}

/// The appeals that made a case, were merged into it, or follow it. Who said it is masked.
#[utoipa::path(get, path = "/api/v1/cases/{id}/appeals", tag = "appeals",
    params(("id" = String, Path, description = "id or number")),
    responses((status = 200, body = CaseAppeals), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn of_case(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<CaseAppeals>, Problem> {
    let mut reading = center.store.read().await?;
    let stored = within(&mut reading, &id, &who.reach).await?;
    let case = told(&mut reading, stored.case).await?;
    let mut cases = vec![case.case.id];
    cases.extend(duplicates(&case.steps).into_iter().take(SHOWN_MAX));
    let mut items = Vec::new();
    for appeal in appeals_of(&mut reading, &cases, SHOWN_MAX).await? {
        let reporter = reporter_of(&mut reading, appeal.id).await?;
        items.push(of_appeal(appeal, reporter.as_ref()));
    }
    Ok(Json(CaseAppeals { items }))
}

fn of_appeal(appeal: Appeal, reporter: Option<&Reporter>) -> CaseAppeal {
    let told = |text: String| Some(text).filter(|text| !text.is_empty());
    CaseAppeal {
        number: appeal.number,
        received_at: appeal.received_at.0,
        channel: appeal.said.channel,
        class: appeal.said.class,
        text: appeal.said.text,
        case: appeal.said.case,
        follows: appeal.said.follows,
        likeness: appeal.likeness,
        name: reporter.and_then(|reporter| told(masked_name(&reporter.name))),
        phone: reporter.and_then(|reporter| told(masked_phone(&reporter.phone))),
        email: reporter.and_then(|reporter| told(reporter.email.clone())).map(|email| masked_email(&email)),
        device: reporter.and_then(|reporter| told(reporter.device.clone())).map(|id| masked_id(&id)),
        account: reporter.and_then(|reporter| told(reporter.account.clone())).map(|id| masked_id(&id)),
        satisfied: appeal.rating.as_ref().map(|rated| rated.satisfied),
        solved: appeal.rating.as_ref().map(|rated| rated.solved),
    }
}

/// Who said it, in clear: for operators, and for the unit whose case it has come to. That it was read is in the audit.
#[utoipa::path(get, path = "/api/v1/appeals/{number}/contact", tag = "appeals", params(("number" = String, Path)),
    responses((status = 200, body = Contact),
        (status = 403, description = "another area, or another unit's case", body = Problem),
        (status = 404, description = "no such appeal, or nobody told who they are", body = Problem)))]
pub(crate) async fn contact(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
) -> Result<Json<Contact>, Problem> {
    let mut reading = center.store.read().await?;
    let appeal = appeal_numbered(&mut reading, &number).await?.ok_or_else(|| Problem::missing("appeal", &number))?;
    let case = came_to(&mut reading, &appeal).await?;
    let place = &appeal.said.place;
    if !who.reach.sees(place.district.as_deref(), place.subdistrict.as_deref()) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this appeal is outside your areas"));
    }
    let is_theirs = case.unit.is_some() && case.unit == who.unit;
    if !who.roles.contains(&Role::Operator) && !is_theirs {
        return Err(super::case_acts::other_unit());
    }
    let reporter = reporter_of(&mut reading, appeal.id).await?;
    drop(reading);
    let reporter = reporter.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "nobody told, or it is forgotten"))?;
    let at = center.now().0;
    whole(async move {
        let noted = async |connection: &mut sqlx::AnyConnection| {
            note(connection, at, &who.name, ("contact.read", &number), "").await
        };
        in_writing(&center, noted).await
    })
    .await?;
    let Reporter { name, phone, email, device, account } = reporter;
    Ok(Json(Contact { name, phone, email, device, account }))
}

/// Takes a list of the hotline in: CSV in UTF-8 with a head and the columns reference, class, text, and of lon, lat,
/// datum, area, danger, name, phone those that there are. The same reference again is the same appeal. Lines that cannot
/// be taken are kept whole with the reason, and answered.
#[utoipa::path(post, path = "/api/v1/appeals/import", tag = "appeals",
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = Imported), (status = 400, description = "it has no head of this form", body = Problem),
        (status = 413, body = Problem)))]
pub(crate) async fn import(
    State(center): Shared,
    Extension(who): Extension<Who>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Imported>, Problem> {
    let text = String::from_utf8(body?.to_vec()).map_err(|_| Problem::bad("the list is not in UTF-8: save it so"))?;
    let name = who.name.clone();
    let done = whole(async move { take_list(&center, &text, &name, &who.reach).await });
    done.await?.map(Json).map_err(Problem::bad)
}

/// The lines that could not be taken, for people to mend. They are in clear, so that they were read is in the audit.
#[utoipa::path(get, path = "/api/v1/appeals/refused", tag = "appeals",
    responses((status = 200, body = RefusedLines), (status = 403, description = "for accounts of the whole city", body = Problem)))]
pub(crate) async fn refused(
    State(center): Shared,
    Extension(who): Extension<Who>,
) -> Result<Json<RefusedLines>, Problem> {
    if who.reach != crate::auth::role::Reach::City {
        let text = "a line that could not be read lies nowhere: your account is for some areas of the city";
        return Err(Problem::new(StatusCode::FORBIDDEN, text));
    }
    let at = center.now().0;
    let lines = whole(async move {
        let read = async |connection: &mut sqlx::AnyConnection| {
            let lines = refused_lines(&mut *connection, LINES_MAX).await?;
            note(connection, at, &who.name, ("contact.read", "refused lines"), "").await?;
            Ok(lines)
        };
        in_writing(&center, read).await
    });
    let view = |line: crate::store::appeals::RefusedLine| LineView {
        refused_at: line.refused_at,
        by: line.by,
        line: line.line,
        reason: line.reason,
        text: line.body,
    };
    Ok(Json(RefusedLines { items: lines.await?.into_iter().map(view).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_said_it_is_masked() {
        assert_eq!((masked_name("张三丰"), masked_name("")), ("张*".to_owned(), String::new()));
        assert_eq!(masked_phone("13812345678"), "138****5678");
        assert_eq!(masked_phone("65123456"), "********");
        assert_eq!(
            (masked_email("zhang@example.com"), masked_email("zhang")),
            ("z***@example.com".into(), "z***".into())
        );
        assert_eq!(masked_id("6f1c3a52"), "6f***");
    }
}
