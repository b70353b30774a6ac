//! How the processes of a cluster come together: each is greeted, gets the state of its partitions, and is connected to
//! every other.
//!
//! All others come to the first process and say who they are. When all are there it sends each the state that its
//! partitions and shards have in the checkpoint, under the name of this start; then the others connect among each other,
//! and nobody takes a connection of another start. The same connections carry the dataflow afterwards.
//! What it does not promise: who connects is not authenticated and nothing is encrypted. A greeting keeps processes apart
//! that do not belong together; it keeps nobody out who means harm.

use crate::local::PartitionState;
use crate::place::Place;
use crate::wide::ShardState;
use crate::{ClusterSettings, Event, Observe, StreamError, StreamSettings};
use model::{PARTITIONS, content_hash};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Rises when an older program could not make sense of what is exchanged.
const FORM: u32 = 1;
/// How long one attempt to connect may take, and one greeting: who says nothing holds up the others so long.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long processes that were all there a moment ago may take to send and take states, and to connect.
const MOMENT: Duration = Duration::from_secs(60);
/// Between two looks at who has come.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Between two attempts to connect.
const TRY_EVERY: Duration = Duration::from_millis(200);
/// Between two words about who is waited for.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// Bytes of a greeting at most.
const GREETING_MAX: u64 = 16 * 1024;
/// Bytes of a piece of state at most.
const STATE_MAX: u64 = 1 << 32;

/// The connections of a process, in the order of the processes; none to itself.
pub(crate) type Links = Vec<Option<TcpStream>>;

/// What a process says of itself when it connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Greeting {
    form: u32,
    version: String,
    city: String,
    processes: usize,
    workers: usize,
    /// Hash of what else must be the same.
    rules: String,
    process: usize,
    /// Name of the start, between two that were told it.
    start: Option<String>,
}

/// What the first process answers.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Begin { start: String, partitions: usize, shards: usize },
    Refused(String),
}

/// The state of the partitions and shards of a process.
pub(crate) type States = (Vec<PartitionState>, Vec<ShardState>);

/// The place of this process in its cluster, if the settings can be.
pub(crate) fn place(settings: &StreamSettings) -> Result<Place, StreamError> {
    let refuse = |what: String| Err(StreamError::Settings(what));
    let (process, processes) = settings.cluster.as_ref().map_or((0, 1), |one| (one.process, one.hosts.len()));
    let place = Place { process, processes, threads: settings.workers };
    let most = PARTITIONS as usize;
    if process >= processes {
        return refuse(format!("process {process} of {processes}; they count from 0"));
    }
    if settings.workers == 0 || place.workers() > most {
        return refuse(format!("{processes} processes of {} workers; 1 to {most} workers can be", settings.workers));
    }
    Ok(place)
}

/// One process while they come together.
pub(crate) struct Meeting<'a> {
    cluster: &'a ClusterSettings,
    observe: &'a Observe,
    greeting: Greeting,
    listener: TcpListener,
    until: Instant,
    told: Option<Instant>,
}

