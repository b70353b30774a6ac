//! What the rules stage runs with, and what it has to say.

use crate::city::duration;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::failure::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stream::{ClusterSettings, StreamError, StreamSettings};

/// How long the other processes of a cluster are waited for at the start; who starts them may need as long.
const PEERS_MAX: Duration = Duration::from_secs(60);

/// The settings of this process; `log` is the name of a log that several processes share.
///
/// `cut_back` counts the checkpoints that the log no longer fits.
pub fn settings(
    config: &Config,
    cluster: Option<&Cluster>,
    log: Option<String>,
    cut_back: &Arc<AtomicU64>,
) -> StreamSettings {
    let cut_back = Arc::clone(cut_back);
    StreamSettings {
        workers: config.stream.workers,
        cluster: cluster.map(|cluster| ClusterSettings {
            process: cluster.process,
            hosts: cluster.hosts.clone(),
            city: log.unwrap_or_default(),
            wait: PEERS_MAX,
        }),
        data_dir: config.data_dir.join("stream"),
        checkpoint_every: duration(config.stream.checkpoint_every.0),
        rules: rule_settings(config),
        limits: stream::Limits::default(),
        observe: Arc::new(move |event| {
            cut_back.fetch_add(u64::from(matches!(event, stream::Event::CutBack { .. })), Ordering::Relaxed);
            tell(event);
        }),
    }
}

/// Whether who started it can mend that it did not start.
pub fn not_started(error: StreamError) -> Failure {
    match error {
        StreamError::Settings(_) | StreamError::Listen { .. } | StreamError::Refused { .. } => Failure::usage(error),
        error => Failure::internal(error),
    }
}

/// What the rules run with.
pub fn rule_settings(config: &Config) -> ::rules::Settings {
    let by_domain = config.lateness.by_domain.iter().map(|(domain, span)| (domain.clone(), span.0));
    ::rules::Settings {
        prefix: config.prefix.clone(),
        settle: config.lateness.settle.0,
        lateness_by_domain: by_domain.collect(),
        lateness: config.lateness.default.0,
        wide_lateness: config.lateness.wide.0,
        zone: config.time.zone.0.clone(),
        calendars: Arc::clone(&config.time.known_calendars.0),
    }
}

/// Tells an operator what deserves a look; the steps of a good checkpoint do not.
fn tell(event: &stream::Event) {
    match event {
        stream::Event::CheckpointDamaged { path, reason } => {
            eprintln!("citywatch: checkpoint {} is damaged, the one before is tried: {reason}", path.display());
        }
        stream::Event::CutBack { sequence, topic, partition, offset, end } => {
            eprintln!(
                "citywatch: the log was cut back: checkpoint {sequence} knows {topic}/{partition} up to {offset}, and the log, \
                 which ends at {end}, no longer has that; the rules evaluate anew from an older checkpoint, or from the \
                 beginning; what they had found in lost readings stays on analyze"
            );
        }
        stream::Event::CheckpointFailed { reason } => {
            eprintln!("citywatch: a checkpoint could not be written, the last one still counts: {reason}");
        }
        stream::Event::WaitingFor { process, address, reason } => {
            eprintln!("citywatch: waiting for process {process} of the cluster at {address}: {reason}");
        }
        stream::Event::Refused { process, reason } => {
            eprintln!("citywatch: refused a process that says it is process {process} of the cluster: {reason}");
        }
        _ => {}
    }
}
