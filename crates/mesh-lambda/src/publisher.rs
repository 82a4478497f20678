//! Publishing recorded calls: AppSync publishes what a mutation answers, so the function calls the
//! mutation `publishEventsByNode`, which only its role may.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use mesh_core::error::StoreFailure;
use mesh_core::model::{BatchEvent, Content, MeshMessage};
use mesh_dynamodb::Publisher;
use mesh_dynamodb::timeouts::TRIES;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::StartError;
use crate::client::OPENING_TIME;

/// Selects every field of a message: subscribers get what is selected here.
const MUTATION: &str = "mutation Publish($groupId: ID!, $domain: String!, $nodeId: ID!, \
    $events: [PublishedEventInput!]!, $timestamp: AWSDateTime!) { \
    publishEventsByNode(groupId: $groupId, domain: $domain, nodeId: $nodeId, events: $events, \
    timestamp: $timestamp) { \
    groupId domain nodeStatus { nodeId groupId domain data { key value } timestamp } \
    batchEvent { events { name firedByNodeId groupId domain payload timestamp cursor orderKey } \
    firedByNodeId groupId domain timestamp } groupDissolve { groupId domain message } } }";

const TRY_TIME: Duration = Duration::from_millis(1_200);
const PAUSE: Duration = Duration::from_millis(100);

/// Makes a connector, which opens connections of its own.
type Connect = Box<dyn Fn() -> Result<SharedHttpConnector, StartError> + Send + Sync>;

/// Calls the API, signed by the function's role.
pub struct AppSyncPublisher {
    endpoint: String,
    region: String,
    credentials: SharedCredentialsProvider,
    connect: Connect,
    connector: Mutex<SharedHttpConnector>,
}

/// Why a try to publish failed.
enum Failed {
    /// Nobody answered: the next try may work, on another connection.
    Unanswered(StoreFailure),
    /// The next try may work.
    ForNow(StoreFailure),
    /// The API refuses it.
    ForGood(StoreFailure),
}

/// An answer of the API, as far as it matters here.
#[derive(Deserialize)]
struct Answer {
    errors: Option<Vec<GraphqlError>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GraphqlError {
    error_type: Option<String>,
}

impl AppSyncPublisher {
    /// A publisher to the API at `endpoint`, on connectors that `connect` makes.
    ///
    /// # Errors
    ///
    /// [`StartError::Client`] if `connect` fails, or the configuration has no region or credentials.
    pub fn new(
        endpoint: &str,
        configuration: &SdkConfig,
        connect: impl Fn() -> Result<SharedHttpConnector, StartError> + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let missing = |what: &str| StartError::Client(format!("the environment has no {what}").into());
        Ok(Self {
            endpoint: endpoint.to_owned(),
            region: configuration.region().ok_or_else(|| missing("region"))?.to_string(),
            credentials: configuration.credentials_provider().ok_or_else(|| missing("credentials"))?,
            connector: Mutex::new(connect()?),
            connect: Box::new(connect),
        })
    }

    /// Opens the first connection while the function starts, with a preflight: it asks for nothing.
    /// Whether it works is seen later.
    pub async fn open_connection(&self) {
        let mut preflight = HttpRequest::new(SdkBody::empty());
        if preflight.set_method("OPTIONS").and(preflight.set_uri(self.endpoint.as_str())).is_ok() {
            let answer = self.connector().call(preflight);
            let _ = tokio::time::timeout(OPENING_TIME, answer).await;
        }
    }

