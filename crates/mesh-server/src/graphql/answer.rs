//! Running what was read, and writing the answer: exactly what was selected, in AppSync's form.

use std::sync::Arc;

use apollo_compiler::executable::OperationType;
use apollo_compiler::response::JsonValue;
use mesh_appsync::pieces::Pieces;
use mesh_appsync::selection::{Bounded, Part, Sink as _, write, write_text};
use mesh_appsync::{Call, Reply};
use mesh_core::store::Store;
use mesh_core::{Context, Error, ErrorType};

use super::error::GraphqlError;
use super::plan::{Plan, RootField};
use crate::limits::answers::Meter;
use crate::limits::buffers::{Full, Hold};

/// The most bytes of an answer's `data`: AppSync's functions may answer little more.
pub const MAX_DATA_BYTES: usize = mesh_core::limits::ANSWER_BYTES;
/// The most nodes, values and events that one request may look at: the largest group's values once.
pub const MAX_ITEMS: usize = 600_000;

/// A request that looked at more lets others have the thread between its fields.
const ITEMS_BETWEEN_YIELDS: usize = 1_000;
/// An answer with more bytes lets others have the thread while it is written: this is about a quarter of a millisecond.
const BYTES_BETWEEN_YIELDS: usize = 256 << 10;

/// A query or mutation that is ready to run.
pub struct Prepared {
    pub(super) plan: Arc<Plan>,
    pub(super) steps: Vec<Step>,
}

/// The way to the answer of a root field.
pub(super) enum Step {
    Call(Call),
    /// A meta field, answered already.
    Meta(JsonValue),
    Refused,
}

/// An answer, and what became of each of its operations.
pub struct Answer {
    /// The JSON text.
    pub json: Vec<u8>,
    plan: Arc<Plan>,
    results: Vec<Option<ErrorType>>,
}

impl Answer {
    /// Each operation that ran, by its field, and the word that it was refused with, if it was.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, Option<ErrorType>)> {
        let operations = self.plan.fields.iter().filter(|field| field.meta.is_none());
        operations.map(|field| field.name).zip(self.results.iter().copied())
    }
}

impl Prepared {
    /// Returns `true` if it may change something.
    pub fn is_mutation(&self) -> bool {
        self.plan.kind == OperationType::Mutation
    }

    /// The calls of this request, in its order.
    pub fn calls(&self) -> impl Iterator<Item = &Call> + Clone {
        self.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(call),
            Step::Meta(_) | Step::Refused => None,
        })
    }

    /// Runs the operations in order and writes the answer, whose bytes are counted by `hold` while they are kept, and
    /// by `meter` as work.
    ///
    /// # Errors
    ///
    /// If there is no room for the answer of a query. What a mutation did is always answered.
    pub async fn run<S: Store>(
        self,
        context: &Context<S>,
        hold: &mut Hold,
        meter: &Meter<'_>,
    ) -> Result<Answer, Full> {
        let mut data = Data::default();
        let mut items = 0;
        for (field, step) in self.plan.fields.iter().zip(self.steps) {
            let (written_before, items_before) = (data.written, items);
            let mut group = None;
            let proceeds = match step {
                Step::Meta(value) => data.meta(field, &value),
                Step::Refused => data.error(field, ErrorType::Unauthorized, not_authorised(field.name)),
                Step::Call(_) if data.is_full => data.too_large(field),
                Step::Call(_) if items > MAX_ITEMS => {
                    let most = format!(
                        "a request may look at {MAX_ITEMS} nodes, values and events: ask for fewer at once"
                    );
                    data.error(field, ErrorType::ValidationError, most)
                }
                Step::Call(call) => {
                    group = meter.group(&call);
                    match call.run(context).await {
                        Ok(reply) => {
                            items += reply.items();
                            data.reply(field, &reply).await
                        }
                        Err(error) => data.refusal(field, &error),
                    }
                }
            };
            meter.count(group, data.written - written_before, items - items_before);
            let counted = hold.grow_to(data.json.len());
            if self.plan.kind != OperationType::Mutation {
                counted?;
            }
            if items > ITEMS_BETWEEN_YIELDS {
                // Others that wait for this thread come first.
                tokio::task::yield_now().await;
            }
            // Null where the schema allows none makes the whole data null, and ends a mutation.
            if !proceeds && self.plan.kind == OperationType::Mutation {
                break;
            }
        }
        let (json, results) = data.finish();
        Ok(Answer { json, plan: self.plan, results })
    }
}

