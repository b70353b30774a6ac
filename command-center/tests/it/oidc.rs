//! Signing in by an identity provider: a real one, driven as a browser drives it, by its form.

use crate::client::Client;
use crate::permissions::account;
use crate::world::{Life, World};
use command_center::{AdminRequest, OidcSettings, Role};
use hyper::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

const CALLBACK: &str = "/api/v1/sign-in/oidc/callback";

/// A provider; dropped, it ends.
struct Provider {
    process: Child,
    issuer: String,
    /// Held open: it has notices to say.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Provider {
    /// With new keys, on a port of its own or on that of one before.
    fn start(port: u16, algorithm: &str) -> Provider {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oidc");
        assert!(place.join("node_modules").is_dir(), "the provider is missing: run deploy/test/oidc.sh target/oidc");
        let mut process = Command::new("node")
            .args(["server.mjs", &port.to_string(), algorithm])
            .current_dir(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = lines.next().expect("the provider says where it is").unwrap();
        Provider { process, issuer, _said: lines }
    }

    fn port(&self) -> u16 {
        self.issuer.rsplit(':').next().unwrap().parse().unwrap()
    }

    fn stop(mut self) -> u16 {
        let port = self.port();
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        port
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A city whose people sign in by a provider with this issuer.
fn world(issuer: &str, first_sign_in: &str) -> World {
    let mut world = World::new();
    // The provider is told where to send people back to before the command center listens.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    world.settings.http = free;
    let folder = world.settings.data_dir.parent().unwrap().to_owned();
    std::fs::write(folder.join("secret"), "a secret of tests: with / and ?\n").unwrap();
    let text = format!(
        "issuer = \"{issuer}\"\nclient_id = \"citywatch\"\nclient_secret_file = \"secret\"\n\
         redirect = \"http://{free}{CALLBACK}\"\nlabel_zh = \"统一认证\"\nlabel_en = \"City account\"\n\
         first_sign_in = \"{first_sign_in}\"\n\
         [[map]]\ngroup = \"command-center\"\nroles = [\"operator\", \"dispatcher\"]\n\
         [[map]]\ngroup = \"water-dongcheng\"\nroles = [\"unit\"]\nareas = [\"110101\"]\nunit = \"district-water-110101\"\n"
    );
    world.settings.oidc = Some(OidcSettings::parse(&text, &folder).unwrap());
    world
}

/// A browser: what it keeps, by host and port.
struct Browser {
    cookies: Vec<(SocketAddr, String, String)>,
}

/// Where a browser stands: what it was answered, and where it is sent.
struct Page {
    status: u16,
    at: String,
    body: String,
    location: String,
}

impl Browser {
    fn new() -> Browser {
        Browser { cookies: Vec::new() }
    }

    async fn ask(&mut self, method: Method, url: &str, form: &str) -> Page {
        let rest = url.strip_prefix("http://").unwrap();
        let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let address: SocketAddr = host.parse().unwrap();
        let held = self.cookies.iter().filter(|(of, ..)| *of == address);
        let cookie = held.map(|(_, name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut headers = vec![("cookie", cookie.as_str())];
        if method == Method::POST {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let answer = Client::stranger(address).send(method, path, &headers, form).await;
        for set in answer.headers.get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(of, held, _)| *of != address || held != name);
            if !value.is_empty() {
                self.cookies.push((address, name.to_owned(), value.to_owned()));
            }
        }
        let location = match answer.header("location") {
            there if there.starts_with('/') => format!("http://{host}{there}"),
            there => there.to_owned(),
        };
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Page { status: answer.status.as_u16(), at: url.to_owned(), body, location }
    }

    /// What it keeps of a host.
    fn cookie(&mut self, name: &str) -> Option<&mut String> {
        self.cookies.iter_mut().find(|(_, held, _)| held == name).map(|(.., value)| value)
    }

    /// Begins to sign in, fills the provider's forms in, and stops where it is sent back.
    async fn signs_in_there(&mut self, life: &Life, login: &str) -> String {
        let start = format!("http://{}/api/v1/sign-in/oidc", life.handle.local_addr());
        let mut page = self.ask(Method::GET, &start, "").await;
        for _ in 0..12 {
            if page.location.contains(CALLBACK) || page.location.contains("/?sign-in=") {
                return page.location;
            }
            if page.location.is_empty() {
                assert_eq!(page.status, 200, "{}: {}", page.at, page.body);
                let form = if page.body.contains("name=\"login\"") {
                    format!("prompt=login&login={login}&password=x")
                } else {
                    "prompt=consent".to_owned()
                };
                page = self.ask(Method::POST, &page.at, &form).await;
            } else {
                page = self.ask(Method::GET, &page.location, "").await;
            }
        }
        panic!("the provider's forms have no end: {} {}", page.at, page.body);
    }

    /// Signs in; where it ends.
    async fn signs_in(&mut self, life: &Life, login: &str) -> String {
        let back = self.signs_in_there(life, login).await;
        if back.contains("/?sign-in=") { back } else { self.ask(Method::GET, &back, "").await.location }
    }

    async fn session(&mut self, life: &Life) -> (u16, Value) {
        let page = self.ask(Method::GET, &format!("http://{}/api/v1/session", life.handle.local_addr()), "").await;
        (page.status, serde_json::from_str(&page.body).unwrap())
    }
}

/// Where a refused sign-in ends.
fn refused(life: &Life, why: &str) -> String {
    format!("http://{}/?sign-in={why}", life.handle.local_addr())
}

#[test]
fn people_sign_in_by_the_citys_directory() {
    let provider = Provider::start(0, "RS256");
    let world = world(&provider.issuer, "make");
    let life = world.live();
    life.runtime.block_on(async {
        let home = format!("http://{}/", life.handle.local_addr());
        let ways = Client::stranger(life.handle.local_addr()).json("/api/v1/sign-in/ways").await;
        assert_eq!(ways["oidc"], json!({ "zh": "统一认证", "en": "City account" }));
        let mut wang = Browser::new();
        assert_eq!(wang.signs_in(&life, "wang").await, home);
        assert!(wang.cookie("citywatch_oidc").is_none(), "what bound the sign-in is forgotten");
        let (status, who) = wang.session(&life).await;
        assert_eq!((status, &who["name"], &who["roles"]), (200, &json!("wang"), &json!(["operator", "dispatcher"])));
        let mut li = Browser::new();
        assert_eq!(li.signs_in(&life, "li").await, home);
        let (_, who) = li.session(&life).await;
        assert_eq!((&who["areas"], &who["unit"]), (&json!(["110101"]), &json!("district-water-110101")));

        // The session is ours, and ends here.
        let out = format!("http://{}/api/v1/sign-out", life.handle.local_addr());
        assert_eq!(wang.ask(Method::POST, &out, "").await.status, 204);
        assert_eq!(wang.session(&life).await.0, 401);
        assert_eq!(wang.signs_in(&life, "wang").await, home, "the same account");

        let mut zhao = Browser::new();
        assert_eq!(zhao.signs_in(&life, "zhao").await, refused(&life, "unmapped"));
        // A local account of the same name is somebody else's, until they are linked.
        let local = Client::of_account(&life.handle, &account("olga", Role::Supervisor, &[])).await;
        let mut olga = Browser::new();
        assert_eq!(olga.signs_in(&life, "olga").await, refused(&life, "taken"));
        let admin = life.handle.admin();
        let link = |name: &str| AdminRequest::LinkAccount { name: name.to_owned(), subject: "olga".to_owned() };
        admin.answer(link("nobody"), "test").await.unwrap();
        admin.answer(link("olga"), "test").await.unwrap();
        assert_eq!(olga.signs_in(&life, "olga").await, home);
        assert_eq!(
            olga.session(&life).await.1["roles"],
            json!(["operator", "dispatcher"]),
            "rights are the directory's"
        );
        assert_eq!(local.get("/api/v1/session").await.status, 401, "a session with other rights ended");

        let disabled = AdminRequest::SetDisabled { name: "li".to_owned(), disabled: true };
        admin.answer(disabled, "test").await.unwrap();
        assert_eq!(li.session(&life).await.0, 401);
        assert_eq!(li.signs_in(&life, "li").await, refused(&life, "disabled"));
    });
    life.stop();
}

#[test]
fn what_is_not_of_this_sign_in_is_refused() {
    let provider = Provider::start(0, "RS256");
    let world = world(&provider.issuer, "make");
    let life = world.live();
    life.runtime.block_on(async {
        // Another browser brings the code.
        let mut wang = Browser::new();
        let back = wang.signs_in_there(&life, "wang").await;
        assert_eq!(Browser::new().ask(Method::GET, &back, "").await.location, refused(&life, "stale"));
        assert_eq!(
            wang.ask(Method::GET, &back.replace("state=", "state=0"), "").await.location,
            refused(&life, "stale")
        );

        // Each part of what the browser kept: state, nonce, verifier.
        for (part, why) in [(0, "stale"), (1, "nonce"), (2, "answer")] {
            let mut browser = Browser::new();
            let back = browser.signs_in_there(&life, "wang").await;
            let kept = browser.cookie("citywatch_oidc").unwrap();
            let mut parts: Vec<String> = kept.split('.').map(str::to_owned).collect();
            parts[part] = "0".repeat(64);
            *kept = parts.join(".");
            assert_eq!(browser.ask(Method::GET, &back, "").await.location, refused(&life, why), "part {part}");
            assert_eq!(browser.session(&life).await.0, 401);
        }
        let mut browser = Browser::new();
        let back = browser.signs_in_there(&life, "wang").await;
        assert_eq!(browser.ask(Method::GET, &back, "").await.status, 303);
        assert_eq!(
            browser.ask(Method::GET, &back, "").await.location,
            refused(&life, "stale"),
            "what bound it is forgotten"
        );
        let mut browser = Browser::new();
        let back = browser.signs_in_there(&life, "wang").await;
        let (before, issuer) = back.split_once("iss=").expect("the provider says who it is");
        let other = format!("{before}iss=https%3A%2F%2Fother{}", issuer.find('&').map_or("", |at| &issuer[at..]));
        assert_eq!(browser.ask(Method::GET, &other, "").await.location, refused(&life, "issuer"));
        let denied = format!("http://{}{CALLBACK}?error=access_denied&state=x", life.handle.local_addr());
        let mut browser = Browser::new();
        browser.signs_in_there(&life, "wang").await;
        assert_eq!(browser.ask(Method::GET, &denied, "").await.location, refused(&life, "denied"));
    });
    life.stop();
}

#[test]
fn keys_are_rotated_and_a_provider_may_be_away() {
    let provider = Provider::start(0, "RS256");
    let world = world(&provider.issuer, "make");
    let life = world.live();
    let home = format!("http://{}/", life.handle.local_addr());
    assert_eq!(life.runtime.block_on(Browser::new().signs_in(&life, "wang")), home);
    let port = provider.stop();
    let mut wang = Browser::new();
    // It is known where to send people; whether they come back is theirs to say.
    let start = format!("http://{}/api/v1/sign-in/oidc", life.handle.local_addr());
    let there = life.runtime.block_on(wang.ask(Method::GET, &start, "")).location;
    assert!(there.starts_with(&format!("http://127.0.0.1:{port}/auth?")), "{there}");
    let kept = wang.cookie("citywatch_oidc").unwrap().clone();
    let state = kept.split('.').next().unwrap();
    let back = format!("http://{}{CALLBACK}?code=x&state={state}", life.handle.local_addr());
    assert_eq!(life.runtime.block_on(wang.ask(Method::GET, &back, "")).location, refused(&life, "away"));

    let provider = Provider::start(port, "ES256");
    assert_eq!(life.runtime.block_on(Browser::new().signs_in(&life, "wang")), home, "other keys, of another kind");
    life.stop();
    drop(provider);
}

#[test]
fn another_issuer_is_refused_and_strangers_too_where_it_is_set_so() {
    let provider = Provider::start(0, "RS256");
    let other = world(&format!("{}/", provider.issuer), "make");
    let life = other.live();
    assert_eq!(
        life.runtime.block_on(Browser::new().signs_in(&life, "wang")),
        refused(&life, "issuer"),
        "it names itself otherwise"
    );
    life.stop();
    let careful = world(&provider.issuer, "refuse");
    let life = careful.live();
    life.runtime.block_on(async {
        assert_eq!(Browser::new().signs_in(&life, "wang").await, refused(&life, "unknown"));
        Client::of_account(&life.handle, &account("wang", Role::Inspector, &[])).await;
        let link = AdminRequest::LinkAccount { name: "wang".to_owned(), subject: "wang".to_owned() };
        life.handle.admin().answer(link, "test").await.unwrap();
        let mut wang = Browser::new();
        assert_eq!(wang.signs_in(&life, "wang").await, format!("http://{}/", life.handle.local_addr()));
    });
    life.stop();
    let none = World::new();
    let life = none.live();
    life.runtime.block_on(async {
        let stranger = Client::stranger(life.handle.local_addr());
        assert_eq!(stranger.json("/api/v1/sign-in/ways").await["oidc"], json!(null));
        assert_eq!(stranger.get("/api/v1/sign-in/oidc").await.status, 404);
    });
    life.stop();
}
