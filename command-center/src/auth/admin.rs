//! Accounts and tokens given out and taken back: by administrators over the API, by who owns the machine over the socket.

use super::audit::{Head, Verified, note, verify};
use super::oidc::link;
use super::password::LENGTH;
use super::role::{Reach, Role, Scope};
use super::secret;
use super::views::{AccountView, TokenView};
use crate::CenterError;
use crate::center::Center;
use crate::serve::appeal::import::{Imported, import};
use crate::store::accounts::{
    StoredAccount, StoredToken, accounts, add_account, add_token, revoke_token, set_disabled, set_password, tokens,
};
use crate::store::{commit, whole};
use model::AreaLevel;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The account of whoever has the sign-in link.
pub(crate) const LINK_ACCOUNT: &str = "operator";
/// Longest name, in bytes.
const NAME_MAX: usize = 64;
/// Accounts and tokens at most, each; more are refused.
const KEPT_MAX: usize = 10_000;
/// The longest life of a token that has an end, in days.
const DAYS_MAX: u32 = 3_650;
const DAY_MS: i64 = 86_400_000;

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewAccount {
    /// 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
    pub name: String,
    /// At least one.
    pub roles: Vec<Role>,
    /// Codes of districts and subdistricts; none for the whole city.
    #[serde(default)]
    pub areas: Vec<String>,
    /// The unit whose cases a `unit` handles.
    #[serde(default)]
    pub unit: Option<String>,
    /// 10 to 256 characters; made and told once where it is left out.
    #[serde(default)]
    pub password: Option<String>,
}

/// A new token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
    pub name: String,
    /// At least one.
    pub scopes: Vec<Scope>,
    /// Codes of districts and subdistricts; none for the whole city.
    #[serde(default)]
    pub areas: Vec<String>,
    /// The unit whose cases it handles.
    #[serde(default)]
    pub unit: Option<String>,
    /// Days until it ends, 1 to 3650; never where it is left out.
    #[serde(default)]
    pub days: Option<u32>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "admin", rename_all = "kebab-case")]
