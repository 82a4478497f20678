//! The options of `mesh serve`.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::builder::{
    NonEmptyStringValueParser, PossibleValuesParser, RangedU64ValueParser, TypedValueParser,
};
use clap::{ArgAction, Args, ValueEnum};
use mesh_core::settings::{Lifetimes, Limits, Settings};

use super::announcement::with_port;
use super::language::Language;
use super::memory::{default_memory_limit, memory_limit};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use mesh_local::SyncPolicy;
use mesh_server::http::{AllowedOrigin, Console};
use mesh_server::limits::memory::MemoryLimits;
use mesh_server::limits::rates::RateLimits;

/// The port where none is given.
const DEFAULT_PORT: u16 = 4000;

const EXAMPLES: &str = "\
Examples:
  mesh serve
      for this machine alone, data in ./mesh-data
  mesh serve --listen 0.0.0.0:4000 --tls
      for a classroom: every machine of the network, encrypted
  mesh serve --listen 0.0.0.0:4000 --static ./editor
      for a classroom, with the pages of an editor beside the API
  mesh serve --in-memory --listen 127.0.0.1:0
      for a test: any free port, nothing kept
  MESH_API_KEY=da2-new,da2-old mesh serve
      two live keys, while an old one is replaced

Every option can also be set in the environment, as shown; the option wins.";

/// The arguments of `mesh serve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Address and port to listen on; port 0 takes any free one. An address alone has port 4000, a port alone
    /// is for this machine alone
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "MESH_LISTEN",
        default_value = "127.0.0.1:4000",
        value_delimiter = ',',
        value_parser = listening()
    )]
    pub(super) listen: Vec<String>,

    /// Key that clients send as x-api-key; several are all live [default: made once, kept in the data folder]
    #[arg(long, value_name = "KEY", env = "MESH_API_KEY", value_delimiter = ',', hide_env_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub(super) api_key: Vec<String>,

    /// Key of the teacher, who sees all groups at /board and may end them; at least 8 characters [default: made once, kept in the data folder]
    #[arg(long, value_name = "KEY", env = "MESH_ADMIN_KEY", hide_env_values = true, value_parser = admin_key())]
    pub(super) admin_key: Option<String>,

    /// Serve the console at /, where every operation can be tried [default: on for loopback listeners, off for others]
    #[arg(long, value_name = "ON|OFF", env = "MESH_CONSOLE", value_parser = on_or_off())]
    pub(super) console: Option<bool>,

    /// Folder for groups, keys and certificates
    #[arg(long, value_name = "DIR", env = "MESH_DATA", default_value = "./mesh-data")]
    pub(super) data: PathBuf,

    /// When changes reach the disk: always (before they are answered), never (when the system decides), or within a
    /// time such as 1s or 500ms. The end of the server takes nothing, however it ends; a power cut may take the
    /// changes of this time
    #[arg(long, value_name = "WHEN", env = "MESH_SYNC", default_value = "1s", value_parser = str::parse::<SyncPolicy>)]
    pub(super) sync: SyncPolicy,

    /// Keep everything in memory: nothing outlives the server, and --data is not used
    #[arg(long, env = "MESH_IN_MEMORY", action = ArgAction::SetTrue, value_parser = switch())]
    pub(super) in_memory: bool,

    #[command(flatten)]
    pub(super) files: FileArguments,

    /// Open the teacher's board in the browser when the server is ready; a second start opens the board of the first
    #[arg(long, env = "MESH_OPEN", action = ArgAction::SetTrue, value_parser = switch())]
    pub(super) open: bool,

    /// Print the board's link with the teacher's key, which a projector may show [default: only where the server is
    /// for this machine alone]
    #[arg(long, env = "MESH_PRINT_ADMIN_LINK", action = ArgAction::SetTrue, value_parser = switch())]
    pub(super) print_admin_link: bool,

    /// Language of what is printed to people, logs aside [default: the system's]
    #[arg(long, value_name = "LANGUAGE", env = "MESH_LANGUAGE")]
    language: Option<Language>,

    #[command(flatten)]
    pub(super) tls: TlsArguments,

    #[command(flatten)]
    pub(super) network: NetworkArguments,

    #[command(flatten)]
    pub(super) lifetimes: LifetimeArguments,

    #[command(flatten)]
    pub(super) limits: LimitArguments,

    /// How log lines are written, all to standard error
    #[arg(long, value_name = "FORMAT", env = "MESH_LOG_FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,

    /// From which level on
    #[arg(long, value_name = "LEVEL", env = "MESH_LOG_LEVEL", default_value = "info", value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub(super) log_level: String,
}

#[derive(Debug, Args)]
pub(super) struct FileArguments {
    /// Serve the files of this folder beside the API, from / on. The server's own paths win (/graphql,
    /// /board, ...), but an index.html of the folder takes the place of the page at /
    #[arg(long = "static", id = "static_folder", value_name = "DIR", env = "MESH_STATIC")]
    pub(super) folder: Option<PathBuf>,

