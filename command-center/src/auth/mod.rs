//! Who may, and what they did: accounts, tokens, sign-in codes, sessions, the table of routes and roles,
//! and the audit.

pub(crate) mod access;
pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod guard;
pub(crate) mod known;
pub(crate) mod oidc;
pub(crate) mod password;
pub(crate) mod role;
pub(crate) mod secret;
pub(crate) mod views;
pub(crate) mod who;
