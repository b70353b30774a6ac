//! The checkpoint thread: has the state of one partition after another copied, and writes it while the work goes on.
//!
//! A copy travels from the source through the rules and the sink behind the reads before it, so it arrives here when
//! everything that those reads caused is durable: no worker waits for that, in whichever process it is. At most one copy is on its way, so a
//! checkpoint costs the memory of one partition's state.

mod store;

pub(crate) use store::{Loaded, Store};

use crate::city::{CityState, CopyCity};
use crate::local::PartitionState;
use crate::shared::{Copy, Shared, lock};
use crate::sink::{Ends, Past};
use crate::wide::{CopyShard, ShardState};
use crate::{CheckpointReport, Event, Observe, StreamError};
use bus::EventLog;
use model::PARTITIONS;
use rules::engine::WideRules;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the checkpoint thread is told.
pub(crate) enum ToCheckpoint {
    /// The state that it asked for.
    State(Box<PartitionState>),
    /// The same of the wide rules.
    Shard(Box<ShardState>),
    /// The same of the relations of the city.
    City(Box<CityState>),
    /// Take one more checkpoint, then end.
    Finish,
    /// End at once.
    Abandon,
}

/// Takes checkpoints.
pub(crate) struct Checkpointer {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) store: Store,
    pub(crate) past: Arc<Past>,
    pub(crate) every: Duration,
    pub(crate) observe: Observe,
    pub(crate) report: Arc<Mutex<CheckpointReport>>,
}

/// How waiting for a state ended.
enum Interrupted {
    Abandoned,
    Failed(StreamError),
}

impl From<StreamError> for Interrupted {
    fn from(error: StreamError) -> Interrupted {
        Interrupted::Failed(error)
    }
}

impl Checkpointer {
    /// Works until told to end. The error is that of the last checkpoint, if it could not be written.
    pub(crate) fn run(mut self, messages: &Receiver<ToCheckpoint>) -> Result<(), StreamError> {
        let mut finishing = false;
        loop {
            if !finishing {
                match messages.recv_timeout(self.every) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(ToCheckpoint::Finish) => finishing = true,
                    Ok(ToCheckpoint::Abandon) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                    Ok(ToCheckpoint::State(_) | ToCheckpoint::Shard(_) | ToCheckpoint::City(_)) => {
                        unreachable!("a state is sent when asked for")
                    }
                }
            }
            let last = finishing;
            match self.take(messages, &mut finishing) {
                Err(Interrupted::Abandoned) => return Ok(()),
                Err(Interrupted::Failed(error)) => {
                    (self.observe)(&Event::CheckpointFailed { reason: error.to_string() });
                    lock(&self.report).failed += 1;
                    if last {
                        return Err(error);
                    }
                }
                Ok(()) if last => return Ok(()),
                Ok(()) => {}
            }
        }
    }

    fn take(&mut self, messages: &Receiver<ToCheckpoint>, finishing: &mut bool) -> Result<(), Interrupted> {
        if self.nothing_new() && !*finishing {
            return Ok(());
        }
        let began = Instant::now();
        (self.observe)(&Event::CheckpointBegan);
        let ends = self.ends()?;
        let (mut states, mut told) = (Vec::new(), Vec::new());
        let mut failure = None;
        let (mut pause, mut bytes) = (Duration::ZERO, 0);
        for partition in 0..PARTITIONS {
            self.shared.ask_owner(partition, Copy::Partition(partition));
            let ToCheckpoint::State(state) = wait_for_state(messages, finishing)? else { unreachable!("see above") };
            assert_eq!(state.summary.partition, partition, "one state at a time is asked for");
            told.push(state.summary.told);
            (self.observe)(&Event::StateCopied);
            pause = pause.max(state.pause);
            bytes += state.engine.len() as u64;
            match self.store.write_state(state.summary, &state.engine) {
                Ok(file) => states.push(file),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            (self.observe)(&Event::StateWritten);
        }
        if let Some(error) = failure {
            return Err(error.into());
        }
        // After the partitions: a shard must know at least what they have told by where they go on.
        let (mut shards, mut sent) = (Vec::new(), Vec::new());
        for shard in 0..WideRules::SHARDS {
            let wanted = Copy::Shard(CopyShard { shard, told: told.clone() });
            self.shared.ask_owner(shard, wanted);
            let ToCheckpoint::Shard(state) = wait_for_state(messages, finishing)? else { unreachable!("see above") };
            (self.observe)(&Event::StateCopied);
            sent.push(state.sent);
            bytes += state.rules.len() as u64;
            match self.store.write_shard(state.summary, &state.rules) {
                Ok(file) => shards.push(file),
                Err(error) => return Err(error.into()),
            }
            (self.observe)(&Event::StateWritten);
        }
        self.shared.ask_owner(0, Copy::City(CopyCity { told, sent }));
        let ToCheckpoint::City(state) = wait_for_state(messages, finishing)? else { unreachable!("see above") };
        (self.observe)(&Event::StateCopied);
        bytes += state.relations.len() as u64;
        let city = self.store.write_city(state.summary, &state.relations)?;
        (self.observe)(&Event::StateWritten);
        self.store.commit(ends, states, shards, city, &self.observe)?;
        let (sequence, took) = (self.store.next_sequence() - 1, began.elapsed());
        let failed = lock(&self.report).failed;
        *lock(&self.report) = CheckpointReport { sequence, took, pause, bytes, failed };
        (self.observe)(&Event::CheckpointDone { sequence, took, pause, bytes });
        self.store.sweep()?;
        (self.observe)(&Event::Swept);
        Ok(())
    }

    /// Whether every partition stands where the last checkpoint has it.
    fn nothing_new(&self) -> bool {
        self.store.last().is_some_and(|last| {
            last.states.iter().all(|state| self.shared.partition(state.slot.partition).durable == state.slot.next)
        })
    }

    /// Where the topics end, or where they did before the stream began to repeat an earlier run.
    fn ends(&self) -> Result<Ends, StreamError> {
        let last = self.store.last().map(|last| &last.ends);
        if self.past.is_over(&self.shared) { Ends::now(&*self.log, last) } else { Ok(self.past.ends.clone()) }
    }
}

/// The one state that was asked for.
fn wait_for_state(messages: &Receiver<ToCheckpoint>, finishing: &mut bool) -> Result<ToCheckpoint, Interrupted> {
    loop {
        match messages.recv() {
            Ok(state @ (ToCheckpoint::State(_) | ToCheckpoint::Shard(_) | ToCheckpoint::City(_))) => return Ok(state),
            Ok(ToCheckpoint::Finish) => *finishing = true,
            Ok(ToCheckpoint::Abandon) | Err(_) => return Err(Interrupted::Abandoned),
        }
    }
}
