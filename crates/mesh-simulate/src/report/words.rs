//! The words of a report, explained.

/// Each word and its meaning. A line of both fits a terminal of 60 columns.
pub(super) const WORDS: [(&str, &str); 8] = [
    ("class, group", "nodes that hear each other"),
    ("node", "a program of a child"),
    ("mutation", "changed values or events, as sent once"),
    ("delivery", "a mutation as one other node got it"),
    ("due", "when it should be sent; late sending counts"),
    ("polled", "asked for every two seconds, no WebSocket"),
    ("p99", "99 of 100 took no longer"),
    ("mistimed", "an event that says another time than sent"),
];
