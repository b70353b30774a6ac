//! Accounts and tokens, for administrators.

use super::Shared;
use super::problem::{Body, Problem};
use crate::auth::admin::{Admin, AdminAnswer, AdminRequest, NewAccount, NewToken};
use crate::auth::views::{AccountView, TokenView};
use crate::auth::who::Who;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// All accounts by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountList {
    items: Vec<AccountView>,
}

/// All tokens, the oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenList {
    items: Vec<TokenView>,
}

/// What was made or changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Made {
    /// An account's name or a token's id.
    id: String,
    /// The password or token, where it was made here; it is told this once and kept nowhere.
    secret: Option<String>,
}

/// All accounts.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", responses((status = 200, body = AccountList)))]
pub(crate) async fn list(State(center): Shared, Extension(who): Extension<Who>) -> Result<Response, Problem> {
    answered(Admin(center).answer(AdminRequest::Accounts, &who.name).await?)
}

/// Makes an account.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccount,
    responses((status = 201, body = Made), (status = 400, body = Problem)))]
pub(crate) async fn add(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewAccount>,
) -> Result<Response, Problem> {
    let made = answered(Admin(center).answer(AdminRequest::AddAccount(new), &who.name).await?)?;
    Ok((StatusCode::CREATED, made).into_response())
}

/// An account may no longer sign in; its sessions end.
#[utoipa::path(post, path = "/api/v1/accounts/{name}/disable", tag = "accounts", params(("name" = String, Path)),
    responses((status = 200, body = Made), (status = 404, body = Problem)))]
pub(crate) async fn disable(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    answered(Admin(center).answer(AdminRequest::SetDisabled { name, disabled: true }, &who.name).await?)
}

/// An account may sign in again.
#[utoipa::path(post, path = "/api/v1/accounts/{name}/enable", tag = "accounts", params(("name" = String, Path)),
    responses((status = 200, body = Made), (status = 404, body = Problem)))]
pub(crate) async fn enable(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    answered(Admin(center).answer(AdminRequest::SetDisabled { name, disabled: false }, &who.name).await?)
}

/// Another password for an account, told once; its sessions end.
#[utoipa::path(post, path = "/api/v1/accounts/{name}/password", tag = "accounts", params(("name" = String, Path)),
    responses((status = 200, body = Made), (status = 404, body = Problem)))]
pub(crate) async fn reset(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    answered(Admin(center).answer(AdminRequest::ResetPassword { name }, &who.name).await?)
}

/// All tokens.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "accounts", responses((status = 200, body = TokenList)))]
pub(crate) async fn list_tokens(State(center): Shared, Extension(who): Extension<Who>) -> Result<Response, Problem> {
    answered(Admin(center).answer(AdminRequest::Tokens, &who.name).await?)
}

/// Makes a token; it is told once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "accounts", request_body = NewToken,
    responses((status = 201, body = Made), (status = 400, body = Problem)))]
pub(crate) async fn add_token(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewToken>,
) -> Result<Response, Problem> {
    let made = answered(Admin(center).answer(AdminRequest::AddToken(new), &who.name).await?)?;
    Ok((StatusCode::CREATED, made).into_response())
}

/// Ends a token.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/revoke", tag = "accounts", params(("id" = String, Path)),
    responses((status = 200, body = Made), (status = 404, body = Problem)))]
pub(crate) async fn revoke_token(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    answered(Admin(center).answer(AdminRequest::RevokeToken { id }, &who.name).await?)
}

fn answered(answer: AdminAnswer) -> Result<Response, Problem> {
    match answer {
        AdminAnswer::Accounts(items) => Ok(Json(AccountList { items }).into_response()),
        AdminAnswer::Tokens(items) => Ok(Json(TokenList { items }).into_response()),
        AdminAnswer::Done { id, secret } => Ok(Json(Made { id, secret }).into_response()),
        AdminAnswer::Imported(done) => Ok(Json(done).into_response()),
        AdminAnswer::Verified(found) => Ok(Json(found).into_response()),
        AdminAnswer::Missing(id) => Err(Problem::missing("account or token", &id)),
        AdminAnswer::Refused(why) => Err(Problem::bad(why)),
    }
}
