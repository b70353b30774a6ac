//! The command center: what the city sees of itself, the incident queue, the utilities' feed, the API and the page.
//!
//! What it promises: the store is the fold of `analyze`, exactly, however often the process is killed; each transition
//! is on the feed once; an act and its event are one transaction; a page's snapshot and the changes after it leave no
//! gap. Nothing but the sign-in link and the page itself is answered without a session, health to this machine apart.
//! What it does not do: it detects nothing and keeps no measured values; rules and history do.
//!
//! `perceive` keeps what the sensors say now, `analyze` the incidents, `serve` tells others of them, `command` handles the
//! cases, `supervise` counts how the city's units do their work, `dossier` is what people talk over beside the cases; `store` is the database, `live` what pages are sent,
//! `auth` who may, `api` the routes, `workbench` what is asked of who knows the rules.

mod analyze;
mod api;
mod auth;
mod backtests;
mod center;
mod city;
mod command;
mod dossier;
mod error;
mod events;
mod https;
mod live;
mod perceive;
mod reader;
mod replay;
#[cfg(test)]
mod schemas;
mod serve;
mod settings;
mod start;
mod store;
pub mod supervise;
mod tasks;
pub mod workbench;

pub use api::openapi;
pub use auth::admin::{Admin, AdminAnswer, AdminRequest, NewAccount, NewToken};
pub use auth::audit::{Head, Verified};
pub use auth::oidc::{FirstSignIn, OidcMap, OidcSettings, examine_oidc};
pub use auth::role::{Role, Scope};
pub use auth::views::{AccountView, TokenView};
pub use city::{KeyKind, RuleInfo, RuleVersion, Rules, Threshold, ThresholdKind};
pub use error::CenterError;
pub use perceive::basemap::Basemap;
pub use serve::appeal::import::{Imported, Refused as RefusedLine, TakenLine};
pub use serve::merge;
pub use serve::notice::allowed::Network;
pub use serve::notice::mail::MailServer;
pub use serve::pull::Open311Pull;
pub use serve::wechat::WeChat;
pub use settings::{FeedCounts, HistoryCounts, Outward, PartCounts, Retries, Settings};
pub use start::{CommandCenter, Handle, Stage};
pub use store::{StoreState, check_store, examine_store};

/// Which role and which token may call which route, as a table in Markdown.
pub fn permissions() -> String {
    auth::access::table()
}

/// Verifies the audit of a command center that does not run and whose store is the file in `data_dir`, against the log.
///
/// # Errors
/// The store or the log cannot be read.
pub async fn verify_audit(
    data_dir: std::path::PathBuf,
    log: std::sync::Arc<dyn bus::EventLog>,
    head: Option<Head>,
) -> Result<Verified, CenterError> {
    let store = store::Store::open(None, &data_dir).await?;
    auth::audit::verify(&store, log, head).await
}

/// Source of the events that the command center writes.
pub const CENTER_SOURCE: &str = "/citywatch/command-center";
