//! A link between citywatch and a server that can be cut, held up, slowed down.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What one direction carries at a time.
const PIECE: usize = 16 << 10;
/// The same of a slow link, and how long it then waits: 1 KB/s.
const SLOW_PIECE: usize = 256;
const SLOW_PAUSE: Duration = Duration::from_millis(250);

/// How the link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// As if it were not there.
    Good,
    /// Connections are reset, and new ones too.
    Reset,
    /// Nothing comes through, and nobody is told.
    Silent,
    /// Nothing comes from the server; what goes to it arrives.
    OneWay,
    /// Each piece comes so much later.
    Late(Duration),
    /// 1 KB/s each way.
    Slow,
}

/// A link to a server on loopback; dropped, it is gone.
pub struct Proxy {
    port: u16,
    link: watch::Sender<Link>,
    server: watch::Sender<u16>,
    _runtime: Runtime,
}

impl Proxy {
    /// A link whose server is named later; until then connections wait.
    pub fn new() -> Proxy {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (link, server) = (watch::Sender::new(Link::Good), watch::Sender::new(0));
        let (seen, named) = (link.subscribe(), server.subscribe());
        runtime.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, named.clone(), seen.clone()));
            }
        });
        Proxy { port, link, server, _runtime: runtime }
    }

    /// It leads to the server at this port.
    pub fn leads_to(&self, server: u16) {
        self.server.send_replace(server);
    }

    /// Its own port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From here on the link is so.
    pub fn be(&self, link: Link) {
        self.link.send_replace(link);
    }
}

/// One connection, until one side ends it or the link resets it.
async fn carry(client: TcpStream, mut server: watch::Receiver<u16>, mut link: watch::Receiver<Link>) {
    let Ok(port) = server.wait_for(|port| *port != 0).await.map(|port| *port) else { return };
    let mut resets = link.clone();
    let joined = async {
        let _ = link.wait_for(|link| *link != Link::Silent).await;
        TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await
    };
    let server = tokio::select! {
        Ok(server) = joined => server,
        _ = resets.wait_for(|link| *link == Link::Reset) => return reset(&client),
        else => return reset(&client),
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = tokio::spawn(pass(from_client, to_server, link.clone(), false));
    let back = tokio::spawn(pass(from_server, to_client, link, true));
    let (stops_there, stops_back) = (there.abort_handle(), back.abort_handle());
    let both = async {
        let (there, back) = tokio::join!(there, back);
        drop((there, back));
    };
    tokio::select! {
        () = both => {}
        _ = resets.wait_for(|link| *link == Link::Reset) => {
            // Dropped with data on its way, a socket is reset.
            stops_there.abort();
            stops_back.abort();
        }
    }
}

fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// One direction.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut link: watch::Receiver<Link>, is_back: bool) {
    let mut piece = vec![0; PIECE];
    loop {
        let most = if *link.borrow() == Link::Slow { SLOW_PIECE } else { PIECE };
        let Ok(count @ 1..) = from.read(&mut piece[..most]).await else { break };
        let stands = |link: &Link| *link == Link::Silent || is_back && *link == Link::OneWay;
        let Ok(now) = link.wait_for(|link| !stands(link)).await.map(|link| *link) else { break };
        match now {
            Link::Late(by) => tokio::time::sleep(by).await,
            Link::Slow => tokio::time::sleep(SLOW_PAUSE).await,
            _ => {}
        }
        if to.write_all(&piece[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
