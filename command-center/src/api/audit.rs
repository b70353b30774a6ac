//! The audit over HTTP: what people and machines did, the newest first, and whether the newest entries hang together.
//!
//! An entry holds names of accounts, kinds of acts, ids and hashes, and no personal data of citizens: what was done is there
//! as its hash alone. The whole chain is verified, against the bus too, by `citywatch audit verify`.

use super::Shared;
use super::problem::{Params, Problem};
use crate::auth::audit::{Entry, Head, verify_newest};
use crate::store::audit::{AuditFilter, last, newest};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Entries of a page, and how many if it is not said.
const LIMIT_MAX: u64 = 200;
const LIMIT: u64 = 100;
/// Entries that are looked at for a page; where fewer of them fit, the page is shorter, and the next goes on.
const LOOK_MAX: u64 = 100_000;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Who: an account's name, or `token/` and a token's.
    by: Option<String>,
    /// Which kind of act: one, as `case.dispatched`, or all of something, as `case`.
    what: Option<String>,
    /// What it was done to, as the entries have it.
    about: Option<String>,
    /// Epoch milliseconds: from this time on.
    from: Option<i64>,
    /// Epoch milliseconds: before this time.
    to: Option<i64>,
    /// Entries below this number: the `next` of the page before.
    before: Option<u64>,
    /// 1 to 200; 100 if it is not said.
    limit: Option<u64>,
}

/// A page of the audit, the newest entries first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    items: Vec<Entry>,
    /// What `before` is for the next page; null at the end. A page may be short, or empty, before that: 100,000 entries are
    /// looked at for each.
    next: Option<u64>,
    /// Where the chain ends now, as SEQ:HASH, for `citywatch audit verify --head`; null without an entry.
    head: Option<String>,
}

/// Up to where the chain is to be the one that was written down.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerifyQuery {
    /// A head that was written down before, as SEQ:HASH.
    head: Option<String>,
}

/// Whether the newest entries hang together.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditVerified {
    is_whole: bool,
    /// The first thing that is wrong; null where nothing is.
    why: Option<String>,
    /// How many entries were looked at: the newest, 10,000 at most; null where it is broken.
    looked: Option<u64>,
    /// Where the chain ends, as SEQ:HASH; null where it is broken.
    head: Option<String>,
}

/// Who did what, and when: the newest first. For supervisors and administrators of the whole city.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = AuditPage), (status = 400, body = Problem),
        (status = 403, description = "another role, or an account of some areas", body = Problem)))]
pub(crate) async fn list(State(center): Shared, Params(query): Params<AuditQuery>) -> Result<Json<AuditPage>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad(format!("a page has 1 to {LIMIT_MAX} entries")));
    }
    let mut reading = center.store.read().await?;
    let end = last(&mut reading).await?.map(|entry| Head { seq: entry.seq, hash: entry.hash });
    let newest_below = end.as_ref().map_or(1, |head| head.seq + 1);
    let before = query.before.map_or(newest_below, |before| before.clamp(1, newest_below));
    let above = before.saturating_sub(LOOK_MAX + 1);
    let filter = AuditFilter { by: query.by, what: query.what, about: query.about, from: query.from, to: query.to };
    let mut items = newest(&mut reading, &filter, (above, before), limit + 1).await?;
    let is_more = items.len() as u64 > limit;
    items.truncate(limit as usize);
    let next = match items.last() {
        Some(entry) if is_more => Some(entry.seq),
        _ => (above > 0).then_some(above + 1),
    };
    Ok(Json(AuditPage { items, next, head: end.map(|head| head.to_string()) }))
}

/// Whether each of the newest 10,000 entries is bound to the one before it, and the chain meets a head that was written
/// down. For supervisors and administrators of the whole city.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "audit", params(VerifyQuery),
    responses((status = 200, body = AuditVerified), (status = 400, body = Problem),
        (status = 403, description = "another role, or an account of some areas", body = Problem)))]
pub(crate) async fn verify(
    State(center): Shared,
    Params(query): Params<VerifyQuery>,
) -> Result<Json<AuditVerified>, Problem> {
    let known = query.head.as_deref().map(str::parse::<Head>).transpose().map_err(Problem::bad)?;
    let found = verify_newest(&mut *center.store.read().await?, known).await?;
    Ok(Json(match found {
        Ok((looked, head)) => {
            let head = (head.seq > 0).then(|| head.to_string());
            AuditVerified { is_whole: true, why: None, looked: Some(looked), head }
        }
        Err(why) => AuditVerified { is_whole: false, why: Some(why), looked: None, head: None },
    }))
}
