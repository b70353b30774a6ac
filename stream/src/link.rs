//! A connection to another process as timely uses it: its end is told as a failure of the stream.
//!
//! timely's own threads panic when a connection ends, which would say nothing of which process is gone, and a process
//! that ends in good order would not be noticed at all. Here every end is noticed: the other process is gone for this
//! start, and all end and start again together.

use crate::StreamError;
use crate::cluster::Links;
use crate::place::Place;
use crate::shared::Shared;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::zero_copy::stream::Stream;
use timely::communication::allocator::{AllocatorBuilder, ProcessBuilder};
use timely::communication::initialize::Hooks;

/// One end of a connection.
struct Link {
    stream: TcpStream,
    process: usize,
    address: Arc<str>,
    shared: Arc<Shared>,
}

/// The connections of this process. Those that run over them see their end when this is closed.
pub(crate) struct Open(Vec<TcpStream>);

impl Open {
    /// Tells the other processes that this one ends.
    pub(crate) fn close(&self) {
        // One that has ended already needs no closing.
        self.0.iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

/// What timely makes the workers of this process from, and the connections under it.
pub(crate) fn allocators(
    links: Links,
    hosts: &[String],
    place: Place,
    shared: &Arc<Shared>,
) -> Result<(Vec<AllocatorBuilder>, Open), StreamError> {
    let failed = |error: io::Error| StreamError::Threads(error.to_string());
    let (mut open, mut sockets) = (Vec::new(), Vec::new());
    for (process, (stream, address)) in links.into_iter().zip(hosts).enumerate() {
        let link = |stream| Link { stream, process, address: address.as_str().into(), shared: Arc::clone(shared) };
        if let Some(stream) = &stream {
            open.push(stream.try_clone().map_err(failed)?);
        }
        sockets.push(stream.map(link));
    }
    let hooks = Hooks::default();
    let own = ProcessBuilder::new_typed_vector(place.threads, hooks.refill.clone(), None);
    let made = initialize_networking_from_sockets(own, sockets, place.process, place.threads, hooks);
    let (builders, threads) = made.map_err(failed)?;
    // Those that read end with the process: see `Link::read`. Nobody waits for them.
    std::mem::forget(threads);
    Ok((builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Open(open)))
}

impl Link {
    fn lost(&self, reason: &str) {
        // Not what this process closes itself.
        if !self.shared.failed() {
            let (process, address) = (self.process, self.address.to_string());
            self.shared.fail(StreamError::PeerLost { process, address, reason: reason.to_owned() });
        }
    }
}

impl Read for Link {
    /// Never returns an end or an error, at which timely's thread would panic: the thread stands still, and the stream
    /// ends around it.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => break self.lost("it has closed the connection"),
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break self.lost(&error.to_string()),
            }
        }
        loop {
            std::thread::park();
        }
    }
}

impl Write for Link {
    /// What can no longer be sent is let go: the stream ends.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.lost(&error.to_string());
                Ok(bytes.len())
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Link {
    fn try_clone(&self) -> io::Result<Link> {
        let (stream, shared) = (self.stream.try_clone()?, Arc::clone(&self.shared));
        Ok(Link { stream, process: self.process, address: Arc::clone(&self.address), shared })
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.stream.set_nonblocking(nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        // timely does so at its end; the other side may have been faster.
        let _ = self.stream.shutdown(how);
        Ok(())
    }
}
