//! The Unix socket in the data directory, mode 0600, through which commands beside a running citywatch ask it.
//!
//! One request line of JSON ([`Request`]), then a head line (`{"ok":true}` or `{"error":"…"}`), then lines of the answer,
//! then `{"end":true}` where the answer has an end; a connection that closes without it was cut.
//! It reads the log, has refused messages sent again, changes rules and registry, and gives out accounts. Whoever may open the socket may read and change the data
//! directory anyway.

use crate::change;
use crate::explain::explain;
use crate::failure::{Failure, FileError, chain};
use crate::past;
use crate::people;
use crate::retry::{self, Desk};
use crate::tail::{Ask, Tail};
use crate::why_not;
use ::rules::Settings;
use bus::{EventLog, Topic};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader as AsyncBufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use uuid::Uuid;

/// The socket's name in the data directory.
pub const NAME: &str = "citywatch.sock";
/// Clients at a time; one more is told so and closed.
const CLIENTS_MAX: usize = 64;
/// Longest request; more is refused. It holds a registry of a million sensors.
const REQUEST_BYTES_MAX: u64 = 512 << 20;
/// How long a client may take for its request.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// Pieces of readings that wait for a client.
const PIECES_MAX: usize = 4;
/// Lines written with one call.
const LINES_PER_WRITE: usize = 256;
/// Longest path that a Unix socket's address holds on Linux, with its closing zero.
const ADDRESS_BYTES_MAX: usize = 107;
/// How the head line begins when the answer follows.
const OK: &str = "{\"ok\":true}";
/// The line after a whole answer.
pub const END: &str = "{\"end\":true}";

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Request {
    /// Lines of a topic.
    Tail(Ask),
    /// Why an incident is: one line, an [`Explanation`](crate::explain::Explanation).
    Explain {
        /// The incident.
        explain: Uuid,
    },
    /// Why a rule did not fire: one line, an [`Answer`](crate::why_not::Answer).
    WhyNot {
        /// Rule, key and time.
        why_not: why_not::Question,
    },
    /// What was measured: a [`past::Head`], then a line for each entry or observation.
    Past {
        /// When.
        past: past::Stretch,
    },
    /// To send a refused message again: one line, what became of it.
    Retry(retry::Request),
    /// To change rules or registry: one line, a [`change::Outcome`].
    Change(change::Request),
    /// Accounts and tokens: one line, a [`command_center::AdminAnswer`].
    Admin(people::Request),
}

/// Serves the socket in the background, on the current tokio runtime, until that ends. `settings` are those that the
/// rules run with.
pub fn serve(data_dir: &Path, log: Arc<dyn EventLog>, settings: Settings, desk: Desk) -> Result<(), FileError> {
    let listener = listen(data_dir)?;
    let appended = |topic| {
        let (sender, receiver) = watch::channel(());
        log.watch(topic, Arc::new(move || sender.send_replace(())));
        receiver
    };
    let settings = Arc::new(settings);
    let (analyze, dead_letter) = (appended(Topic::Analyze), appended(Topic::DeadLetter));
    tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(CLIENTS_MAX));
        while let Ok((mut stream, _)) = listener.accept().await {
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                let text = format!("{{\"error\":\"{CLIENTS_MAX} clients are connected already\"}}\n");
                let _ = stream.write_all(text.as_bytes()).await;
                continue;
            };
            let (log, analyze, dead_letter) = (Arc::clone(&log), analyze.clone(), dead_letter.clone());
            let (settings, desk) = (Arc::clone(&settings), desk.clone());
            tokio::spawn(async move {
                // A client that went away needs no answer.
                let _ =
                    answer(
                        stream,
                        log,
                        settings,
                        desk,
                        |topic| if topic == Topic::Analyze { analyze } else { dead_letter },
                    )
                    .await;
                drop(place);
            });
        }
    });
    Ok(())
}

/// Binds in a folder that nobody else can enter, and moves the socket to its place when its mode is set.
fn listen(data_dir: &Path) -> Result<UnixListener, FileError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError { doing: "listen on", path, source }
    };
    let closed = data_dir.join(".socket");
    let _ = std::fs::remove_dir_all(&closed);
    std::fs::DirBuilder::new().mode(0o700).create(&closed).map_err(failed(&closed))?;
    let first = closed.join(NAME);
    let (address, _open) = address(&first)?;
    let listener = UnixListener::bind(address).map_err(failed(&first))?;
    std::fs::set_permissions(&first, std::fs::Permissions::from_mode(0o600)).map_err(failed(&first))?;
    let place = data_dir.join(NAME);
    std::fs::rename(&first, &place).map_err(failed(&place))?;
    std::fs::remove_dir(&closed).map_err(failed(&closed))?;
    Ok(listener)
}

