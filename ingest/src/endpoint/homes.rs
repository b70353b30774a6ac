//! The threads that serve connections: each has some of them for life, and an event loop of its own.
//!
//! A message costs two or three system calls whoever serves it; handing connections from thread to thread would add
//! about as many again. So nothing is handed on, and what became durable is told once a thread and append, not once a
//! connection. The threads end with [`Homes`].

use crate::writer::{Home, Progress};
use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

/// The threads of one endpoint.
pub(crate) struct Homes {
    threads: Vec<(Handle, Home)>,
    next: usize,
    /// Closed when this is dropped.
    _open: watch::Sender<()>,
}

impl Homes {
    /// Starts them: half as many as there are processors, for the rules need some too.
    pub(crate) fn start() -> io::Result<Homes> {
        let count = available_parallelism().map_or(1, |count| count.get().div_ceil(2));
        let (open, closed) = watch::channel(());
        let threads = (0..count).map(|number| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            let (told, inbox) = unbounded_channel();
            let (name, closed) = (format!("ingest-io:{number}"), closed.clone());
            std::thread::Builder::new().name(name).spawn(move || runtime.block_on(tell(inbox, closed)))?;
            Ok((handle, Home { number, told }))
        });
        let threads = threads.collect::<io::Result<Vec<_>>>()?;
        Ok(Homes { threads, next: 0, _open: open })
    }

    /// Where the next connection lives: each thread in turn.
    pub(crate) fn next(&mut self) -> (Handle, Home) {
        self.next = (self.next + 1) % self.threads.len();
        self.threads[self.next].clone()
    }
}

/// Wakes the connections of this thread of which something became durable, until the endpoint ends.
async fn tell(mut inbox: UnboundedReceiver<Vec<Arc<Progress>>>, mut closed: watch::Receiver<()>) {
    loop {
        tokio::select! {
            // Nothing is ever sent: it ends when the sender goes.
            _ = closed.changed() => return,
            told = inbox.recv() => match told {
                Some(told) => told.iter().for_each(|progress| progress.changed.notify_one()),
                None => return,
            },
        }
    }
}
