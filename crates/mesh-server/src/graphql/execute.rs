//! From a request to its answer: documents are validated once, operations run in order, and each
//! answers exactly what was selected.

use std::sync::Arc;

use apollo_compiler::executable::OperationType;
use apollo_compiler::response::JsonValue;
use apollo_compiler::response::serde_json_bytes::ByteString;
use mesh_appsync::selection::{Part, Selection, write, write_text};
use mesh_appsync::{Call, Reply};
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::network::Network;
use mesh_core::store::Store;
use mesh_core::{Error, Mesh, limits};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Deserialize;

use super::arguments::{self, RootFields};
use super::document::Document;
use super::error::{Fault, GraphqlError};
use super::plan::{Plan, RootField};
use super::request::Request;
use super::schema::{Schema, SchemaError};

/// How many documents are kept at most, and how many bytes their texts have together.
const KEPT_DOCUMENTS: usize = 1_000;
const KEPT_BYTES: u64 = 4 << 20;
/// Longer texts are not kept: they carry data that does not come again.
const KEPT_LENGTH: usize = 16 << 10;
/// When an answer has this many bytes, its remaining fields are refused.
const ANSWER_BYTES: usize = 64 << 20;

/// Reads requests against the schema.
pub struct Engine {
    schema: Schema,
    documents: Cache<Box<str>, Arc<Document>, TextLength>,
}

/// A query or mutation that is ready to run.
pub struct Prepared {
    plan: Arc<Plan>,
    steps: Vec<Step>,
}

/// What answers a root field.
enum Step {
    Call(Call),
    /// A meta field, answered already.
    Meta(JsonValue),
    Refused,
}

/// A subscription that is ready to be registered.
#[derive(Debug)]
pub struct Subscription {
    /// The group whose messages are wanted.
    pub group: GroupKey,
    /// The key of the answer.
    pub key: String,
    /// What is wanted of a message.
    pub selection: Selection,
}

#[derive(Clone)]
struct TextLength;

impl Weighter<Box<str>, Arc<Document>> for TextLength {
    fn weight(&self, text: &Box<str>, _: &Arc<Document>) -> u64 {
        text.len() as u64
    }
}

impl Engine {
    /// Loads the schema.
    pub fn new() -> Result<Self, SchemaError> {
        let documents = Cache::with_weighter(KEPT_DOCUMENTS, KEPT_BYTES, TextLength);
        Ok(Self { schema: Schema::load()?, documents })
    }

    /// Reads a query or mutation: everything that can be refused without looking anything up is.
    pub fn prepare(
        &self,
        request: &Request,
        network: Option<Network>,
    ) -> Result<Prepared, Vec<GraphqlError>> {
        let (plan, RootFields { mut arguments, mut meta }) = self.read(request)?;
        if plan.kind == OperationType::Subscription {
            let detail = "subscriptions are served over the WebSocket at /graphql/realtime";
            return Err(vec![GraphqlError::validation(Fault::UnsupportedOperation, detail, vec![])]);
        }
        let step = |field: &RootField| {
            if field.is_meta {
                return Ok(Step::Meta(meta.remove(field.key.as_str()).unwrap_or(JsonValue::Null)));
            }
            if !field.allows_api_key {
                return Ok(Step::Refused);
            }
            let place = arguments.iter().position(|(key, _)| *key == field.key);
            let given = place.map(|place| arguments.swap_remove(place).1).unwrap_or_default();
            let fields = field.selection.message_fields();
            Call::read(&field.name, JsonValue::Object(given), fields, network)
                .map(Step::Call)
                .map_err(|_| vec![wrong_argument(field)])
        };
        let steps = plan.fields.iter().map(step).collect::<Result<_, _>>()?;
        Ok(Prepared { plan, steps })
    }

    /// Reads a subscription.
    pub fn subscription(&self, request: &Request) -> Result<Subscription, Vec<GraphqlError>> {
        let (plan, RootFields { arguments, .. }) = self.read(request)?;
        let [field] = &plan.fields[..] else {
            let detail = "a subscription has exactly one field";
            return Err(vec![GraphqlError::validation(Fault::InvalidDocument, detail, vec![])]);
        };
        if plan.kind != OperationType::Subscription {
            let detail = "only subscriptions are served over the WebSocket";
            return Err(vec![GraphqlError::validation(Fault::UnsupportedOperation, detail, vec![])]);
        }
        let given = arguments.into_iter().next().map(|(_, given)| given).unwrap_or_default();
        let group = SubscriptionArguments::deserialize(JsonValue::Object(given))
            .map_err(|_| vec![wrong_argument(field)])?;
        let checked = limits::id("groupId", &group.group_id).and_then(|()| limits::domain(&group.domain));
        checked.map_err(|error| vec![refusal(field, &error)])?;
        Ok(Subscription {
            group: GroupKey { id: group.group_id, domain: group.domain },
            key: field.key.clone(),
            selection: field.selection.clone(),
        })
    }

