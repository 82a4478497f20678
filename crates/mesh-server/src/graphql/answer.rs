//! Running what was read, and writing the answer: exactly what was selected, in AppSync's form.

use std::sync::Arc;

use apollo_compiler::executable::OperationType;
use apollo_compiler::response::JsonValue;
use mesh_appsync::selection::{Part, write, write_text};
use mesh_appsync::{Call, Reply};
use mesh_core::store::Store;
use mesh_core::{Context, Error, ErrorType};

use super::error::GraphqlError;
use super::plan::{Plan, RootField};

/// When an answer has this many bytes, its remaining fields are refused.
const ANSWER_BYTES: usize = 64 << 20;

/// A query or mutation that is ready to run.
pub struct Prepared {
    pub(super) plan: Arc<Plan>,
    pub(super) steps: Vec<Step>,
}

/// What answers a root field.
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
        let operations = self.plan.fields.iter().filter(|field| !field.is_meta);
        operations.map(|field| field.name).zip(self.results.iter().copied())
    }
}

impl Prepared {
    /// The calls of this request, in its order.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(call),
            Step::Meta(_) | Step::Refused => None,
        })
    }

    /// Runs the operations in order and writes the answer.
    pub async fn run<S: Store>(self, context: &Context<S>) -> Answer {
        let mut data = Data::default();
        for (field, step) in self.plan.fields.iter().zip(self.steps) {
            let proceeds = match step {
                Step::Meta(value) => data.meta(field, &value),
                Step::Refused => data.error(field, ErrorType::Unauthorized, not_authorised(field.name)),
                Step::Call(_) if data.json.len() > ANSWER_BYTES => {
                    let most =
                        format!("an answer may have at most {ANSWER_BYTES} bytes: ask for less at once");
                    data.error(field, ErrorType::ValidationError, most)
                }
                Step::Call(call) => match call.run(context).await {
                    Ok(reply) => data.reply(field, &reply),
                    Err(error) => data.refusal(field, &error),
                },
            };
            // Null where the schema allows none makes the whole data null, and ends a mutation.
            if !proceeds && self.plan.kind == OperationType::Mutation {
                break;
            }
        }
        let (json, results) = data.finish();
        Answer { json, plan: self.plan, results }
    }
}

/// How every answer begins.
const DATA: &[u8] = b"{\"data\":";

/// The answer while it is written.
struct Data {
    json: Vec<u8>,
    errors: Vec<GraphqlError>,
    results: Vec<Option<ErrorType>>,
    is_null: bool,
}

impl Default for Data {
    fn default() -> Self {
        let mut json = Vec::with_capacity(512);
        json.extend_from_slice(DATA);
        Self { json, errors: Vec::new(), results: Vec::new(), is_null: false }
    }
}

impl Data {
    fn key(&mut self, field: &RootField) {
        self.json.push(if self.json.len() == DATA.len() { b'{' } else { b',' });
        write_text(&mut self.json, &field.key);
        self.json.push(b':');
    }

    fn meta(&mut self, field: &RootField, value: &JsonValue) -> bool {
        self.key(field);
        self.json.extend_from_slice(value.to_string().as_bytes());
        true
    }

    fn reply(&mut self, field: &RootField, reply: &Reply) -> bool {
        self.key(field);
        write(&mut self.json, reply.value(), &field.selection, Part::Whole);
        self.results.push(None);
        true
    }

    fn refusal(&mut self, field: &RootField, error: &Error) -> bool {
        if let Error::Store(detail) = error {
            tracing::error!(operation = field.name, %detail, "the store failed");
        }
        self.error(field, error.error_type(), error.to_string())
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
