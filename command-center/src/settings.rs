//! What a city decides about its command center.

use crate::auth::oidc::OidcSettings;
use crate::city::Rules;
use crate::workbench::Workbench;
use jiff::tz::TimeZone;
use model::{Calendar, Calendars, Duties};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// What the edge has counted, where it runs in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// Readings on the log since the start.
    pub accepted: u64,
    /// Readings in the dead letter since the start.
    pub refused: u64,
    /// Readings that never came since the start, by the gaps in their sensors' sequence numbers.
    pub missing: u64,
    /// How far the newest reading was behind the clock when it came, in milliseconds.
    pub lag_ms: Option<i64>,
}

/// How the command center runs.
#[derive(Clone)]
pub struct Settings {
    /// Directory of the store; made if missing, mode 0700.
    pub data_dir: PathBuf,
    /// Address of a PostgreSQL database for the store, see [`crate::check_store`]; none for a SQLite file in `data_dir`.
    pub store: Option<String>,
    /// Where the API and the page listen; port 0 takes a free one.
    pub http: SocketAddr,
    /// Names with port that a request's Host may have beside the loopback ones. Needed to listen beyond loopback.
    pub hosts: Vec<String>,
    /// The topic prefix; without its dot it is the sender of the utilities' feed.
    pub prefix: String,
    /// GeoJSON texts with the outlines of the areas; features that are no polygons are passed over. A text with the
    /// member `"schematic": true` makes the page say that outlines are not the official ones.
    pub areas: Vec<String>,
    /// What is known of the rules.
    pub rules: Rules,
    /// The classes of cases, the units, and who answers for what.
    pub duties: Duties,
    /// When the city works: what the clocks of cases count.
    pub calendar: Calendar,
    /// The city's time zone.
    pub zone: TimeZone,
    /// The identity provider that people may sign in by, beside name and password.
    pub oidc: Option<OidcSettings>,
    /// Asked once a second what the edge has counted.
    pub feed_counts: Option<Arc<dyn Fn() -> FeedCounts + Send + Sync>>,
    /// Asked about rules.
    pub workbench: Option<Arc<dyn Workbench>>,
}

impl Settings {
    /// A command center in `data_dir` on a free loopback port, without areas and rules, with the duties and
    /// working days that come with citywatch, in China.
    pub fn new(data_dir: impl Into<PathBuf>) -> Settings {
        Settings {
            data_dir: data_dir.into(),
            store: None,
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
            hosts: Vec::new(),
            prefix: "citywatch.".to_owned(),
            areas: Vec::new(),
            rules: Rules::default(),
            duties: Duties::seeded(),
            calendar: Calendars::seeded().get("workdays").expect("the seeded calendars have it").clone(),
            zone: TimeZone::fixed(jiff::tz::offset(8)),
            oidc: None,
            feed_counts: None,
            workbench: None,
        }
    }
}
