//! One node: joining, staying, leaving.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::names::node_name;
use super::run::{Run, count};
use super::sender::Sender;
use super::{GRACE, Receiver, poller, receiver};
use crate::check::{Faults, Room};
use crate::client::operations::{Membership, Operation};
use crate::client::{CallError, Http};
use crate::load::{Deed, Schedule};

/// The interval that clients assume where the endpoint does not say one.
const HEARTBEAT: Duration = Duration::from_mins(1);
const POLLING: Duration = Duration::from_secs(2);

/// One node: what it sends, and what receives for it.
pub(super) struct Node {
    pub(super) sender: Sender,
    run: Arc<Run>,
    http: Http,
    schedule: Schedule,
    /// None while it is away.
    receiver: Option<Receiver>,
}

impl Node {
    /// Joins (the host is in already) and begins to receive.
    pub(super) async fn join(run: Arc<Run>, room: Arc<Room>, index: usize) -> Result<Self, CallError> {
        let sender = Sender { room, index, polls: run.load.polls(index) };
        let mut http = Http::new(run.endpoint.clone());
        let (receiver, heartbeat) = receive(&run, &sender, &mut http).await?;
        let schedule = Schedule::new(&run.load, sender.room.index, index, heartbeat);
        count(&run.counts.joined);
        Ok(Self { sender, run, http, schedule, receiver: Some(receiver) })
    }

    /// Does what is due until the load is over or the run is stopped. However late it is, what is due
    /// is done, up to [`GRACE`] behind the end.
    pub(super) async fn play(mut self) -> Self {
        let end = self.run.load.duration();
        while let Some((due, deed)) = self.schedule.next()
            && due < end
        {
            if !self.run.reaches(due).await {
                break;
            }
            let is_too_late = self.run.elapsed() > end + GRACE;
            match deed {
                Deed::Report | Deed::Fire if is_too_late => count(&self.run.counts.unsent),
                _ if is_too_late => {}
                Deed::Report | Deed::Fire => {
                    self.sender.send(&self.run, &mut self.http, deed == Deed::Fire, due).await;
                }
                Deed::Heartbeat => self.chore("heartbeat", Sender::heartbeat).await,
                Deed::Sync => {
                    self.chore("sync", |sender| Operation::list_group_statuses(&sender.room.group)).await;
                }
                Deed::Rejoin => self.rejoin().await,
            }
        }
        self
    }

    /// Ends; answers what still waits for messages published until then.
    pub(super) fn finish(self, until: u64) -> Option<JoinHandle<Faults>> {
        Some(self.receiver?.finish(until))
    }

    async fn chore(&mut self, doing: &str, operation: impl Fn(&Sender) -> Operation) {
        if let Err(error) = self.http.call(&operation(&self.sender)).await {
            self.run.failed(doing, &error);
        }
    }

    async fn rejoin(&mut self) {
        if let Some(receiver) = self.receiver.take() {
            let finishing = receiver.finish(self.run.micros());
            self.run.finishing.lock().push(finishing);
        }
        self.chore("leave", |sender| Operation::leave_group(&sender.room.group, sender.id())).await;
        match receive(&self.run, &self.sender, &mut self.http).await {
            Ok((receiver, _)) => self.receiver = Some(receiver),
            Err(error) => {
                count(&self.run.counts.failed);
                self.run.failed("join again", &error);
            }
        }
        // A node that was away fired nothing meanwhile.
        self.schedule.skip_until(self.run.elapsed());
    }
}

/// Joins and receives; answers how often to send a heartbeat.
async fn receive(
    run: &Arc<Run>,
    sender: &Sender,
    http: &mut Http,
) -> Result<(Receiver, Duration), CallError> {
    let mut heartbeat = HEARTBEAT;
    let mut polling = POLLING;
    if sender.index > 0 {
        let name = node_name(sender.room.index, sender.index);
        let join = Operation::join_group(&sender.room.group, sender.id(), !sender.polls, Some(&name));
        let membership: Membership = http.result(&join).await?;
        let seconds = |seconds: Option<u32>| seconds.map(|seconds| Duration::from_secs(seconds.into()));
        heartbeat = seconds(membership.heartbeat_interval_seconds).unwrap_or(heartbeat);
        polling = seconds(membership.polling_interval_seconds).unwrap_or(polling);
    }
    let receiver = if sender.polls {
        poller::start(run, &sender.room, polling)
    } else {
        receiver::start(run, &sender.room).await?
    };
    Ok((receiver, heartbeat))
}
