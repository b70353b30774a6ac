//! Answers that stay the same for a while: with an ETag, and compressed once.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::Write;

/// Bodies below this many bytes are not worth compressing.
const GZIP_FROM: usize = 1_024;

/// A body and its compressed form.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    tag: String,
    plain: Bytes,
    gzip: Option<Bytes>,
}

impl Cached {
    /// Of this body. It takes processor time: call it where that does not hold up others.
    pub(crate) fn new(body: impl Into<Bytes>) -> Cached {
        let plain: Bytes = body.into();
        let digest = Sha256::digest(&plain);
        let tag = digest.iter().take(16).fold(String::new(), |tag, byte| format!("{tag}{byte:02x}"));
        let gzip = (plain.len() >= GZIP_FROM).then(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&plain).expect("memory takes everything");
            Bytes::from(encoder.finish().expect("memory takes everything"))
        });
        Cached { tag, plain, gzip }
    }

    /// The body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.plain
    }

    /// The answer to a request with these headers: 304 if it has this body already.
    pub(crate) fn answer(&self, headers: &HeaderMap, content_type: &'static str) -> Response {
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip(headers));
        // A strong tag names bytes, and compressed ones are others.
        let tag = if gzip.is_some() { format!("\"{}-gz\"", self.tag) } else { format!("\"{}\"", self.tag) };
        let fixed: [(HeaderName, HeaderValue); 3] = [
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
        ];
        let tagged = [(header::ETAG, HeaderValue::from_str(&tag).expect("a hash in quotes is a header's value"))];
        if names_tag(headers.get(header::IF_NONE_MATCH), &tag) {
            return (StatusCode::NOT_MODIFIED, fixed, tagged).into_response();
        }
        match gzip {
            Some(gzip) => (fixed, tagged, [(header::CONTENT_ENCODING, "gzip")], gzip.clone()).into_response(),
            None => (fixed, tagged, self.plain.clone()).into_response(),
        }
    }
}

/// Whether the client takes gzip.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        name.trim() == "gzip" && weight.trim() != "q=0"
    })
}

/// Whether a header with a list of tags names this one.
pub(crate) fn names_tag(header: Option<&HeaderValue>, tag: &str) -> bool {
    let listed = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
    listed.split(',').map(str::trim).any(|one| one == tag || one == "*")
}
