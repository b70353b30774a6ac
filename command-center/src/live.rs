//! What all pages are sent: a bounded ring of messages, written once and read by every subscriber at its own pace.
//!
//! A subscriber that falls behind the oldest message is told so and cut off; it comes back and gets a snapshot. So no
//! subscriber costs more than its place in the ring.

use axum::body::Bytes;
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::sync::watch;

/// Messages kept. The oldest goes when there are more.
const MESSAGES_MAX: usize = 8_192;
/// Bytes of messages kept. The oldest goes when there are more; the newest always stays.
const BYTES_MAX: usize = 16 << 20;

/// The ring.
pub(crate) struct Live {
    /// Differs from start to start, so that the ids of another run are not taken for ours.
    run: String,
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

struct Ring {
    messages: VecDeque<Message>,
    /// Number of the first message in the ring.
    first: u64,
    bytes: usize,
}

#[derive(Clone)]
struct Message {
    /// The change of the store that it tells, if it does.
    change: Option<u64>,
    frame: Bytes,
}

/// A place in the ring.
pub(crate) struct Subscriber {
    /// Number of the next message.
    next: u64,
    /// Messages of these changes are in the snapshot that the subscriber has.
    known_change: u64,
    newest: watch::Receiver<u64>,
}

/// What a subscriber gets next.
pub(crate) enum Next {
    /// Messages, as they go over the wire.
    Frames(Vec<Bytes>),
    /// It was too slow: what it needs next is gone.
    Behind,
    /// The command center stops.
    Ended,
}

/// Frames given out at a time, so that a subscriber far behind does not copy the whole ring.
const FRAMES_MAX: usize = 256;

impl Live {
    pub(crate) fn new(run: String) -> Live {
        let ring = Ring { messages: VecDeque::new(), first: 1, bytes: 0 };
        Live { run, ring: Mutex::new(ring), newest: watch::Sender::new(0) }
    }

    /// Sends a message to all. `change` is the change of the store that it tells, in rising order.
    pub(crate) fn send(&self, event: &str, change: Option<u64>, data: &str) {
        let mut ring = self.ring.lock().expect("nothing panics while it holds this lock");
        let number = ring.first + ring.messages.len() as u64;
        let frame = self.frame(number, event, data);
        ring.bytes += frame.len();
        ring.messages.push_back(Message { change, frame });
        while ring.messages.len() > MESSAGES_MAX || (ring.bytes > BYTES_MAX && ring.messages.len() > 1) {
            let gone = ring.messages.pop_front().expect("it holds more than one");
            ring.bytes -= gone.frame.len();
            ring.first += 1;
        }
        drop(ring);
        self.newest.send_replace(number);
    }

    /// Cuts all subscribers off: they come back, and get a snapshot. For when nobody knows whether they were told all.
    pub(crate) fn cut_off(&self) {
        let mut ring = self.ring.lock().expect("nothing panics while it holds this lock");
        // A number that is never sent, so that nobody can say to have had the one before the next.
        ring.first += ring.messages.len() as u64 + 1;
        ring.messages.clear();
        ring.bytes = 0;
        let skipped = ring.first - 1;
        drop(ring);
        self.newest.send_replace(skipped);
    }

    /// A subscriber that gets everything that is sent from now on. A snapshot taken after this call, named to
    /// [`Subscriber::has_snapshot`], leaves no gap.
    pub(crate) fn subscribe(&self) -> Subscriber {
        let newest = self.newest.subscribe();
        let ring = self.ring.lock().expect("nothing panics while it holds this lock");
        Subscriber { next: ring.first + ring.messages.len() as u64, known_change: 0, newest }
    }

    /// A subscriber that had everything up to the message of this id, if the ring still has what came then.
    pub(crate) fn resume(&self, id: &str) -> Option<Subscriber> {
        let (run, number) = id.split_once('-')?;
        let number: u64 = number.parse().ok().filter(|_| run == self.run)?;
        let newest = self.newest.subscribe();
        let ring = self.ring.lock().expect("nothing panics while it holds this lock");
        let (first, end) = (ring.first, ring.first + ring.messages.len() as u64);
        (first..=end).contains(&(number + 1)).then_some(Subscriber { next: number + 1, known_change: 0, newest })
    }

