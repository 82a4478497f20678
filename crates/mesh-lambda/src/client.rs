//! The client of DynamoDB, made once, with its first connection opened before the first event.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use mesh_dynamodb::config::patience;

use crate::StartError;

/// The roots that AWS's endpoints lead to, and no others: reading all of a system's takes longer than
/// all else at start.
///
/// Source: Amazon Trust Services, "Repository".
const ROOTS: &str = include_str!("amazon-roots.pem");

const CONNECT_TIME: Duration = Duration::from_secs(1);

/// How long the start waits for the first connection.
const OPENING_TIME: Duration = Duration::from_secs(2);

/// Makes HTTP connections with TLS by rustls and ring, whose first random number takes no time.
pub fn connector() -> Result<SharedHttpConnector, StartError> {
    let roots = TrustStore::empty().with_pem_certificate(ROOTS);
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

/// Region, credentials and endpoints, from the environment as in every function.
pub async fn configuration(connector: &SharedHttpConnector) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(client_of(connector)).load().await
}

/// A client of DynamoDB.
pub fn dynamodb(configuration: &SdkConfig) -> Client {
    Client::from_conf(patience(configuration.into()).build())
}

/// A client that reaches nothing, for a function that needs no table.
pub fn unreachable() -> Client {
    let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest());
    Client::from_conf(config.build())
}

/// Opens the first connection with a read of an item that is not there: names are looked up, hands
/// shaken and code paths taken while starting is free of charge. Whether it works is seen later.
pub async fn open_connection(client: &Client, table: &str) {
    let text = || AttributeValue::S("-".to_owned());
    let read = client.get_item().table_name(table).key("pk", text()).key("sk", text()).send();
    let _ = tokio::time::timeout(OPENING_TIME, read).await;
}

fn client_of(connector: &SharedHttpConnector) -> SharedHttpClient {
    let connector = connector.clone();
    http_client_fn(move |_, _| connector.clone())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_roots_are_taken() {
        super::connector().unwrap();
    }
}
