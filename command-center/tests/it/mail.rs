//! Mail over a real SMTP server (aiosmtpd): STARTTLS, sign-in, what arrives, and what becomes of what it refuses; and
//! webhooks over TLS.

use crate::client::Client;
use crate::permissions::account;
use crate::receiver::outward;
use crate::webhooks::{post, subscribe};
use crate::world::{Life, World};
use command_center::{MailServer, Outward, Role};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A mail server that says of each message that it took one line of JSON.
struct Server {
    child: Child,
    port: u16,
    took: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    fn start(certificates: &Path, mode: &str) -> Server {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let script = root.join("deploy/test/smtp/server.py");
        let python = root.join("target/smtp/bin/python");
        let mut command = Command::new(&python);
        command.arg(script).arg(certificates).arg(mode).stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{python:?}: {error}: run deploy/test/smtp/install.sh"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let took: Arc<Mutex<Vec<Value>>> = Arc::default();
        let keep = Arc::clone(&took);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                keep.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Server { child, port, took }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority and a certificate for localhost, made by openssl.
fn certificates() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let script = "set -e
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=test authority' -keyout ca.key -out ca.pem 2>/dev/null
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout own.key -out own.csr 2>/dev/null
        printf 'subjectAltName=DNS:localhost\\n' >ext
        openssl x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out own.pem 2>/dev/null";
    assert!(Command::new("sh").arg("-c").arg(script).current_dir(&dir).status().unwrap().success());
    dir
}

fn live(address: &str, ca: Option<&TempDir>) -> (World, Life, Client) {
    let mut world = World::new();
    let ca = ca.map(|dir| std::fs::read_to_string(dir.path().join("ca.pem")).unwrap());
    let mail = MailServer::parse(address, Some("a password".to_owned())).unwrap();
    world.settings.outward = Outward { mail: Some(mail), ca, ..outward() };
    let life = world.live();
    let admin = life.runtime.block_on(Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])));
    (world, life, admin)
}

async fn contact(admin: &Client, address: &str) -> String {
    let made = post(admin, "/api/v1/contacts", &json!({ "who": "anna", "kind": "email", "address": address })).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let id = made.json()["contact"]["id"].as_str().unwrap().to_owned();
    assert_eq!(post(admin, &format!("/api/v1/contacts/{id}/test"), &json!({})).await.status, 204);
    id
}

async fn newest(admin: &Client, id: &str) -> Value {
    admin.json(&format!("/api/v1/contacts/{id}/deliveries")).await["items"][0].clone()
}

#[test]
fn mail_goes_over_tls_signed_in_and_arrives_once() {
    let certificates = certificates();
    for (mode, scheme) in [("starttls", "smtp"), ("tls", "smtps")] {
        let server = Server::start(certificates.path(), mode);
        let address = format!("{scheme}://watch@localhost:{}?from=watch@city.example", server.port);
        let (_world, life, admin) = live(&address, Some(&certificates));
        let id = life.runtime.block_on(contact(&admin, "anna@city.example"));
        life.until("that it is taken", async |_| newest(&admin, &id).await["state"] == "delivered");
        life.until("what it took", async |_| !server.took.lock().unwrap().is_empty());
        let took = server.took.lock().unwrap().clone();
        assert_eq!(took.len(), 1, "{mode}");
        let mail = &took[0];
        assert_eq!((&mail["from"], &mail["to"]), (&json!("watch@city.example"), &json!(["anna@city.example"])));
        assert_eq!((&mail["user"], &mail["is_tls"]), (&json!("watch"), &json!(true)), "{mode}");
        // What a mail program shows, read by Python's own.
        assert_eq!(mail["subject"], "citywatch 测试通知");
        assert!(mail["text"].as_str().unwrap().contains("收到本条即表示通知可以送达"), "{mail}");
        let delivery = life.runtime.block_on(newest(&admin, &id))["id"].as_str().unwrap().to_owned();
        assert_eq!(mail["message_id"], format!("<{delivery}@city.example>"));
        life.stop();
    }
}

