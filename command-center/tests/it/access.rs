//! Who may: every route without a session, links that work once, hosts that are not ours.

use crate::client::{Client, bare};
use crate::world::World;
use hyper::Method;
use serde_json::Value;

#[test]
fn every_route_asks_who_is_there() {
    let world = World::new();
    let life = world.live();
    let stranger = Client::stranger(life.handle.local_addr());
    let description: Value = serde_json::from_str(&command_center::openapi()).unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let table = command_center::permissions();
    let is_open = |method: &Method, path: &str| {
        let row = table.lines().find(|line| line.starts_with(&format!("| `{method} {path}` |")));
        // Health is for this machine, which the test is.
        row.unwrap_or_else(|| panic!("{method} {path} is in no row")).contains("(nobody is asked)")
            || !path.contains("/api/")
    };
    let mut walked = 0;
    life.runtime.block_on(async {
        for (path, methods) in description["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let method: Method = method.to_uppercase().parse().unwrap();
                let bare = bare(path);
                let answer = stranger.send(method.clone(), &bare, &[], "").await;
                if !is_open(&method, path) {
                    assert_eq!(answer.status, 401, "{method} {path}");
                    assert_eq!(answer.header("content-type"), "application/problem+json");
                    walked += 1;
                }
                assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
                assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
                assert!(!answer.header("content-security-policy").contains("unsafe"), "{path}");
            }
        }
    });
    let closed = table.lines().filter(|line| line.contains("/api/v1/") && !line.contains("(nobody is asked)")).count();
    assert_eq!(walked, closed, "the whole table was walked");
    life.stop();
}

#[test]
fn a_link_signs_in_once_and_a_session_ends() {
    let world = World::new();
    let life = world.live();
    life.runtime.block_on(async {
        let stranger = Client::stranger(life.handle.local_addr());
        let link = life.handle.sign_in_link().await.unwrap();
        let path = format!("/sign-in?{}", link.split_once('?').unwrap().1);
        let (one, other) = tokio::join!(stranger.get(&path), stranger.get(&path));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 401], "two at once: one gets in");
        assert_eq!(stranger.get("/sign-in?code=00").await.status, 401);
        assert_eq!(stranger.get("/sign-in").await.status, 400);
        let winner = if one.status == 303 { one } else { other };
        let cookie = winner.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"));
        let session = life.client.json("/api/v1/session").await;
        assert_eq!((&session["name"], &session["role"]), (&"operator".into(), &"operator".into()));
        assert_eq!(session["roles"], serde_json::json!(["operator", "dispatcher"]));
        assert_eq!(life.client.send(Method::POST, "/api/v1/sign-out", &[], "").await.status, 204);
        assert_eq!(life.client.get("/api/v1/session").await.status, 401, "the old cookie is worth nothing");
        let forged = Client { cookie: Some("citywatch_session=00".to_owned()), ..stranger };
        assert_eq!(forged.get("/api/v1/session").await.status, 401);
    });
    life.stop();
}

#[test]
fn a_session_survives_a_restart_and_its_secret_is_not_in_the_store() {
    let mut world = World::new();
    let life = world.live();
    let client = life.client.clone();
    world.settings.http = life.handle.local_addr();
    life.stop();
    let token = client.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    for file in std::fs::read_dir(&world.settings.data_dir).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(path).unwrap() } else { continue };
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    }
    let life = world.live();
    assert_eq!(life.runtime.block_on(client.get("/api/v1/session")).status, 200);
    life.stop();
}

#[test]
fn other_hosts_are_refused() {
    let mut world = World::new();
    world.settings.hosts = vec!["city.example".to_owned()];
    let life = world.live();
    life.runtime.block_on(async {
        let port = life.handle.local_addr().port();
        for (host, status) in [("evil.example", 421), ("localhost:1", 421), (&*format!("localhost:{port}"), 200)] {
            let answer = life.client.send(Method::GET, "/api/v1/session", &[("host", host)], "").await;
            assert_eq!(answer.status.as_u16(), status, "{host}");
        }
        // A proxy on this machine passes on what strangers ask.
        let stranger = Client::stranger(life.handle.local_addr());
        for (client, status) in [(&stranger, 401), (&life.client, 200)] {
            let answer = client.send(Method::GET, "/metrics", &[("host", "city.example")], "").await;
            assert_eq!(answer.status.as_u16(), status);
        }
    });
    life.stop();
}

#[test]
fn the_page_is_for_everybody_and_the_api_is_described() {
    let world = World::new();
    let life = world.live();
    life.runtime.block_on(async {
        let stranger = Client::stranger(life.handle.local_addr());
        for path in ["/", "/incidents/17", "/sensors/A.1-7", "/sensors/device.js"] {
            let answer = stranger.get(path).await;
            assert_eq!(answer.status, 200);
            assert!(answer.header("content-type").starts_with("text/html"));
        }
        for path in ["/assets/none.js", "/favicon.ico", "/assets/none"] {
            assert_eq!(stranger.get(path).await.status, 404, "{path}");
        }
        assert_eq!(stranger.get("/api/v1/none").await.status, 404);
        assert_eq!(stranger.send(Method::POST, "/", &[], "").await.status, 405);
        let described = stranger.get("/api/openapi.json").await;
        assert_eq!(described.json()["info"]["title"], "citywatch");
    });
    life.stop();
}

#[test]
fn a_public_address_needs_names() {
    let world = World::new();
    let mut settings = world.settings.clone();
    settings.http = "0.0.0.0:0".parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let started =
        command_center::CommandCenter::start(world.log.clone(), world.history.clone(), world.registry, settings);
    let error = runtime.block_on(started).err().expect("it must not start");
    assert!(error.to_string().contains("name the hosts"), "{error}");
}
