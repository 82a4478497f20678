//! The address of a Mesh API, read from a URL.

use std::sync::Arc;

use super::trust::Trust;

/// The address of a Mesh API: the common part of its HTTP and realtime URLs.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) realtime_host: String,
    pub(crate) realtime_path: String,
    pub(crate) api_key: String,
    /// None where nothing is encrypted.
    pub(crate) tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
}

/// Why a URL is no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It has another shape.
    #[error("'{0}' is no endpoint: write it as http://HOST:PORT/graphql or https://HOST/graphql")]
    Url(String),
    /// The key cannot be sent in a header.
    #[error("the API key has characters that no key has")]
    ApiKey,
    /// Certificates cannot be used.
    #[error("{0}")]
    Trust(String),
}

/// The parts of the names of AppSync's own endpoints: that of HTTP, that of realtime.
///
/// Source: AppSync developer guide, "Building a real-time WebSocket client".
const APPSYNC_HOSTS: (&str, &str) = (".appsync-api.", ".appsync-realtime-api.");

impl Endpoint {
    /// Reads a URL, as `http://192.168.1.20:4000/graphql`; `trust` says whose certificates count.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] if the URL is none of a Mesh API.
    pub fn new(url: &str, api_key: &str, trust: &Trust) -> Result<Self, EndpointError> {
        let no_url = || EndpointError::Url(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(no_url)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (default_port, tls) = match scheme {
            "http" => (80, None),
            "https" => (443, Some(trust.config().map_err(EndpointError::Trust)?)),
            _ => return Err(no_url()),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| no_url())?),
            _ => (authority, default_port),
        };
        let path = if path.len() > 1 { path } else { "/graphql" };
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
        if host.is_empty() || !is_plain(authority) || !is_plain(path) {
            return Err(no_url());
        }
        if !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::ApiKey);
        }
        let (http, realtime) = APPSYNC_HOSTS;
        let is_appsync = host.contains(http);
        Ok(Self {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
            realtime_host: host.replace(http, realtime),
            realtime_path: if is_appsync { path.to_owned() } else { format!("{path}/realtime") },
            api_key: api_key.to_owned(),
            tls,
        })
    }

    /// Returns `true` if the URL is one of AWS AppSync's own, where use costs money.
    pub fn is_on_aws(&self) -> bool {
        self.host.contains(APPSYNC_HOSTS.0)
    }

    /// The same endpoint, called with another key.
    ///
    /// # Errors
    ///
    /// Fails if the key cannot be sent in a header.
    pub fn with_key(&self, api_key: &str) -> Result<Self, EndpointError> {
        if !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::ApiKey);
        }
        Ok(Self { api_key: api_key.to_owned(), ..self.clone() })
    }

    /// The URL, for people.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(&self.host), self.path)
    }

    pub(crate) fn authority(&self, host: &str) -> String {
        let default_port = if self.tls.is_some() { 443 } else { 80 };
        if self.port == default_port { host.to_owned() } else { format!("{host}:{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::new(url, "da2-key", &Trust::Anything)
    }

    #[test]
    fn urls_are_taken_apart() {
        for (url, host, port, path, realtime) in [
            (
                "http://127.0.0.1:4000/graphql",
                "127.0.0.1",
                4000,
                "/graphql",
                "127.0.0.1:4000/graphql/realtime",
            ),
            ("http://[::1]:4000/graphql", "[::1]", 4000, "/graphql", "[::1]:4000/graphql/realtime"),
            ("http://[::1]", "[::1]", 80, "/graphql", "[::1]/graphql/realtime"),
            (
                "https://mesh.example.com/",
                "mesh.example.com",
                443,
                "/graphql",
                "mesh.example.com/graphql/realtime",
            ),
            (
                "https://abc.appsync-api.ap-northeast-1.amazonaws.com/graphql",
                "abc.appsync-api.ap-northeast-1.amazonaws.com",
                443,
                "/graphql",
                "abc.appsync-realtime-api.ap-northeast-1.amazonaws.com/graphql",
            ),
        ] {
            let found = endpoint(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((&*found.host, found.port, &*found.path), (host, port, path), "{url}");
            let of_realtime = format!("{}{}", found.authority(&found.realtime_host), found.realtime_path);
            assert_eq!(of_realtime, realtime, "{url}");
        }
        assert!(
            endpoint("https://abc.appsync-api.eu-west-1.amazonaws.com/graphql").is_ok_and(|e| e.is_on_aws())
        );
        assert_eq!(endpoint("https://h:443").unwrap().url(), "https://h/graphql");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in
            ["", "localhost:4000", "ws://h/graphql", "http://", "http://h:x/", "http://a b/", "http://u@h/"]
        {
            assert!(endpoint(url).is_err(), "{url}");
        }
        assert!(Endpoint::new("http://h", "a key", &Trust::Anything).is_err());
    }
}