    /// A message for one subscriber alone, with the id of what it had before.
    pub(crate) fn frame_before(&self, subscriber: &Subscriber, event: &str, data: &str) -> Bytes {
        self.frame(subscriber.next - 1, event, data)
    }

    /// Pages that are connected.
    pub(crate) fn subscribers(&self) -> usize {
        self.newest.receiver_count()
    }

    fn frame(&self, number: u64, event: &str, data: &str) -> Bytes {
        // Compact JSON has no line breaks, which would end the field.
        Bytes::from(format!("id: {}-{number}\nevent: {event}\ndata: {data}\n\n", self.run))
    }

    fn after(&self, subscriber: &mut Subscriber) -> Option<Vec<Bytes>> {
        let ring = self.ring.lock().expect("nothing panics while it holds this lock");
        let skip = subscriber.next.checked_sub(ring.first)?;
        let mut frames = Vec::new();
        for message in ring.messages.iter().skip(skip as usize) {
            if frames.len() == FRAMES_MAX {
                break;
            }
            subscriber.next += 1;
            if message.change.is_none_or(|change| change > subscriber.known_change) {
                frames.push(message.frame.clone());
            }
        }
        Some(frames)
    }
}

impl Subscriber {
    /// The subscriber has a snapshot that holds all changes up to this one.
    pub(crate) fn has_snapshot(&mut self, change: u64) {
        self.known_change = change;
    }

    /// Waits for messages.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    pub(crate) async fn next(&mut self, live: &Live) -> Next {
        loop {
            self.newest.mark_unchanged();
            match live.after(self) {
                None => return Next::Behind,
                Some(frames) if !frames.is_empty() => return Next::Frames(frames),
                Some(_) if self.newest.changed().await.is_err() => return Next::Ended,
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn texts(live: &Live, subscriber: &mut Subscriber) -> Option<String> {
        match subscriber.next(live).await {
            Next::Frames(frames) => Some(String::from_utf8(frames.concat()).unwrap()),
            Next::Behind | Next::Ended => None,
        }
    }

    #[tokio::test]
    async fn a_subscriber_gets_what_its_snapshot_lacks_and_resumes_where_it_was() {
        let live = Live::new("a".to_owned());
        live.send("incident", Some(1), "1");
        let mut subscriber = live.subscribe();
        live.send("incident", Some(2), "2");
        live.send("incident", Some(3), "3");
        subscriber.has_snapshot(2);
        assert_eq!(texts(&live, &mut subscriber).await.unwrap(), "id: a-3\nevent: incident\ndata: 3\n\n");
        let mut resumed = live.resume("a-1").unwrap();
        assert_eq!(texts(&live, &mut resumed).await.unwrap().matches("event: incident").count(), 2);
        assert!(live.resume("b-1").is_none(), "another run's");
        assert!(live.resume("a-9").is_none(), "never sent");
        assert!(live.resume("a-3").is_some(), "nothing came since");
    }

    #[tokio::test]
    async fn all_are_cut_off_and_go_on_from_a_snapshot() {
        let live = Live::new("a".to_owned());
        live.send("clock", None, "1");
        let (mut before, mut behind) = (live.subscribe(), live.resume("a-0").unwrap());
        live.cut_off();
        assert!(texts(&live, &mut before).await.is_none() && texts(&live, &mut behind).await.is_none());
        assert!(live.resume("a-0").is_none() && live.resume("a-1").is_none(), "they may lack what was lost");
        let mut after = live.subscribe();
        live.send("clock", None, "2");
        assert_eq!(texts(&live, &mut after).await.unwrap(), "id: a-3\nevent: clock\ndata: 2\n\n");
    }

    #[tokio::test]
    async fn who_falls_behind_the_ring_is_cut_off() {
        let live = Live::new("a".to_owned());
        let mut slow = live.subscribe();
        for number in 0..=MESSAGES_MAX as u64 {
            live.send("clock", None, &number.to_string());
        }
        assert!(texts(&live, &mut slow).await.is_none());
        assert!(live.resume("a-0").is_none() && live.resume("a-1").is_some());
        let large = "x".repeat(BYTES_MAX);
        live.send("values", None, &large);
        assert_eq!(live.ring.lock().unwrap().messages.len(), 1, "the newest stays however large it is");
    }
}
