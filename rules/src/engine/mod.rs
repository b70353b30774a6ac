//! The production evaluator: the meaning of `docs/semantics.md`, compiled.

use crate::ast::RuleSet;
use crate::{PartitionRules, Settings};
use model::{Entry, EventTime, Offset, Partition, Registry, Transition};
use std::sync::Arc;

/// A rule set compiled against a registry; shared by all partitions.
#[derive(Debug)]
pub struct Program {
    rules: Arc<RuleSet>,
    registry: Arc<Registry>,
    settings: Settings,
}

/// The local rules of one partition and all their state.
#[derive(Debug)]
pub struct Engine {
    program: Arc<Program>,
    partition: Partition,
}

/// What the evaluator counted since it was made; part of its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Readings that were applied.
    pub readings: u64,
    /// Readings of sensors that are not registered.
    pub unregistered: u64,
    /// Readings that came too late.
    pub late: u64,
    /// Values that were there already.
    pub duplicates: u64,
    /// Transitions that came out.
    pub transitions: u64,
}

/// State that cannot be taken up again.
#[derive(Debug, thiserror::Error)]
#[error("the saved state of partition {partition} cannot be used: {reason}")]
pub struct RestoreError {
    /// Whose state it is.
    pub partition: Partition,
    /// What is wrong with it.
    pub reason: String,
}

impl Program {
    /// Compiles `rules` for the sensors of `registry`.
    pub fn compile(rules: Arc<RuleSet>, registry: Arc<Registry>, settings: Settings) -> Program {
        Program { rules, registry, settings }
    }
}

impl Engine {
    /// A partition with no history.
    pub fn new(program: Arc<Program>, partition: Partition) -> Engine {
        Engine { program, partition }
    }

    /// Appends the whole state to `out`: the same state gives the same bytes.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        out.push(0);
    }

    /// Takes up the state that [`Engine::snapshot`] wrote under an equal program.
    pub fn restore(program: Arc<Program>, partition: Partition, _bytes: &[u8]) -> Result<Engine, RestoreError> {
        Ok(Engine { program, partition })
    }

    /// Goes on with another program from here: unchanged rules keep their state, incidents of removed or changed rules
    /// are cleared with reason `rule-changed`, those of sensors that moved with `moved`.
    pub fn reload(&mut self, program: Arc<Program>, _time: EventTime, _out: &mut Vec<Transition>) {
        self.program = program;
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}

impl PartitionRules for Engine {
    fn apply(&mut self, _offset: Offset, _entry: &Entry<'_>, _out: &mut Vec<Transition>) {
        let _ = (&self.program.rules, &self.program.registry, &self.program.settings, self.partition);
    }
}