/// A path that fits into a socket's address: long ones go through the open folder. The file keeps that open.
fn address(path: &Path) -> Result<(PathBuf, Option<std::fs::File>), FileError> {
    use std::os::fd::AsRawFd;
    if path.as_os_str().len() <= ADDRESS_BYTES_MAX {
        return Ok((path.to_owned(), None));
    }
    let (folder, name) = (path.parent().expect("it ends in a name"), path.file_name().expect("it ends in a name"));
    let open = std::fs::File::open(folder);
    let open = open.map_err(|source| FileError { doing: "open", path: folder.to_owned(), source })?;
    Ok((Path::new("/proc/self/fd").join(open.as_raw_fd().to_string()).join(name), Some(open)))
}

async fn answer(
    stream: UnixStream,
    log: Arc<dyn EventLog>,
    settings: Arc<Settings>,
    desk: Desk,
    appended: impl FnOnce(Topic) -> watch::Receiver<()>,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut request = String::new();
    let mut read = AsyncBufReader::new(read.take(REQUEST_BYTES_MAX));
    let line = tokio::time::timeout(REQUEST_TIME_MAX, read.read_line(&mut request)).await;
    line.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    let ask = match serde_json::from_str(&request) {
        Ok(Request::Tail(ask)) => ask,
        Ok(Request::Explain { explain: incident }) => {
            let found = move || explain(&*log, incident, &settings).map_err(Failure::internal);
            return answer_why(&mut write, found).await;
        }
        Ok(Request::WhyNot { why_not: question }) => {
            return answer_why(&mut write, move || why_not::from_log(&*log, &question, &settings)).await;
        }
        Ok(Request::Past { past }) => return answer_past(&mut write, log, desk, settings, past).await,
        Ok(Request::Retry(letter)) => {
            return match desk.answer(letter).await {
                Ok(outcome) => write.write_all(format!("{OK}\n{outcome}\n{END}\n").as_bytes()).await,
                Err(error) => refuse(&mut write, &error).await,
            };
        }
        Ok(Request::Change(change)) => {
            let done = tokio::task::spawn_blocking(move || change::answer(&desk, &change));
            return match done.await.expect("a panic ends the process") {
                Ok(outcome) => {
                    let line = serde_json::to_string(&outcome).expect("text and numbers always serialise");
                    write.write_all(format!("{OK}\n{line}\n{END}\n").as_bytes()).await
                }
                Err(error) => refuse(&mut write, &chain(&error)).await,
            };
        }
        Ok(Request::Admin(request)) => {
            return match people::answer(&desk, request).await {
                Ok(outcome) => write.write_all(format!("{OK}\n{outcome}\n{END}\n").as_bytes()).await,
                Err(error) => refuse(&mut write, &error).await,
            };
        }
        Err(error) => return refuse(&mut write, &format!("not a request of this version: {error}")).await,
    };
    write.write_all(format!("{OK}\n").as_bytes()).await?;
    let mut appended = appended(ask.topic());
    let follows = ask.follows();
    let mut tail = Tail::new(log, ask);
    loop {
        appended.mark_unchanged();
        let (back, lines) = read_lines(tail).await;
        tail = back;
        match lines {
            Ok(lines) if !lines.is_empty() => write.write_all(&lines).await?,
            Ok(_) if !follows => return write.write_all(format!("{END}\n").as_bytes()).await,
            Ok(_) => tokio::select! {
                changed = appended.changed() => if changed.is_err() { return Ok(()) },
                // Clients send nothing more: whatever comes here is their leaving.
                _ = read.read_u8() => return Ok(()),
            },
            Err(error) => return refuse(&mut write, &error).await,
        }
    }
}

async fn answer_why<T: Serialize + Send + 'static>(
    write: &mut (impl AsyncWriteExt + Unpin),
    find: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> std::io::Result<()> {
    match tokio::task::spawn_blocking(find).await.expect("a panic ends the process") {
        Ok(found) => {
            let json = serde_json::to_string(&found).expect("text and finite numbers always serialise");
            write.write_all(format!("{OK}\n{json}\n{END}\n").as_bytes()).await
        }
        Err(error) => refuse(write, &error.to_string()).await,
    }
}

