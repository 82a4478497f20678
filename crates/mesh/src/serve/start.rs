//! Making a server of the options, and running it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use mesh_core::network::DomainSecret;
use mesh_core::settings::{Lifetime, LifetimeError};
use tokio::net::{TcpListener, lookup_host};

use super::Arguments;
use super::address::reached_by;
use super::announcement::{Announcement, Listening};
use super::language::Language;
use super::mdns::{self, Announced};
use super::{connections, running, systemd};
use crate::stop::told_to_stop;
use mesh_local::{is_in_use, private_file};
use mesh_server::clock::SystemClock;
use mesh_server::http::{AllowedOrigin, EDITORS, Folder, Hosts, Origins, Readers};
use mesh_server::keys::{ApiKeys, in_fragment, new_api_key, random_text};
use mesh_server::server::tls::{self, Tls, TlsError};
use mesh_server::wiring::{BuildError, Parts, Storage};

/// The log of the store in the data folder.
pub(crate) const STORE_FILE: &str = "store.log";
const API_KEY_FILE: &str = "api-key";
const ADMIN_KEY_FILE: &str = "admin-key";
const SECRET_FILE: &str = "domain-secret";

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("{} {}", option(.0.lifetime()), .0.problem(option))]
    Lifetime(LifetimeError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the folder {folder} of --static cannot be served: {error}")]
    Static { folder: String, error: io::Error },
    #[error("cannot listen on {address}: {error}. Choose another with --listen ADDRESS:PORT")]
    Listen { address: String, error: io::Error },
    #[error(
        "a socket that the service manager passed is no listener: {0}. Say ListenStream= in its .socket file"
    )]
    PassedListener(io::Error),
    #[error("the file {file} in the data folder {folder} cannot be used: {error}")]
    DataFile { file: &'static str, folder: String, error: io::Error },
    #[error(
        "the file {SECRET_FILE} in the data folder must hold at least {} characters",
        DomainSecret::MIN_BYTES
    )]
    Secret,
    #[error("Mesh is running already, with the data in {folder}: {url}/board/ shows it")]
    Running { folder: String, url: String },
    #[error("--admin-key must not be one of --api-key: every pupil would be the teacher")]
    SameKeys,
    #[error("the server stopped: {0}")]
    Stopped(io::Error),
}

impl StartError {
    /// Returns the text for people: in their language where they can do something about it.
    pub(super) fn told(&self, language: Language) -> String {
        match (language, self) {
            (Language::Ja, Self::Running { url, .. }) => {
                format!("Mesh はもう動いています。ボードは {url}/board/ です。")
            }
            (Language::Ja, Self::Listen { address, error }) => format!(
                "{address} を使えません({error})。ほかのプログラムが使っているときは、--listen で別の番号にします。例: --listen 0.0.0.0:4001"
            ),
            (Language::Ja, Self::DataFile { file, folder, error }) => {
                format!("データのフォルダー {folder} の中の {file} を使えません({error})。")
            }
            _ => self.to_string(),
        }
    }
}

/// The option and the variable that set a lifetime, in seconds.
const fn option(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::HostHeartbeatInterval => {
            "--host-heartbeat-interval-seconds (MESH_HOST_HEARTBEAT_INTERVAL_SECONDS)"
        }
        Lifetime::HostHeartbeatTtl => "--host-heartbeat-ttl-seconds (MESH_HOST_HEARTBEAT_TTL_SECONDS)",
        Lifetime::MemberHeartbeatInterval => {
            "--member-heartbeat-interval-seconds (MESH_MEMBER_HEARTBEAT_INTERVAL_SECONDS)"
        }
        Lifetime::MemberHeartbeatTtl => "--member-heartbeat-ttl-seconds (MESH_MEMBER_HEARTBEAT_TTL_SECONDS)",
        Lifetime::MaxConnectionTime => "--max-connection-time-seconds (MESH_MAX_CONNECTION_TIME_SECONDS)",
        Lifetime::EventTtl => "--event-ttl-seconds (MESH_EVENT_TTL_SECONDS)",
        Lifetime::PollingInterval => "--polling-interval-seconds (MESH_POLLING_INTERVAL_SECONDS)",
    }
}

