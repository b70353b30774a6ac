//! Asks the provider: over TLS with the system's certificates or a city's own, or in clear on this machine.

use super::Refusal;
use super::settings::{OidcSettings, address};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

/// How long one question may take, from connecting to the last byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer; a larger one is none.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Asks over HTTP.
pub(super) struct Http(TlsConnector);

impl Http {
    /// With the certificates that the settings name.
    pub(super) fn new(settings: &OidcSettings) -> Result<Http, String> {
        let mut roots = RootCertStore::empty();
        match &settings.ca_file {
            Some(path) => {
                let failed = |error: &dyn std::fmt::Display| format!("ca_file \"{}\": {error}", path.display());
                let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| failed(&error))?;
                    roots.add(certificate).map_err(|error| failed(&error))?;
                }
            }
            // One of the system's that cannot be read is as one that is not there.
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Ok(Http(TlsConnector::from(Arc::new(config))))
    }

    /// Reads JSON.
    pub(super) async fn get(&self, url: &str, bearer: Option<&str>) -> Result<serde_json::Value, Refusal> {
        let bearer = bearer.map(|token| format!("Bearer {token}"));
        self.ask(Method::GET, url, bearer.as_deref(), String::new()).await
    }

    /// Sends a form, and reads JSON.
    pub(super) async fn post(
        &self,
        url: &str,
        authorization: Option<&str>,
        form: String,
    ) -> Result<serde_json::Value, Refusal> {
        self.ask(Method::POST, url, authorization, form).await
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        authorization: Option<&str>,
        form: String,
    ) -> Result<serde_json::Value, Refusal> {
        let url = address(url).map_err(|_| Refusal::Answer)?;
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut request = Request::builder().method(method).uri(path).header(ACCEPT, "application/json");
        request = request.header(HOST, host(&url));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !form.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Full::new(Bytes::from(form))).map_err(|_| Refusal::Answer)?;
        let answered = tokio::time::timeout(PATIENCE, self.exchange(&url, request)).await;
        let (status, body) = answered.map_err(|_| Refusal::Away)??;
        match status {
            200 => serde_json::from_slice(&body).map_err(|_| Refusal::Answer),
            500.. => Err(Refusal::Away),
            _ => Err(Refusal::Answer),
        }
    }

    async fn exchange(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<(u16, Bytes), Refusal> {
        let port = url.port_or_known_default().ok_or(Refusal::Answer)?;
        let name = url.host_str().ok_or(Refusal::Answer)?.trim_matches(['[', ']']).to_owned();
        let stream = TcpStream::connect((name.as_str(), port)).await.map_err(|_| Refusal::Away)?;
        if url.scheme() == "http" {
            return over(stream, request).await;
        }
        let server = ServerName::try_from(name).map_err(|_| Refusal::Answer)?;
        let stream = self.0.connect(server, stream).await.map_err(|_| Refusal::Away)?;
        over(stream, request).await
    }
}

/// As the header Host has it.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(u16, Bytes), Refusal> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Refusal::Away)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(|_| Refusal::Away)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, body.map_err(|_| Refusal::Answer)?.to_bytes()))
    };
    // The connection works as long as somebody looks after it, and ends with the answer.
    let mut connection = std::pin::pin!(connection);
    let mut answered = std::pin::pin!(answered);
    tokio::select! {
        answer = &mut answered => answer,
        // What was read before it ended may be the whole answer.
        _ = &mut connection => answered.await,
    }
}
