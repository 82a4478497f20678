//! Under which names the server's own pages and figures may be asked for.
//!
//! A page of others can make its own name lead to this machine (DNS rebinding), and then counts as of
//! one origin with it. Such a name is none that this server was given.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::HOST;

/// Names that were given at start; addresses and localhost always serve.
#[derive(Clone, Debug, Default)]
pub struct Hosts(pub Vec<String>);

impl Hosts {
    pub(super) fn admit(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        host.and_then(without_port).is_some_and(|name| self.knows(name))
    }

    /// The name that a client gives this server: a name or address that [`Self::admit`] admits, and a port if it gave one.
    pub(super) fn authority<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let host = headers.get(HOST)?.to_str().ok().filter(|_| self.admit(headers))?;
        let after_name = match host.rsplit_once(']') {
            Some((_, rest)) => rest,
            None => host.find(':').map_or("", |colon| &host[colon..]),
        };
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        (after_name.is_empty() || after_name.strip_prefix(':').is_some_and(is_port)).then_some(host)
    }

    fn knows(&self, name: &str) -> bool {
        let given = self.0.iter().any(|given| given.eq_ignore_ascii_case(name));
        given || name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    }
}

/// The name or address of `name`, `name:port`, `[v6]` or `[v6]:port`.
fn without_port(host: &str) -> Option<&str> {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').filter(|(_, port)| is_port(port)).map(|(address, _)| address);
    }
    let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
    is_port(port).then_some(name)
}

/// Returns `true` if a text is nothing, or a colon and a number.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_serve() {
        let hosts = Hosts(vec!["mesh.school.example".into()]);
        let admits = |host: &'static str| {
            hosts.admit(&HeaderMap::from_iter([(HOST, axum::http::HeaderValue::from_static(host))]))
        };
        for host in
            ["localhost", "LocalHost:4000", "127.0.0.1:4000", "[::1]", "[::1]:4000", "mesh.school.example:1"]
        {
            assert!(admits(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "[::1].evil",
            "[::1]:4000.evil",
            "127.0.0.1:4000.evil",
            "[::1",
            "localhost:x",
        ] {
            assert!(!admits(host), "{host}");
        }
        assert!(!hosts.admit(&HeaderMap::new()));
    }
}