/// The beginning of every answer.
const DATA: &[u8] = b"{\"data\":";

/// The answer while it is written.
struct Data {
    json: Vec<u8>,
    errors: Vec<GraphqlError>,
    results: Vec<Option<ErrorType>>,
    is_null: bool,
    is_full: bool,
    /// The bytes of all values, also of those that were too large.
    written: usize,
}

impl Default for Data {
    fn default() -> Self {
        let mut json = Vec::with_capacity(512);
        json.extend_from_slice(DATA);
        Self { json, errors: Vec::new(), results: Vec::new(), is_null: false, is_full: false, written: 0 }
    }
}

impl Data {
    fn key(&mut self, field: &RootField) {
        self.json.push(if self.json.len() == DATA.len() { b'{' } else { b',' });
        write_text(&mut self.json, &field.key);
        self.json.push(b':');
    }

    fn meta(&mut self, field: &RootField, value: &JsonValue) -> bool {
        let before = self.json.len();
        self.key(field);
        let mut out = Bounded::new(&mut self.json, DATA.len() + MAX_DATA_BYTES);
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut out, value);
        let is_full = out.is_full();
        self.written += self.json.len() - before;
        if is_full {
            self.json.truncate(before);
            self.is_full = true;
            let proceeds = self.too_large(field);
            // A meta field is no operation.
            self.results.pop();
            return proceeds;
        }
        true
    }

    /// Lets others have the thread between the pieces of a long answer.
    async fn reply(&mut self, field: &RootField, reply: &Reply) -> bool {
        let before = self.json.len();
        self.key(field);
        let start = self.json.len();
        let most = (start + BYTES_BETWEEN_YIELDS).min(DATA.len() + MAX_DATA_BYTES);
        let mut out = Bounded::new(&mut self.json, most);
        // Most answers are short, and written with less work in one go.
        write(&mut out, reply.value(), &field.selection, Part::Whole);
        let is_short = !out.is_full();
        if !is_short {
            self.json.truncate(start);
        }
        let mut pieces = Pieces::default();
        let is_full = !is_short
            && loop {
                let until = self.json.len() + BYTES_BETWEEN_YIELDS;
                let mut out = Bounded::new(&mut self.json, DATA.len() + MAX_DATA_BYTES);
                if pieces.write(&mut out, reply.value(), &field.selection, until) {
                    break out.is_full();
                }
                tokio::task::yield_now().await;
            };
        self.written += self.json.len() - before;
        if is_full {
            self.json.truncate(before);
            self.is_full = true;
            return self.too_large(field);
        }
        self.results.push(None);
        true
    }

    fn refusal(&mut self, field: &RootField, error: &Error) -> bool {
        if let Some(detail) = error.failure() {
            tracing::error!(operation = field.name, %detail, "the store failed");
        }
        self.error(field, error.error_type(), error.to_string())
    }

    fn too_large(&mut self, field: &RootField) -> bool {
        let most =
            format!("an answer may have at most {MAX_DATA_BYTES} bytes: ask for fewer fields or nodes");
        self.error(field, ErrorType::ValidationError, most)
    }

    fn error(&mut self, field: &RootField, error_type: ErrorType, message: String) -> bool {
        self.key(field);
        self.json.extend_from_slice(b"null");
        self.is_null |= !field.nullable;
        self.results.push(Some(error_type));
        self.errors.push(field.error(error_type, message));
        field.nullable
    }

    fn finish(mut self) -> (Vec<u8>, Vec<Option<ErrorType>>) {
        if self.is_null {
            self.json.truncate(DATA.len());
            self.json.extend_from_slice(b"null");
        } else if self.json.len() == DATA.len() {
            self.json.extend_from_slice(b"{}");
        } else {
            self.json.push(b'}');
        }
        if !self.errors.is_empty() {
            self.json.extend_from_slice(b",\"errors\":");
            super::error::write_all(&mut self.json, &self.errors);
        }
        self.json.push(b'}');
        (self.json, self.results)
    }
}

/// The answer to a request that was refused as a whole.
pub fn refused(errors: &[GraphqlError]) -> Vec<u8> {
    let mut json = b"{\"data\":null,\"errors\":".to_vec();
    super::error::write_all(&mut json, errors);
    json.push(b'}');
    json
}

fn not_authorised(field: &str) -> String {
    format!("Not Authorized to access {field} on type Mutation")
}
