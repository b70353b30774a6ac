//! Group commit without a thread of its own: whoever opens a group leads it.
//!
//! The first caller of a group waits until the group before is durable; whoever calls meanwhile joins. Then the
//! leader writes one frame a topic, syncs each, and tells all. So nobody lingers for company, one sync serves all
//! that waited, and memory is bounded by the batches of the callers that wait.

use super::compact;
use super::frame::{self, HEADER_BYTES, Header, Piece};
use super::segment::{Segment, write_at_end};
use super::view::View;
use super::{BATCH_BYTES_MAX, EmbeddedLog, GROUP_BYTES_MAX, SEGMENT_BYTES_MAX, io_error};
use crate::batch::Part;
use crate::{Appended, Batch, BusError, Topic};
use model::{Offset, Partition};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// A segment is sealed after this share of the retention age, so that a slow topic ages in parts.
const AGE_PARTS: i64 = 8;

/// The group that is open, and whether the one before is under way.
#[derive(Debug, Default)]
pub(super) struct Queue {
    batches: Vec<Batch>,
    bytes: usize,
    group: Arc<Group>,
    committing: bool,
}

/// Where the callers of a group wait for what became of it.
#[derive(Debug, Default)]
struct Group {
    /// What each caller of the group gets, in the order in which they joined.
    outcome: Mutex<Option<Result<Vec<Appended>, BusError>>>,
    arrived: Condvar,
}

/// A frame on its way to the disk.
struct Written {
    topic: Topic,
    file: Arc<File>,
    path: PathBuf,
    position: u32,
    frame: Vec<u8>,
}

/// By topic and partition, the parts of the batches with their places in the group.
type Parts<'a> = BTreeMap<(Topic, Partition), Vec<(usize, &'a Part)>>;

impl Group {
    fn tell(&self, outcome: Result<Vec<Appended>, BusError>) {
        *self.lock() = Some(outcome);
        self.arrived.notify_all();
    }

    fn wait(&self, place: usize) -> Result<Appended, BusError> {
        let mut outcome = self.lock();
        loop {
            match &mut *outcome {
                Some(Ok(appended)) => return Ok(std::mem::take(&mut appended[place])),
                Some(Err(error)) => return Err(error.again()),
                None => outcome = self.arrived.wait(outcome).expect("nothing panics while it holds this lock"),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Result<Vec<Appended>, BusError>>> {
        self.outcome.lock().expect("nothing panics while it holds this lock")
    }
}

/// Gives the lead to the next group, whatever became of this one.
struct Lead<'a> {
    log: &'a EmbeddedLog,
    group: Arc<Group>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.group.tell(Err(self.log.halt("a panic in a commit")));
        }
        self.log.queue().committing = false;
        self.log.turn.notify_one();
    }
}

impl EmbeddedLog {
    pub(super) fn append_in_group(&self, batch: Batch) -> Result<Appended, BusError> {
        if self.lock.is_none() {
            let source = std::io::ErrorKind::PermissionDenied.into();
            return Err(io_error(&self.directory, "append: it was opened for reading only", source));
        }
        if batch.is_empty() {
            return Ok(Appended::default());
        }
        let bytes = batch.bytes();
        if bytes > BATCH_BYTES_MAX {
            return Err(BusError::TooLarge { bytes, most: BATCH_BYTES_MAX });
        }
        let mut queue = self.queue();
        while queue.bytes > 0 && queue.bytes + bytes > GROUP_BYTES_MAX {
            queue = self.room.wait(queue).expect("nothing panics while it holds this lock");
        }
        let place = queue.batches.len();
        queue.bytes += bytes;
        queue.batches.push(batch);
        let group = Arc::clone(&queue.group);
        if place > 0 {
            drop(queue);
            return group.wait(place);
        }
        while queue.committing {
            queue = self.turn.wait(queue).expect("nothing panics while it holds this lock");
        }
        let batches = std::mem::replace(&mut *queue, Queue { committing: true, ..Queue::default() }).batches;
        drop(queue);
        self.room.notify_all();
        let lead = Lead { log: self, group: Arc::clone(&group) };
        let (outcome, touched) = match self.commit(&batches) {
            Ok((appended, touched)) => (Ok(appended), touched),
            Err(error) => (Err(error), vec![]),
        };
        drop(lead);
        group.tell(outcome);
        for topic in touched {
            self.wakes[topic.index()].read().expect("nothing panics while it holds this lock").iter().for_each(|w| w());
        }
        group.wait(place)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("nothing panics while it holds this lock")
    }

