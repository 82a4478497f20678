//! Running what was read, whichever way it came: limits, the observer, the operations, the figures.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use mesh_appsync::{Call, Reply};
use mesh_core::{Context, ErrorType};
use mesh_local::LocalStore;

use super::answer::Prepared;
use super::engine::Engine;
use crate::limits::Limits;
use crate::limits::answers::Meter;
use crate::limits::buffers::{Full, Hold};
use crate::limits::rates::{TooMuch, Work};
use crate::metrics::Metrics;
use crate::observer::Observer;

/// The parts of the server that run queries and mutations.
pub struct Executor {
    /// The operations over the local store.
    pub context: Arc<Context<LocalStore>>,
    /// Reads requests.
    pub engine: Engine,
    /// Sees every call.
    pub observer: Arc<dyn Observer>,
    /// The shares of all clients.
    pub limits: Arc<Limits>,
    /// Counts requests.
    pub metrics: Arc<Metrics>,
}

impl Executor {
    /// Counts the calls of a request of `bytes` that came from `address`, and shows them to the observer.
    ///
    /// # Errors
    ///
    /// If they are more than allowed.
    pub fn admit(&self, address: IpAddr, prepared: &Prepared, bytes: usize) -> Result<(), TooMuch> {
        self.admit_calls(address, prepared.calls(), bytes)
    }

    /// Runs a call that came by no request: admits it as one of `bytes`, shows it to the observer, and counts it under
    /// the name of its field.
    ///
    /// # Errors
    ///
    /// If it is more than allowed; then it was not run. The inner error is the operation's refusal.
    pub async fn call(
        &self,
        address: IpAddr,
        field: &'static str,
        call: Call,
        bytes: usize,
    ) -> Result<mesh_core::Result<Reply>, TooMuch> {
        self.admit_calls(address, std::iter::once(&call), bytes)?;
        let began = Instant::now();
        let result = call.run(&self.context).await;
        let refusal = result.as_ref().err().map(mesh_core::Error::error_type);
        self.metrics.answered(std::iter::once((field, refusal)), began.elapsed());
        Ok(result)
    }

    fn admit_calls<'a>(
        &self,
        address: IpAddr,
        calls: impl Iterator<Item = &'a Call> + Clone,
        bytes: usize,
    ) -> Result<(), TooMuch> {
        let admitted = self.count(address, calls.clone(), bytes);
        if admitted.is_err() {
            self.metrics.refused(ErrorType::LimitExceededError);
        }
        admitted?;
        calls.for_each(|call| self.observer.called(call, address));
        Ok(())
    }

    fn count<'a>(
        &self,
        address: IpAddr,
        calls: impl Iterator<Item = &'a Call> + Clone,
        bytes: usize,
    ) -> Result<(), TooMuch> {
        let rates = &self.limits.rates;
        // A request that asks for no operation is work, too.
        rates.admit(address, Work::Calls, calls.clone().count().max(1))?;
        for call in calls {
            match call {
                Call::CreateGroup(_) => rates.admit(address, Work::CreatedGroups, 1)?,
                Call::JoinGroup(_) => rates.admit(address, Work::Joins, 1)?,
                _ => {}
            }
            if let Some((id, domain)) = call.group() {
                rates.admit_in_group(id, domain, bytes)?;
            }
        }
        Ok(())
    }

    /// Runs an admitted request that began to arrive at `began`; its answer as JSON, whose bytes are counted by `hold`
    /// while they are kept, and by `meter` as work.
    ///
    /// # Errors
    ///
    /// If there is no room for the answer of a query.
    pub async fn run(
        &self,
        prepared: Prepared,
        hold: &mut Hold,
        meter: &Meter<'_>,
        began: Instant,
    ) -> Result<Vec<u8>, Full> {
        let Ok(answer) = prepared.run(&self.context, hold, meter).await else {
            self.metrics.refused(ErrorType::LimitExceededError);
            return Err(Full);
        };
        self.metrics.answered(answer.outcomes(), began.elapsed());
        Ok(answer.json)
    }
}
