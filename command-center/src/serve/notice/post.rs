//! One request to an end-point: the address is looked up once, checked, and is the one that is connected to.
//!
//! What it promises: it ends within its time; it follows no redirect; of an answer it reads no more than it needs.
//! A connection is made for each message, so that every one is checked.

use super::allowed::may_reach;
use super::retry::Tried;
use crate::CenterError;
use crate::https::{self, Answered, exchange};
use crate::settings::Outward;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use model::Millis;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use url::{Host, Url};

/// Bytes of the answer to a message that are read; the rest is left.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// The longest wait that an end-point may ask for by Retry-After.
const AFTER_MAX: Millis = Millis::HOUR;
/// How we name ourselves.
const AGENT: &str = concat!("citywatch/", env!("CARGO_PKG_VERSION"));

/// Posts messages, and reads what others publish.
pub(crate) struct Poster {
    outward: Outward,
    tls: TlsConnector,
}

impl Poster {
    pub(crate) fn new(outward: Outward) -> Result<Poster, CenterError> {
        let tls = TlsConnector::from(Arc::new(trust(&outward)?));
        Ok(Poster { outward, tls })
    }

    /// Sends a body; `judge` reads the answer of a 2xx, for end-points that say there whether they took it.
    pub(crate) async fn post(
        &self,
        url: &str,
        headers: Vec<(HeaderName, String)>,
        body: String,
        judge: fn(&[u8]) -> Result<(), Tried>,
    ) -> Tried {
        match self.ask(Method::POST, url, headers, body, ANSWER_BYTES_MAX).await {
            Ok(Answered { status, headers, body }) => verdict(status, &headers, &body, judge),
            Err(tried) => tried,
        }
    }

    /// Reads JSON that somebody publishes, `bytes_max` of it at most; `Err` says in words why there is none.
    pub(crate) async fn get(&self, url: &str, bytes_max: usize) -> Result<Vec<u8>, String> {
        let headers = vec![(header::ACCEPT, "application/json".to_owned())];
        // One byte more than may be shows that there is more.
        match self.ask(Method::GET, url, headers, String::new(), bytes_max + 1).await {
            Ok(Answered { status, .. }) if !status.is_success() => {
                Err(format!("the server answered {}", status.as_u16()))
            }
            Ok(Answered { body, .. }) if body.len() > bytes_max => {
                Err(format!("the answer is longer than {bytes_max} bytes"))
            }
            Ok(Answered { body, .. }) => Ok(body),
            Err(Tried::Away { why, .. } | Tried::Barred { why }) => Err(why),
            Err(other) => Err(format!("{other:?}")),
        }
    }

    /// Asks within the time of one try: looking the name up, connecting, sending, and the answer.
    async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: Vec<(HeaderName, String)>,
        body: String,
        bytes_max: usize,
    ) -> Result<Answered, Tried> {
        let url = super::allowed::end_point(url, self.outward.plain_http).map_err(|why| Tried::Barred { why })?;
        let try_max = Duration::from_millis(self.outward.try_max.0.max(1) as u64);
        let asked = async {
            let stream = self.connect(&url).await?;
            let request = request(method, &url, headers, body).map_err(|why| Tried::Barred { why })?;
            let answered = match url.scheme() {
                "https" => {
                    let stream = https::secure(&self.tls, &url, stream).await.map_err(away)?;
                    exchange(stream, request, bytes_max).await
                }
                _ => exchange(stream, request, bytes_max).await,
            };
            answered.map_err(|error| away(format!("the connection ended: {error}")))
        };
        let timed_out = |_| away(format!("no answer within {} ms", try_max.as_millis()));
        tokio::time::timeout(try_max, asked).await.map_err(timed_out)?
    }

    async fn connect(&self, url: &Url) -> Result<TcpStream, Tried> {
        let port = url.port_or_known_default().unwrap_or(443);
        let found: Vec<SocketAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![(address, port).into()],
            Some(Host::Ipv6(address)) => vec![(address, port).into()],
            Some(Host::Domain(name)) => match tokio::net::lookup_host((name, port)).await {
                Ok(found) => found.collect(),
                Err(error) => return Err(away(format!("the name {name} cannot be looked up: {error}"))),
            },
            None => return Err(Tried::Barred { why: "the address names no host".to_owned() }),
        };
        let allowed = found.iter().filter(|address| may_reach(address.ip(), &self.outward.allow));
        let allowed: Vec<&SocketAddr> = allowed.take(ADDRESSES_MAX).collect();
        if allowed.is_empty() {
            let why = match found.first() {
                None => return Err(away("the name has no address".to_owned())),
                Some(address) => format!("{} is no public address, and notices.allow does not name it", address.ip()),
            };
            return Err(Tried::Barred { why });
        }
        let mut failed = String::new();
        for address in allowed {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = format!("cannot connect to {address}: {error}"),
            }
        }
        Err(away(failed))
    }
}

/// Whose certificates are good: those of this system, and what is set beside.
pub(super) fn trust(outward: &Outward) -> Result<ClientConfig, CenterError> {
    let mut roots = https::system_roots();
    if let Some(pem) = &outward.ca {
        let wrong = |error: String| CenterError::Notices { what: format!("notices.ca holds no certificate: {error}") };
        https::add_roots(&mut roots, CertificateDer::pem_slice_iter(pem.as_bytes())).map_err(wrong)?;
    }
    https::tls(roots).map_err(|what| CenterError::Notices { what })
}

fn request(
    method: Method,
    url: &Url,
    headers: Vec<(HeaderName, String)>,
    body: String,
) -> Result<Request<Full<Bytes>>, String> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = method;
    *request.uri_mut() = target.parse().map_err(|error| format!("the address cannot be asked: {error}"))?;
    let all = headers.into_iter().chain([
        (header::HOST, host.to_owned()),
        (header::USER_AGENT, AGENT.to_owned()),
        (header::CONNECTION, "close".to_owned()),
    ]);
    for (name, value) in all {
        let value = HeaderValue::from_str(&value).map_err(|error| format!("a header cannot be sent: {error}"))?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

fn verdict(status: StatusCode, headers: &HeaderMap, answer: &[u8], judge: fn(&[u8]) -> Result<(), Tried>) -> Tried {
    let code = Some(status.as_u16());
    let why = || format!("the end-point answered {}", status.as_u16());
    match status {
        status if status.is_success() => match judge(answer) {
            Ok(()) => Tried::Delivered { status: code },
            Err(tried) => tried,
        },
        StatusCode::GONE => Tried::Gone { why: why() },
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Tried::Away { status: code, why: why(), after: after(headers) }
        }
        status if status.is_client_error() => Tried::Refused { status: code, why: why() },
        status if status.is_redirection() => {
            Tried::Away { status: code, why: format!("{}, and redirects are not followed", why()), after: None }
        }
        _ => Tried::Away { status: code, why: why(), after: after(headers) },
    }
}

/// What an end-point asks for by Retry-After, in seconds; a date is passed over.
fn after(headers: &HeaderMap) -> Option<Millis> {
    let seconds: i64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Millis(seconds.clamp(0, AFTER_MAX.0 / 1_000) * 1_000))
}

fn away(why: String) -> Tried {
    Tried::Away { status: None, why, after: None }
}
