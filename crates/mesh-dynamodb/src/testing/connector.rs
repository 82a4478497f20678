//! An HTTP client of the SDK that leads to an engine in this process.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;

use super::engine::{Answer, Engine};
use super::faults::{self, Fault, Faults, Request};

/// Leads requests to an engine in this process.
struct Connector {
    engine: Engine,
    faults: Arc<dyn Faults>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

pub(super) fn client(engine: Engine, faults: Arc<dyn Faults>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector { engine, faults });
    http_client_fn(move |_, _| connector.clone())
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (engine, faults) = (self.engine.clone(), self.faults.clone());
        HttpConnectorFuture::new(async move {
            // The engine never waits; without this one task would go on until it is done.
            tokio::task::yield_now().await;
            let request = read(&request)
                .ok_or_else(|| ConnectorError::user("the request is none of DynamoDB's".into()))?;
            let fault = faults.meet(&request);
            if let Fault::Late(turns) = fault {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
            match faults::answer(&engine, request, fault) {
                Some(answer) => write(answer),
                None => std::future::pending().await,
            }
        })
    }
}

fn read(request: &HttpRequest) -> Option<Request> {
    let operation = request.headers().get("x-amz-target")?.rsplit('.').next()?.to_owned();
    let json = serde_json::from_slice(request.body().bytes()?).ok()?;
    Some(Request { operation, json })
}

fn write(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(answer.status).map_err(|error| ConnectorError::user(error.into()))?;
    let mut response = HttpResponse::new(status, answer.body.into());
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(response)
}
