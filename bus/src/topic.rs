//! The topics, fixed by design.

use model::Domain;
use std::fmt;

/// A topic of the bus, without the prefix that is a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Text of rule sets and registries by content hash, kept for ever.
    Config,
    /// Readings, ticks and markers: all that moves the rules.
    Observations,
    /// What ingest refused, whole, with its reason.
    DeadLetter,
    /// Sensors online, silent, stuck, unregistered.
    Perceive,
    /// Each transition of each incident.
    Analyze,
    /// Appeals and public notices.
    Serve,
    /// Every step of a case.
    Command,
    /// Deadlines, scores, findings, audit.
    Supervise,
    /// The utilities' feed of one domain.
    Incidents(Domain),
    /// The latest state of each open incident.
    Open,
}

impl Topic {
    /// All topics.
    pub const ALL: [Topic; 14] = [
        Topic::Config,
        Topic::Observations,
        Topic::DeadLetter,
        Topic::Perceive,
        Topic::Analyze,
        Topic::Serve,
        Topic::Command,
        Topic::Supervise,
        Topic::Incidents(Domain::Drainage),
        Topic::Incidents(Domain::Waste),
        Topic::Incidents(Domain::Traffic),
        Topic::Incidents(Domain::Air),
        Topic::Incidents(Domain::Cross),
        Topic::Open,
    ];

    /// Its place in [`Topic::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Topic::Config => 0,
            Topic::Observations => 1,
            Topic::DeadLetter => 2,
            Topic::Perceive => 3,
            Topic::Analyze => 4,
            Topic::Serve => 5,
            Topic::Command => 6,
            Topic::Supervise => 7,
            Topic::Incidents(Domain::Drainage) => 8,
            Topic::Incidents(Domain::Waste) => 9,
            Topic::Incidents(Domain::Traffic) => 10,
            Topic::Incidents(Domain::Air) => 11,
            Topic::Incidents(Domain::Cross) => 12,
            Topic::Open => 13,
        }
    }

    /// Whether only the latest record of each key is kept, until a tombstone ends it.
    pub const fn is_compacted(self) -> bool {
        matches!(self, Topic::Open)
    }

    /// Whether it is kept for ever, whatever the settings say.
    pub const fn is_kept_for_ever(self) -> bool {
        matches!(self, Topic::Config | Topic::Serve | Topic::Command | Topic::Supervise)
    }

    /// The name without prefix.
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Config => "config",
            Topic::Observations => "observations",
            Topic::DeadLetter => "dead-letter",
            Topic::Perceive => "perceive",
            Topic::Analyze => "analyze",
            Topic::Serve => "serve",
            Topic::Command => "command",
            Topic::Supervise => "supervise",
            Topic::Incidents(Domain::Drainage) => "incidents.drainage",
            Topic::Incidents(Domain::Waste) => "incidents.waste",
            Topic::Incidents(Domain::Traffic) => "incidents.traffic",
            Topic::Incidents(Domain::Air) => "incidents.air",
            Topic::Incidents(Domain::Cross) => "incidents.cross",
            Topic::Open => "open",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
