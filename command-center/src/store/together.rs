//! Writes that have a commit in common: those that come while one is on its way to the disk are in the next together.
//!
//! What it promises: each is whole or not at all, whatever becomes of the others; nobody is answered before what they
//! wrote is durable; each sees what those before it wrote, and they are told to pages in that order.
//! What it does not do: it waits for no company. Who comes alone is committed alone, at once.

use super::ledger::Ledger;
use super::{Store, Writer, commit};
use crate::CenterError;
use crate::store::incidents::{newest_change, note_change};
use futures_util::future::BoxFuture;
use sqlx::{AnyConnection, Executor};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Writes of one commit at most; the rest are in the next.
const WRITES_MAX: usize = 64;
/// Writes that wait; whoever comes beyond them waits until there is room.
const WAITING_MAX: usize = 1_024;

/// Takes writes.
pub(crate) struct Together(mpsc::Sender<Box<dyn Write>>);

/// Writes that wait.
pub(crate) struct Waiting(mpsc::Receiver<Box<dyn Write>>);

/// What a write came to.
pub(crate) enum Done<T> {
    /// This; with what goes with it, and how many changes of incidents and cases it made.
    Written(T, Ledger, u64),
    /// Nothing is written: what was is undone.
    Nothing(T),
}

/// What is done when it is known whether the commit is durable.
type After = Box<dyn FnOnce(Result<(), CenterError>) + Send>;

/// A write, of whatever answer.
trait Write: Send {
    /// Writes; gives what goes with it and its number of changes, if it is to stay. `change` is the newest before.
    fn run<'c>(
        self: Box<Self>,
        connection: &'c mut AnyConnection,
        change: u64,
    ) -> BoxFuture<'c, (Option<(Ledger, u64)>, After)>;

    /// Answers that it was not begun.
    fn fail(self: Box<Self>, error: CenterError);
}

struct One<T, W, D> {
    work: W,
    durable: D,
    answer: oneshot::Sender<Result<T, CenterError>>,
}

impl<T, W, D> Write for One<T, W, D>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut AnyConnection, u64) -> BoxFuture<'c, Result<Done<T>, CenterError>> + Send + 'static,
    D: FnOnce(&T) + Send + 'static,
{
    fn run<'c>(
        self: Box<Self>,
        connection: &'c mut AnyConnection,
        change: u64,
    ) -> BoxFuture<'c, (Option<(Ledger, u64)>, After)> {
        let One { work, durable, answer } = *self;
        let work = work(connection, change);
        Box::pin(async move {
            let (kept, done) = match work.await {
                Ok(Done::Written(done, ledger, changes)) => (Some((ledger, changes)), Ok(done)),
                Ok(Done::Nothing(done)) => (None, Ok(done)),
                Err(error) => (None, Err(error)),
            };
            let is_kept = kept.is_some();
            let after: After = Box::new(move |committed| {
                let done = done.and_then(|done| {
                    // What wrote nothing is true whatever became of the others.
                    if is_kept {
                        committed?;
                        durable(&done);
                    }
                    Ok(done)
                });
                // Whoever asked may have gone.
                let _ = answer.send(done);
            });
            (kept, after)
        })
    }

    fn fail(self: Box<Self>, error: CenterError) {
        let _ = self.answer.send(Err(error));
    }
}

impl Together {
    pub(crate) fn new() -> (Together, Waiting) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Together(sender), Waiting(receiver))
    }

    /// Writes together with what others write, to its end also when whoever asked for it goes away. `work` gets the
    /// transaction, and the number of the newest change of incidents and cases in it. `durable` is called when it is
    /// committed and before anything else is; not if nothing was written.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut AnyConnection, u64) -> BoxFuture<'c, Result<Done<T>, CenterError>>
        + Send
        + 'static,
        durable: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, CenterError> {
        let over = || CenterError::store("write")(sqlx::Error::WorkerCrashed);
        let (answer, answered) = oneshot::channel();
        self.0.send(Box::new(One { work, durable, answer })).await.map_err(|_| over())?;
        answered.await.map_err(|_| over())?
    }
}

impl Waiting {
    /// Writes what waits and what comes, for ever.
    pub(crate) async fn run(mut self, store: &Store) {
        while let Some(first) = self.0.recv().await {
            let mut writer = store.writer().await;
            // Those that came while others wrote.
            let mut writes = vec![first];
            while writes.len() < WRITES_MAX {
                let Ok(next) = self.0.try_recv() else { break };
                writes.push(next);
            }
            all(&mut writer, writes).await;
        }
    }
}

