//! The console at `/`: `GraphiQL` with the operations of a lesson. Its sources are in `console/`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use rust_embed::RustEmbed;

use super::pages::Pages;
use super::{App, Peer, answer, folder_or_nothing};

/// The lesson, in the order in which the console offers it.
const QUERIES: &str = include_str!("../../../../docs/queries.graphql");

/// `GraphiQL`'s libraries put style elements into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The listeners that serve the console. It shows nothing without a key, but pupils need not find it either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// To who comes in through a loopback listener.
    OnLoopback,
    /// To all.
    On,
    /// To nobody.
    Off,
}

impl Console {
    /// Returns `true` if a client gets it that comes in through a listener, loopback or not.
    pub fn is_served(self, through_loopback: bool) -> bool {
        self == Self::On || self == Self::OnLoopback && through_loopback
    }
}

#[derive(RustEmbed)]
#[folder = "pages/console"]
struct Folder;

pub(super) fn routes() -> Router<Arc<App>> {
    let pages = Pages::new::<Folder>(POLICY);
    let (first, index) = (pages.clone(), pages.clone());
    Router::new()
        .route("/", get(move |app, request| first_page(app, first, request)))
        .route("/console", get(async || moved_to("/console/")))
        .route(
            "/console/",
            get(async move |State(app): State<Arc<App>>, request: Request| {
                serve(&app, &index, "index.html", &request)
            }),
        )
        .route("/console/queries.graphql", get(queries))
        .route(
            "/console/{*file}",
            get(async move |State(app): State<Arc<App>>, Path(file): Path<String>, request: Request| {
                serve(&app, &pages, &file, &request)
            }),
        )
}

/// A page that the operator has for `/` is wanted there. Without one, this machine gets the console, and pupils get
/// the page where they come in.
async fn first_page(State(app): State<Arc<App>>, index: Pages, request: Request) -> Response<Body> {
    match &app.folder {
        Some(folder) if folder.has_index().await => folder_or_nothing(State(app), request).await,
        _ if !app.console.is_served(through_loopback(&request)) => moved_to("/join/"),
        _ => serve(&app, &index, "index.html", &request),
    }
}

fn through_loopback(request: &Request) -> bool {
    request.extensions().get::<Peer>().is_some_and(|peer| peer.through_loopback)
}

/// Browsers would keep a permanent one, and a later server may have another first page.
fn moved_to(place: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(place));
    response
}

fn serve(app: &App, pages: &Pages, file: &str, request: &Request) -> Response<Body> {
    let through_loopback = through_loopback(request);
    if app.console.is_served(through_loopback) { pages.serve(file, request) } else { answer::nothing_here() }
}

async fn queries() -> Response<Body> {
    let mut response = Response::new(Body::from(QUERIES));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
