//! Mail by SMTP (RFC 5321) to the city's server: one message a connection, over TLS, signed in where the server asks.
//!
//! At least once: a server that took a message and whose answer was lost is sent it again, with the same Message-ID.
//! Addresses and what stands in headers are ASCII; texts are UTF-8 in base64.

use super::retry::Tried;
use crate::CenterError;
use crate::settings::Outward;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Url;

/// How long a message may take.
const MAIL_MAX: Duration = Duration::from_secs(30);
/// Bytes of the server's answers that are read of one connection.
const ANSWERS_MAX: u64 = 64 * 1024;
/// Letters of a line of base64 (RFC 2045).
const LINE: usize = 76;
/// Bytes of text in one encoded word of a header (RFC 2047 has 75 letters for all of it).
const WORD_BYTES: usize = 45;

/// How the way to the mail server is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MailTls {
    /// TLS from the first byte.
    Implicit,
    /// STARTTLS, without which nothing is said.
    StartTls,
    /// None.
    Off,
}

/// The server that takes mail.
#[derive(Clone, PartialEq, Eq)]
pub struct MailServer {
    host: String,
    port: u16,
    tls: MailTls,
    /// Name and password.
    login: Option<(String, String)>,
    from: String,
}

impl std::fmt::Debug for MailServer {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} from {}", self.host, self.port, self.from)
    }
}

impl MailServer {
    /// Of an address as in `smtp://user@mail.city.example:587?from=watch@city.example`, which asks for STARTTLS, or
    /// `smtps://` for TLS from the beginning; `&tls=off` without a user for a server that has neither. `password` is
    /// taken where the address has none. The error does not repeat the address, which may hold a password.
    pub fn parse(address: &str, password: Option<String>) -> Result<MailServer, String> {
        let url: Url = address.parse().map_err(|_| "it is no address".to_owned())?;
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if let Some((key, _)) = url.query_pairs().find(|(key, _)| !["from", "tls"].contains(&&**key)) {
            return Err(format!("it has no setting \"{key}\": there are from and tls"));
        }
        let tls = match (url.scheme(), value("tls").as_deref()) {
            ("smtps", None) => MailTls::Implicit,
            ("smtp", None) => MailTls::StartTls,
            ("smtp", Some("off")) => MailTls::Off,
            _ => return Err("it begins with smtp:// or smtps://, and tls can only be off, of smtp://".to_owned()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
        let from = value("from").ok_or("it does not say from whom mail comes: append ?from=watch@city.example")?;
        check_address(&from)?;
        let decoded = |text: &str| percent(text).ok_or("its user or password is no text");
        let login = match url.username() {
            "" => None,
            user => {
                let password = url.password().map(decoded).transpose()?.or(password);
                Some((decoded(user)?, password.ok_or("it has a user and no password: set SMTP_PASSWORD")?))
            }
        };
        if tls == MailTls::Off && login.is_some() {
            return Err("a password is not sent without TLS: leave out the user, or tls=off".to_owned());
        }
        let port = url.port().unwrap_or(if tls == MailTls::Implicit { 465 } else { 587 });
        Ok(MailServer { host: host.trim_matches(['[', ']']).to_owned(), port, tls, login, from })
    }
}

/// Percent-encoded text.
fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Whether mail can be sent there: one address in ASCII, of at most 254 bytes.
pub(crate) fn check_address(address: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&byte);
    let parts = address
        .split_once('@')
        .filter(|(local, domain)| (1..=64).contains(&local.len()) && !domain.is_empty() && !domain.contains('@'));
    if parts.is_none() || address.len() > 254 || !address.bytes().all(is_plain) {
        return Err("this is no mail address: write it as in anna@city.example".to_owned());
    }
    Ok(())
}

/// A message.
pub(crate) struct Mail<'a> {
    pub(crate) to: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) text: &'a str,
    /// The same at every try.
    pub(crate) id: &'a str,
    /// Wall time, epoch milliseconds.
    pub(crate) at: i64,
}

/// Sends mail.
pub(crate) struct Mailer {
    server: MailServer,
    tls: Arc<ClientConfig>,
}

