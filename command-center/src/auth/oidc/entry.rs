//! Who comes in: the account of a subject, made or refused as the settings say, with the rights of their first group.

use super::Refusal;
use super::provider::Person;
use super::settings::{FirstSignIn, OidcMap, OidcSettings};
use crate::CenterError;
use crate::auth::admin::{LINK_ACCOUNT, check, in_writing, is_full, joined};
use crate::auth::audit::note;
use crate::center::Center;
use crate::store::accounts::{StoredAccount, add_account, find_account, set_rights};
use crate::store::identities::{find_identity, keep_identity};
use crate::store::sessions::{StoredSession, add};
use sqlx::AnyConnection;

/// Signs somebody in: the session's secret's hash is `token_hash`, it ends at `expires_at`, by the wall.
pub(crate) async fn enter(
    center: &Center,
    settings: &OidcSettings,
    person: &Person,
    (token_hash, now, expires_at): (&str, i64, i64),
) -> Result<Result<(), Refusal>, CenterError> {
    let map = settings.fitting(&person.groups);
    if map.is_none() && !settings.map.is_empty() {
        return Ok(Err(Refusal::Unmapped));
    }
    // The settings were written before the city was known: areas that are none now let nobody in.
    let fits = |name: &str| map.is_none_or(|map| check(center, name, &map.areas, map.roles.is_empty()).is_ok());
    if !fits("x") {
        return Ok(Err(Refusal::Unmapped));
    }
    let may_be_named = fits(&person.name) && person.name != LINK_ACCOUNT;
    in_writing(center, async |connection| {
        let known = find_identity(&mut *connection, &settings.issuer, &person.subject).await?;
        let account = match known {
            Some(name) => existing(connection, &name, map, now).await?,
            None if settings.first_sign_in == FirstSignIn::Refuse => Err(Refusal::Unknown),
            None if !may_be_named => Err(Refusal::Taken),
            None => made(connection, settings, person, (map, now)).await?,
        };
        let account = match account {
            Ok(account) => account,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let StoredAccount { name, roles: role, areas, unit, .. } = account;
        let session = StoredSession { name, role, areas, unit, expires_at };
        add(&mut *connection, token_hash, &session, now).await?;
        note(connection, now, &session.name, ("session.began", "oidc"), "").await?;
        Ok(Ok(()))
    })
    .await
}

/// An account that is linked to the subject, with the rights of today.
async fn existing(
    connection: &mut AnyConnection,
    name: &str,
    map: Option<&OidcMap>,
    now: i64,
) -> Result<Result<StoredAccount, Refusal>, CenterError> {
    let Some(mut account) = find_account(&mut *connection, name).await?.filter(|account| !account.disabled) else {
        return Ok(Err(Refusal::Disabled));
    };
    let Some(map) = map else { return Ok(Ok(account)) };
    let rights = rights(map);
    if (&account.roles, &account.areas, &account.unit) != (&rights.0, &rights.1, &rights.2) {
        let body = format!("{};{};{}", rights.0, rights.1, rights.2.as_deref().unwrap_or_default());
        // Sessions with what they were end: another browser signs in again.
        set_rights(&mut *connection, name, &rights).await?;
        note(connection, now, name, ("account.changed", name), &body).await?;
        (account.roles, account.areas, account.unit) = rights;
    }
    Ok(Ok(account))
}

/// A new account; one that has the name already is somebody else's.
async fn made(
    connection: &mut AnyConnection,
    settings: &OidcSettings,
    person: &Person,
    (map, now): (Option<&OidcMap>, i64),
) -> Result<Result<StoredAccount, Refusal>, CenterError> {
    let Some(map) = map else { return Ok(Err(Refusal::Unmapped)) };
    let (roles, areas, unit) = rights(map);
    let body = format!("{roles};{areas};{}", unit.as_deref().unwrap_or_default());
    let (name, created_by) = (person.name.clone(), "oidc".to_owned());
    // No password is ever right against this one.
    let password = String::new();
    let account = StoredAccount { name, roles, areas, unit, password, disabled: false, created_at: now, created_by };
    if is_full(connection).await? || !add_account(&mut *connection, &account).await? {
        return Ok(Err(Refusal::Taken));
    }
    keep_identity(&mut *connection, &settings.issuer, &person.subject, &account.name).await?;
    note(connection, now, "oidc", ("account.added", &account.name), &body).await?;
    Ok(Ok(account))
}

fn rights(map: &OidcMap) -> (String, String, Option<String>) {
    let areas = joined(map.areas.iter().map(String::as_str));
    (joined(map.roles.iter().map(|role| role.name())), areas, map.unit.clone())
}

/// Links an account to a subject of the provider; false if there is no such account.
pub(crate) async fn link(
    center: &Center,
    (account, subject): (&str, &str),
    (by, now): (&str, i64),
) -> Result<Result<bool, String>, CenterError> {
    let Some(oidc) = &center.oidc else { return Ok(Err("no identity provider is set: see center.oidc".to_owned())) };
    let issuer = &oidc.settings.issuer;
    in_writing(center, async |connection| {
        if find_account(&mut *connection, account).await?.is_none() {
            return Ok(Ok(false));
        }
        if let Some(other) = find_identity(&mut *connection, issuer, subject).await? {
            return Ok(Err(format!("\"{subject}\" is linked to \"{other}\" already")));
        }
        keep_identity(&mut *connection, issuer, subject, account).await?;
        note(connection, now, by, ("account.linked", account), subject).await?;
        Ok(Ok(true))
    })
    .await
}