#[test]
fn a_server_that_is_not_trusted_refuses_or_is_away_gets_nothing() {
    let certificates = certificates();
    let server = Server::start(certificates.path(), "starttls");
    let error = |life: &Life, admin: &Client, id: &str, told: &str| {
        life.until(told, async |_| newest(admin, id).await["error"].as_str().is_some_and(|error| error.contains(told)));
    };
    let address = format!("smtp://watch@localhost:{}?from=watch@city.example", server.port);
    let (_world, life, admin) = live(&address, None);
    let id = life.runtime.block_on(contact(&admin, "anna@city.example"));
    error(&life, &admin, &id, "UnknownIssuer");
    life.stop();
    let (_world, life, admin) = live(&address, Some(&certificates));
    // The server knows nobody of this name.
    let id = life.runtime.block_on(contact(&admin, "nobody@city.example"));
    error(&life, &admin, &id, "550");
    life.stop();
    let wrong = address.replace("watch@localhost", "watch:wrong@localhost");
    let (_world, life, admin) = live(&wrong, Some(&certificates));
    let id = life.runtime.block_on(contact(&admin, "anna@city.example"));
    error(&life, &admin, &id, "535");
    assert!(!format!("{:?}", life.runtime.block_on(newest(&admin, &id))).contains("wrong"), "no password in errors");
    life.stop();
    let plain = Server::start(certificates.path(), "plain");
    let (_world, life, admin) =
        live(&address.replace(&server.port.to_string(), &plain.port.to_string()), Some(&certificates));
    let id = life.runtime.block_on(contact(&admin, "anna@city.example"));
    error(&life, &admin, &id, "the mail server said");
    life.stop();
    assert!(server.took.lock().unwrap().is_empty() && plain.took.lock().unwrap().is_empty());
}

/// An end-point with TLS: its port, and how much it was sent.
fn https(certificates: &Path) -> (u16, Arc<AtomicUsize>, Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let chain = CertificateDer::pem_file_iter(certificates.join("own.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(certificates.join("own.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    runtime.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(acceptor.clone(), stream, Arc::clone(&counted)));
        }
    });
    (port, count, runtime)
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream, count: Arc<AtomicUsize>) {
    // Who does not trust the certificate hangs up.
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut read = Vec::new();
    while !read.ends_with(b"}") {
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    }
    assert!(read.starts_with(b"POST /hook HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&read));
    count.fetch_add(1, Ordering::SeqCst);
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
}

#[test]
fn webhooks_by_https_check_the_certificate() {
    let certificates = certificates();
    let (port, count, _runtime) = https(certificates.path());
    let ca = std::fs::read_to_string(certificates.path().join("ca.pem")).unwrap();
    // The name that the certificate has, another, and the right one from an authority that is not trusted.
    for (host, ca, told) in [
        ("localhost", Some(ca.clone()), None),
        ("127.0.0.1", Some(ca), Some("not valid for name")),
        ("localhost", None, Some("UnknownIssuer")),
    ] {
        let mut world = World::new();
        world.settings.outward = Outward {
            ca,
            plain_http: false,
            allow: vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
            ..outward()
        };
        let life = world.live();
        life.runtime.block_on(async {
            let admin = Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])).await;
            let plain = json!({ "name": "x", "url": format!("http://{host}:{port}/hook") });
            assert_eq!(post(&admin, "/api/v1/subscriptions", &plain).await.status, 400, "http is not allowed");
            let url = format!("https://{host}:{port}/hook");
            subscribe(&admin, json!({ "name": "x", "url": url })).await;
        });
        let admin = life.runtime.block_on(Client::of_account(&life.handle, &account("bob", Role::Administrator, &[])));
        let first = async |admin: &Client| {
            let all = admin.json("/api/v1/subscriptions").await;
            let id = all["items"][0]["id"].as_str().unwrap().to_owned();
            admin.json(&format!("/api/v1/subscriptions/{id}/deliveries")).await["items"][0].clone()
        };
        match told {
            None => life.until("that it is taken", async |_| first(&admin).await["state"] == "delivered"),
            Some(told) => life
                .until(told, async |_| first(&admin).await["error"].as_str().is_some_and(|error| error.contains(told))),
        }
        life.stop();
    }
    assert_eq!(count.load(Ordering::SeqCst), 1, "only who was sure of whom they spoke to said something");
}
