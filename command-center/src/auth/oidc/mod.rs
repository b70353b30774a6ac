//! Signing in by OpenID Connect: the city's own directory says who somebody is; accounts, sessions and rights stay ours.
//!
//! What it promises: an authorization code with PKCE, bound to the browser that asked for it; an ID token of this issuer,
//! for us, signed by its keys, fresh, and for this sign-in; the account of a subject, never of a name; rights of the first
//! group of the settings that somebody is in, never a mixture. Nothing is kept for who does not come back. What it does
//! not do: it ends no session at the provider, and it does not hear when one ends there: ours lasts its shift.
//!
//! `settings` is the file, `http` asks, `provider` is the other side, `token` what it signs, `entry` who comes in.

mod entry;
mod http;
mod provider;
mod settings;
mod token;

pub(crate) use entry::{enter, link};
pub(crate) use provider::{Oidc, Started};
pub use settings::{FirstSignIn, OidcMap, OidcSettings};

/// Why nobody was signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The browser does not bring back what it was given, or brings it too late.
    Stale,
    /// The provider signed nobody in: they changed their mind, or may not.
    Denied,
    /// The provider could not be asked.
    Away,
    /// The provider answered what cannot be used.
    Answer,
    /// The token is in a form, or signed in a way, that is not taken.
    Form,
    /// No key of the provider's made the signature.
    Signature,
    /// The token is of another issuer.
    Issuer,
    /// The token is for another client.
    Audience,
    /// The token is over, or not yet.
    Time,
    /// The token is for another sign-in.
    Nonce,
    /// They are in no group of the settings.
    Unmapped,
    /// They have no account, and the settings make none.
    Unknown,
    /// An account of this name is somebody else's, or the name cannot be one.
    Taken,
    /// Their account was disabled.
    Disabled,
}

impl Refusal {
    /// Its word in the page's address.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Refusal::Stale => "stale",
            Refusal::Denied => "denied",
            Refusal::Away => "away",
            Refusal::Answer => "answer",
            Refusal::Form => "form",
            Refusal::Signature => "signature",
            Refusal::Issuer => "issuer",
            Refusal::Audience => "audience",
            Refusal::Time => "time",
            Refusal::Nonce => "nonce",
            Refusal::Unmapped => "unmapped",
            Refusal::Unknown => "unknown",
            Refusal::Taken => "taken",
            Refusal::Disabled => "disabled",
        }
    }
}

/// Asks the provider of these settings for its description and its keys, for `citywatch doctor`.
///
/// # Errors
/// What is wrong: it cannot be reached, or describes itself otherwise than it is to.
pub async fn examine_oidc(settings: OidcSettings) -> Result<(), String> {
    let provider = Oidc::new(settings)?;
    provider.known().await.map(drop).map_err(|refusal| match refusal {
        Refusal::Away => "it cannot be reached".to_owned(),
        Refusal::Issuer => "it names another issuer than the settings: write it exactly so".to_owned(),
        _ => "what it answers is no description of a provider with an authorization and a token endpoint".to_owned(),
    })
}
