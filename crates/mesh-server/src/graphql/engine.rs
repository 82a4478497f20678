//! From a request to something that is ready to run: documents are validated once and kept, and
//! everything that can be refused without looking anything up is refused here.

use std::net::IpAddr;
use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::executable::{Operation, OperationType};
use apollo_compiler::response::{JsonMap, JsonValue};
use mesh_appsync::Call;
use mesh_appsync::selection::Selection;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::limits;
use mesh_core::network::Network;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::answer::{Prepared, Step};
use super::arguments::{Defaults, OperationVariables};
use super::document::{Document, Tokens};
use super::error::{Fault, GraphqlError};
use super::plan::{Meta, Plan, RootField};
use super::request::Request;
use super::schema::{Schema, SchemaError};
use crate::limits::answers::Meter;
use crate::limits::memory::MemoryLimits;
use crate::limits::rates::TooMuch;

/// About as many documents are kept.
const KEPT_DOCUMENTS: usize = 1_000;
/// Longer texts are not kept: they carry data that does not come again.
const KEPT_LENGTH: usize = 16 << 10;

/// Texts of so many bytes at most are parsed in a few milliseconds, whatever they say.
const SHORT_LENGTH: usize = 4 << 10;

/// Reads requests against the schema.
pub struct Engine {
    schema: Arc<Schema>,
    /// The turn of a long document to be parsed.
    turn: Arc<Semaphore>,
    documents: Cache<Box<str>, Arc<Document>, Cost>,
}

/// A subscription that is ready to be registered.
#[derive(Debug)]
pub struct Subscription {
    /// The group whose messages are wanted.
    pub group: GroupKey,
    /// The key of the answer.
    pub key: String,
    /// The fields that are wanted of a message.
    pub selection: Selection,
}

/// The memory that a document costs.
#[derive(Clone)]
struct Cost;

impl Weighter<Box<str>, Arc<Document>> for Cost {
    fn weight(&self, text: &Box<str>, document: &Arc<Document>) -> u64 {
        (text.len() + document.cost()) as u64
    }
}

impl Engine {
    /// Loads the schema. Keeps as many documents as a server does by default.
    ///
    /// # Errors
    ///
    /// The schema of this program is not valid.
    pub fn new() -> Result<Self, SchemaError> {
        Self::keeping(MemoryLimits::default().documents)
    }

    /// Loads the schema. Keeps documents of so many bytes.
    ///
    /// # Errors
    ///
    /// The schema of this program is not valid.
    pub fn keeping(bytes: usize) -> Result<Self, SchemaError> {
        let documents = Cache::with_weighter(KEPT_DOCUMENTS, bytes as u64, Cost);
        Ok(Self { schema: Arc::new(Schema::load()?), turn: Arc::new(Semaphore::new(1)), documents })
    }

    /// Bytes of the documents that are kept.
    pub fn document_bytes(&self) -> usize {
        usize::try_from(self.documents.weight()).unwrap_or(usize::MAX)
    }

    /// Parses the document of a request before the rest is read, if it is a long one: on a thread of its own, one such
    /// document at a time, so that others do not wait for a thread that parses. `meter` counts its tokens.
    ///
    /// # Errors
    ///
    /// If too much was written or parsed for its client before. The inner errors are the document's.
    pub async fn parse_long(
        &self,
        request: &mut Request<'_>,
        meter: &Meter<'_>,
    ) -> Result<Result<(), Vec<GraphqlError>>, TooMuch> {
        if request.query.len() <= SHORT_LENGTH {
            return Ok(Ok(()));
        }
        request.document = self.documents.get(&*request.query);
        if request.document.is_some() {
            return Ok(Ok(()));
        }
        let turn = self.turn.clone().acquire_owned().await;
        meter.check()?;
        let tokens = match Tokens::count(&request.query) {
            Ok(tokens) => tokens,
            Err(errors) => return Ok(Err(errors)),
        };
        meter.count_parsed(tokens.all);
        let (schema, text) = (self.schema.clone(), request.query.to_string());
        let parsing = tokio::task::spawn_blocking(move || {
            let document = Document::parse_counted(&schema, &text, tokens);
            // Kept until here, also when nobody waits for the result any more.
            drop(turn);
            document
        });
        // It fails when the server stops.
        Ok(parsing.await.map_or(Ok(()), |document| {
            request.document = Some(self.keep(&request.query, document?));
            Ok(())
        }))
    }

