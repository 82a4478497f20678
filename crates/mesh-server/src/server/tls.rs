//! TLS: a certificate of the operator's, or a self-signed one that is made once.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;

use mesh_local::private_file;

const CERTIFICATE_FILE: &str = "tls-cert.pem";
const KEY_FILE: &str = "tls-key.pem";

/// TLS that is ready to serve.
pub struct Tls {
    /// Ends it.
    pub acceptor: TlsAcceptor,
    /// SHA-256 of the certificate, to compare by eye.
    pub fingerprint: String,
    /// The file of the self-signed certificate, for clients that are to trust it.
    pub certificate_file: Option<PathBuf>,
    certificate: CertificateDer<'static>,
}

impl Tls {
    /// Returns `true` if browsers take the certificate for this name or address.
    pub fn is_for(&self, name: &str) -> bool {
        let Ok(name) = ServerName::try_from(name) else { return false };
        let Ok(certificate) = ParsedCertificate::try_from(&self.certificate) else { return false };
        verify_server_name(&certificate, &name).is_ok()
    }
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("the TLS file {0} cannot be used: {1}")]
    File(PathBuf, String),
    /// Certificate and key do not fit together, or are of no kind that is known.
    #[error("the TLS certificate and its key cannot be used: {0}")]
    Unusable(String),
}

/// Takes the operator's certificate chain and key, both PEM.
///
/// # Errors
///
/// [`TlsError`] if a file cannot be read, or certificate and key do not fit together.
pub fn from_files(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
    let read =
        |path: &Path| std::fs::read(path).map_err(|error| TlsError::File(path.into(), error.to_string()));
    from_pem(&read(certificate)?, &read(key)?, None)
}

/// Takes the self-signed certificate of a data folder, made for `names` and addresses at the first
/// start.
///
/// # Errors
///
/// [`TlsError`] if a file cannot be read or written.
pub fn from_folder(folder: &Path, names: &[String]) -> Result<Tls, TlsError> {
    let (certificate_file, key_file) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
    let failed = |path: &Path, error: io::Error| TlsError::File(path.into(), error.to_string());
    if !certificate_file.exists() || !key_file.exists() {
        let (certificate, key) = self_signed(names)?;
        private_file::write(&key_file, &key).map_err(|error| failed(&key_file, error))?;
        private_file::write(&certificate_file, &certificate)
            .map_err(|error| failed(&certificate_file, error))?;
    }
    let certificate = std::fs::read(&certificate_file).map_err(|error| failed(&certificate_file, error))?;
    let key = std::fs::read(&key_file).map_err(|error| failed(&key_file, error))?;
    from_pem(&certificate, &key, Some(certificate_file))
}

/// Makes a self-signed certificate that ends with the process.
///
/// # Errors
///
/// [`TlsError`] if no certificate can be made.
pub fn in_memory(names: &[String]) -> Result<Tls, TlsError> {
    let (certificate, key) = self_signed(names)?;
    from_pem(certificate.as_bytes(), key.as_bytes(), None)
}

/// The names that a machine in a classroom is reached by: localhost, its own name, its addresses.
pub fn names_of_this_machine() -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    if let Ok(own) = gethostname::gethostname().into_string()
        && !own.is_empty()
    {
        if !own.contains('.') {
            names.push(format!("{own}.local"));
        }
        names.push(own);
    }
    names.extend(addresses_of_this_machine().iter().map(IpAddr::to_string));
    names.dedup();
    names
}

