//! Requests that fail, or wait, as a test decides.

use serde_json::Value;

use super::engine::{Answer, Engine, refusal};

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation, as `UpdateItem`.
    pub operation: String,
    /// Its JSON.
    pub json: Value,
}

/// The fate of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Nothing; it arrives.
    None,
    /// It is refused with a status and a code.
    Refused(u16, &'static str),
    /// It never arrives, and no answer comes.
    Lost,
    /// It arrives, but its answer does not.
    AnswerLost,
    /// Of a batch only so many items are processed.
    Partly(usize),
    /// It arrives as this JSON instead.
    Changed(Value),
    /// A transaction is cancelled for this reason.
    Cancelled(&'static str),
    /// It never arrives, and this body is the answer to it.
    Answered(String),
    /// It arrives after others had so many turns.
    Late(usize),
}

/// Decides what becomes of requests.
pub trait Faults: Send + Sync + 'static {
    /// The fate of this request.
    fn meet(&self, request: &Request) -> Fault;
}

impl<F: Fn(&Request) -> Fault + Send + Sync + 'static> Faults for F {
    fn meet(&self, request: &Request) -> Fault {
        self(request)
    }
}

/// No fault at all.
pub(super) fn none(_request: &Request) -> Fault {
    Fault::None
}

/// The answer to a request; none if it or its answer is lost.
pub(super) fn answer(engine: &Engine, request: Request, fault: Fault) -> Option<Answer> {
    let Request { operation, json } = request;
    match fault {
        Fault::None | Fault::Late(_) => Some(engine.answer(&operation, json)),
        Fault::Refused(status, code) => Some(refusal(status, code)),
        Fault::Lost => None,
        Fault::AnswerLost => {
            engine.answer(&operation, json);
            None
        }
        Fault::Partly(count) => Some(partly(engine, &operation, json, count)),
        Fault::Changed(json) => Some(engine.answer(&operation, json)),
        Fault::Answered(body) => Some(Answer { status: 200, body }),
        Fault::Cancelled(code) => Some(cancelled(&json, code)),
    }
}

/// Processes the first items of a batch and hands the rest back.
fn partly(engine: &Engine, operation: &str, mut json: Value, count: usize) -> Answer {
    let (items, unprocessed) = match operation {
        "BatchGetItem" => ("/Keys", "UnprocessedKeys"),
        _ => ("", "UnprocessedItems"),
    };
    let tables = json["RequestItems"].as_object_mut().expect("a batch names its table");
    let (table, batch) = tables.iter_mut().next().expect("a batch names its table");
    let (table, mut left) = (table.clone(), batch.clone());
    let list = |batch: &mut Value| batch.pointer_mut(items).and_then(Value::as_array_mut).cloned();
    let all = list(batch).expect("a batch has items");
    let (now, later) = all.split_at(count.min(all.len()));
    *left.pointer_mut(items).expect("a batch has items") = later.into();
    *batch.pointer_mut(items).expect("a batch has items") = now.into();
    let mut body = serde_json::json!({});
    if !now.is_empty() {
        let answer = engine.answer(operation, json);
        body = serde_json::from_str(&answer.body).expect("an answer is JSON");
    }
    body[unprocessed] = serde_json::json!({});
    if !later.is_empty() {
        body[unprocessed][table] = left;
    }
    Answer { status: 200, body: body.to_string() }
}

fn cancelled(json: &Value, code: &str) -> Answer {
    let items = json["TransactItems"].as_array().map_or(0, Vec::len);
    let reasons: Vec<_> = (0..items).map(|_| serde_json::json!({ "Code": code })).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let body = serde_json::json!({ "__type": kind, "Message": code, "CancellationReasons": reasons });
    Answer { status: 400, body: body.to_string() }
}
