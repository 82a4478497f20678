//! The entrance for pupils: a page that asks for the board's code, and the answer that gives the key for it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{Method, Response, StatusCode};
use mesh_core::ErrorType;
use mesh_core::id::Id;
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use super::pages::{OWN_SERVER_ONLY, Pages};
use super::{App, Peer, answer, caller, origin};
use crate::join::Refusal;

/// A code and what JSON needs around it.
const MAX_BODY_BYTES: usize = 1 << 10;
/// The page of a lesson, beside this server or in the operator's folder.
const EXAMPLE: &str = "/example/";
const FOLDER: &str = "/";

#[derive(RustEmbed)]
#[folder = "pages/join"]
struct Folder;

/// The page that asks for the code.
pub(super) fn page() -> Router<Arc<App>> {
    Pages::new::<Folder>(OWN_SERVER_ONLY).routes("/join")
}

#[derive(Deserialize)]
struct Entering {
    code: String,
}

#[derive(Serialize)]
struct Entered<'a> {
    key: &'a str,
    /// The only group that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<OnlyGroup<'a>>,
    /// The page that key and group are for.
    page: &'static str,
}

#[derive(Serialize)]
struct OnlyGroup<'a> {
    id: &'a Id,
    domain: &'a str,
    name: &'a str,
}

/// POST /join/enter with `{code}`: `{key, group?, page}`; 404 for a wrong code, 429 after too many of them.
pub(super) async fn enter(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let Some(peer) = request.extensions().get::<Peer>().cloned() else {
        return answer::internal("a request came without its peer");
    };
    let Ok(origin) = app.origins.admit(request.headers(), peer.through_loopback, &app.hosts) else {
        app.refused_origins.note(request.headers());
        return answer::foreign_origin();
    };
    let response = match *request.method() {
        Method::OPTIONS => origin::preflight(request.headers(), "POST, OPTIONS"),
        Method::POST => post(&app, &peer, request).await,
        _ => answer::method_not_allowed(),
    };
    origin.allow(response)
}

async fn post(app: &App, peer: &Peer, request: Request) -> Response<Body> {
    let address = caller(app, peer, request.headers()).unwrap_or(peer.address);
    let Ok(body) = to_bytes(request.into_body(), MAX_BODY_BYTES).await else { return answer::too_large() };
    let Ok(Entering { code }) = serde_json::from_slice(&body) else {
        return answer::error(
            StatusCode::BAD_REQUEST,
            ErrorType::BadRequestException,
            "The body must be {code}",
        );
    };
    let now = app.context.now();
    match app.board.join.check(&code, address, now.wall, app.board.registry.is_watched()) {
        Ok(()) => {}
        Err(Refusal::Wrong) => {
            return answer::error(
                StatusCode::NOT_FOUND,
                ErrorType::CodeNotFound,
                "This is not the code on the board.",
            );
        }
        Err(Refusal::TooOften) => return answer::too_many_codes(),
    }
    let group = app.context.store.only_group(now).await.ok().flatten();
    let page = match &app.folder {
        Some(folder) if folder.has_index().await => FOLDER,
        _ => EXAMPLE,
    };
    let entered = Entered {
        key: app.keys.first(),
        group: group.as_ref().map(|group| OnlyGroup {
            id: &group.key.id,
            domain: group.key.domain.as_str(),
            name: &group.name,
        }),
        page,
    };
    let Ok(json) = serde_json::to_vec(&entered) else {
        return answer::internal("an answer could not be written");
    };
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, answer::JSON);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
