//! A signed-in browser, as far as tests of the whole house need one.

use crate::process::DEADLINE;
use serde_json::Value;
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

    /// What the API answers, which must be good.
    pub fn json(&self, path: &str) -> Value {
        let (head, body) = get(&self.host, path, &self.cookie);
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}\n{body}");
        serde_json::from_str(&body).expect("the API answers with JSON")
    }
}

/// Head in lower-case names, and body.
fn get(host: &str, path: &str, cookie: &str) -> (String, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).expect("the API answers with text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(!head.contains("transfer-encoding"), "the API says how long its answers are");
    (head.to_owned(), body.to_owned())
}
