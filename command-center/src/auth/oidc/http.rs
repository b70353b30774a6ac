//! Asks the provider: over TLS with the system's certificates or a city's own, or in clear on this machine.

use super::Refusal;
use super::settings::{OidcSettings, address};
use crate::https::{self, Answered};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
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
        let roots = match &settings.ca_file {
            Some(path) => {
                let failed = |error: String| format!("ca_file \"{}\": {error}", path.display());
                let mut roots = RootCertStore::empty();
                let certificates = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
                https::add_roots(&mut roots, certificates).map_err(failed)?;
                roots
            }
            None => https::system_roots(),
        };
        let config = https::tls(roots)?;
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
        let Answered { status, body, .. } = answered.map_err(|_| Refusal::Away)??;
        match status.as_u16() {
            200 if body.len() <= ANSWER_BYTES_MAX => serde_json::from_slice(&body).map_err(|_| Refusal::Answer),
            500.. => Err(Refusal::Away),
            _ => Err(Refusal::Answer),
        }
    }

    async fn exchange(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<Answered, Refusal> {
        let port = url.port_or_known_default().ok_or(Refusal::Answer)?;
        let name = url.host_str().ok_or(Refusal::Answer)?.trim_matches(['[', ']']);
        let stream = TcpStream::connect((name, port)).await.map_err(|_| Refusal::Away)?;
        // One byte more than may be shows that there is more.
        let answered = match url.scheme() {
            "http" => https::exchange(stream, request, ANSWER_BYTES_MAX + 1).await,
            _ => {
                let stream = https::secure(&self.0, url, stream).await.map_err(|_| Refusal::Away)?;
                https::exchange(stream, request, ANSWER_BYTES_MAX + 1).await
            }
        };
        answered.map_err(|_| Refusal::Away)
    }
}

/// As the header Host has it.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}
