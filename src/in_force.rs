//! The rules and the registry in force, read from the log: what ingest and the command center go by, at the start and
//! whenever it changes.

use crate::change::rule_versions;
use crate::failure::Failure;
use crate::rule_info::rule_infos;
use bus::EventLog;
use command_center::Rules;
use model::{MarkerKind, Registry};
use std::sync::Arc;
use stream::config;

/// What is in force.
#[derive(Clone)]
pub struct InForce {
    /// The sensors, areas and metrics.
    pub registry: Arc<Registry>,
    /// What is shown of the rules.
    pub rules: Rules,
    /// Content hash of the registry.
    registry_hash: String,
}

impl InForce {
    /// What is in force on a log; `None` if nothing was ever published there, or something of it cannot be used. A
    /// registry that is `held` already is not read again.
    pub fn read(log: &dyn EventLog, held: Option<&(String, Arc<Registry>)>) -> Result<Option<InForce>, Failure> {
        let current = |kind| config::current(log, kind).map_err(Failure::internal);
        let text = |hash: &str| config::text(log, hash).map_err(Failure::internal);
        let (Some(marker), Some(rules)) = (current(MarkerKind::Registry)?, current(MarkerKind::Rules)?) else {
            return Ok(None);
        };
        let registry = match held {
            Some((hash, registry)) if *hash == marker.hash => Arc::clone(registry),
            _ => match text(&marker.hash)?.map(|text| Registry::from_text(&text)) {
                Some(Ok(registry)) => Arc::new(registry),
                Some(Err(_)) | None => return Ok(None),
            },
        };
        let Some(text) = text(&rules.hash)? else { return Ok(None) };
        let (Ok(rules), Ok(files)) = (config::read_rules(&text, &registry), config::rule_files(&text)) else {
            return Ok(None);
        };
        let versions = rule_versions(log).map_err(Failure::internal)?;
        let rules = Rules { by_id: rule_infos(&rules, &files), versions };
        Ok(Some(InForce { registry, rules, registry_hash: marker.hash }))
    }

    /// The registry with its hash, to be held.
    pub fn held(&self) -> (String, Arc<Registry>) {
        (self.registry_hash.clone(), Arc::clone(&self.registry))
    }

    /// Whether it shows the same as another.
    pub fn is_as(&self, other: &InForce) -> bool {
        self.registry_hash == other.registry_hash && self.rules.versions == other.rules.versions
    }
}
