//! Who may: sign-in codes, sessions, and the table of routes and roles.

pub(crate) mod access;
pub(crate) mod guard;
pub(crate) mod secret;
