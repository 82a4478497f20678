//! What the teacher's board asks for: a stream of what happens in all groups, and the end of a group.
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
use mesh_core::id::{Domain, Id};
use mesh_core::model::MessageFields;
use mesh_core::operations::{DissolveGroup, Operation};
use mesh_core::{Error, ErrorType};
use serde::Deserialize;

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dissolve {
    group_id: Id,
    domain: Domain,
    host_id: Id,
}

/// POST /admin/dissolve with `{groupId, domain, hostId}`: what the group's host could do as well.
pub(super) async fn dissolve(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if !is_admin(&app, request.headers()) {
        return answer::unauthorized();
    }
    let Ok(body) = to_bytes(request.into_body(), MAX_BODY_BYTES).await else { return answer::too_large() };
    let Ok(Dissolve { group_id, domain, host_id }) = serde_json::from_slice(&body) else {
        let message = "The body must be {groupId, domain, hostId}";
        return answer::error(StatusCode::BAD_REQUEST, ErrorType::BadRequestException, message);
    };
    let dissolve = DissolveGroup { group_id, domain, host_id, fields: MessageFields::ALL };
    match dissolve.run(&app.context).await {
        Ok(_) => {
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
