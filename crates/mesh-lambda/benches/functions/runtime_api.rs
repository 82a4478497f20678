//! As much of Lambda's Runtime API as a function needs, and of AppSync as it publishes to.
//!
//! Source: Lambda developer guide, "Using the Lambda runtime API for custom runtimes".

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// Serves one function at a time.
#[derive(Clone)]
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::Sender<Bytes>,
    answers: Arc<Mutex<mpsc::Receiver<Answer>>>,
}

/// An answer, and how long its function took for it.
struct Answer {
    path: String,
    body: Bytes,
    took: Duration,
}

struct Shared {
    waiting: Mutex<mpsc::Receiver<Bytes>>,
    answered: mpsc::Sender<Answer>,
    given: std::sync::Mutex<Option<Instant>>,
}

impl RuntimeApi {
    pub(crate) async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, waiting) = mpsc::channel(1);
        let (answered, answers) = mpsc::channel(1);
        let given = std::sync::Mutex::default();
        let shared = Arc::new(Shared { waiting: Mutex::new(waiting), answered, given });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let shared = shared.clone();
                let answer = service_fn(move |request| shared.clone().answer(request));
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { address, events, answers: Arc::new(Mutex::new(answers)) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives the function an event; answers how long it took, from giving it to its answer.
    pub(crate) async fn ask(&self, event: Bytes) -> Duration {
        self.events.send(event).await.unwrap();
        let answer = self.answers.lock().await.recv().await.unwrap();
        let text = String::from_utf8_lossy(&answer.body);
        assert!(
            answer.path.ends_with("/response") && text.starts_with("{\"data\""),
            "{} {text}",
            answer.path
        );
        answer.took
    }
}

impl Shared {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        if path.ends_with("/graphql") {
            return Ok(Response::new(Full::from("{\"data\":{}}")));
        }
        if request.method() == Method::GET {
            return Ok(self.next_event().await);
        }
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let given = self.given.lock().unwrap().take();
        let took = given.map_or(Duration::ZERO, |given| given.elapsed());
        self.answered.send(Answer { path, body, took }).await.unwrap();
        Ok(Response::builder().status(202).body(Full::default()).unwrap())
    }

    async fn next_event(&self) -> Response<Full<Bytes>> {
        let event = self.waiting.lock().await.recv().await.unwrap();
        *self.given.lock().unwrap() = Some(Instant::now());
        Response::builder()
            .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .header("lambda-runtime-deadline-ms", "4102444800000")
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:local:0:function:f")
            .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
            .body(Full::from(event))
            .unwrap()
    }
}