    fn connector(&self) -> SharedHttpConnector {
        self.connector.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves the connections behind. One that died while Lambda had frozen this process looks alive, and
    /// HTTP/2 would send every try on it.
    fn reconnect(&self) {
        if let Ok(connector) = (self.connect)() {
            *self.connector.lock().unwrap_or_else(PoisonError::into_inner) = connector;
        }
    }

    async fn publish_batch(&self, batch: &BatchEvent) -> Result<(), StoreFailure> {
        let body = json!({ "query": MUTATION, "variables": variables(batch) }).to_string();
        let mut tries = 1;
        loop {
            let sent = tokio::time::timeout(TRY_TIME, self.send(&body));
            let failed = sent.await.unwrap_or_else(|_| Err(Failed::Unanswered("no answer in time".into())));
            match failed {
                Ok(()) => return Ok(()),
                Err(Failed::Unanswered(_)) if tries < TRIES => self.reconnect(),
                Err(Failed::ForNow(_)) if tries < TRIES => {}
                Err(Failed::Unanswered(failure) | Failed::ForNow(failure) | Failed::ForGood(failure)) => {
                    return Err(format!("publishEventsByNode: {failure}").into());
                }
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, body: &str) -> Result<(), Failed> {
        let request = self.signed(body).await.map_err(Failed::ForGood)?;
        let answer = self.connector().call(request).await;
        let answer = answer.map_err(|error| Failed::Unanswered(error.into()))?;
        let status = answer.status().as_u16();
        if status == 429 || status >= 500 {
            return Err(Failed::ForNow(format!("status {status}").into()));
        }
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| Failed::Unanswered(error.into()))?.into_bytes();
        let errors = match serde_json::from_slice(&body) {
            Ok(Answer { errors }) if status == 200 => errors.unwrap_or_default(),
            _ => return Err(Failed::ForGood(format!("status {status}").into())),
        };
        match errors.into_iter().next() {
            None => Ok(()),
            // The text may repeat the request, so only the type is kept.
            Some(GraphqlError { error_type }) => {
                Err(Failed::ForGood(error_type.unwrap_or_else(|| "an error".to_owned()).into()))
            }
        }
    }

    /// The request with its signature.
    ///
    /// Source: IAM user guide, "AWS Signature Version 4 for API requests".
    async fn signed(&self, body: &str) -> Result<HttpRequest, StoreFailure> {
        let identity = self.credentials.provide_credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("appsync")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [("content-type", "application/json")];
        let signable = SignableRequest::new(
            "POST",
            &self.endpoint,
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (signature, _) = sign(signable, &parameters)?.into_parts();
        let mut request = HttpRequest::new(body.into());
        request.set_method("POST")?;
        request.set_uri(self.endpoint.as_str())?;
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }
}

impl Publisher for AppSyncPublisher {
    fn publish<'a>(
        &'a self,
        message: &'a MeshMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreFailure>> + Send + 'a>> {
        Box::pin(async move {
            match &message.content {
                Content::BatchEvent(batch) => self.publish_batch(batch).await,
                // Nothing else is recorded.
                Content::NodeStatus(_) | Content::GroupDissolve(_) => Ok(()),
            }
        })
    }
}

fn variables(batch: &BatchEvent) -> Value {
    let event = |(index, event): (usize, &mesh_core::model::Event)| {
        json!({
            "name": event.name,
            "firedByNodeId": batch.fired_by,
            "payload": event.payload,
            "timestamp": event.fired_at,
            "cursor": batch.cursor_behind(index, None).map(|cursor| cursor.to_string()),
            "orderKey": event.order_key,
        })
    };
    json!({
        "groupId": batch.group.id,
        "domain": batch.group.domain,
        "nodeId": batch.fired_by,
        "events": batch.events.iter().enumerate().map(event).collect::<Vec<_>>(),
        "timestamp": batch.timestamp,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_core::model::MessageFields;

    #[test]
    fn every_field_is_selected() {
        let selection = MUTATION.split_once("timestamp: $timestamp)").unwrap().1;
        let words: Vec<_> =
            selection.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let mut names: Vec<_> = mesh_appsync::message_fields::paths(MessageFields::ALL)
            .map(|path| path.rsplit('/').next().unwrap())
            .collect();
        let mut selected = words.clone();
        names.sort_unstable();
        selected.sort_unstable();
        assert_eq!(selected, names);
    }
}
