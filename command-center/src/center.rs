//! What all tasks and routes of the command center share.

use crate::CenterError;
use crate::api::{AreaCache, Asking, MapCache, MonthCache, OpenCache, StateCache};
use crate::auth::known::Known;
use crate::auth::oidc::Oidc;
use crate::auth::password::Passwords;
use crate::auth::secret;
use crate::backtests::Backtests;
use crate::city::City;
use crate::command::clock::Working;
use crate::command::decide::Ground;
use crate::command::evidence::Files;
use crate::live::Live;
use crate::perceive::basemap::Basemap;
use crate::perceive::pulse::AskFeed;
use crate::perceive::sensors::Sensors;
use crate::reader::Appends;
use crate::serve::feed::FeedCounters;
use crate::serve::gate::{Gate, Pace};
use crate::serve::merge::Merging;
use crate::serve::notice::Outgoing;
use crate::serve::pull::Pull;
use crate::serve::wechat::WeChat;
use crate::settings::PartCounts;
use crate::store::positions::Positions;
use crate::store::sessions::add_code;
use crate::store::together::Together;
use crate::store::{Store, commit, whole};
use crate::supervise::Formula;
use crate::workbench::Workbench;
use axum::http::{HeaderValue, StatusCode};
use bus::EventLog;
use history::History;
use model::{Duties, EventTime};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{Notify, watch};

/// How long a sign-in link can be used.
const CODE_MS: i64 = 10 * 60 * 1_000;

/// What all share.
pub(crate) struct Center {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) history: Arc<dyn History>,
    pub(crate) store: Store,
    /// Takes what is written to the store together with what others write.
    pub(crate) together: Together,
    /// Who asked lately.
    pub(crate) known: Known,
    /// Another one after rules or registry changed; see [`Center::city`].
    pub(crate) city: RwLock<Arc<City>>,
    /// Told when it is another.
    pub(crate) city_changes: watch::Sender<()>,
    pub(crate) live: Live,
    pub(crate) sensors: Sensors,
    /// Told of each event that is added to the outbox.
    pub(crate) outbox: Notify,
    /// What sends messages to others.
    pub(crate) outgoing: Outgoing,
    /// Other Open311 servers that are asked.
    pub(crate) pulls: Vec<Pull>,
    /// What lies under the page's maps, where something does.
    pub(crate) basemap: Option<Basemap>,
    /// What browsers may load and ask, as a header says it.
    pub(crate) policy: HeaderValue,
    /// The city's WeChat account, where it has one.
    pub(crate) wechat: Option<WeChat>,
    pub(crate) passwords: Passwords,
    /// The identity provider, where there is one.
    pub(crate) oidc: Option<Oidc>,
    pub(crate) duties: Arc<Duties>,
    pub(crate) working: Working,
    /// When two reports are one.
    pub(crate) merging: Merging,
    /// How units are scored.
    pub(crate) formula: Formula,
    /// How often strangers may report, and look.
    pub(crate) gates: Gates,
    /// Files of evidence.
    pub(crate) evidence: Files,
    /// Bytes that the photos of strangers may take a day.
    pub(crate) photo_bytes_a_day: u64,
    /// Counts the changes of accounts, tokens and sessions: who follows live is looked at again.
    pub(crate) credentials: watch::Sender<u64>,
    pub(crate) counters: Counters,
    pub(crate) feed_counts: Option<AskFeed>,
    pub(crate) part_counts: Option<Arc<dyn Fn() -> PartCounts + Send + Sync>>,
    /// Of the topics of the utilities' feed, by domain.
    pub(crate) feed_appends: BTreeMap<&'static str, Appends>,
    /// Of the topic of incidents.
    pub(crate) analyze_appends: Appends,
    pub(crate) address: SocketAddr,
    pub(crate) hosts: Hosts,
    /// How far the incidents are read from `analyze`.
    pub(crate) projected: watch::Sender<Positions>,
    /// Where `analyze` ended at start.
    pub(crate) analyze_end: Positions,
    pub(crate) map: MapCache,
    pub(crate) outlines: AreaCache,
    pub(crate) states: StateCache,
    pub(crate) months: MonthCache,
    pub(crate) open: OpenCache,
    /// Who knows the rules, where somebody does.
    pub(crate) workbench: Option<Arc<dyn Workbench>>,
    pub(crate) asking: Asking,
    pub(crate) backtests: Backtests,
    /// Whether the sensors are up to where the log ended at start.
    pub(crate) caught_up: AtomicBool,
}

/// How often strangers may do what: from one address, and all together.
pub(crate) struct Gates {
    /// Reports, ratings, photos: what is kept.
    pub(crate) write: Gate,
    /// Looking.
    pub(crate) look: Gate,
    /// Reports by those who have a key, of each key.
    pub(crate) keyed: Gate,
    /// Whatever who is signed in asks for, of each account and token.
    pub(crate) signed: Gate,
}

