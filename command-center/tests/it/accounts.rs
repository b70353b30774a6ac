//! Accounts and tokens: signing in, guessing, revoking; what was told once is kept nowhere.

use crate::client::{Client, PASSWORD};
use crate::permissions::account;
use crate::world::World;
use command_center::{AdminAnswer, AdminRequest, NewToken, Role, Scope};
use hyper::Method;
use serde_json::json;

#[test]
fn an_account_signs_in_until_it_is_disabled() {
    let world = World::new();
    let life = world.live();
    life.runtime.block_on(async {
        let (handle, stranger) = (&life.handle, Client::stranger(life.handle.local_addr()));
        let admin = Client::of_account(handle, &account("chief", Role::Administrator, &[])).await;
        let new = json!({ "name": "anna", "roles": ["operator"], "areas": ["110101"] }).to_string();
        let made = admin.send(Method::POST, "/api/v1/accounts", &[], &new).await;
        assert_eq!(made.status, 201);
        let password = made.json()["secret"].as_str().unwrap().to_owned();
        assert_eq!(admin.send(Method::POST, "/api/v1/accounts", &[], &new).await.status, 400, "taken");
        let sign_in = json!({ "name": "anna", "password": password }).to_string();
        let answer = stranger.send(Method::POST, "/api/v1/sign-in", &[], &sign_in).await;
        assert_eq!(answer.status, 200);
        assert_eq!((&answer.json()["areas"], &answer.json()["role"]), (&json!(["110101"]), &json!("operator")));
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let anna = Client { cookie: Some(cookie), ..stranger.clone() };
        let mut live = anna.events("/api/v1/live", &[]).await;
        assert_eq!(live.next().await.unwrap().name, "snapshot");
        assert_eq!(admin.send(Method::POST, "/api/v1/accounts/anna/disable", &[], "").await.status, 200);
        while live.next().await.is_some() {}
        assert_eq!(anna.get("/api/v1/session").await.status, 401, "the session ended");
        assert_eq!(stranger.send(Method::POST, "/api/v1/sign-in", &[], &sign_in).await.status, 401);
        assert_eq!(admin.send(Method::POST, "/api/v1/accounts/nobody/disable", &[], "").await.status, 404);
        assert_eq!(admin.send(Method::POST, "/api/v1/accounts/anna/enable", &[], "").await.status, 200);
        assert_eq!(stranger.send(Method::POST, "/api/v1/sign-in", &[], &sign_in).await.status, 200);
        let list = admin.json("/api/v1/accounts").await;
        assert!(!list.to_string().contains("argon2id"), "{list}");
    });
    life.stop();
}

#[test]
fn who_guesses_is_slowed_down_and_another_site_cannot_sign_in() {
    let world = World::new();
    let life = world.live();
    life.runtime.block_on(async {
        Client::of_account(&life.handle, &account("ben", Role::Inspector, &[])).await;
        let stranger = Client::stranger(life.handle.local_addr());
        let right = json!({ "name": "ben", "password": PASSWORD }).to_string();
        let evil = [("origin", "http://evil.example")];
        assert_eq!(stranger.send(Method::POST, "/api/v1/sign-in", &evil, &right).await.status, 403);
        let wrong = json!({ "name": "ben", "password": "not the password" }).to_string();
        let mut statuses = Vec::new();
        for _ in 0..6 {
            statuses.push(stranger.send(Method::POST, "/api/v1/sign-in", &[], &wrong).await.status.as_u16());
        }
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
        let answer = stranger.send(Method::POST, "/api/v1/sign-in", &[], &right).await;
        assert_eq!(answer.status, 429, "the right one waits too");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    });
    life.stop();
}

#[test]
fn a_password_is_changed_and_other_sessions_end() {
    let world = World::new();
    let life = world.live();
    life.runtime.block_on(async {
        let carl = Client::of_account(&life.handle, &account("carl", Role::Supervisor, &[])).await;
        let path = "/api/v1/session/password";
        let change = |old: &str, new: &str| json!({ "old": old, "new": new }).to_string();
        let short = carl.send(Method::POST, path, &[], &change(PASSWORD, "short")).await;
        assert_eq!(short.status, 400);
        assert_eq!(carl.send(Method::POST, path, &[], &change("what?", "another one 1")).await.status, 401);
        assert_eq!(carl.send(Method::POST, path, &[], &change(PASSWORD, "another one 1")).await.status, 204);
        assert_eq!(carl.get("/api/v1/session").await.status, 401);
        let by_link = life.client.send(Method::POST, path, &[], &change(PASSWORD, "another one 1")).await;
        assert_eq!(by_link.status, 409);
        let sign_in = json!({ "name": "carl", "password": "another one 1" }).to_string();
        assert_eq!(carl.send(Method::POST, "/api/v1/sign-in", &[], &sign_in).await.status, 200);
    });
    life.stop();
}

#[test]
fn a_token_works_until_it_is_revoked_and_its_secret_is_not_in_the_store() {
    let world = World::new();
    let life = world.live();
    let token = life.runtime.block_on(async {
        let new = NewToken {
            name: "drainage-group".to_owned(),
            scopes: vec![Scope::FeedRead, Scope::IncidentsRead],
            areas: vec!["110101".to_owned()],
            unit: None,
            days: Some(30),
        };
        let (id, client) = Client::of_token(&life.handle, new.clone()).await;
        assert_eq!(client.get("/api/v1/incidents").await.status, 200);
        assert_eq!(client.get("/api/v1/sensors").await.status, 403, "no scope for it");
        let mut feed = client.events("/api/v1/feed/drainage", &[]).await;
        assert_eq!(feed.next().await.unwrap().name, "snapshot");
        let admin = life.handle.admin();
        let revoke = AdminRequest::RevokeToken { id: id.clone() };
        assert_eq!(
            admin.answer(revoke.clone(), "test").await.unwrap(),
            AdminAnswer::Done { id: id.clone(), secret: None }
        );
        while feed.next().await.is_some() {}
        assert_eq!(client.get("/api/v1/incidents").await.status, 401);
        assert_eq!(admin.answer(revoke, "test").await.unwrap(), AdminAnswer::Missing(id));
        for bad in [
            NewToken { areas: vec!["999999".to_owned()], ..new.clone() },
            NewToken { scopes: vec![Scope::CasesHandle], ..new.clone() },
            NewToken { days: Some(0), ..new.clone() },
            NewToken { name: "a b".to_owned(), ..new.clone() },
        ] {
            let answer = admin.answer(AdminRequest::AddToken(bad), "test").await.unwrap();
            assert!(matches!(answer, AdminAnswer::Refused(_)), "{answer:?}");
        }
        let forged = Client { token: Some("cw_00".to_owned()), ..client.clone() };
        assert_eq!(forged.get("/api/v1/incidents").await.status, 401);
        client.token.unwrap()
    });
    life.stop();
    for file in std::fs::read_dir(&world.settings.data_dir).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(path).unwrap() } else { continue };
        for secret in [token.as_str(), PASSWORD] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
