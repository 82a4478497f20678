//! Queries by GET, as urql and others send short ones: `?query=&variables=&operationName=`.
//!
//! They change nothing, and need the key as a header: no link and no picture of a foreign page can send that, and no
//! answer may be kept, since the next one is another. Source: the draft "GraphQL over HTTP", "GET".

use std::borrow::Cow;
use std::time::Instant;

use axum::body::Body;
use axum::http::Response;
use axum::http::header::{CACHE_CONTROL, HeaderValue, ORIGIN};
use axum::http::request::Parts;

use super::super::{App, Peer, answer};
use super::{Refusal, admit_bytes, authorised, garbage, prepare, refuse, run};
use crate::graphql::request::{Request as GraphqlRequest, RequestError, mend_surrogates};

pub(super) async fn get(app: &App, peer: &Peer, request: &Parts) -> Response<Body> {
    // Browsers send no origin with a GET to the page's own, so its name must tell whose page it is.
    if !request.headers.contains_key(ORIGIN) && !app.hosts.admit(&request.headers) {
        return answer::foreign_host();
    }
    let mut response = answered(app, peer, request).await.unwrap_or_else(|refusal| *refusal);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answered(app: &App, peer: &Peer, request: &Parts) -> Result<Response<Body>, Refusal> {
    let began = Instant::now();
    let address = authorised(app, peer, &request.headers)?;
    let text = request.uri.query().unwrap_or_default();
    admit_bytes(app, peer, address, text.len()).map_err(|too_much| Box::new(refuse(app, too_much)))?;
    let fields = Fields::of(text);
    let meter = app.limits.rates.meter(address, &peer.rate);
    let prepared = prepare(app, address, fields.request(), &meter).await?;
    if prepared.is_mutation() {
        return Err(garbage(app, address).unwrap_or_else(answer::mutation_by_get).into());
    }
    app.executor
        .admit(address, &prepared, text.len())
        .map_err(|too_much| Box::new(answer::too_much(too_much)))?;
    let hold = app.limits.buffers.hold(address);
    Ok(run(app, prepared, hold, &meter, began).await)
}

/// The fields of a request, decoded; others, as `extensions`, are not read.
#[derive(Default)]
struct Fields<'a> {
    query: Option<Cow<'a, str>>,
    variables: Option<bytes::Bytes>,
    operation_name: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty()) {
            match &*name {
                "query" => fields.query = Some(value),
                "variables" => fields.variables = Some(mend_surrogates(value.into_owned().into())),
                "operationName" => fields.operation_name = Some(value),
                _ => {}
            }
        }
        fields
    }

    fn request(&self) -> Result<GraphqlRequest<'_>, RequestError> {
        let query = self.query.as_deref().ok_or(RequestError::Bad("The address must have a query"))?;
        let variables = self.variables.as_deref().map(std::str::from_utf8).transpose();
        let variables = variables.map_err(|_| RequestError::Malformed)?;
        GraphqlRequest::of_parts(query, variables, self.operation_name.as_deref())
    }
}