    /// Let the pages of every website read the files of --static: a module or a project is loaded from elsewhere.
    /// Nothing secret may lie in that folder
    #[arg(long = "static-cors", env = "MESH_STATIC_CORS", action = ArgAction::SetTrue, value_parser = switch(), requires = "static_folder")]
    pub(super) cors: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsArguments {
    /// Serve https and wss, with a self-signed certificate that is made once. aws-amplify needs it
    #[arg(long, env = "MESH_TLS", action = ArgAction::SetTrue, value_parser = switch())]
    pub(super) tls: bool,

    /// Serve https and wss with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", env = "MESH_TLS_CERT", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", env = "MESH_TLS_KEY", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct NetworkArguments {
    /// Origin whose web pages may call, as `https://example.org`, `https://*.example.org` for its subdomains, or `*`
    /// for every website [default: any on loopback listeners, the server's own otherwise]
    #[arg(long, value_name = "ORIGIN", env = "MESH_ALLOW_ORIGIN", value_delimiter = ',')]
    pub(super) allow_origin: Vec<AllowedOrigin>,

    /// Pages of editors for children may call: sandboxed frames (null), TurboWarp Desktop (tw-editor://.),
    /// turbowarp.org, packager.turbowarp.org, xcratch.github.io, penguinmod.com, studio.penguinmod.com, smalruby.app
    /// and smalruby.jp. As with --allow-origin, no others may then call through loopback listeners either
    #[arg(long, env = "MESH_ALLOW_EDITORS", action = ArgAction::SetTrue, value_parser = switch())]
    pub(super) allow_editors: bool,

    /// Address or name, with or without a port, by which pupils reach this server: on the board, in invitations and in
    /// the certificate [default: mesh.local where the network knows it, else this machine's address]
    #[arg(long, value_name = "ADDRESS", env = "MESH_ADVERTISE", value_parser = NonEmptyStringValueParser::new())]
    pub(super) advertise: Option<String>,

    /// Do not tell the local network the name mesh.local
    #[arg(long, env = "MESH_NO_MDNS", action = ArgAction::SetTrue, value_parser = switch())]
    pub(super) no_mdns: bool,

    /// How many proxies in front append to x-forwarded-for
    #[arg(long, value_name = "N", env = "MESH_TRUST_PROXY", default_value_t = 0)]
    pub(super) trust_proxy: usize,

    /// Most open connections; a program has two [default: as many as the process may open, at most 50000]
    #[arg(long, value_name = "N", env = "MESH_MAX_CONNECTIONS", value_parser = at_least_one())]
    pub(super) max_connections: Option<usize>,

    /// Most open connections from one address; loopback and trusted proxies are exempt [default: 1000 from a machine
    /// of the local network, half of --max-connections from a public address, behind which a school may be]
    #[arg(long, value_name = "N", env = "MESH_MAX_CONNECTIONS_PER_ADDRESS", value_parser = at_least_one())]
    pub(super) max_connections_per_address: Option<usize>,

    /// What limits of an address are multiplied by, for a school behind one address; off for no limits of
    /// work in a time at all
    #[arg(long, value_name = "FACTOR|OFF", env = "MESH_RATE_LIMIT", default_value = "1", value_parser = rate_limit)]
    pub(super) rate_limit: RateLimits,
}

#[allow(clippy::struct_field_names, reason = "they are the names of the options")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Lifetimes and intervals, in seconds")]
pub(super) struct LifetimeArguments {
    /// How often hosts renew their heartbeat
    #[arg(long, value_name = "S", env = "MESH_HOST_HEARTBEAT_INTERVAL_SECONDS", default_value_t = 60)]
    host_heartbeat_interval_seconds: u32,

    /// How long a group outlives its host's last heartbeat
    #[arg(long, value_name = "S", env = "MESH_HOST_HEARTBEAT_TTL_SECONDS", default_value_t = 150)]
    host_heartbeat_ttl_seconds: u32,

    /// How often members send their heartbeat
    #[arg(long, value_name = "S", env = "MESH_MEMBER_HEARTBEAT_INTERVAL_SECONDS", default_value_t = 120)]
    member_heartbeat_interval_seconds: u32,

    /// How long a silent member stays
    #[arg(long, value_name = "S", env = "MESH_MEMBER_HEARTBEAT_TTL_SECONDS", default_value_t = 600)]
    member_heartbeat_ttl_seconds: u32,

    /// Longest and default life of a group
    #[arg(long, value_name = "S", env = "MESH_MAX_CONNECTION_TIME_SECONDS", default_value_t = 2_100)]
    max_connection_time_seconds: u32,

    /// How long recorded events are kept for pollers
    #[arg(long, value_name = "S", env = "MESH_EVENT_TTL_SECONDS", default_value_t = 30)]
    event_ttl_seconds: u32,

