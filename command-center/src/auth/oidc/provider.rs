//! The provider: what it says of itself and its keys, the way to it, and what comes back.

use super::Refusal;
use super::http::Http;
use super::settings::OidcSettings;
use super::token::{Claims, Expected, Key, is_known, keys, verify};
use crate::CenterError;
use crate::auth::secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// What we sign in by.
pub(crate) struct Oidc {
    pub(crate) settings: OidcSettings,
    /// What it knows us by beside PKCE.
    secret: Option<String>,
    http: Http,
    /// Asked for when somebody first signs in; the keys again when one is not among them. A token comes from the provider
    /// itself, so nobody else can have them asked for.
    known: Mutex<Option<Arc<Known>>>,
}

/// What the provider says of itself.
pub(super) struct Known {
    authorization: Url,
    token: String,
    userinfo: Option<String>,
    keys: Vec<Key>,
}

/// A sign-in that began: where the browser goes, and what it brings back. Nothing of it is kept here.
pub(crate) struct Started {
    /// Where to.
    pub(crate) to: String,
    /// What the browser keeps until then.
    pub(crate) kept: String,
}

/// Who came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) subject: String,
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

impl Oidc {
    /// With these settings; its secret is read here.
    pub(crate) fn new(settings: OidcSettings) -> Result<Oidc, String> {
        let http = Http::new(&settings)?;
        let read = |path: &std::path::PathBuf| {
            let text = std::fs::read_to_string(path);
            text.map(|text| text.trim().to_owned())
                .map_err(|error| format!("client_secret_file \"{}\": {error}", path.display()))
        };
        let secret = settings.client_secret_file.as_ref().map(read).transpose()?;
        Ok(Oidc { settings, secret, http, known: Mutex::new(None) })
    }

    /// What the provider says of itself, asked once.
    pub(super) async fn known(&self) -> Result<Arc<Known>, Refusal> {
        let mut known = self.known.lock().await;
        if let Some(known) = &*known {
            return Ok(Arc::clone(known));
        }
        let asked = Arc::new(self.ask().await?);
        *known = Some(Arc::clone(&asked));
        Ok(asked)
    }

    async fn ask(&self) -> Result<Known, Refusal> {
        let issuer = &self.settings.issuer;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let told = self.http.get(&place, None).await?;
        if told["issuer"].as_str() != Some(issuer) {
            return Err(Refusal::Issuer);
        }
        let text = |name: &str| told[name].as_str().ok_or(Refusal::Answer);
        let authorization = super::settings::address(text("authorization_endpoint")?).map_err(|_| Refusal::Answer)?;
        let set = self.http.get(text("jwks_uri")?, None).await?;
        let (token, userinfo) = (text("token_endpoint")?.to_owned(), text("userinfo_endpoint").ok().map(str::to_owned));
        Ok(Known { authorization, token, userinfo, keys: keys(&set) })
    }

    /// Begins a sign-in.
    pub(crate) async fn start(&self) -> Result<Result<Started, Refusal>, CenterError> {
        let known = match self.known().await {
            Ok(known) => known,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (state, nonce, verifier) = (secret::new()?, secret::new()?, secret::new()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut to = known.authorization.clone();
        to.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect)
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Ok(Started { to: to.into(), kept: format!("{state}.{nonce}.{verifier}") }))
    }

    /// Who comes back with a code. `kept` is what the browser kept, `state` and `issuer` what the provider sent along.
    pub(crate) async fn finish(
        &self,
        kept: &str,
        state: &str,
        issuer: Option<&str>,
        code: &str,
    ) -> Result<Person, Refusal> {
        let parts: Vec<&str> = kept.split('.').collect();
        let [ours, nonce, verifier] = parts[..] else { return Err(Refusal::Stale) };
        if ours != state || ours.is_empty() {
            return Err(Refusal::Stale);
        }
        // RFC 9207: who answers says who they are.
        if issuer.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(Refusal::Issuer);
        }
        let known = self.known().await?;
        let answer = self.exchange(&known, code, verifier).await?;
        let token = answer["id_token"].as_str().ok_or(Refusal::Answer)?;
        let known = if is_known(token, &known.keys) { known } else { self.renew().await? };
        let (issuer, client_id) = (&*self.settings.issuer, &*self.settings.client_id);
        let expected = Expected { issuer, client_id, nonce, now: secret::wall_ms() };
        let claims = verify(token, &known.keys, &expected)?;
        self.person(&known, claims, answer["access_token"].as_str()).await
    }

    /// Asks the provider anew: it may have other keys by now.
    async fn renew(&self) -> Result<Arc<Known>, Refusal> {
        let asked = Arc::new(self.ask().await?);
        *self.known.lock().await = Some(Arc::clone(&asked));
        Ok(asked)
    }

    async fn exchange(&self, known: &Known, code: &str, verifier: &str) -> Result<Value, Refusal> {
        // RFC 6749, 2.3.1: both are encoded as in a form.
        let basic = self.secret.as_ref().map(|secret| {
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let both = format!("{}:{}", encoded(&self.settings.client_id), encoded(secret));
            format!("Basic {}", STANDARD.encode(both))
        });
        let form = {
            let mut form = Serializer::new(String::new());
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", &self.settings.redirect)
                .append_pair("code_verifier", verifier);
            if basic.is_none() {
                form.append_pair("client_id", &self.settings.client_id);
            }
            form.finish()
        };
        self.http.post(&known.token, basic.as_deref(), form).await
    }

    /// Who it is; what the token leaves out is asked for with the access token.
    async fn person(&self, known: &Known, claims: Claims, access: Option<&str>) -> Result<Person, Refusal> {
        let Claims { subject, mut all } = claims;
        let (name, groups) = (&self.settings.name_claim, &self.settings.groups_claim);
        let is_whole = all.contains_key(name) && all.contains_key(groups);
        if let (Some(place), Some(access), false) = (&known.userinfo, access, is_whole) {
            let told = self.http.get(place, Some(access)).await?;
            let told: Map<String, Value> = serde_json::from_value(told).map_err(|_| Refusal::Answer)?;
            if told.get("sub").and_then(Value::as_str) != Some(&*subject) {
                return Err(Refusal::Answer);
            }
            // What is signed counts before what is told.
            for (claim, value) in told {
                all.entry(claim).or_insert(value);
            }
        }
        let groups = match all.get(groups) {
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        let name = all.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        Ok(Person { subject, name, groups })
    }
}