impl<'a> Meeting<'a> {
    /// Listens at this process's own address, and nowhere else.
    pub(crate) fn new(settings: &'a StreamSettings, cluster: &'a ClusterSettings) -> Result<Meeting<'a>, StreamError> {
        let rules = &settings.rules;
        let same = (&rules.prefix, rules.settle, &rules.lateness_by_domain, rules.lateness, rules.wide_lateness);
        let greeting = Greeting {
            form: FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            city: cluster.city.clone(),
            processes: cluster.hosts.len(),
            workers: settings.workers,
            rules: content_hash(&format!("{same:?} {:?}", rules.zone)),
            process: cluster.process,
            start: None,
        };
        let address = &cluster.hosts[cluster.process];
        let listener = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = listener.map_err(|source| StreamError::Listen { address: address.clone(), source })?;
        let until = Instant::now() + cluster.wait;
        Ok(Meeting { cluster, observe: &settings.observe, greeting, listener, until, told: None })
    }

    /// The first process: waits for all others, and sends each what `states` gives for it.
    pub(crate) fn gather(mut self, states: impl Fn(usize) -> States) -> Result<Links, StreamError> {
        let mut links = self.accept_all(1)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = format!("{}-{}", since.as_nanos(), std::process::id());
        for (process, link) in links.iter_mut().enumerate() {
            let Some(stream) = link else { continue };
            let (partitions, shards) = states(process);
            let (count, of_shards) = (partitions.len(), shards.len());
            let mut send_all = || -> io::Result<()> {
                stream.set_write_timeout(Some(MOMENT))?;
                send_json(stream, &Answer::Begin { start: start.clone(), partitions: count, shards: of_shards })?;
                for state in &partitions {
                    send_json(stream, &state.summary)?;
                    send(stream, &state.engine)?;
                }
                for state in &shards {
                    send_json(stream, &state.summary)?;
                    send(stream, &state.rules)?;
                }
                Ok(())
            };
            send_all().map_err(|error| self.lost(process, &error))?;
        }
        self.ready(links)
    }

    /// Any other process: goes to the first, waits for its states, and connects to the others.
    pub(crate) fn join(mut self) -> Result<(States, Links), StreamError> {
        let (mut first, start, partitions, shards) = self.be_greeted()?;
        let states = take_states(&mut first, partitions, shards).map_err(|error| self.lost(0, &error))?;
        self.greeting.start = Some(start);
        self.until = Instant::now() + MOMENT;
        let own = self.cluster.process;
        let mut before = vec![Some(first)];
        for process in 1..own {
            let mut stream = self.connect(process)?;
            send_json(&mut stream, &self.greeting).map_err(|error| self.lost(process, &error))?;
            before.push(Some(stream));
        }
        let mut links = self.accept_all(own + 1)?;
        links.iter_mut().zip(before).for_each(|(link, stream)| *link = stream);
        let links = self.ready(links)?;
        Ok((states, links))
    }

    /// The stream to the first process when it says to begin, the name of the start, and how many states come.
    fn be_greeted(&mut self) -> Result<(TcpStream, String, usize, usize), StreamError> {
        loop {
            let mut stream = self.connect(0)?;
            let mut say = || -> io::Result<Answer> {
                send_json(&mut stream, &self.greeting)?;
                // It answers when all are there, or ends.
                let left = self.until.saturating_duration_since(Instant::now()).max(ANSWER_MAX);
                stream.set_read_timeout(Some(left))?;
                take_json(&mut stream, GREETING_MAX)
            };
            match say() {
                Ok(Answer::Begin { start, partitions, shards }) => return Ok((stream, start, partitions, shards)),
                Ok(Answer::Refused(reason)) => {
                    return Err(StreamError::Refused { process: 0, address: self.cluster.hosts[0].clone(), reason });
                }
                Err(error) => self.go_on_waiting(0, &format!("it gave no answer: {error}"))?,
            }
            std::thread::sleep(TRY_EVERY);
        }
    }

    fn connect(&mut self, process: usize) -> Result<TcpStream, StreamError> {
        loop {
            match connect(&self.cluster.hosts[process]) {
                Ok(stream) => return Ok(stream),
                Err(error) => self.go_on_waiting(process, &error.to_string())?,
            }
            std::thread::sleep(TRY_EVERY);
        }
    }

    /// The connections of all processes from this one on, in their places. Of several of a process the newest counts.
    fn accept_all(&mut self, from: usize) -> Result<Links, StreamError> {
        let mut links: Links = self.cluster.hosts.iter().map(|_| None).collect();
        loop {
            // Nobody is there otherwise, or whoever was has gone again.
            if let Ok((stream, _)) = self.listener.accept() {
                // What does not greet is a stranger: it costs its two seconds and nothing else.
                if let Ok((process, stream)) = self.greet(stream, from) {
                    links[process] = Some(stream);
                }
                continue;
            }
            links.iter_mut().for_each(|link| drop(link.take_if(|stream| !is_there(stream))));
            match links.iter().skip(from).position(Option::is_none) {
                None => return Ok(links),
                Some(missing) => self.go_on_waiting(from + missing, "it has not come")?,
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Reads who has connected; an answer only to who is refused.
    fn greet(&self, mut stream: TcpStream, from: usize) -> io::Result<(usize, TcpStream)> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))?;
        let theirs: Greeting = take_json(&mut stream, GREETING_MAX)?;
        match self.greeting.differs(&theirs, from) {
            None => Ok((theirs.process, stream)),
            Some(reason) => {
                send_json(&mut stream, &Answer::Refused(reason.clone()))?;
                (self.observe)(&Event::Refused { process: theirs.process, reason: reason.clone() });
                Err(io::Error::other(reason))
            }
        }
    }

    fn go_on_waiting(&mut self, process: usize, reason: &str) -> Result<(), StreamError> {
        let (now, address) = (Instant::now(), self.cluster.hosts[process].clone());
        if now >= self.until {
            return Err(StreamError::NotReached { process, address, reason: reason.to_owned() });
        }
        if self.told.is_none_or(|told| now - told >= TELL_EVERY) {
            // Not at once: those that are started together come within a moment.
            if self.told.replace(now).is_some() {
                (self.observe)(&Event::WaitingFor { process, address, reason: reason.to_owned() });
            }
        }
        Ok(())
    }

    fn lost(&self, process: usize, error: &io::Error) -> StreamError {
        StreamError::PeerLost { process, address: self.cluster.hosts[process].clone(), reason: error.to_string() }
    }

    /// As the dataflow wants them: they wait as long as it takes.
    fn ready(&self, links: Links) -> Result<Links, StreamError> {
        for (process, stream) in links.iter().enumerate() {
            let Some(stream) = stream else { continue };
            let ready = stream.set_read_timeout(None).and_then(|()| stream.set_write_timeout(None));
            ready.map_err(|error| self.lost(process, &error))?;
        }
        Ok(links)
    }
}