/// The machine's addresses, loopback included.
pub fn addresses_of_this_machine() -> Vec<IpAddr> {
    let mut addresses: Vec<_> =
        if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip).collect();
    addresses.retain(|address| !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()));
    addresses.push(IpAddr::from([127, 0, 0, 1]));
    addresses.push(std::net::Ipv6Addr::LOCALHOST.into());
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn self_signed(names: &[String]) -> Result<(String, String), TlsError> {
    let failed = |error: rcgen::Error| TlsError::Unusable(error.to_string());
    let key = KeyPair::generate().map_err(failed)?;
    // Machines may have names that no certificate can hold.
    let holdable = |name: &&String| CertificateParams::new(vec![(*name).clone()]).is_ok();
    let names: Vec<_> = names.iter().filter(holdable).cloned().collect();
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "Mesh on this machine");
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn from_pem(certificate: &[u8], key: &[u8], certificate_file: Option<PathBuf>) -> Result<Tls, TlsError> {
    let unusable = |error: &dyn std::fmt::Display| TlsError::Unusable(error.to_string());
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| unusable(&error))?;
    let Some(leaf) = chain.first() else { return Err(unusable(&"there is no certificate in the file")) };
    let (fingerprint, leaf) = (fingerprint(leaf), leaf.clone());
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable(&error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&error))?;
    // Clients keep their sessions themselves: what rustls would keep ends at 256, and a class has more.
    config.ticketer = ring::Ticketer::new().map_err(|error| unusable(&error))?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Ok(Tls { acceptor, fingerprint, certificate_file, certificate: leaf })
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let bytes: Vec<_> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::{
        ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConnection,
    };

    use super::*;

    /// Lets a client come in, and answers in which way.
    fn come_in(server: &Tls, client: &Arc<ClientConfig>) -> HandshakeKind {
        let mut client = ClientConnection::new(client.clone(), "localhost".try_into().unwrap()).unwrap();
        let mut server = ServerConnection::new(server.acceptor.config().clone()).unwrap();
        // Two turns are the handshake, the third brings what the client keeps for the next one.
        for _ in 0..3 {
            let mut bytes = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut bytes).unwrap();
            }
            let mut unread = &bytes[..];
            while server.read_tls(&mut unread).unwrap() > 0 {
                server.process_new_packets().unwrap();
            }
            let mut bytes = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut bytes).unwrap();
            }
            let mut unread = &bytes[..];
            while client.read_tls(&mut unread).unwrap() > 0 {
                client.process_new_packets().unwrap();
            }
        }
        client.handshake_kind().unwrap()
    }

    #[test]
    fn a_class_comes_back_without_a_whole_handshake() {
        let folder = tempfile::tempdir().unwrap();
        let server = from_folder(folder.path(), &["localhost".to_owned()]).unwrap();
        let pem = std::fs::read(server.certificate_file.as_ref().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
        let client = || {
            let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
            let builder = builder.with_safe_default_protocol_versions().unwrap();
            Arc::new(builder.with_root_certificates(roots.clone()).with_no_client_auth())
        };
        let clients: Vec<_> = (0..200).map(|_| client()).collect();
        for client in &clients {
            assert_eq!(come_in(&server, client), HandshakeKind::Full);
        }
        for client in &clients {
            assert_eq!(come_in(&server, client), HandshakeKind::Resumed);
        }
    }

    #[test]
    fn a_folder_keeps_its_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "not a name \u{1f980}".to_owned()];
        let first = from_folder(folder.path(), &names).unwrap();
        let again = from_folder(folder.path(), &[]).unwrap();
        assert_eq!(first.fingerprint, again.fingerprint);
        assert_eq!(first.fingerprint.len(), 95);
        assert!(again.is_for("localhost") && again.is_for("127.0.0.1"));
        assert!(!again.is_for("192.168.1.20") && !again.is_for("mesh.local") && !again.is_for("no name"));
        assert_ne!(first.fingerprint, in_memory(&names).unwrap().fingerprint);
        let file = again.certificate_file.unwrap();
        let by_name = from_files(&file, &folder.path().join(KEY_FILE)).unwrap();
        assert_eq!(by_name.fingerprint, first.fingerprint);
        assert!(from_files(&file, &file).is_err(), "a certificate is no key");
        assert!(from_files(Path::new("missing.pem"), &file).is_err());
    }
}
