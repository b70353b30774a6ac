//! Changes of cases that are written together with what others write; the pages are told when they are durable.

use super::desk::{Writing, tell};
use super::duty::desk::wake;
use crate::CenterError;
use crate::center::Center;
use crate::store::cases::StoredCase;
use crate::store::ledger::Ledger;
use crate::store::together::Done;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Changes of cases, and what goes with them.
pub(crate) struct Changes {
    pub(super) cases: Vec<StoredCase>,
    /// Whether a notice went out by them.
    pub(super) has_told: bool,
    pub(super) ledger: Ledger,
}

/// What became of a write, and the changes; without them nothing is written.
pub(crate) type Written<T> = Result<(T, Option<Changes>), CenterError>;

/// Changes cases together with what others write.
pub(crate) async fn together<T: Send + 'static>(
    center: &Arc<Center>,
    work: impl for<'w> FnOnce(Writing<'w>) -> BoxFuture<'w, Written<T>> + Send + 'static,
) -> Result<T, CenterError> {
    let (to_write, to_tell) = (Arc::clone(center), Arc::clone(center));
    let written = center.together.write(
        move |connection, first| {
            Box::pin(async move {
                let (came_to, changes) = work(Writing::new(&to_write, connection, first)).await?;
                Ok(match changes {
                    Some(Changes { cases, has_told, ledger }) => {
                        let count = cases.len() as u64;
                        Done::Written((came_to, cases, has_told), ledger, count)
                    }
                    None => Done::Nothing((came_to, Vec::new(), false)),
                })
            })
        },
        move |(_, cases, has_told)| {
            cases.iter().for_each(|case| tell(&to_tell, case));
            if *has_told {
                wake(&to_tell);
            }
            to_tell.outbox.notify_one();
        },
    );
    written.await.map(|(came_to, ..)| came_to)
}