impl Greeting {
    /// Why another process cannot be of the same cluster.
    fn differs(&self, theirs: &Greeting, from: usize) -> Option<String> {
        let (ours, process) = (self, theirs.process);
        let different = |what: &str, ours: &dyn std::fmt::Display, theirs: &dyn std::fmt::Display| {
            Some(format!("it has {what} {ours}, and process {process} has {theirs}"))
        };
        if (ours.form, &ours.version) != (theirs.form, &theirs.version) {
            return different("citywatch", &ours.version, &theirs.version);
        }
        if ours.city != theirs.city {
            return different("the log", &ours.city, &theirs.city);
        }
        if ours.processes != theirs.processes {
            return different("--processes", &ours.processes, &theirs.processes);
        }
        if ours.workers != theirs.workers {
            return different("stream.workers =", &ours.workers, &theirs.workers);
        }
        if ours.rules != theirs.rules {
            return Some(format!(
                "it has another prefix, time.zone or lateness than process {process}; they need the same configuration"
            ));
        }
        if !(from..ours.processes).contains(&process) {
            return Some(format!("it waits for processes from {from} on, not for another process {process}"));
        }
        (ours.start != theirs.start).then(|| format!("process {process} is of another start"))
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ANSWER_MAX) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(ANSWER_MAX))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whether the other end of a connection has not closed it.
fn is_there(stream: &TcpStream) -> bool {
    let there = match stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0])) {
        Ok(count) => count > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).is_ok() && there
}

fn take_states(stream: &mut TcpStream, partitions: usize, shards: usize) -> io::Result<States> {
    stream.set_read_timeout(Some(MOMENT))?;
    let mut states = States::default();
    for _ in 0..partitions {
        let (summary, engine) = (take_json(stream, STATE_MAX)?, take(stream, STATE_MAX)?);
        states.0.push(PartitionState { summary, engine, pause: Duration::ZERO });
    }
    for _ in 0..shards {
        let (summary, rules) = (take_json(stream, STATE_MAX)?, take(stream, STATE_MAX)?);
        states.1.push(ShardState { summary, rules, sent: 0 });
    }
    Ok(states)
}

fn send(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(&(bytes.len() as u64).to_be_bytes())?;
    stream.write_all(bytes)
}

fn send_json<T: Serialize>(stream: &mut TcpStream, value: &T) -> io::Result<()> {
    send(stream, &serde_json::to_vec(value)?)
}

fn take(stream: &mut TcpStream, most: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    let length = u64::from_be_bytes(length);
    if length > most {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("{length} bytes where at most {most} may be")));
    }
    let mut bytes = Vec::new();
    // What is promised is not believed: memory grows with what comes.
    stream.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

fn take_json<T: DeserializeOwned>(stream: &mut TcpStream, most: u64) -> io::Result<T> {
    Ok(serde_json::from_slice(&take(stream, most)?)?)
}
