//! The way into a group for pupils: an address, also as a QR code.

use std::fmt::Write;

use fast_qr::QRBuilder;
use mesh_core::id::GroupKey;
use serde::Serialize;

use crate::keys::in_fragment;

/// An address that opens the page where pupils come in, with the code filled in, or an editor.
#[derive(Debug, Default, Serialize)]
pub(super) struct Invitation {
    pub(super) url: String,
    /// The QR code's modules on a side; 0 if the address is too long for one.
    pub(super) size: usize,
    /// Its dark modules, as an SVG path on a grid of that size.
    pub(super) path: String,
}

impl Invitation {
    /// The invitation of a server at `base_url`, as `http://192.168.1.20:4000`, to a group or to all. What is filled in
    /// stands in the fragment, which browsers send to no server.
    pub(super) fn new(base_url: &str, code: &str, group: Option<&GroupKey>) -> Self {
        let mut url = format!("{base_url}/join/#code={}", in_fragment(code));
        if let Some(group) = group {
            let (id, domain) = (in_fragment(group.id.as_str()), in_fragment(group.domain.as_str()));
            // Writing to memory cannot fail.
            let _ = write!(url, "&group={id}&domain={domain}");
        }
        Self::to(url)
    }

    /// TurboWarp's editor with the extension of a server at `base_url`. All of it is sent to turbowarp.org, so there is
    /// no code in it: the extension's blocks take one.
    pub(super) fn to_turbowarp(base_url: &str) -> Self {
        let extension = format!("{base_url}/extension/mesh.js");
        let extension = in_fragment(&extension);
        Self::to(format!("https://turbowarp.org/editor?extension={extension}"))
    }

    fn to(url: String) -> Self {
        let Ok(code) = QRBuilder::new(url.as_bytes()).build() else {
            return Self { url, ..Self::default() };
        };
        let path =
            (0..code.size).map(|row| runs(row, code[row].iter().map(|module| module.value()))).collect();
        Self { url, size: code.size, path }
    }
}

/// The dark modules of a row, each run of them as a rectangle of an SVG path.
fn runs(row: usize, modules: impl Iterator<Item = bool>) -> String {
    let modules: Vec<_> = modules.collect();
    let mut path = String::new();
    let mut column = 0;
    for run in modules.chunk_by(|left, right| left == right) {
        if run[0] {
            // Writing to memory cannot fail.
            let _ = write!(path, "M{column} {row}h{0}v1h-{0}z", run.len());
        }
        column += run.len();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_an_address_and_its_code() {
        let group = |domain: &str| GroupKey { id: "7f".into(), domain: domain.into() };
        let to_all = Invitation::new("http://192.168.1.20:4000", "kmfrtx", None);
        assert_eq!(to_all.url, "http://192.168.1.20:4000/join/#code=kmfrtx");
        let invitation = Invitation::new("http://192.168.1.20:4000", "kmfrtx", Some(&group("3年 1組")));
        let domain = "3%E5%B9%B4%201%E7%B5%84";
        assert_eq!(invitation.url, format!("{}&group=7f&domain={domain}", to_all.url));
        // The finder pattern in the corner.
        assert!(invitation.size >= 21 && invitation.path.starts_with("M0 0h7v1h-7z"));
        assert_eq!(runs(3, [true, false, true, true].into_iter()), "M0 3h1v1h-1zM2 3h2v1h-2z");
        let editor = Invitation::to_turbowarp("http://192.168.1.20:4000");
        let extension = "http%3A%2F%2F192.168.1.20%3A4000%2Fextension%2Fmesh.js";
        assert_eq!(editor.url, format!("https://turbowarp.org/editor?extension={extension}"));
        assert!(editor.size > invitation.size);
        let long = Invitation::new("http://h", "k", Some(&group(&"組".repeat(1_000))));
        assert_eq!((long.size, &*long.path), (0, ""));
    }
}
