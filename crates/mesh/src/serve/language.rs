//! The language of what is printed to people. Logs are for programs, and English.

use clap::ValueEnum;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// Japanese
    Ja,
    /// English
    En,
}

/// What is printed when the server is ready: how its lines begin, and hints.
pub(super) struct Words {
    pub(super) pupils: &'static str,
    pub(super) endpoint: &'static str,
    pub(super) realtime: &'static str,
    pub(super) api_key: &'static str,
    pub(super) board: &'static str,
    pub(super) console: &'static str,
    pub(super) also_at: &'static str,
    pub(super) certificate: &'static str,
    pub(super) kept_in: &'static str,
    pub(super) attention: &'static str,
    /// `{host}` stands for the address.
    pub(super) other_address: &'static str,
    pub(super) data: &'static str,
    pub(super) in_memory: &'static str,
    pub(super) try_it: &'static str,
    pub(super) board_opened: &'static str,
    pub(super) board_hint: &'static str,
}

const ENGLISH: Words = Words {
    pupils: "pupils open",
    endpoint: "endpoint",
    realtime: "realtime",
    api_key: "API key",
    board: "board",
    console: "console",
    also_at: "also at",
    certificate: "certificate",
    kept_in: "kept in",
    attention: "attention",
    other_address: "the certificate was made before {host} was this machine's: remove tls-cert.pem and tls-key.pem there, and start again",
    data: "data",
    in_memory: "in memory",
    try_it: "Try it:",
    board_opened: "(opened in the browser)",
    board_hint: "(--open opens it, --print-admin-link prints its link with the teacher's key)",
};

const JAPANESE: Words = Words {
    pupils: "みんなが開く",
    endpoint: "接続先",
    realtime: "リアルタイム",
    api_key: "みんなのキー",
    board: "ボード",
    console: "コンソール",
    also_at: "ほかの接続先",
    certificate: "証明書",
    kept_in: "証明書の場所",
    attention: "注意",
    other_address: "証明書は {host} より前に作られました。同じ場所の tls-cert.pem と tls-key.pem を消して、はじめなおしてください",
    data: "データ",
    in_memory: "メモリーの中",
    try_it: "ためすには:",
    board_opened: "(ブラウザーで開きました)",
    board_hint: "(--open で開きます。先生のキー入りのリンクは --print-admin-link で出ます)",
};

impl Language {
    /// The language that the system speaks.
    pub(super) fn of_system() -> Self {
        let is_japanese = sys_locale::get_locale().is_some_and(|locale| locale.starts_with("ja"));
        if is_japanese { Self::Ja } else { Self::En }
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::Ja => &JAPANESE,
            Self::En => &ENGLISH,
        }
    }
}

/// A text with spaces behind it, so that it takes `columns` on a screen, where Japanese letters take two each.
pub(super) fn padded(text: &str, columns: usize) -> String {
    let width: usize = text.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(columns.saturating_sub(width)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_a_screen() {
        assert_eq!(padded("API key", 12), "API key     ");
        assert_eq!(padded("ボード", 12), "ボード      ");
        assert_eq!(padded("みんなが開く", 4), "みんなが開く");
    }
}