/// Why a message was not taken.
enum Fault {
    /// The server said so: code and text.
    Said(u16, String),
    /// The way there is broken.
    Way(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Way(error.to_string())
    }
}

impl Mailer {
    pub(crate) fn new(server: MailServer, outward: &Outward) -> Result<Mailer, CenterError> {
        Ok(Mailer { server, tls: Arc::new(super::post::trust(outward)?) })
    }

    /// Sends one message.
    pub(crate) async fn send(&self, mail: &Mail<'_>) -> Tried {
        if let Err(why) = check_address(mail.to) {
            return Tried::Barred { why };
        }
        let sent = tokio::time::timeout(MAIL_MAX, self.sent(mail)).await;
        match sent.unwrap_or_else(|_| Err(Fault::Way(format!("no answer within {} s", MAIL_MAX.as_secs())))) {
            Ok(()) => Tried::Delivered { status: None },
            Err(Fault::Said(code, why)) if (500..600).contains(&code) => {
                Tried::Refused { status: None, why: format!("the mail server said {code} {why}") }
            }
            Err(Fault::Said(code, why)) => {
                Tried::Away { status: None, why: format!("the mail server said {code} {why}"), after: None }
            }
            Err(Fault::Way(why)) => Tried::Away { status: None, why: format!("the mail server: {why}"), after: None },
        }
    }

    async fn sent(&self, mail: &Mail<'_>) -> Result<(), Fault> {
        let MailServer { host, port, tls, .. } = &self.server;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        match tls {
            MailTls::Off => self.talk(Talk::of(stream), mail, true).await,
            MailTls::Implicit => self.talk(Talk::of(self.secure(stream).await?), mail, true).await,
            MailTls::StartTls => {
                let mut plain = Talk::of(stream);
                plain.expect(220).await?;
                plain.ask(&format!("EHLO {}", self.domain()), 250).await?;
                plain.ask("STARTTLS", 220).await?;
                // What came with the answer was not said over TLS, and does not count.
                let stream = plain.stream.into_inner().into_inner();
                self.talk(Talk::of(self.secure(stream).await?), mail, false).await
            }
        }
    }

    async fn secure(&self, stream: TcpStream) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Fault> {
        let name = ServerName::try_from(self.server.host.clone()).map_err(|error| Fault::Way(error.to_string()))?;
        Ok(TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await?)
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut talk: Talk<S>,
        mail: &Mail<'_>,
        is_first: bool,
    ) -> Result<(), Fault> {
        if is_first {
            talk.expect(220).await?;
        }
        talk.ask(&format!("EHLO {}", self.domain()), 250).await?;
        if let Some((user, password)) = &self.server.login {
            let plain = STANDARD.encode(format!("\0{user}\0{password}"));
            talk.ask(&format!("AUTH PLAIN {plain}"), 235).await?;
        }
        talk.ask(&format!("MAIL FROM:<{}>", self.server.from), 250).await?;
        talk.ask(&format!("RCPT TO:<{}>", mail.to), 250).await?;
        talk.ask("DATA", 354).await?;
        talk.ask(&format!("{}.", self.message(mail)), 250).await?;
        // It has the message; how it says goodbye changes nothing.
        let _ = talk.ask("QUIT", 221).await;
        Ok(())
    }

    /// What our address lies in, which is also how we greet.
    fn domain(&self) -> &str {
        self.server.from.split_once('@').map_or("localhost", |(_, domain)| domain)
    }

    /// The message with all its lines; base64 has no line that begins with a dot.
    fn message(&self, mail: &Mail<'_>) -> String {
        let date = jiff::Timestamp::from_millisecond(mail.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let date = jiff::tz::TimeZone::UTC.to_datetime(date).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        let body = STANDARD.encode(mail.text);
        let lines: Vec<&str> = body.as_bytes().chunks(LINE).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        format!(
            "From: citywatch <{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{}@{}>\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            self.server.from,
            mail.to,
            encoded(mail.subject),
            mail.id,
            self.domain(),
            lines.join("\r\n")
        )
    }
}

/// Text as encoded words of a header, cut between letters.
fn encoded(text: &str) -> String {
    let mut words = vec![String::new()];
    for letter in text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }) {
        if words.last().is_none_or(|word| word.len() + letter.len_utf8() > WORD_BYTES) {
            words.push(String::new());
        }
        words.last_mut().expect("there is one").push(letter);
    }
    let words = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    words.collect::<Vec<_>>().join("\r\n ")
}