    /// Makes a group durable, then visible. Only the leader is here.
    fn commit(&self, batches: &[Batch]) -> Result<(Vec<Appended>, Vec<Topic>), BusError> {
        if let Some(reason) = self.halted.get() {
            return Err(BusError::Halted { place: self.directory.display().to_string(), reason: reason.clone() });
        }
        let mut parts = Parts::new();
        for (place, batch) in batches.iter().enumerate() {
            for (at, part) in &batch.parts {
                parts.entry(*at).or_default().push((place, part));
            }
        }
        let mut appended = vec![Appended::default(); batches.len()];
        let mut written = Vec::new();
        for topic in Topic::ALL {
            if parts.range((topic, 0)..=(topic, Partition::MAX)).next().is_some()
                && let Err(error) = self.write(topic, &parts, &mut appended, &mut written)
            {
                self.take_back(&written);
                return Err(error);
            }
        }
        for Written { file, path, .. } in &written {
            self.sync(file, path)?;
        }
        let records = batches.iter().map(|batch| batch.len() as u64).sum();
        let bytes = written.iter().map(|written| written.frame.len() as u64).sum();
        self.counters.committed(batches.len(), records, bytes);
        let touched = written.iter().map(|written| written.topic).collect();
        for Written { topic, position, frame, .. } in written {
            let mut view = self.write_view(topic);
            let salt = view.segments.back().expect("it was written to").salt;
            let header = Header::read(salt, position, &frame).expect("it was just made");
            let sections = header.sections(&frame).expect("it was just made");
            view.push(&header, sections, frame);
        }
        Ok((appended, touched))
    }

    /// Writes the frame of one topic at the end of its segment, which it makes ready first.
    fn write(
        &self,
        topic: Topic,
        parts: &Parts<'_>,
        appended: &mut [Appended],
        written: &mut Vec<Written>,
    ) -> Result<(), BusError> {
        let now = (self.settings.clock)().0;
        let parts = || parts.range((topic, 0)..=(topic, Partition::MAX));
        let bytes: usize = parts().flat_map(|(_, parts)| parts).map(|(_, part)| part.bytes.len()).sum();
        self.ready(topic, bytes, now)?;
        let view = self.view(topic);
        let segment = view.segments.back().expect("it was made ready");
        let (file, path, position) = (Arc::clone(&segment.file), segment.path.clone(), segment.len);
        let mut pieces = Vec::new();
        for ((_, partition), parts) in parts() {
            let first = segment.end[*partition as usize];
            let mut next = first;
            for (place, part) in parts {
                let offsets = next..next + Offset::from(part.records);
                next = offsets.end;
                appended[*place].0.insert((topic, *partition), offsets);
            }
            let bytes = parts.iter().map(|(_, part)| &part.bytes[..]).collect();
            pieces.push(Piece { partition: *partition, first, records: (next - first) as u32, bytes });
        }
        let frame = frame::records_frame(segment.salt, position, now, &pieces);
        drop(view);
        written.push(Written { topic, file, path, position, frame });
        let Written { file, path, frame, .. } = &written[written.len() - 1];
        write_at_end(file, frame, position).map_err(|error| io_error(path, "append to this segment", error))
    }

    /// Leaves an unsealed segment with room for `bytes` as the topic's last.
    fn ready(&self, topic: Topic, bytes: usize, now: i64) -> Result<(), BusError> {
        let directory = self.topic_directory(topic);
        let (number, base) = {
            let view = self.view(topic);
            match view.segments.back() {
                Some(last) if !last.sealed && !self.is_full(topic, last, bytes, now) => return Ok(()),
                Some(last) if last.sealed => (last.through + 1, last.end),
                Some(last) => {
                    self.seal(last)?;
                    (last.through + 1, last.end)
                }
                None => {
                    self.make_directory(topic)?;
                    (0, view.next())
                }
            }
        };
        if let Some(last) = self.write_view(topic).segments.back_mut() {
            last.sealed = true;
        }
        let segment = Segment::create(&directory, number, &base)?;
        let mut view = self.write_view(topic);
        view.segments.push_back(segment);
        let is_due = topic.is_compacted() && compact::is_due(&view);
        self.retain(topic, &mut view)?;
        drop(view);
        if is_due {
            self.compact_beside(topic);
        }
        Ok(())
    }

    /// Writes a segment's index at its end. Its frames are durable already: the index only repeats what they say.
    fn seal(&self, segment: &Segment) -> Result<(), BusError> {
        if let Err(error) = segment.write_index() {
            self.cut_back(&segment.file, segment.len);
            return Err(io_error(&segment.path, "seal this segment", error));
        }
        self.sync(&segment.file, &segment.path)
    }

    /// Syncs a segment, once: a second try could succeed though the first one lost pages.
    fn sync(&self, file: &File, path: &Path) -> Result<(), BusError> {
        let begun = Instant::now();
        if let Err(error) = file.sync_data() {
            self.halt(&format!("the sync of {} failed: {error}", path.display()));
            return Err(io_error(path, "sync this segment; restart to recover what is on the disk", error));
        }
        self.counters.synced(begun.elapsed());
        Ok(())
    }

    fn is_full(&self, topic: Topic, segment: &Segment, bytes: usize, now: i64) -> bool {
        let Some((first_append, _)) = segment.appended else { return false };
        let aged = self.settings.retention_of(topic).age.is_some_and(|age| now - first_append > age.0 / AGE_PARTS);
        let most = if topic.is_compacted() { compact::SEGMENT_BYTES } else { SEGMENT_BYTES_MAX };
        aged || segment.len as usize + HEADER_BYTES + bytes > self.settings.segment_bytes.min(most) as usize
    }

