//! Starts the command center's tasks over a log, and stops them.

use crate::auth::admin::Admin;
use crate::auth::guard::policy;
use crate::auth::known::Known;
use crate::auth::oidc::Oidc;
use crate::auth::password::Passwords;
use crate::auth::secret;
use crate::center::{Center, Counters, Gates, Hosts};
use crate::city::{City, Rules};
use crate::command::clock::Working;
use crate::command::evidence::Files;
use crate::command::replay;
use crate::dossier::replay as dossiers;
use crate::live::Live;
use crate::perceive::sensors::Sensors;
use crate::reader::{Appends, blocking, bounds};
use crate::serve::appeal::replay as appeals;
use crate::serve::notice::Outgoing;
use crate::serve::pull::Pull;
use crate::store::Store;
use crate::store::together::Together;
use crate::tasks::Tasks;
use crate::{CenterError, Settings};
use bus::{EventLog, Topic};
use history::History;
use model::{Domain, Registry};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How long answers that are under way may take when it stops. Pages that follow live are cut off.
pub(crate) const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// How a command center is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It works.
    Running,
    /// It was stopped.
    Stopped,
    /// It ended; the process should end too and start again. The text says why, with all causes.
    Failed(String),
}

/// Where the command center is started.
pub struct CommandCenter;

/// A running command center. Dropped, it ends as if killed.
pub struct Handle {
    center: Arc<Center>,
    stage: watch::Receiver<Stage>,
    stop: Arc<Notify>,
    supervisor: JoinHandle<()>,
}

impl CommandCenter {
    /// Opens the store, takes up where the last run was, and listens. Call it in a tokio runtime with several threads.
    pub async fn start(
        log: Arc<dyn EventLog>,
        history: Arc<dyn History>,
        registry: Arc<Registry>,
        settings: Settings,
    ) -> Result<Handle, CenterError> {
        let Settings {
            data_dir, store, http, hosts: named, prefix, areas, rules, duties, calendar, zone, outward, ..
        } = settings;
        let (feed_counts, part_counts) = (settings.feed_counts, settings.part_counts);
        let (workbench, oidc) = (settings.workbench, settings.oidc);
        if !http.ip().is_loopback() && named.is_empty() {
            return Err(CenterError::Exposed(http));
        }
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data_dir);
        made.map_err(|source| CenterError::File { doing: "make", path: data_dir.clone(), source })?;
        let oidc = oidc.map(Oidc::new).transpose().map_err(CenterError::Oidc)?;
        let store = Store::open(store.as_deref(), &data_dir).await?;
        let of_city = Arc::clone(&registry);
        let city = blocking(move || City::new(of_city, areas, rules, &prefix)).await?;
        let listener = TcpListener::bind(http).await.map_err(|source| CenterError::Listen { address: http, source })?;
        let address = listener.local_addr().map_err(|source| CenterError::Listen { address: http, source })?;
        let appends = |domain: &Domain| (domain.as_str(), Appends::to(&*log, Topic::Incidents(*domain)));
        let (together, writes) = Together::new();
        let center = Arc::new(Center {
            feed_appends: Domain::ALL.iter().map(appends).collect(),
            analyze_appends: Appends::to(&*log, Topic::Analyze),
            analyze_end: bounds(&*log, Topic::Analyze)?.1,
            log,
            history,
            store,
            together,
            known: Known::default(),
            city: RwLock::new(Arc::new(city)),
            city_changes: watch::Sender::new(()),
            live: Live::new(secret::new()?[..8].to_owned()),
            sensors: Sensors::new(registry),
            outbox: Notify::new(),
            outgoing: Outgoing::new(&outward)?,
            policy: policy(settings.basemap.as_ref()),
            basemap: settings.basemap,
            wechat: settings.wechat,
            pulls: settings.open311.into_iter().map(Pull::new).collect(),
            passwords: Passwords::new(),
            oidc,
            duties: Arc::new(duties),
            working: Working { calendar, zone },
            merging: settings.merging,
            formula: settings.formula,
            gates: Gates::new(),
            evidence: Files::new(data_dir.join("evidence"))?,
            photo_bytes_a_day: settings.photo_bytes_a_day,
            credentials: watch::Sender::new(0),
            counters: Counters::default(),
            feed_counts,
            part_counts,
            projected: watch::Sender::new([0; model::PARTITIONS as usize]),
            map: Default::default(),
            outlines: Default::default(),
            states: Default::default(),
            months: Default::default(),
            open: Default::default(),
            workbench,
            asking: Default::default(),
            backtests: Default::default(),
            address,
            hosts: Hosts::new(address, named),
            caught_up: AtomicBool::new(false),
        });
        // Before incidents are read: what the log says of cases goes before making new ones.
        replay::catch_up(&center).await?;
        appeals::catch_up(&center).await?;
        dossiers::catch_up(&center).await?;
        let (stage_sender, stage) = watch::channel(Stage::Running);
        let stop = Arc::new(Notify::new());
        let tasks = Tasks::start(&center, listener, writes, Arc::clone(&stop)).await?;
        let supervisor = tokio::spawn(tasks.supervise(stage_sender));
        Ok(Handle { center, stage, stop, supervisor })
    }
}

impl Handle {
    /// Where the API and the page listen.
    pub fn local_addr(&self) -> SocketAddr {
        self.center.address
    }

    /// A new link that signs in whoever opens it first, within ten minutes.
    pub async fn sign_in_link(&self) -> Result<String, CenterError> {
        self.center.sign_in_link().await
    }

    /// Partitions that are read from their beginning again because the log no longer has what was read of them.
    pub fn read_anew(&self) -> u64 {
        self.center.counters.read_anew.load(Ordering::Relaxed)
    }

    /// Gives out accounts and tokens.
    pub fn admin(&self) -> Admin {
        Admin(Arc::clone(&self.center))
    }

    /// Knows the city by another registry and other rules from here on. Pages see them as they ask anew.
    ///
    /// Waits for the work to be done on a thread that may block.
    pub async fn set_city(&self, registry: Arc<Registry>, rules: Rules) -> Result<(), CenterError> {
        let center = Arc::clone(&self.center);
        let changed = blocking(move || {
            let city = center.city().changed(registry, rules)?;
            center.set_city(city);
            Ok(())
        });
        changed.await
    }

    /// How it is, and each change of that.
    pub fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.clone()
    }

    /// Why it ended by itself, if it did.
    pub fn failure(&self) -> Option<String> {
        match &*self.stage.borrow() {
            Stage::Failed(reason) => Some(reason.clone()),
            Stage::Running | Stage::Stopped => None,
        }
    }

    /// Lets answers that are under way finish, then ends; the files of the store are closed.
    pub async fn stop(mut self) {
        self.stop.notify_one();
        // The runtime waits for the threads of those that run.
        self.center.backtests.cancel();
        let mut stage = self.stage.clone();
        // Without a supervisor it has ended already.
        let _ = tokio::time::timeout(GOODBYE_MAX, stage.wait_for(|stage| *stage != Stage::Running)).await;
        self.supervisor.abort();
        let _ = (&mut self.supervisor).await;
        // A request that still reads may keep a connection: then its files are closed with the process.
        let _ = tokio::time::timeout(GOODBYE_MAX, self.center.store.close()).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}
