//! How much of the disk the photos of strangers take: so many bytes a day in all, counted in the store, so that a restart
//! gives no more.

use crate::CenterError;
use crate::auth::secret::wall_ms;
use crate::center::Center;
use crate::store::cases::add_bytes;
use crate::store::{commit, whole};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// By what name the bytes of a day are counted.
const COUNTED: &str = "photo_bytes";

/// Takes room for a photo of this many bytes; false if the day's is used up, which is counted. A photo that is refused
/// later keeps its room: it was sent all the same.
pub(crate) async fn take_room(center: &Arc<Center>, bytes: u64) -> Result<bool, CenterError> {
    let now = jiff::Timestamp::from_millisecond(wall_ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let day = center.working.zone.to_datetime(now).date().strftime("%Y%m%d").to_string();
    let (for_room, limit) = (Arc::clone(center), center.photo_bytes_a_day);
    let has_room = whole(async move {
        let mut writer = for_room.store.writer().await;
        let mut transaction = writer.begin().await?;
        let all = add_bytes(&mut transaction, COUNTED, &day, bytes).await?;
        if all > limit {
            // Dropped: what was refused is not counted.
            return Ok::<_, CenterError>(false);
        }
        commit(transaction).await?;
        Ok(true)
    })
    .await?;
    if !has_room {
        center.counters.photos_refused.fetch_add(1, Ordering::Relaxed);
    }
    Ok(has_room)
}