impl Gates {
    /// Ten at once and one each two minutes from an address; a city's hotline has some 60,000 calls a day. Who is signed
    /// in is only kept from taking the machine for themselves.
    pub(crate) fn new() -> Gates {
        let pace = |burst, every_ms| Pace { burst, every_ms };
        Gates {
            write: Gate::new(pace(10, 120_000), pace(600, 500)),
            look: Gate::new(pace(60, 1_000), pace(2_000, 10)),
            keyed: Gate::new(pace(600, 500), pace(1_200, 250)),
            signed: Gate::new(pace(6_000, 5), pace(1, 0)),
        }
    }
}

/// What is counted since the start.
#[derive(Default)]
pub(crate) struct Counters {
    /// Partitions that are read from their beginning again because the log was cut back.
    pub(crate) read_anew: AtomicU64,
    /// Records of `analyze` that are no transitions.
    pub(crate) passed_over: AtomicU64,
    /// Photos of strangers for which the day had no room.
    pub(crate) photos_refused: AtomicU64,
    /// Who asked too often.
    pub(crate) turned_away: AtomicU64,
    /// Of the utilities' feed.
    pub(crate) feed: Arc<FeedCounters>,
    /// Pages cut off because they fell behind.
    pub(crate) cut_off: AtomicU64,
    /// Answers by the first digit of their status.
    answers: [AtomicU64; 6],
}

impl Counters {
    pub(crate) fn answered(&self, status: StatusCode) {
        self.answers[usize::from(status.as_u16() / 100).min(5)].fetch_add(1, Ordering::Relaxed);
    }

    /// Answers by class of status: `2xx` and how many.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (String, u64)> {
        let counts = self.answers.iter().enumerate().skip(1);
        counts.map(|(class, count)| (format!("{class}xx"), count.load(Ordering::Relaxed)))
    }
}

impl Center {
    /// The city as it is known now.
    pub(crate) fn city(&self) -> Arc<City> {
        Arc::clone(&self.city.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Knows the city otherwise from here on: other rules, sensors, areas.
    pub(crate) fn set_city(&self, city: City) {
        self.sensors.register(&city.registry);
        *self.city.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(city);
        self.outlines.clear();
        self.states.clear();
        self.city_changes.send_replace(());
    }

    /// The time of an act: where the log's clock stands, else the wall's, so that acts and incidents are on one line.
    pub(crate) fn now(&self) -> EventTime {
        self.sensors.clock().unwrap_or_else(|| EventTime(secret::wall_ms()))
    }

    /// Whether the incidents are read to where `analyze` ended at start: before that more may be known of each.
    pub(crate) fn has_projected(&self) -> bool {
        self.projected.borrow().iter().zip(&self.analyze_end).all(|(next, end)| next >= end)
    }

    /// What acts on cases are decided by.
    pub(crate) fn ground(&self, is_cleared: bool) -> Ground<'_> {
        Ground { duties: &self.duties, working: &self.working, is_cleared }
    }

    /// How a browser names us.
    fn host(&self) -> String {
        let named = self.hosts.named.first().filter(|_| !self.address.ip().is_loopback());
        named.cloned().unwrap_or_else(|| self.address.to_string())
    }

    /// A new link that signs in whoever opens it first, within ten minutes.
    pub(crate) async fn sign_in_link(self: &Arc<Center>) -> Result<String, CenterError> {
        let code = secret::new()?;
        let (center, code_hash) = (Arc::clone(self), secret::hash(&code));
        let added = whole(async move {
            let mut writer = center.store.writer().await;
            let mut transaction = writer.begin().await?;
            add_code(&mut transaction, &code_hash, secret::wall_ms() + CODE_MS).await?;
            commit(transaction).await
        });
        added.await?;
        Ok(format!("http://{}/sign-in?code={code}", self.host()))
    }
}

/// Names with port that a request's Host may have.
pub(crate) struct Hosts {
    /// Those that mean this machine.
    local: Vec<String>,
    /// Those that were set.
    named: Vec<String>,
}

impl Hosts {
    /// Of a server on this address.
    pub(crate) fn new(address: SocketAddr, named: Vec<String>) -> Hosts {
        let port = address.port();
        let local = if address.ip().is_loopback() {
            vec![address.to_string(), format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")]
        } else {
            vec![address.to_string()]
        };
        Hosts { local, named }
    }

    /// Whether a request's Host names us.
    pub(crate) fn are_ours(&self, host: &str) -> bool {
        self.named.iter().any(|ours| ours.eq_ignore_ascii_case(host)) || self.are_local(host)
    }

    /// Whether it names this machine. What a proxy on this machine passes on has the name that the world knows.
    pub(crate) fn are_local(&self, host: &str) -> bool {
        self.local.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }
}
