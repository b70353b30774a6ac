//! What a city decides about its command center.

use crate::auth::oidc::OidcSettings;
use crate::city::Rules;
use crate::perceive::basemap::Basemap;
use crate::serve::merge::Merging;
use crate::serve::notice::allowed::Network;
use crate::serve::notice::mail::MailServer;
use crate::serve::pull::Open311Pull;
use crate::serve::wechat::WeChat;
use crate::supervise::Formula;
use crate::workbench::Workbench;
use jiff::tz::TimeZone;
use model::{Calendar, Calendars, Duties, Millis};
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

/// What the other parts of this process count, for the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartCounts {
    /// Readers of the log, of whichever process, and the records of observations that each has not taken yet; one of
    /// which that is unknown is not named.
    pub behind: Vec<(&'static str, u64)>,
    /// Of the historian, where it runs in this process.
    pub history: Option<HistoryCounts>,
    /// Readers, by partition, that began anew because the log lost what they had read.
    pub cut_back: u64,
}

/// How the historian does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryCounts {
    /// Records of the log that are not in history yet.
    pub behind: u64,
    /// Records that the log dropped before history had them, since the start.
    pub lost: u64,
    /// Whether something stands in the way, as a history that is away.
    pub is_failing: bool,
}

/// Where messages may be sent, and how often they are tried.
#[derive(Clone, Debug)]
pub struct Outward {
    /// Networks beyond the public internet that end-points may stand in; none by default.
    pub allow: Vec<Network>,
    /// Whether end-points may be asked by http; never by default.
    pub plain_http: bool,
    /// Certificates in PEM whose signatures are good beside those that this system trusts.
    pub ca: Option<String>,
    /// The server that takes mail; none sends none.
    pub mail: Option<MailServer>,
    /// How long one try of a webhook may take.
    pub try_max: Millis,
    /// Deliveries that wait for one subscriber at most. Beyond them nothing is added; when all of them are delivered, it
    /// is sent what is open then, and goes on from there.
    pub queue_max: u64,
    /// How often what failed is tried again.
    pub retries: Retries,
}

impl Default for Outward {
    /// The public internet by https, without mail.
    fn default() -> Outward {
        Outward {
            allow: Vec::new(),
            plain_http: false,
            ca: None,
            mail: None,
            try_max: Millis(15_000),
            queue_max: 10_000,
            retries: Retries::default(),
        }
    }
}

/// How often what failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// The wait after the first try; it doubles each time.
    pub first: Millis,
    /// The longest wait.
    pub longest: Millis,
    /// It is given up so long after its first try.
    pub give_up: Millis,
}

impl Default for Retries {
    /// Five seconds, an hour, a day.
    fn default() -> Retries {
        Retries { first: Millis(5_000), longest: Millis::HOUR, give_up: Millis::DAY }
    }
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
    /// Asked for the metrics. May take seconds.
    pub part_counts: Option<Arc<dyn Fn() -> PartCounts + Send + Sync>>,
    /// Where messages may be sent.
    pub outward: Outward,
    /// Other Open311 servers whose requests are taken in as appeals.
    pub open311: Vec<Open311Pull>,
    /// Bytes that the photos of people without an account may take a day, all together.
    pub photo_bytes_a_day: u64,
    /// What lies under the page's maps; none: the areas alone.
    pub basemap: Option<Basemap>,
    /// How units are scored.
    pub formula: Formula,
    /// When two reports are one.
    pub merging: Merging,
    /// The city's WeChat official account, if it has one.
    pub wechat: Option<WeChat>,
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
            part_counts: None,
            outward: Outward::default(),
            open311: Vec::new(),
            photo_bytes_a_day: 4 << 30,
            basemap: None,
            formula: Formula::seeded(),
            merging: Merging::seeded(),
            wechat: None,
            workbench: None,
        }
    }
}
