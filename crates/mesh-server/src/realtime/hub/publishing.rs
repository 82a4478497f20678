//! A message to all subscribers of its group.

use std::sync::Arc;

use bytes::Bytes;
use mesh_appsync::selection::{Bounded, Part, Selection, Sink as _};
use mesh_core::id::Id;
use mesh_core::limits::MESSAGE_BYTES;
use mesh_core::model::{Content, MeshMessage};
use mesh_cost::steps;
use mesh_local::Publisher;

use super::{Class, Hub, View};
use crate::cloud_variables::protocol as cloud_variables;
use crate::realtime::protocol::{DATA_TAIL, Framing};
use crate::realtime::queue::{Closing, MAX_WAITING_BYTES, Message};
use crate::sync::atomic::{AtomicUsize, Ordering};

/// A fair share is never less than this.
const LEAST_SHARE: usize = 16 << 10;
/// After so many written bytes of one message others have the thread, before its next selection is written.
const BYTES_BETWEEN_YIELDS: usize = 256 << 10;
/// The most bytes of a message as a selection shows it, without what stands around it.
const MAX_SELECTED_BYTES: usize = MESSAGE_BYTES - r#"{"data":{"onMessageInGroup":}}"#.len();

/// A message's bytes, counted while any queue holds them.
struct Waiting {
    json: Vec<u8>,
    total: Arc<AtomicUsize>,
}

impl Hub {
    /// The bytes that a selection makes of a message; `None` if they are too many.
    fn tail(&self, selection: &Selection, repeats_fields: bool, message: &MeshMessage) -> Option<Bytes> {
        let mut json = Vec::with_capacity(512);
        let part = Part::OthersAsNull(message.fields);
        let is_full = if repeats_fields {
            let mut out = Bounded::new(&mut json, MAX_SELECTED_BYTES);
            selection.write(&mut out, message, part);
            out.is_full()
        } else {
            // The message itself is bounded, so little is written in vain.
            selection.write(&mut json, message, part);
            json.len() > MAX_SELECTED_BYTES
        };
        if is_full {
            return None;
        }
        json.extend_from_slice(DATA_TAIL);
        Some(self.counted(json))
    }

    /// Bytes that count as waiting while any queue holds them.
    fn counted(&self, json: Vec<u8>) -> Bytes {
        self.waiting.fetch_add(json.capacity(), Ordering::Relaxed);
        Bytes::from_owner(Waiting { json, total: self.waiting.clone() })
    }

    /// The most that may wait for one connection now.
    fn most_of_one(&self) -> usize {
        if self.waiting.load(Ordering::Relaxed) <= self.most_waiting {
            return MAX_WAITING_BYTES;
        }
        let open = self.open.load(Ordering::Relaxed).max(1);
        (self.most_waiting / open).clamp(LEAST_SHARE, MAX_WAITING_BYTES)
    }
}

impl Class {
    /// Hands a message to all subscribers but `sender`; answers how many these are.
    fn push(&self, tail: &Bytes, sender: Option<&Id>, most: usize) -> u64 {
        let others =
            self.subscribers.iter().filter(|other| other.node.is_none() || other.node.as_ref() != sender);
        let mut count = 0;
        for subscriber in others {
            let message = Message { head: subscriber.framing.head.clone(), tail: tail.clone() };
            subscriber.queue.push(message, most);
            count += 1;
        }
        count
    }

    /// Says that a message is too large for this selection.
    fn refuse(&self, most: usize) {
        for subscriber in &self.subscribers {
            let Framing { id, too_large, .. } = &subscriber.framing;
            subscriber.queue.push(Message { head: too_large(id).into(), tail: Bytes::new() }, most);
        }
    }
}

impl AsRef<[u8]> for Waiting {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.total.fetch_sub(self.json.capacity(), Ordering::Relaxed);
    }
}

impl Publisher for Hub {
    fn publish(&self, message: &MeshMessage) {
        let mut from = 0;
        while let Some(next) = self.publish_part(message, from) {
            from = next;
        }
    }

    fn publish_part(&self, message: &MeshMessage, from: u64) -> Option<u64> {
        if !message.fields.can_be_delivered() {
            return None;
        }
        let listeners = self.groups.read().get(&*message.group).cloned()?;
        let classes = listeners.classes.read();
        let (mut deliveries, mut counted, mut bytes) = (0, 0, 0);
        let (mut written, mut rest) = (0, None);
        let most = self.most_of_one();
        for class in classes.iter().skip_while(|class| class.number < from) {
            if written >= BYTES_BETWEEN_YIELDS {
                rest = Some(class.number);
                break;
            }
            if class.subscribers.iter().all(|subscriber| subscriber.queue.is_closing()) {
                continue;
            }
            let (tail, sender) = match (&class.view, &message.content) {
                (View::Selection { selection, repeats_fields }, _) => {
                    let Some(tail) = self.tail(selection, *repeats_fields, message) else {
                        written += MAX_SELECTED_BYTES;
                        class.refuse(most);
                        continue;
                    };
                    (tail, None)
                }
                (View::CloudVariables, Content::NodeStatus(status)) => {
                    (self.counted(cloud_variables::set_messages(&status.data)), Some(&status.node_id))
                }
                (View::CloudVariables, Content::GroupDissolve(end)) => {
                    let closing = Closing::GroupEnded(end.reason);
                    class.subscribers.iter().for_each(|subscriber| subscriber.queue.close(closing));
                    continue;
                }
                (View::CloudVariables, Content::BatchEvent(_)) => continue,
            };
            written += tail.len();
            let (subscribers, length) = (class.push(&tail, sender, most), tail.len() as u64);
            deliveries += subscribers;
            counted += subscribers * steps(length);
            bytes += subscribers * length;
        }
        drop(classes);
        self.dispatcher.add(&listeners);
        self.deliveries.fetch_add(deliveries, Ordering::Relaxed);
        self.steps.fetch_add(counted, Ordering::Relaxed);
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        rest
    }
}
