//! Where an MQTT broker is, and how to log in there: `mqtt://[user:secret@]host[:port]`. Plain TCP only.

use crate::IngestError;
use rumqttc::MqttOptions;

/// The registered port of MQTT.
const PORT: u16 = 1883;

/// A broker's address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokerAddress {
    host: String,
    port: u16,
    login: Option<(String, String)>,
}

impl BrokerAddress {
    /// Reads a URL. An IPv6 host stands in brackets; a secret may hold anything but `@`.
    pub(crate) fn parse(url: &str) -> Result<BrokerAddress, IngestError> {
        // The URL may hold a secret, so the error does not repeat it.
        let wrong = |expected: &str| IngestError::Setting { setting: "broker", expected: expected.to_owned() };
        let Some(rest) = url.strip_prefix("mqtt://") else {
            return Err(wrong("it must begin with mqtt:// (TLS is not supported yet: put a local proxy before it)"));
        };
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => {
                (Some(login.split_once(':').ok_or_else(|| wrong("user:secret before the @"))?), place)
            }
            None => (None, rest),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong("the port must be a number up to 65535"))?)
            }
            _ => (place, PORT),
        };
        if host.is_empty() || host.contains('/') {
            return Err(wrong("a host and perhaps a port, as in mqtt://127.0.0.1:1883"));
        }
        let login = login.map(|(user, secret)| (user.to_owned(), secret.to_owned()));
        Ok(BrokerAddress { host: host.to_owned(), port, login })
    }

    /// The options to connect with.
    pub(crate) fn options(&self, client_id: &str) -> MqttOptions {
        let mut options = MqttOptions::new(client_id, &self.host, self.port);
        if let Some((user, secret)) = &self.login {
            options.set_credentials(user, secret);
        }
        options
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
        };
        for (url, expected) in [
            ("mqtt://localhost", address("localhost", 1883, None)),
            ("mqtt://127.0.0.1:2883/", address("127.0.0.1", 2883, None)),
            ("mqtt://[::1]", address("[::1]", 1883, None)),
            ("mqtt://[::1]:9", address("[::1]", 9, None)),
            ("mqtt://u:p:q@h:9", address("h", 9, Some(("u", "p:q")))),
        ] {
            assert_eq!(BrokerAddress::parse(url).unwrap(), expected);
        }
        for url in
            ["localhost", "mqtts://h", "mqtt://", "mqtt://h:x", "mqtt://h:70000", "mqtt://secret@h", "mqtt://h/x"]
        {
            assert!(!BrokerAddress::parse(url).unwrap_err().to_string().contains("secret@"), "{url}");
        }
    }
}
