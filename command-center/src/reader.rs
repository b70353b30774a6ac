//! Reading a topic of the log from async tasks: all partitions at once, and waiting at the end.

use crate::CenterError;
use crate::store::positions::Positions;
use bus::{EventLog, Records, Topic};
use model::{PARTITIONS, Partition};
use std::sync::Arc;
use tokio::sync::watch;

/// Tells of appends to a topic. The log keeps what it calls until it is dropped, so one is made for each topic, once.
#[derive(Clone)]
pub(crate) struct Appends(watch::Receiver<()>);

/// Reads one topic from given positions on.
pub(crate) struct Reader {
    log: Arc<dyn EventLog>,
    topic: Topic,
    appends: Appends,
    read_bytes: usize,
    /// The next record of each partition. Whoever reads moves it when what was read is done with.
    pub(crate) next: Positions,
}

impl Appends {
    pub(crate) fn to(log: &dyn EventLog, topic: Topic) -> Appends {
        let (sender, receiver) = watch::channel(());
        log.watch(topic, Arc::new(move || sender.send_replace(())));
        Appends(receiver)
    }

    /// For who only polls: has the log call nobody.
    pub(crate) fn none() -> Appends {
        Appends(watch::channel(()).1)
    }

    /// Waits for the next append; for ever once the log is gone, when there is nothing to come.
    async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Reader {
    /// `read_bytes` bounds what is read of one partition at a time.
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        topic: Topic,
        appends: &Appends,
        next: Positions,
        read_bytes: usize,
    ) -> Reader {
        Reader { log, topic, appends: appends.clone(), read_bytes, next }
    }

    /// What there is from `next` on, by partition; waits until there is something. Does not move `next`.
    ///
    /// Where retention has dropped what is next, it goes on with the first record that is held.
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing is lost.
    pub(crate) async fn wait(&mut self) -> Result<Vec<(Partition, Records)>, CenterError> {
        loop {
            self.appends.0.mark_unchanged();
            let found = self.poll().await?;
            if !found.is_empty() {
                return Ok(found);
            }
            self.appends.next().await;
        }
    }

    /// What there is from `next` on, without waiting.
    pub(crate) async fn poll(&self) -> Result<Vec<(Partition, Records)>, CenterError> {
        let (log, topic, next, bytes) = (Arc::clone(&self.log), self.topic, self.next, self.read_bytes);
        blocking(move || {
            let mut found = Vec::new();
            for (partition, next) in (0..PARTITIONS).zip(next) {
                let held = log.bounds(topic, partition).map_err(CenterError::log("see what the log holds"))?;
                let from = next.max(held.start);
                if from < held.end {
                    let read = log.read(topic, partition, from, bytes);
                    found.push((partition, read.map_err(CenterError::log("read the log"))?));
                }
            }
            Ok(found)
        })
        .await
    }

    /// Moves beyond these records.
    pub(crate) fn advance(&mut self, read: &[(Partition, Records)]) {
        for (partition, records) in read {
            if let Some(next) = records.next_offset() {
                self.next[*partition as usize] = next;
            }
        }
    }
}

/// Where each partition of a topic begins and ends.
pub(crate) fn bounds(log: &dyn EventLog, topic: Topic) -> Result<(Positions, Positions), CenterError> {
    let (mut starts, mut ends) = ([0; PARTITIONS as usize], [0; PARTITIONS as usize]);
    for partition in 0..PARTITIONS {
        let held = log.bounds(topic, partition).map_err(CenterError::log("see what the log holds"))?;
        (starts[partition as usize], ends[partition as usize]) = (held.start, held.end);
    }
    Ok((starts, ends))
}

/// Runs what blocks on a thread for that. A panic there goes on here.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        // The runtime ends: nobody is left to answer.
        Err(_) => std::future::pending().await,
    }
}
