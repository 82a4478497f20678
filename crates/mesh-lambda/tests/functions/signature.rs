//! Signature Version 4, computed anew from what arrived.
//!
//! Source: IAM user guide, "Create a signed AWS API request".

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The signature of a POST without a query that arrived with these headers.
pub(crate) fn signature(
    path: &str,
    headers: &BTreeMap<String, String>,
    body: &[u8],
    region: &str,
    secret: &str,
) -> String {
    let authorization = &headers["authorization"];
    let signed = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
    let lines = signed
        .split(';')
        .fold(String::new(), |lines, name| format!("{lines}{name}:{}\n", headers[name].trim()));
    let request = format!("POST\n{path}\n\n{lines}\n{signed}\n{}", hex(&Sha256::digest(body)));
    let time = &headers["x-amz-date"];
    let scope = format!("{}/{region}/appsync/aws4_request", &time[..8]);
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        key = code(&key, part);
    }
    hex(&code(&key, &text))
}

fn code(key: &[u8], text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
