//! Pages that are part of the binary: the files of a folder under `pages/`, served under one path.
//!
//! A page of ours loads nothing from elsewhere, and no page of others can frame or read it. Browsers ask
//! at each visit whether their copy is still the newest, so a newer binary is a newer page.

pub(super) mod asset;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use rust_embed::RustEmbed;

use super::answer;
use asset::Asset;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The policy of a page that needs nothing but its own server. Start of a page's own policy too.
pub(super) const OWN_SERVER_ONLY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The policy of a page that also speaks to servers elsewhere, which its user names.
pub(super) const ANY_SERVER: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self' https: http: wss: ws:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The files of one folder.
#[derive(Clone)]
pub(super) struct Pages {
    assets: Arc<BTreeMap<String, Asset>>,
    policy: &'static str,
}

impl Pages {
    /// The files of `Folder` under the content security policy `policy`.
    pub(super) fn new<Folder: RustEmbed>(policy: &'static str) -> Self {
        let asset = |path: std::borrow::Cow<'static, str>| {
            Folder::get(&path).map(|file| (path.to_string(), Asset::new(&path, file)))
        };
        Self { assets: Arc::new(Folder::iter().filter_map(asset).collect()), policy }
    }

    /// Serves the folder under `path`, which has no slash at its end; its index.html under `path/`.
    pub(super) fn routes<S: Clone + Send + Sync + 'static>(&self, path: &'static str) -> Router<S> {
        let (index, files) = (self.clone(), self.clone());
        let folder = format!("{path}/");
        // Links in a page are relative to its folder.
        let moved = HeaderValue::try_from(&folder).unwrap_or(HeaderValue::from_static("/"));
        Router::new()
            .route(path, get(move || async move { moved_to(moved) }))
            .route(&folder, get(async move |request: Request| index.serve("index.html", &request)))
            .route(
                &format!("{folder}{{*file}}"),
                get(async move |Path(file): Path<String>, request: Request| files.serve(&file, &request)),
            )
    }

    /// Serves one file.
    pub(super) fn serve(&self, file: &str, request: &Request) -> Response<Body> {
        let Some(asset) = self.assets.get(file) else { return answer::no_such_page() };
        let mut response = asset.serve(request.headers());
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.policy));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        response
    }
}

fn moved_to(place: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, place);
    response
}
