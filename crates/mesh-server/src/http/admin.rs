//! Answers for the teacher's board: a stream of what happens in all groups, the group whose values are in it, the end
//! of a group, a node's name and its leaving.
//!
//! The admin key comes in a header of its own, which no page of another origin can send: nothing here
//! answers a preflight.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};
use futures_util::StreamExt;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::{Error, ErrorType, limits};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{App, Peer, answer, caller};
use crate::board;

const ADMIN_KEY: HeaderName = HeaderName::from_static("x-admin-key");
const MAX_BODY_BYTES: usize = 4 << 10;

/// GET /admin/board: server-sent events, each a `BoardUpdate` as JSON.
pub(super) async fn board(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response<Body> {
    if !is_admin(&app, &headers) {
        return answer::unauthorized();
    }
    let address = caller(&app, &peer, &headers).unwrap_or(peer.address);
    let Some(events) = board::follow(app.board.clone(), address) else {
        return answer::too_many_boards();
    };
    let mut response = Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A board and the group that it shows, in bodies.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenBody {
    board: u64,
    /// None while it shows all groups.
    group_id: Option<Id>,
}

/// POST /admin/open with `{board, groupId}`: the values of this group are in the board's stream from now on, and those of
/// no other.
pub(super) async fn open(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let OpenBody { board, group_id } =
        match body_of_admin(&app, request, "The body must be {board, groupId}").await {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
    if app.board.registry.open_group(board, group_id) { done(Ok(())) } else { answer::no_such_board() }
}

/// A group, in bodies.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupBody {
    group_id: Id,
    domain: Domain,
}

/// A node of a group, in bodies.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeBody {
    #[serde(flatten)]
    group: GroupBody,
    node_id: Id,
}

impl From<GroupBody> for GroupKey {
    fn from(GroupBody { group_id, domain }: GroupBody) -> Self {
        Self { id: group_id, domain }
    }
}

/// POST /admin/dissolve with `{groupId, domain}`: the teacher ends a group.
pub(super) async fn dissolve(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let group: GroupBody = match body_of_admin(&app, request, "The body must be {groupId, domain}").await {
        Ok(group) => group,
        Err(refusal) => return refusal,
    };
    done(app.context.store.end_group(app.context.now(), &group.into()).await)
}

/// POST /admin/remove with `{groupId, domain, nodeId}`: the teacher takes a node out of its group.
pub(super) async fn remove(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let named: NodeBody =
        match body_of_admin(&app, request, "The body must be {groupId, domain, nodeId}").await {
            Ok(named) => named,
            Err(refusal) => return refusal,
        };
    let NodeBody { group, node_id } = named;
    done(app.context.store.remove_node(app.context.now(), &group.into(), &node_id).await)
}

/// A node of a group and its new name, in bodies.
#[derive(Deserialize)]
struct NewName {
    #[serde(flatten)]
    node: NodeBody,
    name: Arc<str>,
}

/// POST /admin/rename with `{groupId, domain, nodeId, name}`: the teacher gives a member another name.
pub(super) async fn rename(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let expected = "The body must be {groupId, domain, nodeId, name}";
    let NewName { node, name } = match body_of_admin(&app, request, expected).await {
        Ok(named) => named,
        Err(refusal) => return refusal,
    };
    if let Err(refusal) = limits::node_name(Some(&name)) {
        return done(Err(refusal));
    }
    let NodeBody { group, node_id } = node;
    done(app.context.store.rename_node(app.context.now(), &group.into(), &node_id, name).await)
}

/// The body of a request that has the admin key.
async fn body_of_admin<T: DeserializeOwned>(
    app: &App,
    request: Request,
    expected: &str,
) -> Result<T, Response<Body>> {
    if !is_admin(app, request.headers()) {
        return Err(answer::unauthorized());
    }
    let Ok(body) = to_bytes(request.into_body(), MAX_BODY_BYTES).await else {
        return Err(answer::too_large());
    };
    serde_json::from_slice(&body)
        .map_err(|_| answer::error(StatusCode::BAD_REQUEST, ErrorType::BadRequestException, expected))
}

fn done(result: mesh_core::Result<()>) -> Response<Body> {
    match result {
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Err(Error::Store(detail)) => answer::internal(&detail.to_string()),
        Err(error) => answer::error(StatusCode::CONFLICT, error.error_type(), &error.to_string()),
    }
}

fn is_admin(app: &App, headers: &HeaderMap) -> bool {
    headers.get(ADMIN_KEY).is_some_and(|key| app.admin_keys.admits(key.as_bytes()))
}
