//! One server out of its parts: the only place where store, engine, hub, board and routes meet.

use std::path::PathBuf;
use std::sync::Arc;

use mesh_core::Context;
use mesh_core::clock::Clock;
use mesh_core::error::StoreFailure;
use mesh_core::network::DomainSecret;
use mesh_core::settings::Settings;
use mesh_local::{LocalSettings, LocalStore, OpenError, SyncPolicy};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::board::{BoardFeed, BoardRegistry};
use crate::cloud_variables::connection::CloudVariables;
use crate::cloud_variables::projects::Projects;
use crate::graphql::engine::Engine;
use crate::graphql::executor::Executor;
use crate::graphql::schema::SchemaError;
use crate::http::{App, Console, Folder, Hosts, Origins, RefusedOrigins};
use crate::join::JoinCode;
use crate::keys::ApiKeys;
use crate::limits::Limits;
use crate::limits::connections::{ConnectionLimits, Connections};
use crate::limits::memory::MemoryLimits;
use crate::limits::rates::RateLimits;
use crate::metrics::Metrics;
use crate::realtime::connection::Realtime;
use crate::realtime::fan_out::FanOut;
use crate::realtime::hub::Hub;
use crate::server::Server;

/// The parts that one server has of its own; everything else is the same in all of them.
pub struct Parts {
    /// Bound sockets.
    pub listeners: Vec<TcpListener>,
    /// Ends TLS, if it is wanted.
    pub tls: Option<TlsAcceptor>,
    /// The address by which others in the room reach this server, as `http://192.168.1.20:4000`.
    pub base_url: String,
    /// The place where groups are kept.
    pub storage: Storage,
    /// Lifetimes, and limits of groups and domains.
    pub settings: Settings,
    /// The most groups in all domains.
    pub max_groups: usize,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes domains of networks.
    pub domain_secret: Option<DomainSecret>,
    /// The pupils' keys.
    pub keys: Arc<ApiKeys>,
    /// The teacher's keys.
    pub admin_keys: ApiKeys,
    /// Limits on open connections.
    pub connections: ConnectionLimits,
    /// Limits on work in a time.
    pub rates: RateLimits,
    /// Limits on memory.
    pub memory: MemoryLimits,
    /// The number of proxies in front of this server that are trusted to say where a call comes from.
    pub trusted_proxies: usize,
    /// Whose pages may call.
    pub origins: Origins,
    /// Under which names pages and figures may be asked for.
    pub hosts: Hosts,
    /// The listeners that serve the console.
    pub console: Console,
    /// The operator's files beside the API.
    pub folder: Option<Folder>,
}

/// The place where groups are kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In memory: nothing outlives the server.
    Memory,
    /// In this log, which is made if it is not there.
    File {
        /// The log.
        path: PathBuf,
        /// When changes reach the disk.
        sync: SyncPolicy,
    },
}

/// Why a server cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The file of the store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A store in memory cannot be made.
    #[error("the store could not be made: {0}")]
    MemoryStore(StoreFailure),
    /// The schema cannot be served.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

impl Parts {
    /// Puts a server together, ready to [run](Server::run).
    ///
    /// # Errors
    ///
    /// If the store cannot be opened or the schema cannot be served.
    pub fn build(self) -> Result<Server, BuildError> {
        let metrics = Arc::new(Metrics::new());
        let hub = Arc::new(Hub::new(self.memory.waiting));
        let registry = Arc::<BoardRegistry>::default();
        let fan_out = Arc::new(FanOut { observer: registry.clone(), hub: hub.clone() });
        let local = LocalSettings {
            settings: self.settings.clone(),
            max_groups: self.max_groups,
            memory: self.memory.store,
        };
        let store = match self.storage {
            Storage::Memory => LocalStore::in_memory(&local, fan_out).map_err(BuildError::MemoryStore)?,
            Storage::File { path, sync } => {
                let metrics = metrics.clone();
                let observer = Box::new(move |took| metrics.committed(took));
                LocalStore::open(&path, sync, local, self.clock.clone(), fan_out, observer)?
            }
        };
        let context = Arc::new(Context {
            store,
            clock: self.clock,
            settings: self.settings,
            domain_secret: self.domain_secret,
        });
        let limits = Arc::new(Limits::new(self.rates, self.memory));
        let board = BoardFeed {
            context: context.clone(),
            hub: hub.clone(),
            registry: registry.clone(),
            metrics: metrics.clone(),
            buffers: limits.buffers.clone(),
            join: JoinCode::default(),
            base_url: self.base_url,
        };
        let executor = Arc::new(Executor {
            context: context.clone(),
            engine: Engine::keeping(self.memory.documents)?,
            observer: registry,
            limits: limits.clone(),
            metrics: metrics.clone(),
        });
        let too_slow = || {
            let metrics = metrics.clone();
            Box::new(move || metrics.too_slow())
        };
        let cloud_variables = CloudVariables {
            projects: Projects::new(executor.clone()),
            hub: hub.clone(),
            executor: executor.clone(),
            too_slow: too_slow(),
        };
        let too_slow = too_slow();
        let realtime = Realtime { executor: executor.clone(), hub, keys: self.keys.clone(), too_slow };
        let app = App {
            context,
            executor,
            realtime: Arc::new(realtime),
            cloud_variables: Arc::new(cloud_variables),
            keys: self.keys,
            admin_keys: self.admin_keys,
            board: Arc::new(board),
            origins: self.origins,
            refused_origins: RefusedOrigins::default(),
            hosts: self.hosts,
            console: self.console,
            folder: self.folder,
            trusted_proxies: self.trusted_proxies,
            metrics,
            limits,
        };
        Ok(Server {
            listeners: self.listeners,
            tls: self.tls,
            connections: Connections::new(self.connections),
            app: Arc::new(app),
        })
    }
}
