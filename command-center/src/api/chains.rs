//! Escalation chains: whom they tell in which order.

use super::Shared;
use super::problem::{Body, Problem, seen};
use super::rosters::{KEPT_MAX, Saved, is_newest, is_seen, may_change, noted};
use crate::auth::secret;
use crate::auth::who::Who;
use crate::center::Center;
use crate::command::duty::chain::{Chain, ROSTER, StoredChain};
use crate::command::duty::escalation::Run;
use crate::store::rosters::{Kept, chains, keep, retire, rosters};
use crate::store::runs::{keep_run, runs_of_chain};
use crate::store::{commit, whole};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sqlx::AnyConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// A chain in the list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChainRow {
    id: String,
    /// Names this version: If-Match has it in quotes.
    version: u64,
    #[serde(flatten)]
    chain: Chain,
    /// Groups that it is at work on.
    groups: usize,
}

/// The chains by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChainList {
    items: Vec<ChainRow>,
}

/// The chains, by name.
#[utoipa::path(get, path = "/api/v1/chains", tag = "duty", responses((status = 200, body = ChainList)))]
pub(crate) async fn list(State(center): Shared, Extension(who): Extension<Who>) -> Result<Json<ChainList>, Problem> {
    let mut reading = center.store.read().await?;
    let mut items = Vec::new();
    for StoredChain { id, version, chain } in chains(&mut reading).await? {
        if !is_seen(&center, &chain.areas, &who) {
            continue;
        }
        let groups = runs_of_chain(&mut reading, id).await?.len();
        items.push(ChainRow { id: id.to_string(), version, chain, groups });
    }
    items.sort_by(|a, b| a.chain.name.cmp(&b.chain.name));
    Ok(Json(ChainList { items }))
}

/// Makes a chain. It follows what comes or changes from here on.
#[utoipa::path(post, path = "/api/v1/chains", tag = "duty", request_body = Chain,
    responses((status = 201, body = Saved), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn add(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(chain): Body<Chain>,
) -> Result<Response, Problem> {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, secret::new()?.as_bytes());
    let made = whole(async move { kept(&center, (id, None), chain, &who).await }).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Puts another chain in the place of one; the groups that it is at work on go on by it.
#[utoipa::path(post, path = "/api/v1/chains/{id}", tag = "duty", request_body = Chain,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "the version, in quotes")),
    responses((status = 200, body = Saved), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 412, description = "it changed since", body = Problem)))]
pub(crate) async fn replace(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Body<Chain>, Problem>,
) -> Result<Json<Saved>, Problem> {
    let at = found(&mut *center.store.read().await?, &id).await?.id;
    let version = seen(&headers)?;
    let Body(chain) = body?;
    whole(async move { kept(&center, (at, Some(version)), chain, &who).await }).await.map(Json)
}

async fn kept(center: &Center, (id, seen): (Uuid, Option<u64>), chain: Chain, who: &Who) -> Result<Saved, Problem> {
    chain.check().map_err(Problem::bad)?;
    may_change(center, &chain.areas, who)?;
    if let Some(class) = chain.classes.iter().find(|class| !center.duties.classes.contains_key(*class)) {
        return Err(Problem::bad(format!("there is no class {class}")));
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let all = rosters(&mut transaction).await?;
    let named = chain.steps.iter().flat_map(|step| &step.notify).filter_map(|name| name.strip_prefix(ROSTER));
    for roster in named {
        let found = all.iter().find(|stored| stored.id.to_string() == roster);
        let found = found.ok_or_else(|| Problem::bad(format!("there is no roster {roster}")))?;
        if !is_seen(center, found.roster.area.as_slice(), who) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "a roster that it names is outside your areas"));
        }
    }
    let version = match seen {
        None if chains(&mut transaction).await?.len() >= KEPT_MAX => {
            return Err(Problem::bad(format!("there are {KEPT_MAX} chains, which is the most")));
        }
        None => 1,
        Some(seen) => {
            let before = found(&mut transaction, &id.to_string()).await?;
            may_change(center, &before.chain.areas, who)?;
            is_newest(before.version, seen)?;
            before.version + 1
        }
    };
    keep(&mut transaction, Kept::Chain, (id, version), &chain).await?;
    let body = serde_json::to_string(&chain).expect("text and numbers always serialise");
    noted(center, &mut transaction, who, ("chain.saved", &id.to_string()), &body).await?;
    commit(transaction).await?;
    drop(writer);
    center.outbox.notify_one();
    Ok(Saved { id: id.to_string(), version })
}

/// Ends a chain, and what it is at work on: nobody is told by it any more.
#[utoipa::path(post, path = "/api/v1/chains/{id}/end", tag = "duty", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn end(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let done = whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        let stored = found(&mut transaction, &id).await?;
        may_change(&center, &stored.chain.areas, &who)?;
        retire(&mut transaction, Kept::Chain, stored.id, center.now()).await?;
        for group in runs_of_chain(&mut transaction, stored.id).await? {
            keep_run(&mut transaction, &group, &Run::default(), None).await?;
        }
        noted(&center, &mut transaction, &who, ("chain.ended", &id), "").await?;
        commit(transaction).await?;
        drop(writer);
        center.outbox.notify_one();
        Ok::<_, Problem>(())
    });
    done.await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn found(connection: &mut AnyConnection, id: &str) -> Result<StoredChain, Problem> {
    let all = chains(connection).await?;
    all.into_iter().find(|stored| stored.id.to_string() == id).ok_or_else(|| Problem::missing("chain", id))
}