/// A connection to the server: lines there and back.
struct Talk<S> {
    stream: tokio::io::Take<BufReader<S>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    fn of(stream: S) -> Talk<S> {
        Talk { stream: BufReader::new(stream).take(ANSWERS_MAX) }
    }

    async fn ask(&mut self, line: &str, wanted: u16) -> Result<(), Fault> {
        let stream = self.stream.get_mut().get_mut();
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        stream.flush().await?;
        self.expect(wanted).await
    }

    /// Reads an answer, all its lines.
    async fn expect(&mut self, wanted: u16) -> Result<(), Fault> {
        loop {
            let mut line = Vec::new();
            self.stream.read_until(b'\n', &mut line).await?;
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let code: Option<u16> = line.get(..3).and_then(|code| code.parse().ok());
            let Some(code) = code else {
                let why = if line.is_empty() { "it hung up".to_owned() } else { format!("it said \"{line}\"") };
                return Err(Fault::Way(why));
            };
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            let is_good = code == wanted || (wanted == 250 && code == 251);
            return if is_good { Ok(()) } else { Err(Fault::Said(code, line.get(4..).unwrap_or_default().to_owned())) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers() {
        let server = MailServer::parse("smtp://a%40b:p%3Aq@mail.city.example?from=w@city.example", None).unwrap();
        assert_eq!((server.port, server.tls), (587, MailTls::StartTls));
        assert_eq!(server.login, Some(("a@b".to_owned(), "p:q".to_owned())));
        assert!(!format!("{server:?}").contains("p:q"));
        let server = MailServer::parse("smtps://anna@[::1]:99?from=w@city.example", Some("x".to_owned())).unwrap();
        assert_eq!((&*server.host, server.port, server.tls), ("::1", 99, MailTls::Implicit));
        for (bad, told) in [
            ("mail.city.example", "no address"),
            ("https://mail?from=a@b", "smtp://"),
            ("smtp://mail.city.example", "?from="),
            ("smtp://mail?from=a", "mail address"),
            ("smtp://anna@mail?from=a@b", "SMTP_PASSWORD"),
            ("smtp://anna:secret@mail?from=a@b&tls=off", "without TLS"),
            ("smtps://mail?from=a@b&tls=off", "tls can only"),
            ("smtp://mail?from=a@b&port=25", "no setting"),
        ] {
            let complaint = MailServer::parse(bad, None).unwrap_err();
            assert!(complaint.contains(told) && !complaint.contains("secret"), "{bad}: {complaint}");
        }
    }

    #[test]
    fn an_address_cannot_carry_commands() {
        for good in ["anna@city.example", "a.b+c@x", "a!#$%&'*/=?^`{|}~-@x"] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for bad in ["", "a", "@x", "a@", "a@b@c", "a b@x", "a@x>\r\nRCPT TO:<b@x", "a@x\n", "李@x", "a@x,b@y", "<a@x>"]
        {
            assert!(check_address(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn subjects_are_words_of_whole_letters() {
        let text = "特别重大".repeat(20);
        let words = encoded(&text);
        let read: String = words
            .split("\r\n ")
            .map(|word| {
                assert!(word.len() <= 75, "{word}");
                let inner = word.strip_prefix("=?utf-8?B?").unwrap().strip_suffix("?=").unwrap();
                String::from_utf8(STANDARD.decode(inner).unwrap()).unwrap()
            })
            .collect();
        assert_eq!(read, text);
        let lines = encoded("a\r\nBcc: b@x");
        assert!(!lines.contains("Bcc"), "{lines}");
    }
}
