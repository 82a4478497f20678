//! An engine over HTTP, for functions in processes of their own.

use std::convert::Infallible;
use std::io;

use http_body_util::{BodyExt, Collected, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::engine::{Answer, Engine, refusal};

/// Serves an engine over HTTP until the listener fails, for functions in processes of their own.
///
/// # Errors
///
/// The listener's failure.
pub async fn serve(listener: TcpListener, engine: Engine) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let engine = engine.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(engine.clone(), request));
            // A connection that breaks is its client's matter.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer(engine: Engine, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.rsplit('.').next()).map(str::to_owned);
    let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
    let Answer { status, body } = match (operation, serde_json::from_slice(&body)) {
        (Some(operation), Ok(json)) => engine.answer(&operation, json),
        _ => refusal(400, "SerializationException"),
    };
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    Ok(response.body(Full::from(body)).expect("the status is a valid one"))
}
