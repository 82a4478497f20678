//! A folder of the operator's, served beside the API: a build of an editor, say, as pages on public
//! https cannot dependably reach a machine of the local network.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Method, Response, StatusCode};
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, DefaultServeDirFallback, TokioBackend};
use tower_service::Service as _;

use super::answer;

/// The files in the folder of `--static`, but for files whose name begins with a dot and for links that
/// lead out of it.
#[derive(Clone)]
pub struct Folder {
    files: ServeDir<DefaultServeDirFallback, Inside>,
    inside: Inside,
    readers: Readers,
}

/// Whose pages may read the files of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// The server's own: other pages can only show pictures and run plain scripts, as everywhere.
    OwnPages,
    /// All: to import modules, or to load a project, from elsewhere.
    AllPages,
}

impl Folder {
    /// Serves the folder at `path` to these pages; an error if there is none.
    ///
    /// # Errors
    ///
    /// It is no folder, or it cannot be read.
    pub fn open(path: &Path, readers: Readers) -> io::Result<Self> {
        let folder: Arc<Path> = path.canonicalize()?.into();
        if !folder.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let inside = Inside { folder: folder.clone() };
        let files = ServeDir::with_backend(folder, inside.clone());
        Ok(Self { files: files.precompressed_br().precompressed_gzip(), inside, readers })
    }

    /// Returns `true` if it has a page for `/`.
    pub(super) async fn has_index(&self) -> bool {
        let index = self.inside.folder.join("index.html");
        self.inside.metadata(index).await.is_ok_and(|index| index.is_file())
    }

    /// Serves one file, or a folder's index.html.
    pub(super) async fn serve(&self, request: Request) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return answer::nothing_here();
        }
        let served: Result<_, Infallible> = self.files.clone().call(request).await;
        let Ok(response) = served;
        if response.status() == StatusCode::NOT_FOUND {
            return answer::nothing_here();
        }
        let mut response = response.map(Body::new);
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Browsers ask whether theirs is the newest: a new build is seen at the next visit.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if self.readers == Readers::AllPages {
            answer::readable_by_all(headers);
        }
        response
    }
}

/// The file system, as far as it lies inside of a folder.
#[derive(Clone)]
struct Inside {
    folder: Arc<Path>,
}

type Pending<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Inside {
    /// The target of a path when all links are followed; not found if that is nothing to be served.
    async fn resolve(self, path: PathBuf) -> io::Result<PathBuf> {
        // A name too long for the file system, or a link that leads to itself, is no file either.
        let target = tokio::fs::canonicalize(&path).await.map_err(|_| io::ErrorKind::NotFound)?;
        let is_served = |path: &Path| {
            let inside = path.strip_prefix(&self.folder);
            inside.is_ok_and(|inside| !inside.iter().any(|name| name.as_encoded_bytes().starts_with(b".")))
        };
        if is_served(&path) && is_served(&target) { Ok(target) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

impl Backend for Inside {
    type File = <TokioBackend as Backend>::File;
    type Metadata = <TokioBackend as Backend>::Metadata;
    type OpenFuture = Pending<Self::File>;
    type MetadataFuture = Pending<Self::Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let inside = self.clone();
        Box::pin(async move { TokioBackend.open(inside.resolve(path).await?).await })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let inside = self.clone();
        Box::pin(async move { TokioBackend.metadata(inside.resolve(path).await?).await })
    }
}
