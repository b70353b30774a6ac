//! End-points that take webhooks: they keep what they are sent, and answer as they are told.

use crate::world::World;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use command_center::{Outward, Retries};
use hmac::{Hmac, KeyInit, Mac};
use model::Millis;
use serde_json::Value;
use sha2::Sha256;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What was sent.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// How it answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Status(u16),
    /// 200 with this body.
    Says(String),
    Redirect(String),
    /// Never.
    Stalls,
}

/// An end-point with a life of its own.
pub struct Receiver {
    pub url: String,
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Mutex<Answer>>,
    _runtime: Runtime,
}

type Shared = (Arc<Mutex<Vec<Got>>>, Arc<Mutex<Answer>>);

impl Receiver {
    pub fn start() -> Receiver {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (got, answer) = (Arc::default(), Arc::new(Mutex::new(Answer::Status(204))));
        let shared: Shared = (Arc::clone(&got), Arc::clone(&answer));
        let router = Router::new().fallback(take).with_state(shared);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Receiver { url, got, answer, _runtime: runtime }
    }

    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// What was sent so far.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn take(State((got, answer)): State<Shared>, uri: axum::http::Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    got.lock().unwrap().push(Got { path: uri.to_string(), headers, body });
    let answer = answer.lock().unwrap().clone();
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Says(body) => body.into_response(),
        Answer::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Answer::Stalls => std::future::pending().await,
    }
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// How many of its signatures are by this secret, checked as a receiver would.
    pub fn signed_by(&self, secret: &str) -> usize {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let text = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let is_good = |signature: &&str| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(text.as_bytes());
            let bytes = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
            mac.verify_slice(&bytes).is_ok()
        };
        self.header("webhook-signature").split(' ').filter(is_good).count()
    }
}

/// A city that may send to this machine by http, and does not wait long before it tries again.
pub fn outward() -> Outward {
    Outward {
        allow: vec!["127.0.0.1".parse().unwrap()],
        plain_http: true,
        retries: Retries { first: Millis(20), longest: Millis(100), give_up: Millis(1_500) },
        ..Outward::default()
    }
}

pub fn world() -> World {
    let mut world = World::new();
    world.settings.outward = outward();
    world
}
