//! What is printed when the server is ready.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};

use super::Arguments;
use super::arguments::LogFormat;
use mesh_server::keys::{ApiKeys, in_fragment};
use mesh_server::server::tls::{self, Tls};

/// What a user needs next.
pub(super) struct Announcement {
    /// The address by which others reach the server, as `http://192.168.1.20:4000`.
    pub(super) base_url: String,
    endpoint: String,
    realtime: String,
    key: String,
    board: String,
    console: Option<String>,
    more: Vec<(&'static str, String)>,
    curl: String,
}

impl Announcement {
    pub(super) fn new(
        arguments: &Arguments,
        addresses: &[SocketAddr],
        keys: &ApiKeys,
        admin_key: &str,
        tls: Option<&Tls>,
    ) -> Self {
        let (http, ws) = if tls.is_some() { ("https", "wss") } else { ("http", "ws") };
        let reached: Vec<_> = addresses.iter().map(|address| reachable(*address)).collect();
        let endpoint = |address: &SocketAddr| format!("{http}://{address}/graphql");
        let for_others = reached.iter().find(|address| !address.ip().is_loopback()).or(reached.first());
        let base_url = for_others.map(|address| format!("{http}://{address}")).unwrap_or_default();
        let first = reached.first().map(endpoint).unwrap_or_default();
        let realtime = reached.first().map(|address| format!("{ws}://{address}/graphql/realtime"));
        let mut more: Vec<_> = reached.iter().skip(1).map(|address| ("also at", endpoint(address))).collect();
        let board = format!("{base_url}/board/#key={}", in_fragment(admin_key));
        let shows_console = |(address, _): &(&SocketAddr, _)| {
            arguments.console().is_served(address.ip().to_canonical().is_loopback())
        };
        let console = addresses.iter().zip(&reached).find(shows_console);
        let console =
            console.map(|(_, address)| format!("{http}://{address}/#key={}", in_fragment(keys.first())));
        let trust = match tls {
            None => String::new(),
            Some(Tls { fingerprint, certificate_file, .. }) => {
                more.push(("certificate", format!("SHA-256 {fingerprint}")));
                match certificate_file {
                    None => " --insecure".to_owned(),
                    Some(file) => {
                        more.push(("kept in", file.display().to_string()));
                        format!(" --cacert {}", file.display())
                    }
                }
            }
        };
        let data =
            if arguments.in_memory { "in memory".to_owned() } else { arguments.data.display().to_string() };
        more.push(("data", data));
        let key = keys.first().to_owned();
        let curl = format!(
            "curl{trust} {first} -H 'content-type: application/json' -H 'x-api-key: {key}' -d '{{\"query\":\"mutation {{ createDomain }}\"}}'"
        );
        let realtime = realtime.unwrap_or_default();
        Self { base_url, endpoint: first, realtime, key, board, console, more, curl }
    }

    /// Everything for people goes to standard error; standard output gets one line, when ready.
    pub(super) fn print(&self, format: LogFormat) {
        let mut text = String::new();
        match format {
            LogFormat::Json => {
                let json = serde_json::json!({
                    "level": "INFO", "message": "Mesh is ready", "endpoint": self.endpoint,
                    "realtimeEndpoint": self.realtime, "apiKey": self.key, "board": self.board, "console": self.console, "try": self.curl,
                });
                // Writing to memory cannot fail.
                let _ = writeln!(text, "{json}");
            }
            LogFormat::Text => {
                let named = [
                    ("endpoint", &self.endpoint),
                    ("realtime", &self.realtime),
                    ("API key", &self.key),
                    ("board", &self.board),
                ];
                let console = self.console.iter().map(|console| ("console", console));
                let more = self.more.iter().map(|(name, value)| (*name, value));
                for (name, value) in named.into_iter().chain(console).chain(more) {
                    let _ = writeln!(text, "  {name:<12} {value}");
                }
                let _ = writeln!(text, "  Try it:\n  {}", self.curl);
            }
        }
        // Nobody reads what cannot be written.
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = writeln!(io::stdout(), "Mesh is ready: {}", self.endpoint);
    }
}

/// An address under which others reach a listener: of an unspecified one, one of the machine's.
fn reachable(listening: SocketAddr) -> SocketAddr {
    if !listening.ip().is_unspecified() {
        return listening;
    }
    let own = tls::addresses_of_this_machine();
    let is_global = |address: &&IpAddr| !address.is_loopback() && address.is_ipv4() == listening.is_ipv4();
    let loopback = |address: &&IpAddr| address.is_loopback() && address.is_ipv4() == listening.is_ipv4();
    let found = own.iter().find(is_global).or_else(|| own.iter().find(loopback));
    SocketAddr::new(found.copied().unwrap_or(listening.ip()), listening.port())
}
