//! `incidents tail --url`: asks the HTTP interface of a citywatch, on this machine or another.

use crate::failure::Failure;
use model::{Domain, EventTime};
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

/// How long a connection may take, and how long nothing may come: the other side sends something every ten seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for.
pub struct Remote {
    /// Where, as in `http://127.0.0.1:8080`.
    pub url: String,
    /// The token.
    pub token: String,
    /// Only of this domain.
    pub domain: Option<Domain>,
    /// Only from this event time on.
    pub from: Option<EventTime>,
    /// Goes on with what comes.
    pub follow: bool,
}

impl Remote {
    /// Prints the lines as they come.
    pub fn print(&self) -> Result<(), Failure> {
        if !self.url.starts_with("http://") {
            return Err(Failure::usage(format!(
                "--url {}: this version asks over http only; where the page is behind TLS, run it beside the proxy",
                self.url
            )));
        }
        let mut url = format!("{}/api/v1/incidents/tail?follow={}", self.url.trim_end_matches('/'), self.follow);
        if let Some(domain) = self.domain {
            url.push_str(&format!("&domain={domain}"));
        }
        if let Some(from) = self.from {
            url.push_str(&format!("&from={}", from.0));
        }
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        let agent = ureq::Agent::new_with_config(config);
        let asked = agent.get(&url).header("authorization", format!("Bearer {}", self.token)).call();
        let mut response = asked.map_err(|error| Failure::usage(format!("could not ask {}: {error}", self.url)))?;
        if !response.status().is_success() {
            let status = response.status();
            let text = response.body_mut().read_to_string().unwrap_or_default();
            let said: Option<serde_json::Value> = serde_json::from_str(&text).ok();
            let said = said.and_then(|problem| Some(problem.get("detail")?.as_str()?.to_owned())).unwrap_or(text);
            return Err(Failure::usage(format!("{url} answered {status}: {said}")));
        }
        let mut out = std::io::stdout().lock();
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line.map_err(Failure::internal)?;
            // An empty line says that the other side is there.
            if !line.is_empty() {
                writeln!(out, "{line}")?;
                out.flush()?;
            }
        }
        if self.follow { Err(Failure::internal("the connection ended: ask again")) } else { Ok(()) }
    }
}
