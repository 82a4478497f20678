//! The options that name an endpoint, and whose certificates count there.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use mesh_simulate::client::{Endpoint, Trust, parse_fingerprint};

/// Whose certificates count.
#[allow(clippy::struct_field_names, reason = "they are the names of the options")]
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS, for an https endpoint")]
pub(super) struct TrustArguments {
    /// Trust certificates signed by those in this PEM file, as mesh serve's tls-cert.pem
    #[arg(long, value_name = "FILE", group = "trust")]
    tls_ca: Option<PathBuf>,

    /// Trust the certificate with this SHA-256, as mesh serve --tls prints it
    #[arg(long, value_name = "SHA256", group = "trust", value_parser = parse_fingerprint)]
    tls_fingerprint: Option<[u8; 32]>,

    /// Trust any certificate: whoever is between can read the key and the messages
    #[arg(long, group = "trust")]
    tls_insecure: bool,
}

/// An endpoint that must be said.
#[derive(Debug, Args)]
pub(super) struct EndpointArguments {
    /// Where Mesh is, as `http://192.168.1.20:4000/graphql`
    #[arg(long, value_name = "URL")]
    endpoint: String,

    /// The endpoint's key
    #[arg(long, value_name = "KEY", env = "MESH_API_KEY", hide_env_values = true)]
    api_key: String,

    #[command(flatten)]
    trust: TrustArguments,
}

impl TrustArguments {
    /// The endpoint with a URL and a key.
    pub(super) fn endpoint(&self, url: &str, api_key: &str) -> Result<Arc<Endpoint>, String> {
        let trust = match self {
            Self { tls_insecure: true, .. } => Trust::Anything,
            Self { tls_fingerprint: Some(fingerprint), .. } => Trust::Fingerprint(*fingerprint),
            Self { tls_ca: Some(file), .. } => Trust::File(file.clone()),
            _ => Trust::System,
        };
        Endpoint::new(url, api_key, &trust).map(Arc::new).map_err(|error| error.to_string())
    }
}

impl EndpointArguments {
    pub(super) fn endpoint(&self) -> Result<Arc<Endpoint>, String> {
        self.trust.endpoint(&self.endpoint, &self.api_key)
    }
}
