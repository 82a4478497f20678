//! The text that is printed when the server is ready.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use super::Arguments;
use super::address::reached_by;
use super::arguments::LogFormat;
use super::language::{Words, padded};
use mesh_server::keys::{ApiKeys, in_fragment};
use mesh_server::server::tls::Tls;

/// The width of the names of lines.
const NAME_COLUMNS: usize = 14;

/// The addresses and keys that a user needs next.
pub(super) struct Announcement {
    /// The address by which others reach the server, as `http://192.168.1.20:4000`.
    pub(super) base_url: String,
    /// The board's link for this machine, with the admin key.
    pub(super) board_link: String,
    /// The address by which this machine reaches the server.
    pub(super) own_url: String,
    endpoint: String,
    realtime: String,
    key: String,
    board: String,
    board_hint: &'static str,
    console: Option<String>,
    more: Vec<(&'static str, String)>,
    curl: String,
    words: &'static Words,
}

/// What the server listens on, as found at the start.
pub(super) struct Listening<'a> {
    /// Its addresses.
    pub(super) addresses: &'a [SocketAddr],
    /// A name that the network knows, as `mesh.local`.
    pub(super) name: Option<&'a str>,
    /// The TLS certificate, if there is one.
    pub(super) tls: Option<&'a Tls>,
}

impl Announcement {
    pub(super) fn new(
        arguments: &Arguments,
        listening: &Listening<'_>,
        keys: &ApiKeys,
        admin_key: &str,
    ) -> Self {
        let words = arguments.language().words();
        let (http, ws) = if listening.tls.is_some() { ("https", "wss") } else { ("http", "ws") };
        let url = |address: &SocketAddr| format!("{http}://{address}");
        let reached: Vec<_> = listening.addresses.iter().flat_map(|address| reached_by(*address)).collect();
        let first = reached.first().map(url).unwrap_or_default();
        let endpoint = format!("{first}/graphql");
        let realtime = reached.first().map(|address| format!("{ws}://{address}/graphql/realtime"));
        let base_url = base_url(arguments, listening, &reached, http);
        let own_url =
            listening.addresses.iter().map(|address| url(&from_here(*address))).next().unwrap_or_default();
        let board_link = format!("{own_url}/board/#key={}", in_fragment(admin_key));
        // A machine that serves only itself has no projector that shows the room its window.
        let is_private = reached.iter().all(|address| address.ip().is_loopback());
        let shows_link = is_private || arguments.print_admin_link;
        let board = format!("{base_url}/board/");
        let (board, board_hint) = match (shows_link, arguments.open) {
            (true, _) => (format!("{board}#key={}", in_fragment(admin_key)), ""),
            (false, true) => (board, words.board_opened),
            (false, false) => (board, words.board_hint),
        };
        let shows_console =
            |address: &&SocketAddr| arguments.console().is_served(address.ip().to_canonical().is_loopback());
        let console = listening.addresses.iter().find(shows_console);
        let console = console.map(|address| {
            format!("{}/console/#key={}", url(&from_here(*address)), in_fragment(keys.first()))
        });
        let mut more: Vec<_> = reached
            .iter()
            .skip(1)
            .map(|address| (words.also_at, format!("{}/graphql", url(address))))
            .collect();
        let trust = listening.tls.map(|tls| trust(tls, &base_url, words, &mut more)).unwrap_or_default();
        let data = if arguments.in_memory {
            words.in_memory.to_owned()
        } else {
            arguments.data.display().to_string()
        };
        more.push((words.data, data));
        let key = keys.first().to_owned();
        let curl = format!(
            "curl{trust} {endpoint} -H 'content-type: application/json' -H 'x-api-key: {key}' -d '{{\"query\":\"mutation {{ createDomain }}\"}}'"
        );
        let realtime = realtime.unwrap_or_default();
        Self {
            base_url,
            board_link,
            own_url,
            endpoint,
            realtime,
            key,
            board,
            board_hint,
            console,
            more,
            curl,
            words,
        }
    }

    /// Everything for people goes to standard error; standard output gets one line, when ready.
    pub(super) fn print(&self, format: LogFormat) {
        let text = match format {
            LogFormat::Json => self.as_json(),
            LogFormat::Text => self.as_text(),
        };
        // Nobody reads what cannot be written.
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = writeln!(io::stdout(), "Mesh is ready: {}", self.endpoint);
    }

