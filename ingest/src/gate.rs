//! TLS to a broker, before an MQTT client that speaks none of its own.
//!
//! rumqttc's own TLS brings a certificate checker with unpatched advisories (docs/decisions/0004-advisories.md). So it
//! talks plain MQTT to a Unix socket in a folder that only this user may enter, and each of its connections there becomes
//! one to the broker with a current rustls. Nothing of what passes is looked at or kept: when one side ends, so does the
//! other.

use crate::IngestError;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long the connection and its handshake may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Rest after a failed accept, so that it does not spin.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// The files of certificates that an address names, all PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// Who may have signed the broker's certificate; none for those that this system trusts.
    pub(crate) ca: Option<PathBuf>,
    /// Our own certificate and its key, where the broker asks for one.
    pub(crate) own: Option<(PathBuf, PathBuf)>,
}

/// A socket behind which a broker is. Dropped, it is gone, and its connections with it.
#[derive(Debug)]
pub(crate) struct Gate {
    folder: PathBuf,
    socket: PathBuf,
    task: JoinHandle<()>,
    fault: Arc<Mutex<Option<String>>>,
}

impl Gate {
    /// Opens it, in a tokio runtime; the broker is asked at the first connection.
    pub(crate) fn open(host: &str, port: u16, files: &TlsFiles) -> Result<Gate, IngestError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare.clone()).map_err(|_| tls(format!("{host} is no name of a host")))?;
        let connector = TlsConnector::from(Arc::new(config(files)?));
        let folder = folder().map_err(|error| tls(format!("no private folder can be made: {error}")))?;
        let socket = folder.join("mqtt");
        let listener = UnixListener::bind(&socket).map_err(|error| tls(format!("{}: {error}", socket.display())))?;
        let fault = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&fault);
        let task = tokio::spawn(async move {
            // The client has one connection at a time: with a new one the one before has ended.
            let mut connections = JoinSet::new();
            loop {
                let Ok((mut stream, _)) = listener.accept().await else {
                    tokio::time::sleep(ACCEPT_REST).await;
                    continue;
                };
                connections.shutdown().await;
                let (connector, name, host, noted) =
                    (connector.clone(), name.clone(), bare.clone(), Arc::clone(&noted));
                connections.spawn(async move {
                    let fault = pass(&mut stream, (&host, port), &connector, name).await.err();
                    // Before the stream is dropped, so that who sees its end finds why.
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = fault.map(|fault| fault.to_string());
                });
            }
        });
        Ok(Gate { folder, socket, task, fault })
    }

    /// Where the client connects to.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Why the connection that ended last could not be made, if it could not.
    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
        // It holds the socket alone; what cannot be removed is empty and private.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A connection to the broker, and what is said over it, to its end. An error only where none came about.
async fn pass(
    client: &mut UnixStream,
    place: (&str, u16),
    connector: &TlsConnector,
    name: ServerName<'static>,
) -> io::Result<()> {
    let connect = async {
        let tcp = TcpStream::connect(place).await?;
        // Acknowledgements are small and wanted at once; where the option cannot be set they are only slower.
        let _ = tcp.set_nodelay(true);
        connector.connect(name, tcp).await
    };
    let mut broker = tokio::time::timeout(CONNECT_MAX, connect).await.map_err(|_| io::ErrorKind::TimedOut)??;
    // However it ends, the client sees the end, and makes another connection if it wants one.
    let _ = copy_bidirectional(client, &mut broker).await;
    Ok(())
}

/// A new folder that only this user may enter.
fn folder() -> io::Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("citywatch-{}-{number}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            // Of a process of before, which was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 10_000 => {}
            Err(error) => return Err(error),
        }
    }
}

fn config(files: &TlsFiles) -> Result<ClientConfig, IngestError> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| tls(format!("{}: {error}", path.display()));
    let mut roots = RootCertStore::empty();
    if let Some(path) = &files.ca {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| wrong(path, &error))?;
        }
    } else {
        // What cannot be read of the system's is not trusted; the others are.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| tls(error.to_string()))?;
    let builder = builder.with_root_certificates(roots);
    let Some((certificate, key)) = &files.own else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    builder.with_client_auth_cert(chain, private).map_err(|error| wrong(certificate, &error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, IngestError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| tls(format!("{}: {error}", path.display())))?;
    if found.is_empty() { Err(tls(format!("{} holds no certificate", path.display()))) } else { Ok(found) }
}

fn tls(what: String) -> IngestError {
    IngestError::Tls { what }
}
