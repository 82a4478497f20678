//! Origins that an operator allows, read strictly: a spelling that matches nothing is refused at the start.

use std::collections::HashSet;
use std::str::FromStr;

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
        let right = spelling(text);
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
    text.starts_with('.') && !text.contains('*') && text.trim_start_matches('.').contains('.')
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
    /// Logs an origin that is refused for the first time, and the option that would allow it.
    pub(super) fn note(&self, origin: &str) {
        let mut known = self.0.lock();
        if known.len() < MAX_REMEMBERED && origin.len() <= 256 && known.insert(origin.into()) {
            drop(known);
            tracing::warn!(
                origin,
                "a page of this origin was refused: --allow-origin {origin} would allow it"
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
        ] {
            let refused = read(given).unwrap_err();
            assert!(refused.ends_with(&format!("write {right}")), "{given}: {refused}");
            assert_eq!(read(right).unwrap(), AllowedOrigin::Exactly(right.to_owned()));
        }
        for given in ["https://*", "https://*.org", "https://a.*.org", "https://*.*.org", "https://*x.a.org"]
        {
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
