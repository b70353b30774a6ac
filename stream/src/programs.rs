//! Compiled rule sets, shared by all partitions and workers that run the same rules on the same registry.

use crate::shared::lock;
use crate::{Event, StreamError, StreamSettings, config};
use bus::EventLog;
use model::{MarkerKind, Partition, Registry};
use rules::engine::Program;
use std::sync::{Arc, Mutex};

/// How many texts and programs are kept: those in force and those that partitions still behind are switching from.
/// An older one is read and compiled anew when a partition asks for it.
const KEPT_MAX: usize = 4;

/// A rule set on a registry, compiled.
pub(crate) struct Compiled {
    pub(crate) local: Arc<Program>,
    pub(crate) wide: Arc<Program>,
}

/// Reads texts from the log and compiles them, each once.
pub(crate) struct Programs {
    log: Arc<dyn EventLog>,
    settings: StreamSettings,
    /// Held while compiling, so that workers wait for a program instead of each compiling their own.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    registries: Vec<(String, Arc<Registry>)>,
    programs: Vec<((String, String), Arc<Compiled>)>,
}

impl Programs {
    pub(crate) fn new(log: Arc<dyn EventLog>, settings: StreamSettings) -> Programs {
        Programs { log, settings, kept: Mutex::default() }
    }

    /// The programs of this rule set on this registry, both by hash.
    pub(crate) fn get(&self, rules_hash: &str, registry_hash: &str) -> Result<Arc<Compiled>, StreamError> {
        let kept = &mut *lock(&self.kept);
        let key = (rules_hash.to_owned(), registry_hash.to_owned());
        cached(&mut kept.programs, &key, || {
            let registry = cached(&mut kept.registries, &key.1, || {
                let text = self.text(MarkerKind::Registry, registry_hash)?;
                let registry = Registry::from_text(&text).map_err(|error| error.to_string());
                registry.map(Arc::new).map_err(unusable(MarkerKind::Registry, registry_hash))
            })?;
            let text = self.text(MarkerKind::Rules, rules_hash)?;
            let rules = config::read_rules(&text, &registry);
            let rules = rules.map(Arc::new).map_err(unusable(MarkerKind::Rules, rules_hash))?;
            let wide = Program::compile_wide(Arc::clone(&rules), Arc::clone(&registry), self.settings.rules.clone());
            let local = Program::compile(rules, registry, self.settings.rules.clone());
            Ok(Arc::new(Compiled { local: Arc::new(local), wide: Arc::new(wide) }))
        })
    }

    /// Tells that a partition goes on with what was in force.
    pub(crate) fn refuse(&self, partition: Partition, kind: MarkerKind, hash: String, reason: String) {
        (self.settings.observe)(&Event::MarkerRefused { partition, kind, hash, reason });
    }

    fn text(&self, kind: MarkerKind, hash: &str) -> Result<String, StreamError> {
        let text = config::text(&*self.log, hash)
            .map_err(|source| StreamError::Log { doing: format!("read the config topic for {hash}"), source })?;
        text.ok_or_else(|| StreamError::Missing { kind, hash: hash.to_owned() })
    }
}

fn unusable(kind: MarkerKind, hash: &str) -> impl FnOnce(String) -> StreamError {
    move |reason| StreamError::Unusable { kind, hash: hash.to_owned(), reason }
}

/// What is kept under `key`, else what `make` makes; the oldest is let go beyond [`KEPT_MAX`].
fn cached<K: PartialEq + Clone, V>(
    kept: &mut Vec<(K, Arc<V>)>,
    key: &K,
    make: impl FnOnce() -> Result<Arc<V>, StreamError>,
) -> Result<Arc<V>, StreamError> {
    if let Some((_, value)) = kept.iter().find(|(known, _)| known == key) {
        return Ok(Arc::clone(value));
    }
    let value = make()?;
    if kept.len() == KEPT_MAX {
        kept.remove(0);
    }
    kept.push((key.clone(), Arc::clone(&value)));
    Ok(value)
}
