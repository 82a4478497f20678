//! The client of DynamoDB, made once, with its first connection opened before the first event.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use mesh_dynamodb::timeouts::with_timeouts;

use crate::StartError;
use crate::environment::Environment;

/// The roots that AWS's endpoints lead to, and no others: reading all of a system's takes longer than
/// all else at start.
///
/// Source: Amazon Trust Services, "Repository".
const ROOTS: &str = include_str!("amazon-roots.pem");

const CONNECT_TIME: Duration = Duration::from_secs(1);

/// The longest that the start waits for a first connection.
pub(crate) const OPENING_TIME: Duration = Duration::from_secs(2);

/// Makes HTTP connections to AWS, with TLS by rustls and ring, whose first random number takes no time.
///
/// # Errors
///
/// [`StartError::Client`] if TLS cannot be set up.
pub fn connector() -> Result<SharedHttpConnector, StartError> {
    connector_trusting(ROOTS)
}

/// The same, to whoever has a certificate of these roots, which are PEM.
///
/// # Errors
///
/// [`StartError::Client`] if TLS cannot be set up.
pub fn connector_trusting(roots: &str) -> Result<SharedHttpConnector, StartError> {
    let roots = TrustStore::empty().with_pem_certificate(roots);
    let context = TlsContext::builder()
        .with_trust_store(roots)
        .build()
        .map_err(|error| StartError::Client(error.into()))?;
    let connector = Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIME).build())
        .sleep_impl(TokioSleep::new())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build();
    Ok(SharedHttpConnector::new(connector))
}

/// Region, credentials and endpoint, which every function has in its environment. The SDK's own loader
/// would bring every other place along where they might be.
pub fn configuration(environment: &Environment, connector: &SharedHttpConnector) -> SdkConfig {
    let connector = connector.clone();
    let builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SystemTimeSource::new())
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .region(environment.region().map(Region::new));
    match environment.dynamodb() {
        Some(endpoint) => builder.endpoint_url(endpoint).build(),
        None => builder.build(),
    }
}

/// A client of DynamoDB.
pub fn dynamodb(configuration: &SdkConfig) -> Client {
    Client::from_conf(with_timeouts(configuration.into()).build())
}

/// A client that reaches nothing, for a function that needs no table.
pub fn unreachable() -> Client {
    let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest());
    Client::from_conf(config.build())
}

/// Opens the first connection with a read of an item that is not there: names are looked up, hands
/// shaken and code paths taken while the start has whole processors, which a call with 128 MB has not. It is
/// billed like calls. Whether it works is seen later.
pub async fn open_connection(client: &Client, table: &str) {
    let text = || AttributeValue::S("-".to_owned());
    let read = client.get_item().table_name(table).key("pk", text()).key("sk", text()).send();
    let _ = tokio::time::timeout(OPENING_TIME, read).await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_roots_are_taken() {
        super::connector().unwrap();
    }
}