/// Pieces of the answer as they are read; a client that does not read holds the reading up.
async fn answer_past(
    write: &mut (impl AsyncWriteExt + Unpin),
    log: Arc<dyn EventLog>,
    desk: Desk,
    settings: Arc<Settings>,
    stretch: past::Stretch,
) -> std::io::Result<()> {
    let (pieces, mut read) = mpsc::channel::<Vec<u8>>(PIECES_MAX);
    let told = tokio::task::spawn_blocking(move || {
        let history = desk.history.get().map(|history| &**history);
        past::tell(&*log, history, &settings, stretch, &mut |piece| pieces.blocking_send(piece.to_vec()).is_ok())
    });
    write.write_all(format!("{OK}\n").as_bytes()).await?;
    while let Some(piece) = read.recv().await {
        write.write_all(&piece).await?;
    }
    match told.await.expect("a panic ends the process") {
        Ok(()) => write.write_all(format!("{END}\n").as_bytes()).await,
        Err(error) => refuse(write, &error.to_string()).await,
    }
}

async fn refuse(write: &mut (impl AsyncWriteExt + Unpin), error: &str) -> std::io::Result<()> {
    let text = serde_json::json!({ "error": error }).to_string();
    write.write_all(format!("{text}\n").as_bytes()).await
}

/// Some lines, off the async threads: reading the log may wait for the disk.
async fn read_lines(mut tail: Tail) -> (Tail, Result<Vec<u8>, String>) {
    let read = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        for _ in 0..LINES_PER_WRITE {
            match tail.next() {
                Ok(Some(line)) => {
                    text.extend_from_slice(&line.json);
                    text.push(b'\n');
                }
                Ok(None) => break,
                Err(error) => return (tail, Err(chain(&error))),
            }
        }
        (tail, Ok(text))
    });
    read.await.expect("a panic ends the process")
}

/// The answer of a running citywatch, line by line.
pub struct Answer {
    lines: std::io::Lines<BufReader<BlockingStream>>,
    endless: bool,
}

/// Whether a citywatch runs on this data directory.
pub fn is_served(data_dir: &Path) -> bool {
    let path = data_dir.join(NAME);
    address(&path).is_ok_and(|(address, _open)| BlockingStream::connect(address).is_ok())
}

/// Asks the citywatch that runs on `data_dir`; `None` if none runs there.
pub fn ask(data_dir: &Path, request: &Request) -> Result<Option<Answer>, Failure> {
    let path = data_dir.join(NAME);
    let (address, _open) = match address(&path) {
        Ok(address) => address,
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::usage(error)),
    };
    let mut stream = match BlockingStream::connect(address) {
        Ok(stream) => stream,
        // No socket, or one that a killed process left behind.
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(source) => return Err(Failure::usage(FileError { doing: "connect to", path, source })),
    };
    let endless = matches!(request, Request::Tail(ask) if ask.follows());
    let request = serde_json::to_string(request).expect("a request is plain data");
    let mut lines = match writeln!(stream, "{request}") {
        Ok(()) => BufReader::new(stream).lines(),
        Err(source) => return Err(Failure::internal(FileError { doing: "ask", path, source })),
    };
    match lines.next() {
        Some(Ok(head)) if head == OK => Ok(Some(Answer { lines, endless })),
        Some(Ok(head)) => Err(Failure::internal(head)),
        Some(Err(source)) => Err(Failure::internal(FileError { doing: "read", path, source })),
        None => Err(Failure::internal("citywatch closed the connection without an answer")),
    }
}

impl Answer {
    /// The next line; `None` after the whole answer, or when what was followed stopped.
    pub fn next(&mut self) -> Result<Option<String>, Failure> {
        match self.lines.next() {
            Some(Ok(line)) if line == END => Ok(None),
            Some(Ok(line)) if line.starts_with("{\"error\":") => Err(Failure::internal(line)),
            Some(Ok(line)) => Ok(Some(line)),
            Some(Err(error)) => Err(Failure::internal(error)),
            None if self.endless => Ok(None),
            None => Err(Failure::internal("citywatch stopped in the middle of the answer")),
        }
    }
}
