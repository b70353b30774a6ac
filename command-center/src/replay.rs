//! What the log says and the store lacks, applied at every start: to where the log ends now, each piece in one transaction
//! with the place that it ends at.

use crate::CenterError;
use crate::center::Center;
use crate::reader::{Appends, Reader};
use crate::store::{commit, positions};
use bus::{Records, Topic};
use model::Partition;
use sqlx::AnyConnection;
use std::sync::Arc;

/// Bytes of one partition that are applied in one transaction at most.
const READ_BYTES: usize = 256 * 1024;

/// Has `apply` take what `reader`, by its name in the store, lacks of a topic.
pub(crate) async fn catch_up(
    center: &Center,
    reader: &str,
    topic: Topic,
    mut apply: impl AsyncFnMut(&mut AnyConnection, &[(Partition, Records)]) -> Result<(), CenterError>,
) -> Result<(), CenterError> {
    let next = positions::resume(center, reader, topic).await?;
    let mut read = Reader::new(Arc::clone(&center.log), topic, &Appends::none(), next, READ_BYTES);
    loop {
        let found = read.poll().await?;
        if found.is_empty() {
            return Ok(());
        }
        let before = read.next;
        read.advance(&found);
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        apply(&mut transaction, &found).await?;
        positions::save(&mut transaction, reader, topic, &before, &read.next).await?;
        positions::save_read(&mut transaction, reader, topic, &positions::prints(&found)).await?;
        commit(transaction).await?;
    }
}
