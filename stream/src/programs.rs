//! Compiled rule sets, shared by all partitions and workers that run the same rules on the same registry.

use crate::shared::lock;
use crate::{LoadRegistry, LoadRules, StreamError, config};
use bus::EventLog;
use model::{MarkerKind, Registry};
use rules::Settings;
use rules::ast::RuleSet;
use rules::engine::Program;
use std::sync::{Arc, Mutex};

/// How many texts and programs are kept: those in force and those that partitions still behind are switching from.
/// An older one is read and compiled anew when a partition asks for it.
const KEPT_MAX: usize = 4;

/// Reads texts from the log and compiles them, each once.
pub(crate) struct Programs {
    log: Arc<dyn EventLog>,
    settings: Settings,
    load_rules: LoadRules,
    load_registry: LoadRegistry,
    /// Held while compiling, so that workers wait for a program instead of each compiling their own.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rules: Vec<(String, Arc<RuleSet>)>,
    registries: Vec<(String, Arc<Registry>)>,
    programs: Vec<((String, String), Arc<Program>)>,
}

impl Programs {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        settings: Settings,
        load_rules: LoadRules,
        load_registry: LoadRegistry,
    ) -> Programs {
        Programs { log, settings, load_rules, load_registry, kept: Mutex::default() }
    }

    /// The program of this rule set on this registry, both by hash.
    pub(crate) fn get(&self, rules_hash: &str, registry_hash: &str) -> Result<Arc<Program>, StreamError> {
        let kept = &mut *lock(&self.kept);
        let key = (rules_hash.to_owned(), registry_hash.to_owned());
        cached(&mut kept.programs, &key, || {
            let rules = cached(&mut kept.rules, &key.0, || self.load(MarkerKind::Rules, rules_hash, self.load_rules))?;
            let registry = cached(&mut kept.registries, &key.1, || {
                self.load(MarkerKind::Registry, registry_hash, self.load_registry)
            })?;
            Ok(Arc::new(Program::compile(rules, registry, self.settings.clone())))
        })
    }

    fn load<T>(
        &self,
        kind: MarkerKind,
        hash: &str,
        read: fn(&str) -> Result<T, String>,
    ) -> Result<Arc<T>, StreamError> {
        let text = config::text(&*self.log, hash)
            .map_err(|source| StreamError::Log { doing: format!("read the config topic for {hash}"), source })?;
        let unusable = |reason| StreamError::Config { kind, hash: hash.to_owned(), reason };
        let text = text.ok_or_else(|| unusable("it is not on the config topic".to_owned()))?;
        read(&text).map(Arc::new).map_err(unusable)
    }
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
