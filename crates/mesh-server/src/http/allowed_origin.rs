//! Origins that an operator allows, read strictly: a spelling that matches nothing is refused at the start.

use std::collections::HashSet;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use parking_lot::Mutex;

/// The origins of editors for children: sandboxed frames, TurboWarp Desktop, and the editors' sites.
pub const EDITORS: [&str; 9] = [
    "null",
    "tw-editor://.",
    "https://turbowarp.org",
    "https://packager.turbowarp.org",
    "https://xcratch.github.io",
    "https://penguinmod.com",
    "https://studio.penguinmod.com",
    "https://smalruby.app",
    "https://smalruby.jp",
];

/// The most refused origins that are remembered, and so logged.
const MAX_REMEMBERED: usize = 100;

/// One or more origins whose pages may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `*`: every page, of any website.
    Any,
    /// This one, as browsers write it.
    Exactly(String),
    /// `https://*.example.org`: every subdomain, not the domain itself.
    Subdomains {
        /// The part before the star: `https://`.
        scheme: String,
        /// The part behind it, port included: `.example.org`.
        suffix: String,
    },
}

impl AllowedOrigin {
    /// Returns `true` if pages of this origin may call.
    pub(super) fn admits(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(allowed) => allowed == origin,
            Self::Subdomains { scheme, suffix } => origin
                .strip_prefix(&**scheme)
                .and_then(|rest| rest.strip_suffix(&**suffix))
                .is_some_and(|name| !name.is_empty() && !name.contains(['/', ':', '@'])),
        }
    }

    /// The host's name, where there is exactly one.
    pub fn host(&self) -> Option<&str> {
        let Self::Exactly(origin) = self else { return None };
        let (_, authority) = origin.split_once("://")?;
        authority.split(':').next()
    }
}

impl FromStr for AllowedOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text == "null" {
            return Ok(Self::Exactly(text.to_owned()));
        }
        if text.trim().eq_ignore_ascii_case("null") {
            return Err("this is no origin, so it would match nothing: write null".to_owned());
        }
        let right = spelling(text);
        if !is_origin(&right) {
            return Err(
                "this is no origin: write one as https://example.org or https://example.org:8443".to_owned()
            );
        }
        if right != text {
            return Err(format!("this is no origin, so it would match nothing: write {right}"));
        }
        match text.split_once('*') {
            None => Ok(Self::Exactly(right)),
            Some((scheme, suffix)) if scheme.ends_with("://") && is_suffix(suffix) => {
                Ok(Self::Subdomains { scheme: scheme.to_owned(), suffix: suffix.to_owned() })
            }
            Some(_) => Err("a star stands for subdomains alone: https://*.example.org".to_owned()),
        }
    }
}

/// At least two labels, so that no star stands for a whole top-level domain.
fn is_suffix(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default();
    let Some(name) = name.strip_prefix('.') else { return false };
    name.contains('.') && name.split('.').all(|label| !label.is_empty() && !label.contains('*'))
}

/// A scheme, and a host with or without a port. Browsers send other alphabets as punycode.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.*".contains(c)),
    };
    let is_port = port.is_none_or(|port| !port.starts_with('+') && port.parse::<u16>().is_ok());
    !scheme.is_empty() && scheme.chars().all(is_scheme) && is_host && is_port
}

/// An origin as browsers write it: scheme and host in small letters, no usual port, no path.
fn spelling(text: &str) -> String {
    let lower = text.trim().to_ascii_lowercase();
    let (scheme, rest) = lower.split_once("://").unwrap_or(("https", &lower));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let usual_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    format!("{scheme}://{}", authority.strip_suffix(usual_port).unwrap_or(authority))
}

/// Refused origins that were logged: each is logged once.
#[derive(Debug, Default)]
pub struct RefusedOrigins(Mutex<HashSet<Box<str>>>);

impl RefusedOrigins {
    /// Logs the origin of a request that is refused for the first time, and the option that would allow it.
    pub(super) fn note(&self, headers: &HeaderMap) {
        let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else { return };
        // No browser sends such an origin, and it must not take the room of others.
        if origin.parse::<AllowedOrigin>().is_err() {
            return;
        }
        let mut known = self.0.lock();
        if known.len() < MAX_REMEMBERED && origin.len() <= 256 && known.insert(origin.into()) {
            drop(known);
            let editors = if EDITORS.contains(&origin) { ", and so would --allow-editors" } else { "" };
            tracing::warn!(
                origin,
                "a page of this origin was refused: --allow-origin {origin} would allow it{editors}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AllowedOrigin, String> {
        text.parse()
    }

    #[test]
    fn what_matches_nothing_is_refused_with_the_right_spelling() {
        for (given, right) in [
            ("smalruby.app", "https://smalruby.app"),
            ("https://smalruby.app/", "https://smalruby.app"),
            ("https://Smalruby.app/editor?x=1", "https://smalruby.app"),
            ("https://smalruby.app:443", "https://smalruby.app"),
            ("http://smalruby.app:80", "http://smalruby.app"),
            ("NULL", "null"),
        ] {
            let refused = read(given).unwrap_err();
            assert!(refused.ends_with(&format!("write {right}")), "{given}: {refused}");
            assert_eq!(read(right).unwrap(), AllowedOrigin::Exactly(right.to_owned()));
        }
        for given in [
            "",
            "https://",
            "https://user@smalruby.app",
            "https://smal ruby.app",
            "https://smalruby.app:99999",
            "https://smalruby.app:",
            "https://日本.jp",
            "mailto:x",
        ] {
            let refused = read(given).unwrap_err();
            assert!(refused.contains("https://example.org"), "{given}: {refused}");
        }
        read("https://[fd00::1]:8443").unwrap();
        for given in [
            "https://*",
            "https://*.org.",
            "https://*.org",
            "https://a.*.org",
            "https://*.*.org",
            "https://*x.a.org",
        ] {
            read(given).unwrap_err();
        }
    }

    #[test]
    fn a_star_stands_for_subdomains() {
        let schools = read("https://*.school.example").unwrap();
        assert!(schools.admits("https://a.school.example") && schools.admits("https://a.b.school.example"));
        for foreign in [
            "https://school.example",
            "http://a.school.example",
            "https://evil.example",
            "https://evil.example/.school.example",
            "https://evil.example:1.school.example",
            "https://aschool.example",
        ] {
            assert!(!schools.admits(foreign), "{foreign}");
        }
    }

    #[test]
    fn any_is_any_and_editors_are_origins() {
        assert!(read("*").unwrap().admits("https://anything.example"));
        for editor in EDITORS {
            assert!(read(editor).unwrap().admits(editor), "{editor}");
        }
        assert_eq!(read("https://school.example:8443").unwrap().host(), Some("school.example"));
    }
}