pub enum AdminRequest {
    /// To make an account.
    AddAccount(NewAccount),
    /// All accounts.
    Accounts,
    /// Whether an account may sign in from now on; its sessions end.
    SetDisabled {
        /// The account.
        name: String,
        /// It may not.
        disabled: bool,
    },
    /// Another password for an account, made and told once; its sessions end.
    ResetPassword {
        /// The account.
        name: String,
    },
    /// To link an account to a subject of the identity provider: it signs in by that too.
    LinkAccount {
        /// The account.
        name: String,
        /// The subject, as the provider has it.
        subject: String,
    },
    /// To make a token.
    AddToken(NewToken),
    /// All tokens.
    Tokens,
    /// To end a token.
    RevokeToken {
        /// Its id.
        id: String,
    },
    /// To take a list of the hotline in.
    ImportAppeals {
        /// CSV with a head.
        list: String,
    },
    /// Whether the audit is whole.
    VerifyAudit {
        /// A head that was written down before.
        head: Option<Head>,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminAnswer {
    /// All accounts.
    Accounts(Vec<AccountView>),
    /// All tokens.
    Tokens(Vec<TokenView>),
    /// It is made, or changed; the password or token is told this once where it was made here.
    Done {
        /// An account's name or a token's id.
        id: String,
        /// The password or token.
        secret: Option<String>,
    },
    /// What became of a list.
    Imported(Imported),
    /// What verifying the audit found.
    Verified(Verified),
    /// There is nothing of this name.
    Missing(String),
    /// It does not fit; nothing was changed. The text says why.
    Refused(String),
}

/// Gives out accounts and tokens, for who owns the machine.
#[derive(Clone)]
pub struct Admin(pub(crate) Arc<Center>);

impl Admin {
    /// Does what is asked, in the name of `by`.
    pub async fn answer(&self, request: AdminRequest, by: &str) -> Result<AdminAnswer, CenterError> {
        let (center, by) = (Arc::clone(&self.0), by.to_owned());
        whole(async move { answer(&center, request, by).await }).await
    }
}

async fn answer(center: &Center, request: AdminRequest, by: String) -> Result<AdminAnswer, CenterError> {
    match request {
        AdminRequest::Accounts => {
            let all = accounts(&mut *center.store.read().await?).await?;
            Ok(AdminAnswer::Accounts(all.into_iter().map(AccountView::of).collect()))
        }
        AdminRequest::Tokens => {
            let all = tokens(&mut *center.store.read().await?).await?;
            Ok(AdminAnswer::Tokens(all.into_iter().map(TokenView::of).collect()))
        }
        AdminRequest::ImportAppeals { list } => Ok(match import(center, &list, &by, &Reach::City).await? {
            Ok(imported) => AdminAnswer::Imported(imported),
            Err(why) => AdminAnswer::Refused(why),
        }),
        AdminRequest::VerifyAudit { head } => {
            Ok(AdminAnswer::Verified(verify(&center.store, Arc::clone(&center.log), head).await?))
        }
        AdminRequest::AddAccount(new) => make_account(center, new, by).await,
        AdminRequest::AddToken(new) => make_token(center, new, by).await,
        AdminRequest::SetDisabled { name, disabled } => {
            let what = if disabled { "account.disabled" } else { "account.enabled" };
            let done = in_writing(center, async |connection| {
                let done = set_disabled(&mut *connection, &name, disabled).await?;
                if done {
                    note(connection, secret::wall_ms(), &by, (what, &name), "").await?;
                }
                Ok(done)
            });
            let done = done.await?;
            Ok(if done { AdminAnswer::Done { id: name, secret: None } } else { AdminAnswer::Missing(name) })
        }
        AdminRequest::ResetPassword { name } => {
            let secret = new_password()?;
            let kept = center.passwords.hash(&secret).await?;
            let done = in_writing(center, async |connection| {
                let done = set_password(&mut *connection, &name, &kept).await?;
                if done {
                    note(connection, secret::wall_ms(), &by, ("account.password-reset", &name), "").await?;
                }
                Ok(done)
            });
            let done = done.await?;
            Ok(if done { AdminAnswer::Done { id: name, secret: Some(secret) } } else { AdminAnswer::Missing(name) })
        }
        AdminRequest::LinkAccount { name, subject } => {
            Ok(match link(center, (&name, &subject), (&by, secret::wall_ms())).await? {
                Ok(true) => AdminAnswer::Done { id: name, secret: None },
                Ok(false) => AdminAnswer::Missing(name),
                Err(why) => AdminAnswer::Refused(why),
            })
        }
        AdminRequest::RevokeToken { id } => {
            let now = secret::wall_ms();
            let done = in_writing(center, async |connection| {
                let done = revoke_token(&mut *connection, &id, now).await?;
                if done {
                    note(connection, now, &by, ("token.revoked", &id), "").await?;
                }
                Ok(done)
            });
            let done = done.await?;
            Ok(if done { AdminAnswer::Done { id, secret: None } } else { AdminAnswer::Missing(id) })
        }
    }
}

/// One change in a transaction of its own; who follows live is looked at again after it.
pub(crate) async fn in_writing<T>(
    center: &Center,
    change: impl AsyncFnOnce(&mut sqlx::AnyConnection) -> Result<T, CenterError>,
) -> Result<T, CenterError> {
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let done = change(&mut transaction).await?;
    commit(transaction).await?;
    // Its entry of the audit waits to be on the bus.
    center.outbox.notify_one();
    center.credentials.send_modify(|changes| *changes += 1);
    Ok(done)
}

async fn make_account(center: &Center, new: NewAccount, by: String) -> Result<AdminAnswer, CenterError> {
    let areas = match check(center, &new.name, &new.areas, new.roles.is_empty()) {
        Ok(areas) => areas,
        Err(why) => return Ok(AdminAnswer::Refused(why)),
    };
    if new.name == LINK_ACCOUNT {
        return Ok(AdminAnswer::Refused(format!(
            "\"{LINK_ACCOUNT}\" is who opens the sign-in link: take another name"
        )));
    }
    if new.roles.contains(&Role::Unit) != new.unit.is_some() {
        return Ok(AdminAnswer::Refused("the role unit and a unit go together: give both or neither".to_owned()));
    }
    if new.password.as_ref().is_some_and(|password| !LENGTH.contains(&password.chars().count())) {
        let (least, most) = (LENGTH.start(), LENGTH.end());
        return Ok(AdminAnswer::Refused(format!("a password has {least} to {most} characters")));
    }
    let made = if new.password.is_none() { Some(new_password()?) } else { None };
    let password = new.password.or_else(|| made.clone()).unwrap_or_default();
    let account = StoredAccount {
        name: new.name,
        roles: joined(new.roles.iter().map(|role| role.name())),
        areas: joined(areas.iter().map(String::as_str)),
        unit: new.unit,
        password: center.passwords.hash(&password).await?,
        disabled: false,
        created_at: secret::wall_ms(),
        created_by: by,
    };
    let added = in_writing(center, async |connection| {
        if is_full(connection).await? {
            return Ok(None);
        }
        let added = add_account(&mut *connection, &account).await?;
        if added {
            let body = format!("{};{};{}", account.roles, account.areas, account.unit.as_deref().unwrap_or_default());
            let what = ("account.added", &*account.name);
            note(connection, account.created_at, &account.created_by, what, &body).await?;
        }
        Ok(Some(added))
    });
    Ok(match added.await? {
        Some(true) => AdminAnswer::Done { id: account.name, secret: made },
        Some(false) => AdminAnswer::Refused(format!("there is an account \"{}\" already", account.name)),
        None => AdminAnswer::Refused(format!("there are {KEPT_MAX} accounts, which is the most")),
    })
}

async fn make_token(center: &Center, new: NewToken, by: String) -> Result<AdminAnswer, CenterError> {
    let areas = match check(center, &new.name, &new.areas, new.scopes.is_empty()) {
        Ok(areas) => areas,
        Err(why) => return Ok(AdminAnswer::Refused(why)),
    };
    if new.scopes.contains(&Scope::CasesHandle) != new.unit.is_some() {
        return Ok(AdminAnswer::Refused("the scope cases:handle and a unit go together".to_owned()));
    }
    if new.days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        return Ok(AdminAnswer::Refused(format!("a token lasts 1 to {DAYS_MAX} days")));
    }
    let now = secret::wall_ms();
    let told = format!("cw_{}", secret::new()?);
    let token = StoredToken {
        id: secret::new()?[..12].to_owned(),
        name: new.name,
        scopes: joined(new.scopes.iter().map(|scope| scope.name())),
        areas: joined(areas.iter().map(String::as_str)),
        unit: new.unit,
        created_at: now,
        created_by: by,
        expires_at: new.days.map(|days| now + i64::from(days) * DAY_MS),
        revoked_at: None,
    };
    let added = in_writing(center, async |connection| {
        if tokens(connection).await?.len() >= KEPT_MAX {
            return Ok(false);
        }
        add_token(&mut *connection, &token, &secret::hash(&told)).await?;
        let body = format!("{};{};{}", token.scopes, token.areas, token.unit.as_deref().unwrap_or_default());
        note(connection, now, &token.created_by, ("token.added", &token.id), &body).await.map(|()| true)
    });
    Ok(match added.await? {
        true => AdminAnswer::Done { id: token.id, secret: Some(told) },
        false => AdminAnswer::Refused(format!("there are {KEPT_MAX} tokens, which is the most")),
    })
}

/// Whether there are as many accounts as may be.
pub(super) async fn is_full(connection: &mut sqlx::AnyConnection) -> Result<bool, CenterError> {
    Ok(accounts(connection).await?.len() >= KEPT_MAX)
}

/// The areas as they are kept, or what is wrong.
pub(super) fn check(center: &Center, name: &str, areas: &[String], no_rights: bool) -> Result<Vec<String>, String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_plain) {
        return Err(format!("\"{name}\" is no name: use 1 to {NAME_MAX} of a-z, 0-9, . _ -"));
    }
    if no_rights {
        return Err("it needs at least one role or scope".to_owned());
    }
    let city = center.city();
    let mut kept = Vec::new();
    for code in areas {
        match city.areas.area(code).map(|area| area.level) {
            Some(AreaLevel::City) => return Ok(Vec::new()),
            Some(AreaLevel::District | AreaLevel::Subdistrict) => kept.push(code.clone()),
            Some(AreaLevel::Cell) => return Err(format!("\"{code}\" is a cell: give a district or a subdistrict")),
            None => return Err(format!("there is no area \"{code}\": `citywatch` knows the codes of its registry")),
        }
    }
    kept.sort();
    kept.dedup();
    Ok(kept)
}

pub(super) fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(",")
}

/// A password of 128 bits.
fn new_password() -> Result<String, CenterError> {
    Ok(secret::new()?[..32].to_owned())
}
