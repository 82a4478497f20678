//! A lesson as a file: its live messages with their timing, and the same played again.
//!
//! The first line is a [`Header`], each further one an [`Entry`]; all are JSON.

mod record;
mod replay;

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use mesh_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::CallError;
use crate::client::operations::Item;

pub use record::record;
pub use replay::{Replay, Replayed, replay};

/// The form of the lines; another one is refused.
const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The form of the lines, 1.
    pub mesh_recording: u32,
    /// When it began; the other lines count from here.
    pub started_at: Timestamp,
    /// The group's id.
    pub group_id: String,
    /// Its domain.
    pub domain: String,
}

/// Something that happened.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When, in milliseconds since the recording began.
    pub at_millis: u64,
    /// The message.
    #[serde(flatten)]
    pub happened: Happened,
}

/// The kinds of messages in a recording.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Happened {
    /// A message of the group, as the subscription delivered it.
    Message(Message),
    /// The connection broke; messages may be missing until the next entry.
    Gap(String),
    /// Names of nodes by their ids, where it was asked for: those that are new or changed.
    Names(BTreeMap<String, String>),
}

/// A live message.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Reported values.
    pub node_status: Option<NodeStatus>,
    /// Fired events.
    pub batch_event: Option<BatchEvent>,
    /// The end of the group.
    pub group_dissolve: Option<GroupDissolve>,
}

impl Message {
    /// The node that sent it.
    fn sender(&self) -> Option<&str> {
        let reported = self.node_status.as_ref().and_then(|status| status.node_id.as_deref());
        reported.or_else(|| self.batch_event.as_ref()?.fired_by_node_id.as_deref())
    }
}

/// Values that a node reported.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// The node.
    pub node_id: Option<String>,
    /// Its values.
    pub data: Option<Vec<Item>>,
    /// The server's time.
    pub timestamp: Option<Timestamp>,
}

/// Events that a node fired.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchEvent {
    /// The node.
    pub fired_by_node_id: Option<String>,
    /// In the order in which they are replayed.
    pub events: Option<Vec<Event>>,
    /// The server's time.
    pub timestamp: Option<Timestamp>,
}

/// One event.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its name.
    pub name: Option<String>,
    /// Its payload.
    pub payload: Option<String>,
    /// When it was fired.
    pub timestamp: Option<Timestamp>,
    /// The sender's own order.
    pub order_key: Option<String>,
}

/// The end of a group.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDissolve {
    /// Why.
    pub message: Option<String>,
}

/// A whole recording.
#[derive(Debug, PartialEq, Eq)]
pub struct Recording {
    /// Its first line.
    pub header: Header,
    /// Its other lines.
    pub entries: Vec<Entry>,
}

/// Why a recording cannot be made, read or played.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be written or read.
    #[error("the recording: {0}")]
    File(#[from] io::Error),
    /// A line is none of a recording.
    #[error("line {0} is none of a recording: {1}")]
    Line(usize, String),
    /// The endpoint refused.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`RecordingError`] with the line that cannot be read.
    pub fn read(file: impl BufRead) -> Result<Self, RecordingError> {
        let mut lines = file.lines().enumerate().map(|(index, line)| (index + 1, line));
        let Some((_, first)) = lines.next() else {
            return Err(RecordingError::Line(1, "the file is empty".to_owned()));
        };
        let header: Header =
            serde_json::from_str(&first?).map_err(|error| RecordingError::Line(1, error.to_string()))?;
        if header.mesh_recording != FORMAT {
            let other = format!("its form is {}, this program knows {FORMAT}", header.mesh_recording);
            return Err(RecordingError::Line(1, other));
        }
        let entries = lines.map(|(number, line)| {
            serde_json::from_str(&line?).map_err(|error| RecordingError::Line(number, error.to_string()))
        });
        Ok(Self { header, entries: entries.collect::<Result<_, _>>()? })
    }
}

fn now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"meshRecording":1,"startedAt":"2026-11-23T09:00:00.000Z","groupId":"g","domain":"d"}
{"atMillis":3,"message":{"nodeStatus":{"nodeId":"ann","data":[{"key":"k","value":"v"}],"timestamp":"2026-11-23T09:00:00.003Z"},"batchEvent":null,"groupDissolve":null}}
{"atMillis":9,"gap":"the connection broke"}
{"atMillis":10,"names":{"ann":"Aoi"}}
{"atMillis":12,"message":{"nodeStatus":null,"batchEvent":null,"groupDissolve":{"message":"dissolved"}}}
"#;

    #[test]
    fn files_are_read_as_written() {
        let recording = Recording::read(FILE.as_bytes()).unwrap();
        assert_eq!((recording.entries.len(), recording.entries[1].at_millis), (4, 9));
        let mut written = serde_json::to_string(&recording.header).unwrap() + "\n";
        for entry in &recording.entries {
            written += &(serde_json::to_string(entry).unwrap() + "\n");
        }
        assert_eq!(written, FILE);
    }

    #[test]
    fn other_files_are_refused_with_the_line() {
        for (file, line) in [
            (String::new(), "line 1"),
            ("{}".to_owned(), "line 1"),
            (FILE.replace("meshRecording\":1", "meshRecording\":2"), "line 1"),
            (FILE.replace("gap", "gape"), "line 3"),
            (FILE.replace("\"atMillis\":12,", ""), "line 5"),
        ] {
            let error = Recording::read(file.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(line), "{error}");
        }
    }
}
