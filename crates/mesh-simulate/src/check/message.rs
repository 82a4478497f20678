//! Messages of a subscription, as far as a receiver reads them.

use serde::Deserialize;

/// A frame of the realtime protocol, as far as a receiver reads it. No text of a run has escapes, so
/// nothing is copied.
#[derive(Deserialize)]
pub(crate) struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: &'a str,
    #[serde(borrow, default)]
    payload: Option<Payload<'a>>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "onMessageInGroup")]
    message: Option<Message<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message<'a> {
    pub(crate) group_id: &'a str,
    pub(crate) domain: &'a str,
    #[serde(borrow, default)]
    pub(crate) node_status: Option<Status<'a>>,
    #[serde(borrow, default)]
    pub(crate) batch_event: Option<BatchEvent<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status<'a> {
    pub(crate) node_id: &'a str,
    #[serde(borrow)]
    pub(crate) data: Vec<Item<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Item<'a> {
    pub(crate) value: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchEvent<'a> {
    pub(crate) fired_by_node_id: &'a str,
    #[serde(borrow)]
    pub(crate) events: Vec<Event<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(default)]
    pub(crate) payload: Option<&'a str>,
    pub(crate) timestamp: &'a str,
}

impl<'a> Frame<'a> {
    /// The message of a data frame.
    pub(crate) fn into_message(self) -> Option<Message<'a>> {
        self.payload?.data?.message
    }
}
