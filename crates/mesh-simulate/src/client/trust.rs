//! Whose certificates count.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Whose certificates count for an `https://` endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that this machine trusts.
    System,
    /// Those signed by a certificate of this PEM file, as the `tls-cert.pem` of `mesh serve`.
    File(PathBuf),
    /// The one with this SHA-256, as `mesh serve --tls` prints it.
    Fingerprint([u8; 32]),
    /// Any. Whoever is on the way can read the key.
    Anything,
}

/// Reads a SHA-256 fingerprint: 64 hex digits, with colons or without.
///
/// # Errors
///
/// The text is no SHA-256 in hex.
pub fn parse_fingerprint(text: &str) -> Result<[u8; 32], String> {
    let digits: String = text.chars().filter(|character| *character != ':').collect();
    let wrong = || "a SHA-256 fingerprint has 64 hex digits, as mesh serve --tls prints it".to_owned();
    if digits.len() != 64 || !digits.is_ascii() {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

impl Trust {
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let config = match self {
            Self::System => builder.with_root_certificates(system_roots()?).with_no_client_auth(),
            Self::File(file) => {
                let failed =
                    |error: &dyn fmt::Display| format!("the certificate {}: {error}", file.display());
                let mut roots = RootCertStore::empty();
                let certificates = CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| failed(&error))?;
                    roots.add(certificate).map_err(|error| failed(&error))?;
                }
                if roots.is_empty() {
                    return Err(failed(&"there is none in the file"));
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            Self::Fingerprint(_) | Self::Anything => {
                let expected = if let Self::Fingerprint(expected) = self { Some(*expected) } else { None };
                let verifier = Arc::new(Unsigned { expected, provider });
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
            }
        };
        Ok(Arc::new(config))
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this machine trusts no certificate at all: give one with --tls-ca FILE".to_owned());
    }
    Ok(roots)
}

/// Takes certificates that nobody signed: the one with a fingerprint, or any.
#[derive(Debug)]
struct Unsigned {
    expected: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unsigned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.expected {
            Some(expected) if expected[..] != Sha256::digest(end_entity)[..] => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_they_are_printed() {
        let printed = ["AB:"; 31].concat() + "01";
        let mut expected = [0xAB; 32];
        expected[31] = 1;
        assert_eq!(parse_fingerprint(&printed), Ok(expected));
        assert_eq!(parse_fingerprint(&printed.replace(':', "").to_lowercase()), Ok(expected));
        for wrong in ["", "AB", &printed[1..], &printed.replace('A', "G"), &printed.replace('A', "é")] {
            assert!(parse_fingerprint(wrong).is_err(), "{wrong}");
        }
    }
}