    /// Reads a query or mutation that comes from an address, if that is known.
    ///
    /// # Errors
    ///
    /// Every error of the document and its variables.
    pub fn prepare(
        &self,
        request: &Request<'_>,
        from: Option<IpAddr>,
    ) -> Result<Prepared, Vec<GraphqlError>> {
        let read = self.read(request)?;
        if read.plan.kind == OperationType::Subscription {
            let detail = "subscriptions are served over the WebSocket at /graphql/realtime";
            return Err(vec![GraphqlError::validation(Fault::UnsupportedOperation, detail, vec![])]);
        }
        let network = from.map(Network::of_local);
        let variables = read.variables(request);
        let mut meta = self.answer_meta_fields(&read, variables)?;
        let step = |field: &RootField| {
            if field.meta.is_some() {
                return Ok(Step::Meta(meta.remove(&*field.key).unwrap_or(JsonValue::Null)));
            }
            if !field.allows_api_key {
                return Ok(Step::Refused);
            }
            let fields = field.selection.message_fields();
            let call = Call::read(field.name, variables.arguments(&field.arguments), fields, network, from);
            call.map(Step::Call).map_err(|_| vec![self.wrong_argument(variables, field)])
        };
        let steps = read.plan.fields.iter().map(step).collect::<Result<_, _>>()?;
        Ok(Prepared { plan: read.plan, steps })
    }

    /// Reads a subscription.
    ///
    /// # Errors
    ///
    /// Every error of the document and its variables; it must be one subscription.
    pub fn subscription(&self, request: &Request<'_>) -> Result<Subscription, Vec<GraphqlError>> {
        let read = self.read(request)?;
        let [field] = &read.plan.fields[..] else {
            let detail = "a subscription has exactly one field";
            return Err(vec![GraphqlError::validation(Fault::InvalidDocument, detail, vec![])]);
        };
        if read.plan.kind != OperationType::Subscription {
            let detail = "only subscriptions are served over the WebSocket";
            return Err(vec![GraphqlError::validation(Fault::UnsupportedOperation, detail, vec![])]);
        }
        let variables = read.variables(request);
        let arguments = SubscriptionArguments::deserialize(variables.arguments(&field.arguments));
        let SubscriptionArguments { group_id, domain } =
            arguments.map_err(|_| vec![self.wrong_argument(variables, field)])?;
        let checked = limits::id("groupId", &group_id).and_then(|()| limits::domain(&domain));
        checked.map_err(|error| vec![field.refusal(&error)])?;
        let group = GroupKey { id: group_id, domain };
        Ok(Subscription { group, key: field.key.clone(), selection: field.selection.clone() })
    }

    /// Returns `true` if a request is a subscription.
    ///
    /// # Errors
    ///
    /// Every error of the document and its variables.
    pub fn is_subscription(&self, request: &Request<'_>) -> Result<bool, Vec<GraphqlError>> {
        Ok(self.read(request)?.plan.kind == OperationType::Subscription)
    }

    fn read(&self, request: &Request<'_>) -> Result<Read, Vec<GraphqlError>> {
        let document = request.document.clone().map_or_else(|| self.document(&request.query), Ok)?;
        let operation = document.operation(request.operation_name.as_deref()).map_err(|error| vec![error])?;
        let defaults = Defaults::of(&operation);
        let variables = OperationVariables::new(&operation, &defaults, &request.variables);
        variables.check().map_err(|error| vec![error])?;
        let plan = || Arc::new(Plan::new(&self.schema, &document.executable, &operation, variables));
        let plan = document.kept_plan().map_or_else(plan, |kept| kept.get_or_init(plan).clone());
        Ok(Read { document, operation, defaults, plan })
    }

