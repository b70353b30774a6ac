//! Accounts and tokens as they are told: without their secrets.

use super::role::{Role, Scope, listed};
use crate::store::accounts::{StoredAccount, StoredToken};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An account, without its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    /// Its name.
    pub name: String,
    /// What it may be.
    pub roles: Vec<Role>,
    /// Codes; empty for the whole city.
    pub areas: Vec<String>,
    /// The unit whose cases it handles.
    pub unit: Option<String>,
    /// Whether it may not sign in.
    pub disabled: bool,
    /// Wall time, epoch milliseconds.
    pub created_at: i64,
    /// Who made it.
    pub created_by: String,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    /// Names it to revoke it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Codes; empty for the whole city.
    pub areas: Vec<String>,
    /// The unit whose cases it handles.
    pub unit: Option<String>,
    /// Wall time, epoch milliseconds.
    pub created_at: i64,
    /// Who made it.
    pub created_by: String,
    /// Wall time when it ends; null if it does not.
    pub expires_at: Option<i64>,
    /// Wall time when it was revoked; null if it was not.
    pub revoked_at: Option<i64>,
}

fn codes(areas: &str) -> Vec<String> {
    areas.split(',').filter(|code| !code.is_empty()).map(str::to_owned).collect()
}

impl AccountView {
    pub(super) fn of(account: StoredAccount) -> AccountView {
        AccountView {
            roles: listed(&account.roles, Role::named),
            areas: codes(&account.areas),
            name: account.name,
            unit: account.unit,
            disabled: account.disabled,
            created_at: account.created_at,
            created_by: account.created_by,
        }
    }
}

impl TokenView {
    pub(super) fn of(token: StoredToken) -> TokenView {
        TokenView {
            scopes: listed(&token.scopes, Scope::named),
            areas: codes(&token.areas),
            id: token.id,
            name: token.name,
            unit: token.unit,
            created_at: token.created_at,
            created_by: token.created_by,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}
