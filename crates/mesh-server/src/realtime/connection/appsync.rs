//! Messages of AppSync's protocol, handled.

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tungstenite::protocol::frame::coding::CloseCode;

use super::{Close, Connection, Ended, UpgradeKey};
use crate::graphql::request::{Request, mend_surrogates};
use crate::realtime::protocol::appsync::{self, ClientMessage, Start};
use crate::realtime::protocol::{self, Refusal};

impl<W: AsyncWrite + Unpin> Connection<W> {
    pub(super) async fn handle_appsync(&mut self, frame: Bytes) -> Result<(), Ended> {
        match ClientMessage::parse(frame) {
            Some(ClientMessage::ConnectionInit) => self.init()?,
            Some(ClientMessage::Start(_)) if !self.initialised => {
                return Err(Close(CloseCode::Policy, "connection_init comes first").into());
            }
            // Boxed, so that no idle connection keeps the room for it.
            Some(ClientMessage::Start(start)) => Box::pin(self.start(start)).await?,
            Some(ClientMessage::Stop { id }) => {
                self.unsubscribe(&id);
                // What the subscription got before it ended comes before its end.
                self.outbound.flush(self.registration.queue()).await?;
                self.outbound.text(&appsync::complete(&id));
            }
            Some(ClientMessage::Unknown { kind }) => {
                self.garbage()?;
                self.outbound.text(&appsync::error("", &[Refusal::unsupported(kind.as_deref())]));
            }
            None => {
                self.garbage()?;
                self.garbage_frames += 1;
                if self.garbage_frames >= protocol::MAX_GARBAGE_FRAMES {
                    return Err(Close(CloseCode::Policy, "messages must be JSON").into());
                }
                self.outbound.text(&appsync::error("", &[Refusal::validation("A message must be JSON")]));
            }
        }
        Ok(())
    }

    fn init(&mut self) -> Result<(), Close> {
        if self.key == UpgradeKey::Wrong {
            self.outbound.text(&appsync::connection_error(&Refusal::UNAUTHORIZED));
            return Err(Close(CloseCode::Policy, "wrong key"));
        }
        self.initialised = true;
        self.outbound.text(appsync::connection_ack().as_bytes());
        self.outbound.text(appsync::KEEP_ALIVE.as_bytes());
        self.next_tick = self.until_next_tick();
        Ok(())
    }

    async fn start(&mut self, start: Start) -> Result<(), Close> {
        let id = start.id.clone();
        let answer = match self.begin(start).await {
            Ok(()) => appsync::start_ack(&id),
            Err(refusals) => {
                self.garbage()?;
                let id = if id.len() > protocol::MAX_ID_BYTES { "" } else { &*id };
                appsync::error(id, &refusals)
            }
        };
        self.outbound.text(&answer);
        Ok(())
    }

    async fn begin(&mut self, start: Start) -> Result<(), Vec<Refusal>> {
        let authorised = match &start.api_key {
            Some(key) => self.realtime.keys.admits(key.as_bytes()),
            None => self.key == UpgradeKey::Right,
        };
        if !authorised {
            return Err(vec![Refusal::UNAUTHORIZED]);
        }
        self.trust();
        if start.id.len() > protocol::MAX_ID_BYTES {
            return Err(vec![Refusal::LONG_ID]);
        }
        if self.subscriptions.contains_key(&start.id) {
            return Err(vec![Refusal::DUPLICATE]);
        }
        let request = start
            .request
            .ok_or_else(|| vec![Refusal::validation("The payload must have a text as its data")])?;
        let request = mend_surrogates(request);
        let mut request =
            Request::parse(&request).map_err(|error| vec![Refusal::validation(error.to_string())])?;
        let parsed = self.realtime.executor.engine.parse_long(&mut request, &self.meter()).await;
        let parsed = parsed.map_err(|too_much| vec![too_much.into()])?;
        parsed.map_err(|errors| errors.iter().map(Refusal::from).collect::<Vec<_>>())?;
        self.subscribe(start.id, &request, appsync::framing)
    }
}