    fn document(&self, text: &str) -> Result<Arc<Document>, Vec<GraphqlError>> {
        if let Some(document) = self.documents.get(text) {
            return Ok(document);
        }
        Ok(self.keep(text, Document::parse(&self.schema, text)?))
    }

    fn keep(&self, text: &str, document: Document) -> Arc<Document> {
        let document = Arc::new(document);
        if text.len() <= KEPT_LENGTH {
            self.documents.insert(text.into(), document.clone());
        }
        document
    }

    fn answer_meta_fields(
        &self,
        read: &Read,
        variables: OperationVariables<'_>,
    ) -> Result<JsonMap, Vec<GraphqlError>> {
        if !read.plan.fields.iter().any(|field| field.meta.is_some()) {
            return Ok(JsonMap::new());
        }
        let asked = read.plan.fields.iter().filter(|field| field.meta == Some(Meta::Schema)).count();
        read.document.check_introspection(&read.operation, asked).map_err(|error| vec![error])?;
        let answers = variables.introspect(&self.schema, &read.document.executable);
        answers.ok_or_else(|| {
            let error = variables.wrong_variable(&self.schema).unwrap_or_else(|| {
                let detail = "the schema cannot be asked like that";
                GraphqlError::validation(Fault::InvalidDocument, detail, vec![])
            });
            vec![error]
        })
    }

    /// Says which variable does not fit; if they all do, it is a text that is no date-time.
    fn wrong_argument(&self, variables: OperationVariables<'_>, field: &RootField) -> GraphqlError {
        variables.wrong_variable(&self.schema).unwrap_or_else(|| {
            let detail =
                format!("an argument of '{}' is no AWSDateTime: YYYY-MM-DDThh:mm:ss.sssZ", field.name);
            GraphqlError::validation(Fault::WrongType, &detail, field.location.into_iter().collect())
        })
    }
}

/// A request that fits the schema.
struct Read {
    document: Arc<Document>,
    operation: Node<Operation>,
    defaults: Defaults,
    plan: Arc<Plan>,
}

impl Read {
    fn variables<'a>(&'a self, request: &'a Request<'_>) -> OperationVariables<'a> {
        OperationVariables::new(&self.operation, &self.defaults, &request.variables)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionArguments {
    group_id: Id,
    domain: Domain,
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_long_document_waits_for_its_turn_and_a_short_one_for_nothing() {
        let engine = Engine::new().unwrap();
        let long = format!("{{ {} }}", "__typename ".repeat(5_000));
        let mut request = Request::of_parts(&long, None, None).unwrap();
        let turn = engine.turn.clone().acquire_owned().await.unwrap();
        {
            let mut parsing = pin!(engine.parse_long(&mut request, &Meter::OFF));
            tokio::select! {
                biased;
                _ = &mut parsing => panic!("another one is parsed"),
                () = ready(()) => {}
            }
            let mut short = Request::of_parts("{ __typename }", None, None).unwrap();
            engine.parse_long(&mut short, &Meter::OFF).await.unwrap().unwrap();
            engine.prepare(&short, None).map(drop).unwrap();
            drop(turn);
            parsing.await.unwrap().unwrap();
        }
        assert!(request.document.is_some(), "what was parsed is not parsed again");
        engine.prepare(&request, None).map(drop).unwrap();
        assert_eq!(engine.turn.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_long_document_is_refused_as_a_short_one() {
        let engine = Engine::new().unwrap();
        for long in
            ["nothing ".repeat(5_000), "{ __typename ".repeat(1_000), "{ __typename } ".repeat(25_000)]
        {
            let mut request = Request::of_parts(&long, None, None).unwrap();
            let at_once = engine.prepare(&request, None).map(drop).unwrap_err();
            assert_eq!(engine.parse_long(&mut request, &Meter::OFF).await.unwrap().unwrap_err(), at_once);
        }
        assert_eq!(engine.turn.available_permits(), 1);
    }
}
