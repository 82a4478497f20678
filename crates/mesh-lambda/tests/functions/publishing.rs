//! Recorded calls reach subscribers through the API, signed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mesh_lambda::client::connector;
use mesh_lambda::publisher::AppSyncPublisher;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::signature::signature;
use super::{Functions, event, store};

const REGION: &str = "ap-northeast-1";

/// A request that arrived.
struct Arrived {
    headers: BTreeMap<String, String>,
    body: Bytes,
}

/// An API that answers as it is told.
#[derive(Clone, Default)]
struct Api {
    /// The next answers, the last one first; behind them all is well.
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Api {
    /// Serves on a port of its own; answers the URL.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let api = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let api = api.clone();
                let answer = service_fn(move |request| api.clone().answer(request));
                let serve = hyper::server::conn::http1::Builder::new();
                tokio::spawn(serve.serve_connection(TokioIo::new(stream), answer));
            }
        });
        url
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/graphql"));
        let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        self.arrived.lock().unwrap().push(Arrived { headers, body });
        let well = (200, json!({ "data": { "publishEventsByNode": {} } }));
        let (status, answer) = self.answers.lock().unwrap().pop().unwrap_or(well);
        Ok(Response::builder().status(status).body(Full::from(answer.to_string())).unwrap())
    }

    fn arrived(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.arrived.lock().unwrap())
    }

    fn will_answer(&self, answers: &[(u16, Value)]) {
        *self.answers.lock().unwrap() = answers.iter().rev().cloned().collect();
    }
}

/// Region and credentials.
pub(crate) fn configuration() -> SdkConfig {
    let credentials =
        Credentials::new("AKIDEXAMPLE", "the secret key", Some("the token".into()), None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

async fn functions(api: &Api) -> Functions {
    let publisher = AppSyncPublisher::new(&api.serve().await, &configuration(), connector).unwrap();
    Functions::over(store().await.publishing_to(Arc::new(publisher)))
}

/// A group with a member that records, and the event by which it does.
pub(crate) async fn recording(functions: &Functions) -> Value {
    let id = functions.data("create-group.json", &[]).await["id"].clone();
    functions.data("join-group.json", &[("groupId", &id)]).await;
    let mut record = event("record-events-by-node.json");
    record["arguments"]["groupId"] = id;
    record
}

#[tokio::test]
async fn a_recorded_call_is_published_once() {
    let api = Api::default();
    let functions = functions(&api).await;
    let record = recording(&functions).await;
    let recorded = functions.answer(&record).await;
    assert_eq!(recorded["data"]["recordedCount"], 2, "{recorded}");
    let arrived = api.arrived();
    assert_eq!(arrived.len(), 1);
    let Arrived { headers, body } = &arrived[0];
    assert_eq!(headers["x-amz-security-token"], "the token");
    let given = headers["authorization"].rsplit("Signature=").next().unwrap();
    assert_eq!(given, signature("/graphql", headers, body, REGION, "the secret key"));

    let body: Value = serde_json::from_slice(body).unwrap();
    let variables = &body["variables"];
    for name in ["groupId", "domain", "nodeId"] {
        assert_eq!(variables[name], record["arguments"][name]);
    }
    let (first, second) = (&variables["events"][0], &variables["events"][1]);
    assert_eq!((&first["name"], &first["payload"]), (&json!("start"), &Value::Null));
    assert_eq!((&second["name"], &second["payload"]), (&json!("jump"), &json!("high")));
    assert_eq!(second["timestamp"], "2026-11-23T09:30:15.123Z");
    assert_eq!(variables["timestamp"], "2026-11-23T09:00:00.000Z");
    let polled = functions
        .data("get-events-since.json", &[("groupId", &record["arguments"]["groupId"]), ("since", &json!(""))])
        .await;
    assert_eq!(polled[1]["cursor"], second["cursor"]);

    assert_eq!(functions.answer(&record).await, recorded);
    assert!(api.arrived().is_empty(), "a repeated call is not published again");
}

#[tokio::test]
async fn publishing_is_tried_three_times() {
    let api = Api::default();
    let functions = functions(&api).await;
    let record = recording(&functions).await;
    api.will_answer(&[(500, json!({})), (429, json!({}))]);
    assert_eq!(functions.answer(&record).await["data"]["recordedCount"], 2);
    assert_eq!(api.arrived().len(), 3);
}

#[tokio::test]
async fn what_was_not_published_is_published_by_the_next_try() {
    let api = Api::default();
    let functions = functions(&api).await;
    let record = recording(&functions).await;
    let refused = json!({ "data": null, "errors": [{ "errorType": "Unauthorized", "message": "no" }] });
    for answers in [vec![(503, json!({})); 3], vec![(200, refused)], vec![(403, json!({}))]] {
        api.will_answer(&answers);
        let error = functions.answer(&record).await["error"].clone();
        assert_eq!(error["type"], "InternalFailure");
        assert_eq!(error["message"], "The events were recorded, but not published yet: try again");
        assert_eq!(api.arrived().len(), answers.len());
    }
    functions.clock.advance_seconds(3);
    assert_eq!(functions.answer(&record).await["data"]["recordedCount"], 2);
    let arrived = api.arrived();
    assert_eq!(arrived.len(), 1);
    let body: Value = serde_json::from_slice(&arrived[0].body).unwrap();
    assert_eq!(body["variables"]["timestamp"], "2026-11-23T09:00:00.000Z", "when it was recorded");
    let events = functions
        .data("get-events-since.json", &[("groupId", &record["arguments"]["groupId"]), ("since", &json!(""))])
        .await;
    assert_eq!(events.as_array().unwrap().len(), 2, "recorded once");
    assert_eq!(events[0]["cursor"], body["variables"]["events"][0]["cursor"]);
    functions.answer(&record).await;
    assert!(api.arrived().is_empty());
}
