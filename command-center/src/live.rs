//! What all pages are sent: a bounded ring of messages, written once and read by every subscriber at its own pace.
//!
//! A subscriber that falls behind the oldest message is told so and cut off; it comes back and gets a snapshot. So no
//! subscriber costs more than its place in the ring.

use crate::auth::role::Reach;
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

struct Message {
    told: Told,
    frame: Bytes,
}

/// To whom a message is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// All.
    Everybody,
    /// Who sees the whole city; the others learn that there was something.
    City,
    /// Who sees this place, unless their snapshot holds this change of the store already.
    At { change: u64, district: Option<String>, subdistrict: Option<String> },
}

/// A place in the ring.
pub(crate) struct Subscriber {
    /// Number of the next message.
    next: u64,
    /// Messages of these changes are in the snapshot that the subscriber has.
    known_change: u64,
    reach: Reach,
    /// Something was told to the whole city and left out here.
    missed: bool,
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

    /// Sends a message. Changes of the store come in rising order.
    pub(crate) fn send(&self, event: &str, told: Told, data: &str) {
        let mut ring = self.ring.lock().expect("nothing panics while it holds this lock");
        let number = ring.first + ring.messages.len() as u64;
        let frame = self.frame(number, event, data);
        ring.bytes += frame.len();
        ring.messages.push_back(Message { told, frame });
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

    /// A subscriber that gets everything within its reach that is sent from now on. A snapshot taken after this call, named to
    /// [`Subscriber::has_snapshot`], leaves no gap.
    pub(crate) fn subscribe(&self, reach: Reach) -> Subscriber {
        let newest = self.newest.subscribe();
        let ring = self.ring.lock().expect("nothing panics while it holds this lock");
        Subscriber { next: ring.first + ring.messages.len() as u64, known_change: 0, reach, missed: false, newest }
    }

    /// A subscriber that had everything up to the message of this id, if the ring still has what came then.
    pub(crate) fn resume(&self, id: &str, reach: Reach) -> Option<Subscriber> {
        let (run, number) = id.split_once('-')?;
        let number: u64 = number.parse().ok().filter(|_| run == self.run)?;
        let newest = self.newest.subscribe();
        let ring = self.ring.lock().expect("nothing panics while it holds this lock");
        let (first, end) = (ring.first, ring.first + ring.messages.len() as u64);
        let next = Some(number + 1).filter(|next| (first..=end).contains(next))?;
        Some(Subscriber { next, known_change: 0, reach, missed: false, newest })
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
            let is_for_it = match &message.told {
                Told::Everybody => true,
                Told::City => {
                    let sees_all = subscriber.reach == Reach::City;
                    subscriber.missed |= !sees_all;
                    sees_all
                }
                Told::At { change, district, subdistrict } => {
                    *change > subscriber.known_change
                        && subscriber.reach.sees(district.as_deref(), subdistrict.as_deref())
                }
            };
            if is_for_it {
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

    /// Whether something was told to the whole city since the last call, and left out here.
    pub(crate) fn take_missed(&mut self) -> bool {
        std::mem::take(&mut self.missed)
    }

    /// How far it sees.
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Waits for messages; there may be none if something was left out.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    pub(crate) async fn next(&mut self, live: &Live) -> Next {
        loop {
            self.newest.mark_unchanged();
            match live.after(self) {
                None => return Next::Behind,
                Some(frames) if !frames.is_empty() || self.missed => return Next::Frames(frames),
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

    fn at(change: u64) -> Told {
        Told::At { change, district: Some("110101".to_owned()), subdistrict: Some("110101007".to_owned()) }
    }

    #[tokio::test]
    async fn a_subscriber_of_another_area_learns_only_that_something_was() {
        let live = Live::new("a".to_owned());
        let mut here = live.subscribe(Reach::of_text("110101"));
        let mut there = live.subscribe(Reach::of_text("110105"));
        live.send("incident", at(1), "1");
        live.send("overview", Told::City, "2");
        assert_eq!(texts(&live, &mut here).await.unwrap(), "id: a-1\nevent: incident\ndata: 1\n\n");
        assert!(here.take_missed() && !here.take_missed());
        assert_eq!(texts(&live, &mut there).await.unwrap(), "");
        assert!(there.take_missed());
    }

    #[tokio::test]
    async fn a_subscriber_gets_what_its_snapshot_lacks_and_resumes_where_it_was() {
        let live = Live::new("a".to_owned());
        live.send("incident", at(1), "1");
        let mut subscriber = live.subscribe(Reach::City);
        live.send("incident", at(2), "2");
        live.send("incident", at(3), "3");
        subscriber.has_snapshot(2);
        assert_eq!(texts(&live, &mut subscriber).await.unwrap(), "id: a-3\nevent: incident\ndata: 3\n\n");
        let mut resumed = live.resume("a-1", Reach::City).unwrap();
        assert_eq!(texts(&live, &mut resumed).await.unwrap().matches("event: incident").count(), 2);
        assert!(live.resume("b-1", Reach::City).is_none(), "another run's");
        assert!(live.resume("a-9", Reach::City).is_none(), "never sent");
        assert!(live.resume("a-3", Reach::City).is_some(), "nothing came since");
    }

    #[tokio::test]
    async fn all_are_cut_off_and_go_on_from_a_snapshot() {
        let live = Live::new("a".to_owned());
        live.send("clock", Told::Everybody, "1");
        let (mut before, mut behind) = (live.subscribe(Reach::City), live.resume("a-0", Reach::City).unwrap());
        live.cut_off();
        assert!(texts(&live, &mut before).await.is_none() && texts(&live, &mut behind).await.is_none());
        assert!(
            live.resume("a-0", Reach::City).is_none() && live.resume("a-1", Reach::City).is_none(),
            "they may lack what was lost"
        );
        let mut after = live.subscribe(Reach::City);
        live.send("clock", Told::Everybody, "2");
        assert_eq!(texts(&live, &mut after).await.unwrap(), "id: a-3\nevent: clock\ndata: 2\n\n");
    }

    #[tokio::test]
    async fn who_falls_behind_the_ring_is_cut_off() {
        let live = Live::new("a".to_owned());
        let mut slow = live.subscribe(Reach::City);
        for number in 0..=MESSAGES_MAX as u64 {
            live.send("clock", Told::Everybody, &number.to_string());
        }
        assert!(texts(&live, &mut slow).await.is_none());
        assert!(live.resume("a-0", Reach::City).is_none() && live.resume("a-1", Reach::City).is_some());
        let large = "x".repeat(BYTES_MAX);
        live.send("values", Told::Everybody, &large);
        assert_eq!(live.ring.lock().unwrap().messages.len(), 1, "the newest stays however large it is");
    }
}
