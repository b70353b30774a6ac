//! How people and groups are reached beside the page.

use super::Shared;
use super::problem::{Body, Params, Problem};
use super::rosters::noted;
use super::subscriptions::{DeliveryList, Which, page};
use crate::auth::secret;
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::duty::notice::Notice;
use crate::command::duty::roster::named;
use crate::serve::notice::contact::{Contact, ContactKind, Language, check};
use crate::serve::notice::forms::NOTICE;
use crate::serve::notice::sign;
use crate::store::contacts::{add_contact, contacts, find_contact, remove_contact};
use crate::store::deliveries::{New, drop_queue, enqueue, resend};
use crate::store::{commit, whole};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// Contacts at most; more are refused.
const CONTACTS_MAX: usize = 2_000;

/// A contact; its address is shown in part.
#[derive(Serialize, ToSchema)]
#[schema(as = DutyContact)]
pub(crate) struct ContactView {
    id: String,
    who: String,
    kind: ContactKind,
    /// Without what makes it a secret.
    address: String,
    language: Language,
    created_at: i64,
    created_by: String,
}

/// The contacts by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContactList {
    items: Vec<ContactView>,
}

/// A new contact.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewContact {
    /// An account's name, or a name for a group that chains and rosters have.
    who: String,
    kind: ContactKind,
    /// A mail address, or where to POST.
    address: String,
    /// What a robot of DingTalk is signed by; a webhook's is made here.
    #[serde(default)]
    secret: Option<String>,
    #[serde(default)]
    language: Language,
}

/// A contact, and the secret of a webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContactMade {
    contact: ContactView,
    /// Begins with `whsec_`; told this once.
    secret: Option<String>,
}

impl ContactView {
    fn new(one: &Contact) -> ContactView {
        ContactView {
            id: one.id.to_string(),
            who: one.who.clone(),
            kind: one.kind,
            address: one.masked(),
            language: one.language,
            created_at: one.created_at,
            created_by: one.created_by.clone(),
        }
    }
}

/// How people and groups are reached.
#[utoipa::path(get, path = "/api/v1/contacts", tag = "duty", responses((status = 200, body = ContactList)))]
pub(crate) async fn list(State(center): Shared) -> Result<Json<ContactList>, Problem> {
    let all = contacts(&mut *center.store.read().await?).await?;
    Ok(Json(ContactList { items: all.iter().map(ContactView::new).collect() }))
}

/// Adds a way to reach somebody.
#[utoipa::path(post, path = "/api/v1/contacts", tag = "duty", request_body = NewContact,
    responses((status = 201, body = ContactMade), (status = 400, body = Problem)))]
pub(crate) async fn add(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewContact>,
) -> Result<Response, Problem> {
    named(&new.who).map_err(Problem::bad)?;
    let (plain_http, has_mail) = (center.outgoing.plain_http, center.outgoing.mailer.is_some());
    check(new.kind, &new.address, plain_http, has_mail).map_err(Problem::bad)?;
    if new.secret.as_ref().is_some_and(|secret| new.kind != ContactKind::Dingtalk || secret.len() > 200) {
        return Err(Problem::bad("only a robot of DingTalk has a secret of its own, of at most 200 bytes"));
    }
    let made = if new.kind == ContactKind::Webhook { Some(sign::secret()?) } else { None };
    let one = Contact {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, secret::new()?.as_bytes()),
        who: new.who,
        kind: new.kind,
        address: new.address,
        secret: made.clone().or(new.secret),
        language: new.language,
        created_at: secret::wall_ms(),
        created_by: who.name.clone(),
    };
    let contact = ContactView::new(&one);
    let done = whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        if contacts(&mut transaction).await?.len() >= CONTACTS_MAX {
            return Err(Problem::bad(format!("there are {CONTACTS_MAX} contacts, which is the most")));
        }
        add_contact(&mut transaction, &one).await?;
        let id = one.id.to_string();
        noted(&center, &mut transaction, &who, ("contact.added", &id), &one.who).await?;
        commit(transaction).await?;
        drop(writer);
        center.outbox.notify_one();
        Ok(())
    });
    done.await?;
    Ok((StatusCode::CREATED, Json(ContactMade { contact, secret: made })).into_response())
}

/// Forgets a contact, and what waits for it.
#[utoipa::path(post, path = "/api/v1/contacts/{id}/end", tag = "duty", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn end(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    change(center, who, id, Change::End).await
}

/// Sends a contact a notice that says nothing, to try whether notices arrive.
#[utoipa::path(post, path = "/api/v1/contacts/{id}/test", tag = "duty", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn test(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    change(center, who, id, Change::Test).await
}

/// Sends a contact again what died.
#[utoipa::path(post, path = "/api/v1/contacts/{id}/resend", tag = "duty", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn again(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    change(center, who, id, Change::Resend).await
}

/// What was sent to a contact, or is to be: the newest first.
#[utoipa::path(get, path = "/api/v1/contacts/{id}/deliveries", tag = "duty", params(("id" = String, Path), Which),
    responses((status = 200, body = DeliveryList), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn deliveries(
    State(center): Shared,
    Path(id): Path<String>,
    Params(which): Params<Which>,
) -> Result<Json<DeliveryList>, Problem> {
    let mut reading = center.store.read().await?;
    let target = found(&mut reading, &id).await?.target();
    Ok(Json(page(&mut reading, &target, &which).await?))
}

#[derive(Clone, Copy)]
enum Change {
    End,
    Test,
    Resend,
}

async fn change(center: Arc<Center>, who: Who, id: String, change: Change) -> Result<StatusCode, Problem> {
    let done = whole(async move {
        let now = secret::wall_ms();
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        let one = found(&mut transaction, &id).await?;
        let target = one.target();
        let what = match change {
            Change::End => {
                remove_contact(&mut transaction, one.id).await?;
                drop_queue(&mut transaction, &target).await?;
                "contact.ended"
            }
            Change::Test => {
                let body = serde_json::to_string(&Notice::test(center.now()));
                let body = body.expect("text and numbers always serialise");
                let id = Uuid::new_v5(&one.id, secret::new()?.as_bytes()).to_string();
                let new = New { id, target: &target, kind: NOTICE, subject: "", body: &body };
                enqueue(&mut transaction, &new, now).await?;
                "contact.tested"
            }
            Change::Resend => {
                resend(&mut transaction, &target, None, now).await?;
                "contact.resent"
            }
        };
        noted(&center, &mut transaction, &who, (what, &id), "").await?;
        commit(transaction).await?;
        drop(writer);
        center.outgoing.wake.notify_one();
        center.outbox.notify_one();
        Ok::<_, Problem>(())
    });
    done.await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn found(connection: &mut AnyConnection, id: &str) -> Result<Contact, Problem> {
    let missing = || Problem::missing("contact", id);
    let at: Uuid = id.parse().map_err(|_| missing())?;
    find_contact(connection, at).await?.ok_or_else(missing)
}
