//! A question to another server over HTTP, on a connection of its own: whose certificates are good, and the answer as
//! far as somebody wants to read it.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

/// An answer, as far as it was read.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Ends with what it carries.
struct Carried(JoinHandle<()>);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The certificates that this system trusts. One that cannot be read is as one that is not there.
pub(crate) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Adds certificates; `Err` says what is wrong with the first that is none.
pub(crate) fn add_roots<E: std::fmt::Display>(
    roots: &mut RootCertStore,
    certificates: impl Iterator<Item = Result<CertificateDer<'static>, E>>,
) -> Result<(), String> {
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// TLS by which a server is who these certificates say; we show none.
pub(crate) fn tls(roots: RootCertStore) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| format!("TLS cannot be used: {error}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Speaks TLS with whom the address names.
pub(crate) async fn secure(tls: &TlsConnector, url: &Url, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(|error| format!("no name for a certificate: {error}"))?;
    tls.connect(name, stream).await.map_err(|error| format!("TLS failed: {error}"))
}

/// Sends a request, and reads so many bytes of the answer at most.
pub(crate) async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    bytes_max: usize,
) -> Result<Answered, hyper::Error> {
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
    // An error of the connection is an error of the request.
    let _carried = Carried(tokio::spawn(async move { drop(connection.await) }));
    let response = sender.send_request(request).await?;
    let (head, body) = response.into_parts();
    Ok(Answered { status: head.status, headers: head.headers, body: beginning(body, bytes_max).await })
}

/// The beginning of an answer; one that breaks off says what it said until then.
async fn beginning(mut body: Incoming, bytes_max: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        let left = bytes_max - read.len();
        read.extend_from_slice(&data[..data.len().min(left)]);
        if read.len() == bytes_max {
            break;
        }
    }
    read
}
