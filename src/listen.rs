//! Which addresses citywatch may listen on: beyond loopback it must know who comes.

use crate::config::Http;
use std::net::SocketAddr;

/// Loopback, or credentials.
pub fn check_listen(listen: &str, credentials: bool) -> Result<(), String> {
    if listen.is_empty() {
        return Ok(());
    }
    let address: SocketAddr =
        listen.parse().map_err(|_| format!("\"{listen}\" is not an address such as 127.0.0.1:1883 or [::1]:1883"))?;
    if !address.ip().is_loopback() && !credentials {
        return Err(format!(
            "{listen} is not loopback: whoever reaches it could publish; set mqtt.credentials, or listen on 127.0.0.1"
        ));
    }
    Ok(())
}

/// Loopback, or the names under which browsers come.
pub fn check_http(http: &Http) -> Result<(), String> {
    if http.listen.is_empty() {
        return Ok(());
    }
    let address: SocketAddr = http
        .listen
        .parse()
        .map_err(|_| format!("\"{}\" is not an address such as 127.0.0.1:8080 or [::1]:8080", http.listen))?;
    if !address.ip().is_loopback() && http.hosts.is_empty() {
        return Err(format!(
            "{} is not loopback: put a proxy with TLS before it, and name in http.hosts how browsers call it",
            http.listen
        ));
    }
    Ok(())
}