pub(super) async fn serve(arguments: Arguments) -> Result<(), StartError> {
    let settings = arguments.settings();
    settings.lifetimes.check().map_err(StartError::Lifetime)?;
    let listeners = match listen(&arguments.listen).await {
        Err(error) => return second_start(&arguments, error),
        Ok(listeners) => listeners,
    };
    let folder = open_folder(&arguments)?;
    let tls = tls(&arguments)?;
    let keys = Arc::new(ApiKeys::new(api_keys(&arguments)?));
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>();
    let addresses = addresses.map_err(StartError::Stopped)?;
    let admin_key = admin_key(&arguments)?;
    if keys.admits(admin_key.as_bytes()) {
        return Err(StartError::SameKeys);
    }
    let announced = announce(&arguments, &addresses).await;
    let name = announced.as_ref().and_then(|announced| announced.name.as_deref());
    let listening = Listening { addresses: &addresses, name, tls: tls.as_ref() };
    let announcement = Announcement::new(&arguments, &listening, &keys, &admin_key);
    let storage = if arguments.in_memory {
        Storage::Memory
    } else {
        Storage::File { path: arguments.data.join(STORE_FILE), sync: arguments.sync }
    };
    let parts = Parts {
        listeners,
        tls: tls.map(|tls| tls.acceptor),
        base_url: announcement.base_url.clone(),
        storage,
        settings,
        max_groups: arguments.limits.max_groups,
        clock: Arc::new(SystemClock::new()),
        domain_secret: Some(domain_secret(&arguments)?),
        keys,
        admin_keys: ApiKeys::new(vec![admin_key]),
        connections: connections::limits(&arguments.network),
        rates: arguments.network.rate_limit,
        memory: arguments.memory(),
        trusted_proxies: arguments.network.trust_proxy,
        origins: origins(&arguments),
        hosts: hosts(&arguments),
        console: arguments.console(),
        folder,
    };
    let server = parts.build()?;
    let stop = told_to_stop();
    // Before anybody hears that it runs: a second start may follow at once.
    if !arguments.in_memory {
        running::keep(&arguments.data, &announcement.own_url);
    }
    announcement.print(arguments.log_format);
    systemd::say_ready();
    if arguments.open {
        open_in_browser(&announcement.board_link);
    }
    server.run(stop).await.map_err(StartError::Stopped)
}

/// Listeners that the service manager holds take the place of those in --listen.
async fn listen(addresses: &[String]) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = systemd::passed_listeners()?;
    if !listeners.is_empty() {
        return Ok(listeners);
    }
    for address in addresses {
        let failed = |error| StartError::Listen { address: address.clone(), error };
        let resolved: Vec<_> = lookup_host(address).await.map_err(failed)?.collect();
        listeners.push(TcpListener::bind(&resolved[..]).await.map_err(failed)?);
    }
    Ok(listeners)
}

/// A start while a server runs over the same data says where, and opens its board.
fn second_start(arguments: &Arguments, error: StartError) -> Result<(), StartError> {
    let is_running = !arguments.in_memory && is_in_use(&arguments.data.join(STORE_FILE));
    let Some(url) = is_running.then(|| running::find(&arguments.data)).flatten() else { return Err(error) };
    let running = StartError::Running { folder: arguments.data.display().to_string(), url: url.clone() };
    if !arguments.open {
        return Err(running);
    }
    eprintln!("mesh: {}", running.told(arguments.language()));
    open_in_browser(&format!("{url}/board/#key={}", in_fragment(&admin_key(arguments)?)));
    Ok(())
}

/// Without a browser, the board is opened by hand.
fn open_in_browser(link: &str) {
    if let Err(error) = open::that_detached(link) {
        tracing::warn!(%error, "no browser could be opened");
    }
}

/// Tells the network a name, if others are to reach the server.
async fn announce(arguments: &Arguments, listening: &[SocketAddr]) -> Option<Announced> {
    let reached = listening.iter().flat_map(|address| reached_by(*address));
    let for_others: Vec<_> = reached.filter(|address| !address.ip().is_loopback()).collect();
    if arguments.network.no_mdns { None } else { mdns::announce(&for_others).await }
}