    /// How often nodes without a WebSocket poll
    #[arg(long, value_name = "S", env = "MESH_POLLING_INTERVAL_SECONDS", default_value_t = 2)]
    polling_interval_seconds: u32,
}

#[allow(clippy::struct_field_names, reason = "they are the names of the options")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArguments {
    /// Most nodes of a group
    #[arg(long, value_name = "N", env = "MESH_MAX_NODES_PER_GROUP", default_value_t = 500)]
    max_nodes_per_group: usize,

    /// Most living groups of a domain
    #[arg(long, value_name = "N", env = "MESH_MAX_GROUPS_PER_DOMAIN", default_value_t = 1_000)]
    max_groups_per_domain: usize,

    /// Most living groups in all
    #[arg(long, value_name = "N", env = "MESH_MAX_GROUPS", default_value_t = 20_000)]
    pub(super) max_groups: usize,

    /// Most memory that the server takes, as 512MB or 2GB; all limits of kept bytes are parts of it. At least 128MB
    /// [default: half of what the machine or the container has, and 2GB at most]
    #[arg(long, value_name = "SIZE", env = "MESH_MEMORY_LIMIT", value_parser = memory_limit)]
    memory_limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// A switch in the environment: 1, true, 0 or false.
fn switch() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["1", "true", "0", "false"]).map(|text| text == "1" || text == "true")
}

/// A number of connections; with none the server would serve nobody.
fn at_least_one() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::new().range(1..)
}

/// A factor, or `off`.
fn rate_limit(text: &str) -> Result<RateLimits, String> {
    if text == "off" {
        return Ok(RateLimits::OFF);
    }
    match text.parse() {
        Ok(factor @ 0.001..=1_000.0) => Ok(RateLimits { by_address: Some(factor), ..RateLimits::default() }),
        _ => Err("must be a factor between 0.001 and 1000, or off".to_owned()),
    }
}

/// A key that cannot be tried out.
fn admin_key() -> impl TypedValueParser<Value = String> {
    NonEmptyStringValueParser::new().try_map(|key| {
        if key.chars().count() < 8 { Err("an admin key must have at least 8 characters") } else { Ok(key) }
    })
}

/// An address with a port, from either alone too.
pub(crate) fn listening() -> impl TypedValueParser<Value = String> {
    NonEmptyStringValueParser::new().map(|given| {
        if let Ok(port) = given.parse::<u16>() {
            return format!("127.0.0.1:{port}");
        }
        let bare = given.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        with_port(bare.unwrap_or(&given), DEFAULT_PORT)
    })
}

fn on_or_off() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|text| text == "on")
}

impl Arguments {
    /// Lifetimes and limits as the operations know them.
    pub(super) fn settings(&self) -> Settings {
        let given = &self.lifetimes;
        Settings {
            lifetimes: Lifetimes {
                host_heartbeat_interval: given.host_heartbeat_interval_seconds,
                host_heartbeat_ttl: given.host_heartbeat_ttl_seconds,
                member_heartbeat_interval: given.member_heartbeat_interval_seconds,
                member_heartbeat_ttl: given.member_heartbeat_ttl_seconds,
                max_connection_time: given.max_connection_time_seconds,
                event_ttl: given.event_ttl_seconds,
                polling_interval: given.polling_interval_seconds,
            },
            limits: Limits {
                nodes_in_group: self.limits.max_nodes_per_group,
                groups_in_domain: self.limits.max_groups_per_domain,
            },
        }
    }

    /// Limits on memory.
    pub(super) fn memory(&self) -> MemoryLimits {
        MemoryLimits::of(self.limits.memory_limit.unwrap_or_else(default_memory_limit))
    }

    /// The language of what is printed to people.
    pub(super) fn language(&self) -> Language {
        self.language.unwrap_or_else(Language::of_system)
    }

    /// Returns the listeners that serve the console.
    pub(super) fn console(&self) -> Console {
        match self.console {
            None => Console::OnLoopback,
            Some(true) => Console::On,
            Some(false) => Console::Off,
        }
    }

    /// Sends log lines to standard error.
    pub(super) fn start_log(&self) {
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            // A pipe and a file want no colours.
            .with_ansi(io::stderr().is_terminal())
            .with_target(false);
        let level = self.log_level.parse().unwrap_or(tracing::Level::INFO);
        // Libraries log whole requests at lower levels, with keys and ids in them.
        let of_libraries = level.min(tracing::Level::WARN);
        let own = ["mesh", "mesh_server", "mesh_local", "mesh_core", "mesh_appsync", "mesh_simulate"];
        let targets = Targets::new().with_default(of_libraries).with_targets(own.map(|name| (name, level)));
        let log = tracing_subscriber::registry().with(targets);
        match self.log_format {
            LogFormat::Text => log.with(lines).init(),
            LogFormat::Json => log.with(lines.json().flatten_event(true)).init(),
        }
    }
}
