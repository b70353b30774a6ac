//! Who asks: somebody with a session, or a machine with a token.

use super::access::Access;
use super::role::{Reach, Role, Scope, listed};
use super::secret;
use crate::CenterError;
use crate::center::Center;
use crate::command::decide::Actor;
use crate::store::Store;
use crate::store::accounts::find_token;
use crate::store::sessions::find;

/// Who asks; every route but the open ones gets it.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// An account's name, or `token/` and a token's name.
    pub(crate) name: String,
    pub(crate) roles: Vec<Role>,
    /// Only of a token; a person may what the roles may.
    pub(crate) scopes: Vec<Scope>,
    pub(crate) reach: Reach,
    /// The unit for which they handle cases.
    pub(crate) unit: Option<String>,
    /// Wall time; a token may have no end.
    pub(crate) expires_at: Option<i64>,
    pub(crate) by: Credential,
}

/// What was shown, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Credential {
    /// The hash of a session's secret.
    Session(String),
    /// The hash of a token's secret.
    Token(String),
}

impl Credential {
    /// Of a session's secret.
    pub(crate) fn session(secret: &str) -> Credential {
        Credential::Session(secret::hash(secret))
    }

    /// Of a token's secret.
    pub(crate) fn token(secret: &str) -> Credential {
        Credential::Token(secret::hash(secret))
    }

    /// Who that is, if it is still good.
    pub(crate) async fn who(self, center: &Center) -> Result<Option<Who>, CenterError> {
        let (now, changes) = (secret::wall_ms(), *center.credentials.borrow());
        if let Some(who) = center.known.get(&self, changes, now) {
            return Ok(Some(who));
        }
        let who = self.found(&center.store, now).await?;
        who.iter().for_each(|who| center.known.keep(who, changes, now));
        Ok(who)
    }

    async fn found(self, store: &Store, now: i64) -> Result<Option<Who>, CenterError> {
        let mut reading = store.look().await?;
        Ok(match &self {
            Credential::Session(hash) => find(&mut reading, hash, now).await?.map(|session| Who {
                name: session.name,
                roles: listed(&session.role, Role::named),
                scopes: Vec::new(),
                reach: Reach::of_text(&session.areas),
                unit: session.unit,
                expires_at: Some(session.expires_at),
                by: self,
            }),
            Credential::Token(hash) => find_token(&mut reading, hash, now).await?.map(|token| {
                let scopes = listed(&token.scopes, Scope::named);
                Who {
                    name: format!("token/{}", token.name),
                    roles: roles_of(&scopes),
                    scopes,
                    reach: Reach::of_text(&token.areas),
                    unit: token.unit,
                    expires_at: token.expires_at,
                    by: self,
                }
            }),
        })
    }
}

/// As what a token acts: the routes ask for scopes, the acts on a case for roles.
fn roles_of(scopes: &[Scope]) -> Vec<Role> {
    let role = |scope: &Scope| match scope {
        Scope::CasesHandle => Some(Role::Unit),
        Scope::IncidentsAct => Some(Role::Operator),
        _ => None,
    };
    scopes.iter().filter_map(role).collect()
}

impl Who {
    /// As whom they act on cases.
    pub(crate) fn actor(&self) -> Actor {
        Actor { name: self.name.clone(), roles: self.roles.clone(), unit: self.unit.clone(), reach: self.reach.clone() }
    }

    /// Whether they may call a route with this access.
    pub(crate) fn may_call(&self, access: Access) -> bool {
        if self.is_token() { access.admits_token(&self.scopes) } else { access.admits(&self.roles) }
    }

    /// Whether it is a machine.
    pub(crate) fn is_token(&self) -> bool {
        matches!(self.by, Credential::Token(_))
    }
}
