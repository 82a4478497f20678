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

    fn knows(&self, name: &str) -> bool {
        let given = self.0.iter().any(|given| given.eq_ignore_ascii_case(name));
        given || name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    }
}

/// The name or address of `name`, `name:port`, `[v6]` or `[v6]:port`.
fn without_port(host: &str) -> Option<&str> {
    match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(address, _)| address),
        None => host.split(':').next(),
    }
}
