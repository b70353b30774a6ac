//! The one setting that names an InfluxDB: `http://TOKEN@host:8086/organisation/bucket`.

use crate::HistoryError;
use std::net::IpAddr;

/// The variable of the environment that holds the token where the address has none, as InfluxDB's own tools know it.
const TOKEN: &str = "INFLUX_TOKEN";
/// Where the network between is trusted, an address says so by this.
const PLAIN: &str = "?plain";

/// Where an InfluxDB is, and what of it is ours.
#[derive(Clone, PartialEq, Eq)]
pub struct InfluxAddress {
    /// `http://host:port`.
    pub(super) server: String,
    pub(super) organisation: String,
    pub(super) bucket: String,
    pub(super) token: String,
}

impl InfluxAddress {
    /// Takes the setting apart.
    pub fn new(text: &str) -> Result<InfluxAddress, HistoryError> {
        let wrong = |what: &str| HistoryError::InfluxAddress { what: what.to_owned() };
        let rest = text.strip_prefix("http://").ok_or_else(|| {
            wrong(if text.starts_with("https://") {
                "TLS is not spoken here: run a TLS proxy for it on this machine (docs/servers.md)"
            } else {
                "it does not begin with http://"
            })
        })?;
        let (rest, is_plain) = rest.strip_suffix(PLAIN).map_or((rest, false), |rest| (rest, true));
        let (before, names) = rest.split_once('/').ok_or_else(|| wrong("append /organisation/bucket"))?;
        let (token, host) = before.rsplit_once('@').unwrap_or(("", before));
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(wrong("it names no host"));
        }
        if !is_loopback(host) && !is_plain {
            return Err(wrong(
                "it is on another machine, and what goes there is not encrypted: run a TLS proxy for it on this \
                 machine, or append ?plain where the network between is trusted",
            ));
        }
        let names: Vec<String> = names.split('/').map(decoded).collect::<Option<_>>().unwrap_or_default();
        let [organisation, bucket] = &names[..] else { return Err(wrong("append /organisation/bucket")) };
        if organisation.is_empty() || bucket.is_empty() || bucket.starts_with('_') {
            return Err(wrong("append /organisation/bucket"));
        }
        let token = if token.is_empty() {
            std::env::var(TOKEN).map_err(|_| wrong("it has no token: put it before the host, or in INFLUX_TOKEN"))?
        } else {
            decoded(token).ok_or_else(|| wrong("the token is badly encoded"))?
        };
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(wrong("the token is not of printable letters"));
        }
        let server = format!("http://{host}");
        Ok(InfluxAddress { server, organisation: organisation.clone(), bucket: bucket.clone(), token })
    }

    /// The bucket of raw values, of hours, of days.
    pub(super) fn buckets(&self) -> [String; 3] {
        [self.bucket.clone(), format!("{}-hours", self.bucket), format!("{}-days", self.bucket)]
    }
}

impl std::fmt::Display for InfluxAddress {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.server, self.organisation, self.bucket)
    }
}

impl std::fmt::Debug for InfluxAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InfluxAddress({self})")
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                (digit(rest.next())? * 16 + digit(rest.next())?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_hides_its_token() {
        let address = InfluxAddress::new("http://to%2Fken==@127.0.0.1:8086/my%20city/readings").unwrap();
        assert_eq!((&*address.token, &*address.organisation), ("to/ken==", "my city"));
        assert_eq!(address.buckets(), ["readings", "readings-hours", "readings-days"]);
        assert_eq!(format!("{address:?}"), "InfluxAddress(http://127.0.0.1:8086/my city/readings)");
        assert!(InfluxAddress::new("http://t@[::1]:8086/o/b").is_ok());
        assert!(InfluxAddress::new("http://t@influx.city.example:8086/o/b?plain").is_ok());
        for (bad, told) in [
            ("https://t@localhost/o/b", "TLS proxy"),
            ("influx", "http://"),
            ("http://t@localhost:8086/o", "/organisation/bucket"),
            ("http://t@localhost:8086/o/b/c", "/organisation/bucket"),
            ("http://secret@influx.city.example:8086/o/b", "?plain"),
            ("http://t@/o/b", "no host"),
        ] {
            let complaint = InfluxAddress::new(bad).unwrap_err().to_string();
            assert!(complaint.contains(told) && !complaint.contains("secret"), "{complaint}");
        }
    }
}