fn open_folder(arguments: &Arguments) -> Result<Option<Folder>, StartError> {
    let readers = if arguments.files.cors { Readers::AllPages } else { Readers::OwnPages };
    let open = |path: &Path| {
        Folder::open(path, readers)
            .map_err(|error| StartError::Static { folder: path.display().to_string(), error })
    };
    arguments.files.folder.as_deref().map(open).transpose()
}

fn tls(arguments: &Arguments) -> Result<Option<Tls>, TlsError> {
    let given = &arguments.tls;
    if let (Some(certificate), Some(key)) = (&given.tls_cert, &given.tls_key) {
        return tls::from_files(certificate, key).map(Some);
    }
    if !given.tls {
        return Ok(None);
    }
    let names = names(arguments);
    if arguments.in_memory { tls::in_memory(&names) } else { tls::from_folder(&arguments.data, &names) }
        .map(Some)
}

fn api_keys(arguments: &Arguments) -> Result<Vec<String>, StartError> {
    if !arguments.api_key.is_empty() {
        return Ok(arguments.api_key.clone());
    }
    kept(arguments, API_KEY_FILE, new_api_key).map(|key| vec![key])
}

fn admin_key(arguments: &Arguments) -> Result<String, StartError> {
    if let Some(key) = &arguments.admin_key {
        return Ok(key.clone());
    }
    kept(arguments, ADMIN_KEY_FILE, || Ok(format!("admin-{}", random_text(20)?)))
}

fn domain_secret(arguments: &Arguments) -> Result<DomainSecret, StartError> {
    let secret = kept(arguments, SECRET_FILE, || random_text(40))?;
    DomainSecret::new(secret.as_bytes()).ok_or(StartError::Secret)
}

/// Reads a file of the data folder, made if it is not there; made anew at each start in memory.
fn kept(
    arguments: &Arguments,
    file: &'static str,
    make: impl FnOnce() -> io::Result<String>,
) -> Result<String, StartError> {
    let folder = arguments.data.display().to_string();
    let failed = |error| StartError::DataFile { file, folder, error };
    if arguments.in_memory {
        return make().map_err(failed);
    }
    let text = private_file::read_or_make(&arguments.data.join(file), make).map_err(failed)?;
    if text.is_empty() {
        let error =
            io::Error::new(io::ErrorKind::InvalidData, "it is empty: remove it to have a new one made");
        return Err(StartError::DataFile { file, folder: arguments.data.display().to_string(), error });
    }
    Ok(text)
}

fn origins(arguments: &Arguments) -> Origins {
    let network = &arguments.network;
    if network.allow_origin.contains(&AllowedOrigin::Any) {
        tracing::warn!("--allow-origin *: pages of every website may call, with the key that a browser has");
    }
    let editors = EDITORS.iter().filter(|_| network.allow_editors).filter_map(|editor| editor.parse().ok());
    let listed: Vec<_> = network.allow_origin.iter().cloned().chain(editors).collect();
    if listed.is_empty() { Origins::Default } else { Origins::Listed(listed) }
}

/// The names by which this server is reached: the machine's own, those that it may tell the network, and what the
/// operator advertises.
fn names(arguments: &Arguments) -> Vec<String> {
    let advertised = arguments.network.advertise.as_deref().map(|given| {
        let authority = given.split_once("://").map_or(given, |(_, rest)| rest.trim_end_matches('/'));
        match authority.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => name.to_owned(),
            _ => authority.to_owned(),
        }
    });
    let told = mdns::NAMES.iter().map(|name| (*name).to_owned());
    tls::names_of_this_machine().into_iter().chain(told).chain(advertised).collect()
}

/// The names in --listen and --allow-origin, and the server's own.
fn hosts(arguments: &Arguments) -> Hosts {
    let listening = arguments.listen.iter().filter_map(|address| address.rsplit_once(':'));
    let listening = listening.map(|(name, _)| name.to_owned());
    let allowed =
        arguments.network.allow_origin.iter().filter_map(AllowedOrigin::host).map(ToOwned::to_owned);
    Hosts(listening.chain(allowed).chain(names(arguments)).collect())
}
