//! The page: its built files, which are in the binary, and `index.html` for every path that is the page's own.

use super::cached::{accepts_gzip, names_tag};
use super::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};

/// One file of the built page.
struct File {
    /// Path in `dist`, without a slash before it.
    path: &'static str,
    plain: &'static [u8],
    /// Compressed, where that is smaller.
    gzip: Option<&'static [u8]>,
    /// Hash of its bytes.
    tag: &'static str,
}

// `build.rs` writes `FILES: &[File]`, sorted by path; empty if the page was not built.
include!(concat!(env!("OUT_DIR"), "/page.rs"));

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>citywatch</title><h1>citywatch</h1>\
    <p>The page is not in this program: build it with <code>npm ci && npm run build</code> in \
    <code>command-center/web</code>, then build citywatch again. <code>make</code> does both. \
    The API is there: <a href=/api/openapi.json>/api/openapi.json</a>.";

/// Answers every path that is no route.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return Problem::missing("route", uri.path()).into_response();
    }
    if ![Method::GET, Method::HEAD].contains(&method) {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the page can only be read").into_response();
    }
    // Files stand in assets/, or at the top with a dot in their name; a missing one is missing. All else is the page's
    // own: an id at the end of its paths may hold any dot.
    let is_file = path.starts_with("assets/") || (path.contains('.') && !path.contains('/'));
    let is_page = !is_file;
    match find(path).or_else(|| find("index.html").filter(|_| is_page)) {
        Some(file) => file.answer(&headers),
        None if is_page => Html(NOT_BUILT).into_response(),
        None => Problem::missing("file", path).into_response(),
    }
}

fn find(path: &str) -> Option<&'static File> {
    FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|index| &FILES[index])
}

impl File {
    fn answer(&self, headers: &HeaderMap) -> Response {
        let gzip = self.gzip.filter(|_| accepts_gzip(headers));
        let tag = if gzip.is_some() { format!("\"{}-gz\"", self.tag) } else { format!("\"{}\"", self.tag) };
        // Names in assets/ hold a hash of the content.
        let is_hashed = self.path.starts_with("assets/");
        let cache = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        let fixed = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.content_type())),
            (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
            (header::ETAG, HeaderValue::from_str(&tag).expect("a hash in quotes is a header's value")),
        ];
        if names_tag(headers.get(header::IF_NONE_MATCH), &tag) {
            return (StatusCode::NOT_MODIFIED, fixed).into_response();
        }
        match gzip {
            Some(gzip) => (fixed, [(header::CONTENT_ENCODING, "gzip")], gzip).into_response(),
            None => (fixed, self.plain).into_response(),
        }
    }

    fn content_type(&self) -> &'static str {
        match self.path.rsplit('.').next().unwrap_or_default() {
            "html" => "text/html; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "json" | "map" => "application/json",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "ico" => "image/x-icon",
            "webp" => "image/webp",
            "woff2" => "font/woff2",
            "txt" => "text/plain; charset=utf-8",
            "webmanifest" => "application/manifest+json",
            "wasm" => "application/wasm",
            "pbf" => "application/x-protobuf",
            _ => "application/octet-stream",
        }
    }
}
