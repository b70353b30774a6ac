//! An HTTP client with a session, and one that follows server-sent events.

use crate::PATIENCE;
use command_center::{AdminAnswer, AdminRequest, Handle, NewAccount, NewToken};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// The password of every account of the tests.
pub const PASSWORD: &str = "a password of tests";

/// A path of the description with something in the place of its parameters.
pub fn bare(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{domain}" => "air",
        part if part.starts_with('{') => "x",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Somebody who is signed in, or not.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub cookie: Option<String>,
    pub token: Option<String>,
    /// A connection that is kept from one request to the next; else each has one of its own.
    pub kept: Option<Arc<Mutex<Option<Sender>>>>,
}

type Sender = http1::SendRequest<Full<Bytes>>;

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

/// An event of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: String,
}

/// A stream of events.
pub struct Events {
    body: Incoming,
    /// What came and was not taken yet; it may end within a character.
    rest: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl Client {
    pub fn stranger(address: SocketAddr) -> Client {
        Client { address, cookie: None, token: None, kept: None }
    }

    /// Signs in with a new link.
    pub async fn sign_in(handle: &Handle) -> Client {
        let mut client = Client::stranger(handle.local_addr());
        let link = handle.sign_in_link().await.unwrap();
        let path = link.strip_prefix(&format!("http://{}", client.address)).unwrap().to_owned();
        let answer = client.get(&path).await;
        assert_eq!((answer.status, answer.header(LOCATION.as_str())), (StatusCode::SEE_OTHER, "/"));
        client.cookie = Some(answer.header(SET_COOKIE.as_str()).split(';').next().unwrap().to_owned());
        client
    }

    /// Signs in with a password; the account is made if there is none.
    pub async fn of_account(handle: &Handle, account: &NewAccount) -> Client {
        let mut client = Client::stranger(handle.local_addr());
        let account = NewAccount { password: Some(PASSWORD.to_owned()), ..account.clone() };
        handle.admin().answer(AdminRequest::AddAccount(account.clone()), "test").await.unwrap();
        let body = serde_json::json!({ "name": account.name, "password": PASSWORD }).to_string();
        let answer = client.send(Method::POST, "/api/v1/sign-in", &[], &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        client.cookie = Some(answer.header(SET_COOKIE.as_str()).split(';').next().unwrap().to_owned());
        client
    }

    /// With a new token.
    pub async fn of_token(handle: &Handle, token: NewToken) -> (String, Client) {
        let answer = handle.admin().answer(AdminRequest::AddToken(token), "test").await.unwrap();
        let AdminAnswer::Done { id, secret } = answer else { panic!("{answer:?}") };
        (id, Client { token: secret, ..Client::stranger(handle.local_addr()) })
    }

    /// The status of an answer, which may have no end.
    pub async fn status(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        self.open(method, path, headers, body).await.status().as_u16()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.body);
        answer.json()
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let response = self.open(method, path, headers, body).await;
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.expect("the answer ends").unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub async fn events(&self, path: &str, headers: &[(&str, &str)]) -> Events {
        let response = self.open(Method::GET, path, headers, "").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Events { body: response.into_body(), rest: Vec::new() }
    }

    async fn open(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Incoming> {
        let mut request = Request::builder().method(method.clone()).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(HOST, self.address.to_string());
        }
        if method != Method::GET && !headers.iter().any(|(name, _)| *name == "origin") {
            request = request.header(ORIGIN, format!("http://{}", self.address));
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let answer = async {
            let Some(kept) = &self.kept else { return self.connect().await.send_request(request).await };
            let mut kept = kept.lock().await;
            if kept.as_ref().is_none_or(Sender::is_closed) {
                *kept = Some(self.connect().await);
            }
            let sender = kept.as_mut().unwrap();
            sender.ready().await?;
            sender.send_request(request).await
        };
        timeout(PATIENCE, answer).await.expect("an answer comes").unwrap()
    }

    async fn connect(&self) -> Sender {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        // It ends with who sends or with the runtime; an error of it is an error of the request.
        tokio::spawn(connection);
        sender
    }
}

impl Events {
    /// The next event; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(at) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let block = String::from_utf8(self.rest.drain(..at + 2).collect()).unwrap();
                let mut event = Event::default();
                for line in block.lines().filter(|line| !line.starts_with(':')) {
                    match line.split_once(": ") {
                        Some(("id", id)) => event.id = id.to_owned(),
                        Some(("event", name)) => event.name = name.to_owned(),
                        Some(("data", data)) => event.data = data.to_owned(),
                        _ => {}
                    }
                }
                if !event.name.is_empty() {
                    return Some(event);
                }
                continue;
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("something comes")?.ok()?;
            self.rest.extend_from_slice(frame.data_ref()?);
        }
    }
}
