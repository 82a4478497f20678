//! The floor's TLS: that of `mesh serve`, with a certificate made for this run.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::contender::ADDRESSES;

pub(super) fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(ADDRESSES.map(str::to_owned)).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![made.cert.into()], key).unwrap();
    config.ticketer = ring::Ticketer::new().unwrap();
    TlsAcceptor::from(Arc::new(config))
}