    fn as_json(&self) -> String {
        let json = serde_json::json!({
            "level": "INFO", "message": "Mesh is ready", "address": self.base_url, "endpoint": self.endpoint,
            "realtimeEndpoint": self.realtime, "apiKey": self.key, "board": self.board, "console": self.console,
            "try": self.curl,
        });
        format!("{json}\n")
    }

    fn as_text(&self) -> String {
        let words = self.words;
        let board = format!("{} {}", self.board, self.board_hint);
        let named = [
            (words.pupils, &*self.base_url),
            (words.endpoint, &self.endpoint),
            (words.realtime, &self.realtime),
            (words.api_key, &self.key),
            (words.board, board.trim_end()),
        ];
        let console = self.console.iter().map(|console| (words.console, &**console));
        let more = self.more.iter().map(|(name, value)| (*name, &**value));
        let mut text = String::new();
        for (name, value) in named.into_iter().chain(console).chain(more) {
            // Writing to memory cannot fail.
            let _ = writeln!(text, "  {} {value}", padded(name, NAME_COLUMNS));
        }
        let _ = writeln!(text, "  {}\n  {}", words.try_it, self.curl);
        text
    }
}

/// The address that others are told: what the operator says, a name that the network knows, or the best of this
/// machine's.
fn base_url(arguments: &Arguments, listening: &Listening<'_>, reached: &[SocketAddr], http: &str) -> String {
    let for_others = reached.iter().find(|address| !address.ip().is_loopback()).or(reached.first());
    let port = for_others.map(SocketAddr::port).unwrap_or_default();
    match (&arguments.network.advertise, listening.name, for_others) {
        (Some(given), ..) if given.contains("://") => given.trim_end_matches('/').to_owned(),
        (Some(given), ..) => format!("{http}://{}", with_port(given, port)),
        (None, Some(name), _) => format!("{http}://{name}:{port}"),
        (None, None, Some(address)) => format!("{http}://{address}"),
        (None, None, None) => String::new(),
    }
}

/// A name or an address with its port, if it has none.
pub(super) fn with_port(given: &str, port: u16) -> String {
    match given.parse::<std::net::IpAddr>() {
        Ok(address) => SocketAddr::new(address, port).to_string(),
        Err(_) if given.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) => {
            given.to_owned()
        }
        Err(_) => format!("{given}:{port}"),
    }
}

/// Returns the address by which this machine reaches a listener.
fn from_here(listening: SocketAddr) -> SocketAddr {
    let loopback: std::net::IpAddr = match listening {
        SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    let ip = if listening.ip().is_unspecified() { loopback } else { listening.ip() };
    SocketAddr::new(ip, listening.port())
}

/// The name or address in `https://192.168.1.20:4000`, an IPv6 address without its brackets.
fn host_of(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, authority)| authority);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Returns curl's option to trust the certificate; notes the fingerprint that a person compares.
fn trust(tls: &Tls, base_url: &str, words: &Words, more: &mut Vec<(&'static str, String)>) -> String {
    more.push((words.certificate, format!("SHA-256 {}", tls.fingerprint)));
    match &tls.certificate_file {
        None => " --insecure".to_owned(),
        Some(file) => {
            more.push((words.kept_in, file.display().to_string()));
            if !tls.is_for(host_of(base_url)) {
                more.push((words.attention, words.other_address.replace("{host}", host_of(base_url))));
            }
            format!(" --cacert {}", file.display())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_ports() {
        assert_eq!(host_of("https://192.168.1.20:4000"), "192.168.1.20");
        assert_eq!(host_of("https://mesh.local:4000"), "mesh.local");
        assert_eq!(host_of("https://[fd00::20]:4000"), "fd00::20");
    }

    #[test]
    fn what_is_told_has_a_port() {
        assert_eq!(with_port("192.168.1.20", 4000), "192.168.1.20:4000");
        assert_eq!(with_port("mesh.school.example", 4000), "mesh.school.example:4000");
        assert_eq!(with_port("mesh.school.example:80", 4000), "mesh.school.example:80");
        assert_eq!(with_port("fd00::20", 4000), "[fd00::20]:4000");
    }
}
