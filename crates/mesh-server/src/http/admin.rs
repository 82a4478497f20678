//! Answers for the teacher's board: a stream of what happens in all groups, the end of a group, a node's name
//! and its leaving.
//!
//! The admin key comes in a header of its own, which no page of another origin can send: nothing here
//! answers a preflight.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::poll_fn;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::{Error, ErrorType, limits};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{App, answer};
use crate::board;

const ADMIN_KEY: HeaderName = HeaderName::from_static("x-admin-key");
const MAX_BODY_BYTES: usize = 4 << 10;

/// GET /admin/board: server-sent events, each a frame as JSON.
pub(super) async fn board(State(app): State<Arc<App>>, headers: HeaderMap) -> Response<Body> {
    if !is_admin(&app, &headers) {
        return answer::unauthorized();
    }
    let Some(mut frames) = board::follow(app.board.clone()) else {
        return answer::too_many_boards();
    };
    let events = poll_fn(move |context| {
        frames
            .poll_recv(context)
            .map(|frame| frame.map(|json| Ok::<_, Infallible>(Event::default().data(json))))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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
