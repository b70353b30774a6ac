//! Where messages may be sent: to the public internet by https, and to what the city's configuration names beside.
//!
//! An address that an outsider gives must not make us ask what only we can reach. So the address that a name has is
//! checked, and the checked address is the one that is connected to; see `post.rs`.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Url;

/// Longest address of an end-point, in bytes.
const URL_MAX: usize = 2_000;

/// A network, as in `10.1.0.0/16` or `fd00::/8`; a single address is one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    length: u8,
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong = || format!("\"{text}\" is no network: write it as in 10.1.0.0/16 or fd00::/8");
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if length > most { Err(wrong()) } else { Ok(Network { address, length }) }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Network, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        format!("{}/{}", network.address, network.length)
    }
}

impl Network {
    fn has(self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        };
        let apart = bits(self.address) ^ bits(address);
        self.address.is_ipv4() == address.is_ipv4() && apart.checked_shr(128 - u32::from(self.length)).unwrap_or(0) == 0
    }
}

/// Whether one may connect there: it is public, or among the networks that are allowed.
pub(crate) fn may_reach(address: IpAddr, allowed: &[Network]) -> bool {
    let address = address.to_canonical();
    is_public(address) || allowed.iter().any(|network| network.has(address))
}

/// Whether an address belongs to the public internet (IANA's registries of special purpose addresses).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        0 | 10 | 127 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b, c) == (88, 99),
        198 => b == 18 || b == 19 || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        _ => a >= 224,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    // Only 2000::/3 is given out for the internet; within it are protocols of tunnels, whose inside is not seen here.
    let is_global = parts[0] & 0xe000 == 0x2000;
    let is_protocol = parts[0] == 0x2001 && (parts[1] < 0x200 || parts[1] == 0xdb8);
    let is_documentation = parts[0] == 0x3fff && parts[1] < 0x1000;
    is_global && !is_protocol && parts[0] != 0x2002 && !is_documentation
}

/// The address of an end-point, or what is wrong with it.
pub(crate) fn end_point(text: &str, plain_http: bool) -> Result<Url, String> {
    if text.len() > URL_MAX {
        return Err(format!("an address has at most {URL_MAX} bytes"));
    }
    let url: Url =
        text.parse().map_err(|_| "this is no address: write it as in https://city.example/hook".to_owned())?;
    match url.scheme() {
        "https" => {}
        "http" if plain_http => {}
        "http" => return Err("http is not allowed here: use https, or set notices.plain_http".to_owned()),
        _ => return Err("an address begins with https://".to_owned()),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the address names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address has no user and no password: messages are signed instead".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_public_or_allowed_is_reached() {
        let inside = [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "::127.0.0.1",
        ];
        for address in inside {
            assert!(!may_reach(address.parse().unwrap(), &[]), "{address}");
        }
        for address in
            ["8.8.8.8", "100.63.0.1", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2400:3200::1", "::ffff:8.8.8.8"]
        {
            assert!(may_reach(address.parse().unwrap(), &[]), "{address}");
        }
        let allowed: Vec<Network> = ["10.1.0.0/16", "127.0.0.1", "fd00::/8"].map(|text| text.parse().unwrap()).into();
        for (address, may) in [
            ("10.1.2.3", true),
            ("10.2.0.1", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::ffff:10.1.2.3", true),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(may_reach(address.parse().unwrap(), &allowed), may, "{address}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.has("10.0.0.1".parse().unwrap()) && !all.has("::1".parse().unwrap()));
        for bad in ["10.0.0.0/33", "10.0.0", "x/8", "fd00::/129", ""] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_of_end_points() {
        assert!(end_point("https://city.example/hook?a=b", false).is_ok());
        assert!(end_point("http://city.example/hook", true).is_ok());
        for (bad, told) in [
            ("http://city.example/hook", "plain_http"),
            ("ftp://city.example/", "https://"),
            ("file:///etc/passwd", "https://"),
            ("city.example", "no address"),
            ("https://", "no address"),
            ("https://anna:secret@city.example/", "no user"),
        ] {
            let complaint = end_point(bad, false).unwrap_err();
            assert!(complaint.contains(told) && !complaint.contains("secret"), "{bad}: {complaint}");
        }
        // Numbers that a browser reads as an address are read so here, and so are checked.
        assert_eq!(end_point("https://0x7f.1/", false).unwrap().host_str(), Some("127.0.0.1"));
    }
}
