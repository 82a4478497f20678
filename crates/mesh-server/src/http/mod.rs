//! The HTTP side: AppSync's GraphQL endpoint, the upgrade to its realtime protocol, and what operators
//! ask for.

mod admin;
mod allowed_origin;
mod answer;
mod body;
mod cloud_variables;
mod console;
mod extension;
mod folder;
mod graphql;
mod hosts;
mod join;
mod operators;
mod origin;
mod pages;
mod pieces;
mod schema;
mod upgrade;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get, post};
use mesh_core::Context;
use mesh_core::network::client_address;
use rust_embed::RustEmbed;

use crate::board::BoardFeed;
use crate::cloud_variables::connection::CloudVariables;
use crate::graphql::executor::Executor;
use crate::keys::ApiKeys;
use crate::limits::Limits;
use crate::limits::rates::ConnectionRate;
use crate::metrics::Metrics;
use crate::realtime::connection::Realtime;
use mesh_local::LocalStore;

use pages::{ANY_SERVER, OWN_SERVER_ONLY, Pages};

pub use allowed_origin::{AllowedOrigin, EDITORS, RefusedOrigins};
pub use console::Console;
pub use folder::{Folder, Readers};
pub use hosts::Hosts;
pub use origin::Origins;

/// Everything that requests are served with.
pub struct App {
    /// The operations over the local store.
    pub context: Arc<Context<LocalStore>>,
    /// Runs requests.
    pub executor: Arc<Executor>,
    /// Serves subscriptions.
    pub realtime: Arc<Realtime>,
    /// Serves cloud variables.
    pub cloud_variables: Arc<CloudVariables>,
    /// The keys that serve.
    pub keys: Arc<ApiKeys>,
    /// Whose pages may call.
    pub origins: Origins,
    /// The origins whose refusal was logged.
    pub refused_origins: RefusedOrigins,
    /// Under which names the figures may be asked for.
    pub hosts: Hosts,
    /// The listeners that serve the console.
    pub console: Console,
    /// The operator's files beside the API.
    pub folder: Option<Folder>,
    /// The number of proxies in front of this server that are trusted to say where a call comes from.
    pub trusted_proxies: usize,
    /// Keys of the teacher, who may look at every group and end it.
    pub admin_keys: ApiKeys,
    /// Tells the teacher's boards.
    pub board: Arc<BoardFeed>,
    /// The shares of all clients.
    pub limits: Arc<Limits>,
    /// Counts requests.
    pub metrics: Arc<Metrics>,
}

/// The origin of a request; an extension of every request.
#[derive(Clone)]
pub struct Peer {
    /// The other side of the socket.
    pub address: IpAddr,
    /// `true` if it came in through a loopback listener.
    pub through_loopback: bool,
    /// `true` if it came in over TLS.
    pub over_tls: bool,
    /// `true` if its connection is one more than allowed.
    pub over_limit: bool,
    /// The limits of the connection.
    pub rate: ConnectionRate,
    /// Counts the connection as open while any of its requests, or its WebSocket, lives.
    pub open: Arc<dyn Send + Sync>,
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The page of the board.
#[derive(RustEmbed)]
#[folder = "pages/board"]
struct Board;

/// An example of a node, to try and to read.
#[derive(RustEmbed)]
#[folder = "../../examples/javascript-client/page"]
struct Example;

/// All routes.
pub fn app(app: Arc<App>) -> Router {
    let under_own_names = Router::new()
        .route("/metrics", get(operators::metrics))
        .route("/admin/board", get(admin::board))
        .route("/admin/open", post(admin::open))
        .route("/admin/dissolve", post(admin::dissolve))
        .route("/admin/remove", post(admin::remove))
        .route("/admin/rename", post(admin::rename))
        .merge(console::routes())
        .route("/extension/mesh.js", get(extension::serve))
        .route("/schema.graphql", get(schema::serve))
        .merge(join::page())
        .merge(Pages::new::<Board>(OWN_SERVER_ONLY).routes("/board"))
        .merge(Pages::new::<Example>(ANY_SERVER).routes("/example"))
        .fallback(folder_or_nothing)
        .layer(from_fn_with_state(app.clone(), refuse_foreign_hosts));
    Router::new()
        .route("/graphql", any(graphql_or_upgrade))
        .route("/graphql/realtime", any(graphql_or_upgrade))
        .route("/cloud/{key}", any(cloud_variables::serve))
        .route("/health", get(operators::health))
        .route("/join/enter", any(join::enter))
        .merge(under_own_names)
        .with_state(app)
}

/// Pages and figures are served under the server's own names alone.
async fn refuse_foreign_hosts(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    if app.hosts.admit(request.headers()) { next.run(request).await } else { answer::foreign_host() }
}

/// The answer for every other path.
async fn folder_or_nothing(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    match &app.folder {
        None => answer::nothing_here(),
        Some(folder) => folder.serve(request).await,
    }
}

/// The address that a call comes from: the socket's other side or, behind trusted proxies, what the first
/// of them saw. Returns `None` if the header says less than they must have said.
fn caller(app: &App, peer: &Peer, headers: &HeaderMap) -> Option<IpAddr> {
    if app.trusted_proxies == 0 {
        return Some(peer.address);
    }
    let values = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    client_address(values, app.trusted_proxies)
}

/// Both paths serve both, as clients disagree about where to connect.
async fn graphql_or_upgrade(State(app): State<Arc<App>>, mut request: Request) -> Response<Body> {
    let Some(peer) = request.extensions().get::<Peer>().cloned() else {
        return answer::internal("a request came without its peer");
    };
    let Ok(origin) = app.origins.admit(request.headers(), peer.through_loopback, &app.hosts) else {
        app.refused_origins.note(request.headers());
        body::discard(request.body_mut()).await;
        return answer::foreign_origin();
    };
    let response = if peer.over_limit {
        body::discard(request.body_mut()).await;
        answer::too_many_connections()
    } else if upgrade::is_wanted(&request) {
        upgrade::accept(&app, peer, request)
    } else {
        graphql::serve(&app, &peer, request).await
    };
    origin.allow(response)
}
