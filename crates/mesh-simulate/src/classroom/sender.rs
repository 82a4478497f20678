//! The half of a node that sends.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::time::Timestamp;

use super::names::{event_name, variable_name};
use super::run::{Run, count, micros};
use crate::batch::{Batch, payload};
use crate::check::Room;
use crate::client::Http;
use crate::client::operations::{EventInput, Item, Operation};
use crate::measure::Measure;

/// The half of a node that sends.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) room: Arc<Room>,
    pub(super) index: usize,
    pub(super) polls: bool,
}

impl Sender {
    pub(super) fn id(&self) -> &str {
        &self.room.nodes[self.index]
    }

    /// Sends one mutation that was due at a moment since the beginning, and waits for its answer.
    pub(super) async fn send(&self, run: &Run, http: &mut Http, is_batch: bool, due: Duration) {
        let outbox = &self.room.outboxes[self.index];
        let sent = run.elapsed();
        let batch = is_batch.then(|| Batch::gathered(run.load.events, run.wall_millis(due)));
        let number = outbox.lock().send(micros(due), micros(sent), batch);
        let operation = match &batch {
            Some(batch) => self.batch(number, batch),
            None => self.report(number, run.load.values),
        };
        count(&run.counts.sent);
        let result = http.call(&operation).await;
        let now = run.elapsed();
        match result {
            Ok(()) => {
                outbox.lock().answered(number, micros(now));
                let took = |measure, from, to| run.recorder.took(self.room.index, measure, from, to);
                took(Measure::Mutation, due, now);
                took(Measure::Answer, sent, now);
                took(Measure::Lag, due, sent);
            }
            Err(error) => {
                count(&run.counts.failed);
                run.failed(if is_batch { "fire" } else { "report" }, &error);
            }
        }
    }

    /// The heartbeat of a host or a member.
    pub(super) fn heartbeat(&self) -> Operation {
        if self.index == 0 {
            Operation::renew_heartbeat(&self.room.group, self.id())
        } else {
            Operation::send_member_heartbeat(&self.room.group, self.id())
        }
    }

    /// The first value is the mutation's number, so that receivers know it. The others differ between nodes.
    fn report(&self, number: usize, values: usize) -> Operation {
        let value = |index| if index == 0 { number } else { (number * 7 + self.index * 31 * index) % 240 };
        let item = |index| Item { key: variable_name(index), value: value(index).to_string() };
        let data: Vec<_> = (0..values).map(item).collect();
        Operation::report_data(&self.room.group, self.id(), &data)
    }

    fn batch(&self, number: usize, batch: &Batch) -> Operation {
        let event = |index: usize| EventInput {
            event_name: event_name(number + index),
            payload: Some(payload(number, index)),
            fired_at: Timestamp::from_millis(batch.fired_millis(index)).to_string(),
            order_key: None,
        };
        let events: Vec<_> = (0..batch.events).map(event).collect();
        if self.polls {
            Operation::record_events(&self.room.group, self.id(), &events)
        } else {
            Operation::fire_events(&self.room.group, self.id(), &events)
        }
    }
}
