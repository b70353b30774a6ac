//! A signed-in browser, as far as tests of the whole house need one.

use crate::process::DEADLINE;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Somebody who is signed in.
pub struct Session {
    host: String,
    cookie: String,
}

impl Session {
    /// Opens the link that the program printed.
    pub fn sign_in(link: &str) -> Session {
        let (host, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (head, _) = get(host, &format!("/{path}"), "");
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("it signs in");
        Session { host: host.to_owned(), cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    /// Signs in at the place of another session's host by name and password.
    pub fn sign_in_as(&self, name: &str, password: &str) -> Session {
        let body = serde_json::json!({ "name": name, "password": password }).to_string();
        let stranger = Session { host: self.host.clone(), cookie: String::new() };
        let answer = stranger.send("POST", "/api/v1/sign-in", &[], &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.header("set-cookie").expect("it signs in").split(';').next().unwrap().to_owned();
        Session { cookie, ..stranger }
    }

    /// What is answered, good or not, to a request of its own page.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let Session { host, cookie } = self;
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (head, body) = exchange(
            host,
            &format!(
                "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n{more}\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            ),
        );
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
        Answer { status, head, body }
    }

    /// What the API answers, which must be good.
    pub fn json(&self, path: &str) -> Value {
        let (head, body) = get(&self.host, path, &self.cookie);
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}\n{body}");
        serde_json::from_str(&body).expect("the API answers with JSON")
    }

    /// How many records of observations each reader of the log lacks, by `/metrics`.
    pub fn behind(&self) -> BTreeMap<String, u64> {
        let answer = self.send("GET", "/metrics", &[], "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let of_reader = |line: &str| {
            let rest = line.strip_prefix("citywatch_observations_behind_records{reader=\"")?;
            let (reader, count) = rest.split_once("\"} ")?;
            Some((reader.to_owned(), count.parse().expect("a count")))
        };
        answer.body.lines().filter_map(of_reader).collect()
    }
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Its body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}

fn get(host: &str, path: &str, cookie: &str) -> (String, String) {
    exchange(host, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"))
}

/// Head in lower-case names, and body.
fn exchange(host: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).expect("the API answers with text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(!head.contains("transfer-encoding"), "the API says how long its answers are");
    (head.to_owned(), body.to_owned())
}