/// Writes these and answers them, while nobody else writes.
async fn all(writer: &mut Writer<'_>, writes: Vec<Box<dyn Write>>) {
    let (mut writes, mut afters) = (writes.into_iter(), Vec::new());
    match in_one(writer, &mut writes, &mut afters).await {
        Ok(()) => afters.into_iter().for_each(|after| after(Ok(()))),
        Err(error) => {
            let error = Arc::new(error);
            let shared = || CenterError::Together(Arc::clone(&error));
            afters.into_iter().for_each(|after| after(Err(shared())));
            writes.for_each(|write| write.fail(shared()));
        }
    }
}

/// One transaction for these; of those that were begun `afters` has what comes after it.
async fn in_one(
    writer: &mut Writer<'_>,
    writes: &mut std::vec::IntoIter<Box<dyn Write>>,
    afters: &mut Vec<After>,
) -> Result<(), CenterError> {
    let failed = CenterError::store("write together");
    let is_alone = writes.len() == 1;
    let mut transaction = writer.begin().await?;
    let first = newest_change(&mut transaction).await?;
    let (mut change, mut ledger) = (first, Ledger::default());
    for write in writes {
        if !is_alone {
            let point = if afters.is_empty() { "SAVEPOINT one" } else { "RELEASE SAVEPOINT one; SAVEPOINT one" };
            transaction.execute(point).await.map_err(&failed)?;
        }
        let (kept, after) = write.run(&mut transaction, change).await;
        afters.push(after);
        match kept {
            Some((more, changes)) => {
                ledger.append(more);
                change += changes;
            }
            // Dropped, the transaction is undone.
            None if is_alone => return Ok(()),
            None => {
                transaction.execute("ROLLBACK TO SAVEPOINT one").await.map_err(&failed)?;
            }
        }
    }
    ledger.write(&mut transaction).await?;
    if change != first {
        note_change(&mut transaction, change).await?;
    }
    commit(transaction).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Row;
    use std::sync::Mutex;

    /// One of three ends: it stays, it is refused, it fails; each after it wrote.
    async fn one(
        connection: &mut AnyConnection,
        number: usize,
        change: u64,
    ) -> Result<Done<(usize, u64)>, CenterError> {
        let insert = sqlx::query("INSERT INTO case_incident (incident, case_id) VALUES ($1, 'x')");
        let done = insert.bind(number.to_string()).execute(&mut *connection).await;
        done.map_err(CenterError::store("test"))?;
        match number % 3 {
            0 => Ok(Done::Written((number, change), Ledger::default(), 1)),
            1 => Ok(Done::Nothing((number, change))),
            _ => {
                let twice = sqlx::query("INSERT INTO counter (name, value) VALUES ('change', 1)");
                Err(CenterError::store("test")(twice.execute(connection).await.unwrap_err()))
            }
        }
    }

    #[tokio::test]
    async fn each_is_whole_or_not_at_all_and_told_in_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(None, folder.path()).await.unwrap());
        let (together, waiting) = Together::new();
        let for_writes = Arc::clone(&store);
        tokio::spawn(async move { waiting.run(&for_writes).await });
        let (together, told) = (Arc::new(together), Arc::new(Mutex::new(Vec::new())));
        for count in [1, 2, 3, 100] {
            told.lock().unwrap().clear();
            let before = newest_change(&mut store.look().await.unwrap()).await.unwrap();
            let writes: Vec<_> = (0..count)
                .map(|number| {
                    let (together, told) = (Arc::clone(&together), Arc::clone(&told));
                    let number = count * 1_000 + number;
                    tokio::spawn(async move {
                        let write = together.write(
                            move |connection, change| Box::pin(one(connection, number, change)),
                            move |done| told.lock().unwrap().push(*done),
                        );
                        write.await
                    })
                })
                .collect();
            let (mut stayed, mut failed) = (Vec::new(), 0);
            for write in writes {
                match write.await.unwrap() {
                    Ok(done) if done.0 % 3 == 0 => stayed.push(done),
                    Ok(done) => assert_eq!(done.0 % 3, 1),
                    Err(error) => failed += usize::from(error.to_string().contains("test")),
                }
            }
            assert_eq!(failed, (0..count).filter(|number| (count * 1_000 + number) % 3 == 2).count());
            stayed.sort_by_key(|done| done.1);
            assert_eq!(*told.lock().unwrap(), stayed);
            let changes: Vec<u64> = stayed.iter().map(|done| done.1).collect();
            assert_eq!(changes, (before..before + stayed.len() as u64).collect::<Vec<_>>());
            let mut reading = store.look().await.unwrap();
            assert_eq!(newest_change(&mut reading).await.unwrap(), before + stayed.len() as u64);
            let rows = sqlx::query("SELECT incident FROM case_incident").fetch_all(&mut *reading).await.unwrap();
            let rows: Vec<usize> = rows.iter().map(|row| row.get::<&str, _>(0).parse().unwrap()).collect();
            let mine = rows.iter().filter(|row| *row / 1_000 == count).count();
            assert_eq!(mine, stayed.len());
            assert!(rows.iter().all(|row| row % 3 == 0));
        }
    }
}
