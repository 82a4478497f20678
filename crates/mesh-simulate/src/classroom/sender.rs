//! The half of a node that sends.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::time::Timestamp;

use super::run::{Run, count, micros};
use crate::check::Room;
use crate::client::Http;
use crate::client::operations::{EventInput, Item, Operation};
use crate::measure::Measure;
use crate::stamp::{Batch, Stamp};

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
        let number = outbox.lock().send(micros(sent), is_batch);
        let mut stamp = Stamp {
            run: self.room.run,
            group: self.room.index,
            node: self.index,
            number,
            due_micros: micros(due),
            batch: None,
        };
        let operation = if is_batch {
            let batch = Batch::gathered(run.load.events, run.wall_millis(due));
            stamp.batch = Some(batch);
            self.batch(&stamp, &batch)
        } else {
            self.report(&stamp, run.load.values)
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

    fn report(&self, stamp: &Stamp, values: usize) -> Operation {
        let mut data = vec![Item { key: "stamp".to_owned(), value: stamp.to_string() }];
        let others = (1..values).map(|index| Item {
            key: format!("variable {index}"),
            value: (stamp.number + index).to_string(),
        });
        data.extend(others);
        Operation::report_data(&self.room.group, self.id(), &data)
    }

    fn batch(&self, stamp: &Stamp, batch: &Batch) -> Operation {
        let event = |index: usize| EventInput {
            event_name: format!("event {}", index % 10),
            payload: Some(if index == 0 { stamp.to_string() } else { index.to_string() }),
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