    fn read(&self, request: &Request) -> Result<(Arc<Plan>, RootFields), Vec<GraphqlError>> {
        let document = self.document(request.query.as_str())?;
        let name = request.operation_name.as_ref().map(ByteString::as_str);
        let one = |error| vec![error];
        let operation = document.operation(name).map_err(one)?;
        let variables = arguments::variables(&self.schema, operation, &request.variables).map_err(one)?;
        let plan = || Arc::new(Plan::new(&self.schema, &document.executable, operation, &variables));
        let plan = document.kept_plan().map_or_else(plan, |kept| kept.get_or_init(plan).clone());
        let fields = arguments::root_fields(&self.schema, &document, operation, &variables).map_err(one)?;
        Ok((plan, fields))
    }

    fn document(&self, text: &str) -> Result<Arc<Document>, Vec<GraphqlError>> {
        if let Some(document) = self.documents.get(text) {
            return Ok(document);
        }
        let document = Arc::new(Document::parse(&self.schema, text)?);
        if text.len() <= KEPT_LENGTH {
            self.documents.insert(text.into(), document.clone());
        }
        Ok(document)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionArguments {
    group_id: Id,
    domain: Domain,
}

/// An answer, and what became of each of its operations.
pub struct Answer {
    /// The JSON text.
    pub json: Vec<u8>,
    /// Each operation that ran, and the word it was refused with.
    pub outcomes: Vec<(String, Option<&'static str>)>,
}

impl Prepared {
    /// Runs the operations in order and writes the answer.
    pub async fn run<S: Store>(self, mesh: &Mesh<S>) -> Answer {
        let mut data = Data::default();
        for (field, step) in self.plan.fields.iter().zip(self.steps) {
            let proceeds = match step {
                Step::Meta(value) => data.meta(field, &value),
                Step::Refused => data.error(field, "Unauthorized", not_authorised(&field.name)),
                Step::Call(_) if data.json.len() > ANSWER_BYTES => {
                    let most =
                        format!("an answer may have at most {ANSWER_BYTES} bytes: ask for less at once");
                    data.error(field, "ValidationError", most)
                }
                Step::Call(call) => match call.run(mesh).await {
                    Ok(reply) => data.reply(field, &reply),
                    Err(error) => data.refusal(field, &error),
                },
            };
            // Null where the schema allows none makes the whole data null, and ends a mutation.
            if !proceeds && self.plan.kind == OperationType::Mutation {
                break;
            }
        }
        data.finish()
    }
}

/// The data of an answer while it is written.
#[derive(Default)]
struct Data {
    json: Vec<u8>,
    errors: Vec<GraphqlError>,
    outcomes: Vec<(String, Option<&'static str>)>,
    is_null: bool,
}

impl Data {
    fn key(&mut self, field: &RootField) {
        self.json.push(if self.json.is_empty() { b'{' } else { b',' });
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
        self.outcomes.push((field.name.clone(), None));
        true
    }

    fn refusal(&mut self, field: &RootField, error: &Error) -> bool {
        if let Error::Store(detail) = error {
            tracing::error!(operation = field.name, %detail, "the store failed");
        }
        self.error(field, error.kind(), error.to_string())
    }

    fn error(&mut self, field: &RootField, error_type: &'static str, message: String) -> bool {
        self.key(field);
        self.json.extend_from_slice(b"null");
        self.is_null |= !field.nullable;
        self.outcomes.push((field.name.clone(), Some(error_type)));
        self.errors.push(at_field(field, error_type, message));
        field.nullable
    }

    fn finish(self) -> Answer {
        let mut json = Vec::with_capacity(self.json.len() + 16);
        json.extend_from_slice(b"{\"data\":");
        if self.is_null {
            json.extend_from_slice(b"null");
        } else if self.json.is_empty() {
            json.extend_from_slice(b"{}");
        } else {
            json.extend_from_slice(&self.json);
            json.push(b'}');
        }
        if !self.errors.is_empty() {
            json.extend_from_slice(b",\"errors\":");
            super::error::write_all(&mut json, &self.errors);
        }
        json.push(b'}');
        Answer { json, outcomes: self.outcomes }
    }
}

/// The answer to a request that was refused as a whole.
pub fn refused(errors: &[GraphqlError]) -> Vec<u8> {
    let mut json = b"{\"data\":null,\"errors\":".to_vec();
    super::error::write_all(&mut json, errors);
    json.push(b'}');
    json
}

fn at_field(field: &RootField, error_type: &'static str, message: String) -> GraphqlError {
    let locations = field.location.into_iter().collect();
    GraphqlError { path: Some(field.key.clone()), error_type, locations, message }
}

fn refusal(field: &RootField, error: &Error) -> GraphqlError {
    at_field(field, error.kind(), error.to_string())
}

/// Only date-times are left to be wrong here: all else was coerced.
fn wrong_argument(field: &RootField) -> GraphqlError {
    let detail = format!("an argument of '{}' is no AWSDateTime: YYYY-MM-DDThh:mm:ss.sssZ", field.name);
    GraphqlError::validation(Fault::WrongType, &detail, field.location.into_iter().collect())
}

fn not_authorised(field: &str) -> String {
    format!("Not Authorized to access {field} on type Mutation")
}
