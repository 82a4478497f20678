//! Messages of the GraphQL over WebSocket protocol, handled.

use std::time::Instant;

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::{Close, Connection, Ended, TOO_MUCH, UpgradeKey};
use crate::graphql::request::Request;
use crate::limits::buffers::Full;
use crate::limits::rates::Work;
use crate::realtime::protocol::transport_ws::{self, ClientMessage};
use crate::realtime::protocol::{self, Refusal};
use crate::realtime::queue::{MAX_WAITING_BYTES, Message};

impl<W: AsyncWrite + Unpin> Connection<W> {
    pub(super) async fn handle_transport_ws(&mut self, frame: Bytes) -> Result<(), Ended> {
        match ClientMessage::parse(frame) {
            Ok(ClientMessage::ConnectionInit { .. }) if self.initialised => {
                Err(Close(transport_ws::TOO_MANY_INITS, "connection_init comes once").into())
            }
            Ok(ClientMessage::ConnectionInit { api_key }) => Ok(self.acknowledge(api_key.as_deref())?),
            Ok(ClientMessage::Ping { payload }) => {
                self.outbound.text(&transport_ws::pong(payload.as_ref()));
                Ok(())
            }
            Ok(ClientMessage::Pong) => Ok(()),
            Ok(ClientMessage::Subscribe { .. }) if !self.initialised => {
                Err(Close(transport_ws::UNAUTHORIZED, "connection_init comes first").into())
            }
            // Boxed, so that no idle connection keeps the room for it.
            Ok(ClientMessage::Subscribe { id, request }) => Box::pin(self.answer(id, &request)).await,
            Ok(ClientMessage::Complete { id }) => {
                self.unsubscribe(&id);
                Ok(())
            }
            Err(reason) => {
                self.garbage()?;
                Err(Close(transport_ws::BAD_REQUEST, reason).into())
            }
        }
    }

    fn acknowledge(&mut self, api_key: Option<&str>) -> Result<(), Close> {
        let authorised = match api_key {
            Some(key) => self.realtime.keys.admits(key.as_bytes()),
            None => self.key == UpgradeKey::Right,
        };
        if !authorised {
            self.garbage()?;
            let reason = "x-api-key in the payload of connection_init must be a right key";
            return Err(Close(transport_ws::FORBIDDEN, reason));
        }
        self.trust();
        self.initialised = true;
        self.outbound.text(transport_ws::CONNECTION_ACK);
        self.next_tick = self.until_next_tick();
        Ok(())
    }

    /// Begins a subscription, or answers a query or mutation. The next message waits until that is done.
    async fn answer(&mut self, id: String, request: &Bytes) -> Result<(), Ended> {
        if self.subscriptions.contains_key(&id) {
            return Err(Close(transport_ws::DUPLICATE, "this id is in use by another subscription").into());
        }
        if id.len() > protocol::MAX_ID_BYTES {
            self.garbage()?;
            return Err(Close(transport_ws::BAD_REQUEST, "an id may have at most 256 bytes").into());
        }
        let bytes = request.len();
        let Ok(mut request) = Request::parse(request) else {
            self.garbage()?;
            return Err(Close(transport_ws::BAD_REQUEST, "the payload must be {query, variables}").into());
        };
        let executor = &self.realtime.executor;
        let parsed = executor.engine.parse_long(&mut request, &self.meter()).await.map_err(|_| TOO_MUCH)?;
        let answered = match parsed.and_then(|()| executor.engine.is_subscription(&request)) {
            Ok(true) => self.subscribe(id.clone(), &request, transport_ws::framing),
            Ok(false) => self.execute(&id, &request, bytes).await,
            Err(errors) => Err(errors.iter().map(Refusal::from).collect()),
        };
        if let Err(refusals) = answered {
            self.garbage()?;
            self.outbound.text(&transport_ws::error(&id, &refusals));
        }
        // One answer at a time waits here: the next request is read when this one's has left.
        self.outbound.flush(self.registration.queue()).await?;
        Ok(())
    }

    /// Runs a query or mutation, and queues its answer behind the messages that came before it.
    async fn execute(&mut self, id: &str, request: &Request<'_>, bytes: usize) -> Result<(), Vec<Refusal>> {
        let began = Instant::now();
        let executor = &self.realtime.executor;
        let prepared = executor.engine.prepare(request, Some(self.address));
        let prepared = prepared.map_err(|errors| errors.iter().map(Refusal::from).collect::<Vec<_>>())?;
        let admitted = executor.limits.rates.admit(self.address, Work::Bytes, bytes);
        let admitted = admitted.and_then(|()| executor.admit(self.address, &prepared, bytes));
        admitted.map_err(|too_much| vec![too_much.into()])?;
        let mut hold = executor.limits.buffers.hold(self.address);
        let answer = executor.run(prepared, &mut hold, &self.meter(), began).await;
        let mut answer = answer.map_err(|Full| vec![Refusal::NO_ROOM])?;
        answer.push(transport_ws::ANSWER_TAIL);
        let queue = self.registration.queue();
        let next = Message { head: transport_ws::answer_head(id).into(), tail: hold.keep_with(answer) };
        queue.push(next, MAX_WAITING_BYTES);
        let complete = Message { head: transport_ws::complete(id).into(), tail: Bytes::new() };
        queue.push(complete, MAX_WAITING_BYTES);
        Ok(())
    }
}