    fn make_directory(&self, topic: Topic) -> Result<(), BusError> {
        let make = || {
            std::fs::create_dir_all(self.topic_directory(topic))?;
            File::open(&self.directory)?.sync_all()
        };
        make().map_err(|error| io_error(&self.directory, "make a topic's directory", error))
    }

    /// Drops the oldest segments that the topic's retention does not keep.
    pub(super) fn retain(&self, topic: Topic, view: &mut View) -> Result<(), BusError> {
        let retention = self.settings.retention_of(topic);
        let now = (self.settings.clock)().0;
        let mut total: u64 = view.segments.iter().map(|segment| u64::from(segment.len)).sum();
        while view.segments.len() > 1 {
            let oldest = &view.segments[0];
            let last_append = oldest.appended.map_or(i64::MIN, |(_, last)| last);
            let aged = retention.age.is_some_and(|age| last_append < now - age.0);
            if !aged && retention.bytes.is_none_or(|most| total <= most) {
                break;
            }
            std::fs::remove_file(&oldest.path)
                .map_err(|error| io_error(&oldest.path, "drop this old segment", error))?;
            total -= u64::from(oldest.len);
            view.segments.pop_front();
            self.counters.dropped();
        }
        Ok(())
    }

    /// After a failed write: nothing of the group stays in the files.
    fn take_back(&self, written: &[Written]) {
        for Written { file, position, .. } in written {
            self.cut_back(file, *position);
        }
    }

    fn cut_back(&self, file: &File, len: u32) {
        if let Err(error) = file.set_len(u64::from(len)) {
            self.halt(&format!("a failed append could not be taken back: {error}"));
        }
    }

    /// Nothing is appended any more. The first reason stays.
    fn halt(&self, reason: &str) -> BusError {
        let reason = self.halted.get_or_init(|| reason.to_owned()).clone();
        BusError::Halted { place: self.directory.display().to_string(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EmbeddedSettings, EventLog};

    fn batch(value: &[u8]) -> Batch {
        let mut batch = Batch::new();
        batch.push(Topic::Command, 0, b"key", Some(value), &[]);
        batch
    }

    /// `/dev/null` takes every write and refuses to sync: the sync fails after the write, as on a dying disk.
    #[test]
    fn a_failed_sync_halts_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(directory.path(), EmbeddedSettings::default()).unwrap();
        log.append(batch(b"before")).unwrap();
        let null = File::options().read(true).write(true).open("/dev/null").unwrap();
        let disk = {
            let mut view = log.write_view(Topic::Command);
            std::mem::replace(&mut view.segments[0].file, Arc::new(null))
        };
        let syncs = log.stats().syncs;
        let error = log.append(batch(b"lost")).unwrap_err();
        assert!(matches!(error, BusError::Io { .. }), "{error}");
        log.write_view(Topic::Command).segments[0].file = disk;
        for _ in 0..3 {
            let error = log.append(batch(b"after")).unwrap_err();
            assert!(matches!(&error, BusError::Halted { reason, .. } if reason.contains("sync")), "{error}");
        }
        assert_eq!(log.stats().syncs, syncs, "a sync is not tried again");
        assert_eq!(log.bounds(Topic::Command, 0).unwrap(), 0..1, "what is not durable is not read");
        assert_eq!(log.read(Topic::Command, 0, 0, 100).unwrap().len(), 1, "what is durable is");
        drop(log);
        let log = EmbeddedLog::open(directory.path(), EmbeddedSettings::default()).unwrap();
        assert_eq!(log.append(batch(b"after")).unwrap().0[&(Topic::Command, 0)], 1..2);
    }

    #[test]
    fn too_large_a_batch_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(directory.path(), EmbeddedSettings::default()).unwrap();
        let error = log.append(batch(&vec![0; BATCH_BYTES_MAX])).unwrap_err();
        assert!(matches!(error, BusError::TooLarge { .. }), "{error}");
        assert_eq!(log.append(batch(&vec![0; BATCH_BYTES_MAX - 100])).unwrap().0.len(), 1);
        assert_eq!(log.append(batch(b"small")).unwrap().0[&(Topic::Command, 0)], 1..2);
    }

    #[test]
    fn a_group_is_synced_once() {
        let directory = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(directory.path(), EmbeddedSettings::default()).unwrap();
        log.append(batch(b"makes the segment")).unwrap();
        let before = log.stats();
        // While the lead is taken, callers gather in one group.
        log.queue().committing = true;
        std::thread::scope(|scope| {
            for caller in 0..20 {
                let log = &log;
                scope.spawn(move || log.append(batch(&[caller])).unwrap());
            }
            while log.queue().batches.len() < 20 {
                std::thread::yield_now();
            }
            log.queue().committing = false;
            log.turn.notify_one();
        });
        let after = log.stats();
        assert_eq!((after.syncs - before.syncs, after.groups - before.groups), (1, 1));
        assert_eq!((after.appends - before.appends, after.records - before.records), (20, 20));
        assert_eq!(after.sync_buckets.iter().sum::<u64>(), after.syncs);
        assert_eq!(log.bounds(Topic::Command, 0).unwrap(), 0..21);
    }
}
