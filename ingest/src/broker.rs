//! Where an MQTT broker is, and how to log in there: `mqtt://[user:secret@]host[:port]`, or by TLS
//! `mqtts://[user:secret@]host[:port][?ca=FILE&cert=FILE&key=FILE]`.

use crate::IngestError;
use crate::gate::{Gate, TlsFiles};
use rumqttc::{MqttOptions, Transport};

/// The registered ports of MQTT, plain and with TLS.
const PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;

/// A broker's address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokerAddress {
    host: String,
    port: u16,
    login: Option<(String, String)>,
    /// None for plain TCP.
    tls: Option<TlsFiles>,
}

/// A broker that can be connected to.
#[derive(Debug)]
pub(crate) struct Broker {
    address: BrokerAddress,
    gate: Option<Gate>,
}

impl BrokerAddress {
    /// Reads a URL. An IPv6 host stands in brackets; a secret may hold anything but `@`.
    pub(crate) fn parse(url: &str) -> Result<BrokerAddress, IngestError> {
        // The URL may hold a secret, so the error does not repeat it.
        let wrong = |expected: &str| IngestError::Setting { setting: "broker", expected: expected.to_owned() };
        let (is_tls, rest) = match (url.strip_prefix("mqtt://"), url.strip_prefix("mqtts://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(wrong("it must begin with mqtt:// or mqtts://")),
        };
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => {
                (Some(login.split_once(':').ok_or_else(|| wrong("user:secret before the @"))?), place)
            }
            None => (None, rest),
        };
        let (place, files) = place.split_once('?').unwrap_or((place, ""));
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong("the port must be a number up to 65535"))?)
            }
            _ => (place, if is_tls { TLS_PORT } else { PORT }),
        };
        if host.is_empty() || host.contains('/') {
            return Err(wrong("a host and perhaps a port, as in mqtt://127.0.0.1:1883"));
        }
        if !is_tls && !files.is_empty() {
            return Err(wrong("certificates are for mqtts:// only"));
        }
        let tls = is_tls.then(|| tls_files(files)).transpose().map_err(wrong)?;
        let login = login.map(|(user, secret)| (user.to_owned(), secret.to_owned()));
        Ok(BrokerAddress { host: host.to_owned(), port, login, tls })
    }

    /// Makes it a broker that can be connected to, in a tokio runtime.
    pub(crate) fn open(self) -> Result<Broker, IngestError> {
        let gate = self.tls.as_ref().map(|files| Gate::open(&self.host, self.port, files)).transpose()?;
        Ok(Broker { address: self, gate })
    }
}

fn tls_files(text: &str) -> Result<TlsFiles, &'static str> {
    let mut files = TlsFiles::default();
    let (mut certificate, mut key) = (None, None);
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("ca", path)) => files.ca = Some(path.into()),
            Some(("cert", path)) => certificate = Some(path.into()),
            Some(("key", path)) => key = Some(path.into()),
            _ => return Err("after the ? only ca=FILE, cert=FILE and key=FILE, joined by &"),
        }
    }
    files.own = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => return Err("cert=FILE and key=FILE go together"),
    };
    Ok(files)
}

impl Broker {
    /// The options to connect with.
    pub(crate) fn options(&self, client_id: &str) -> MqttOptions {
        let BrokerAddress { host, port, login, .. } = &self.address;
        let mut options = match &self.gate {
            None => MqttOptions::new(client_id, host, *port),
            Some(gate) => {
                let mut options = MqttOptions::new(client_id, gate.socket().display().to_string(), *port);
                options.set_transport(Transport::unix());
                options
            }
        };
        if let Some((user, secret)) = login {
            options.set_credentials(user, secret);
        }
        options
    }

    /// What went wrong before MQTT was spoken, if that is known.
    pub(crate) fn fault(&self) -> Option<IngestError> {
        self.gate.as_ref().and_then(Gate::fault).map(|what| IngestError::Tls { what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_secrets_not_repeated() {
        let address = |host: &str, port, login: Option<(&str, &str)>| BrokerAddress {
            host: host.into(),
            port,
            login: login.map(|(user, secret)| (user.into(), secret.into())),
            tls: None,
        };
        for (url, expected) in [
            ("mqtt://localhost", address("localhost", 1883, None)),
            ("mqtt://127.0.0.1:2883/", address("127.0.0.1", 2883, None)),
            ("mqtt://[::1]", address("[::1]", 1883, None)),
            ("mqtt://[::1]:9", address("[::1]", 9, None)),
            ("mqtt://u:p:q?@h:9", address("h", 9, Some(("u", "p:q?")))),
        ] {
            assert_eq!(BrokerAddress::parse(url).unwrap(), expected);
        }
        let files = TlsFiles { ca: Some("a/ca.pem".into()), own: Some(("c".into(), "k".into())) };
        let tls = BrokerAddress { tls: Some(files), ..address("h", 8883, None) };
        assert_eq!(BrokerAddress::parse("mqtts://h?ca=a/ca.pem&cert=c&key=k").unwrap(), tls);
        let tls = BrokerAddress { tls: Some(TlsFiles::default()), ..address("h", 9, None) };
        assert_eq!(BrokerAddress::parse("mqtts://h:9").unwrap(), tls);
        for url in [
            "localhost",
            "http://h",
            "mqtt://",
            "mqtt://h:x",
            "mqtt://h:70000",
            "mqtt://secret@h",
            "mqtt://h/x",
            "mqtt://h?ca=x",
            "mqtts://h?cert=x",
            "mqtts://h?what=x",
        ] {
            assert!(!BrokerAddress::parse(url).unwrap_err().to_string().contains("secret@"), "{url}");
        }
    }
}
