//! DynamoDB's behaviour in memory.

use std::fmt;

use dynoxide::Database;
use dynoxide::errors::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// DynamoDB's behaviour in memory. Clones share what it keeps.
#[derive(Clone)]
pub struct Engine(Database);

/// An answer as it goes over the wire: the status and the JSON text.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Engine {
    /// An engine without tables.
    pub fn new() -> Self {
        Self(Database::memory().expect("a database in memory opens"))
    }

    /// Deletes what its TTL says is over by the system's clock, as DynamoDB does some day.
    pub fn sweep(&self) -> usize {
        self.0.sweep_ttl().expect("a sweep in memory works")
    }

    /// Answers a request.
    pub fn answer(&self, operation: &str, mut request: Value) -> Answer {
        let db = &self.0;
        match operation {
            "CreateTable" => answer(request, |request| db.create_table(request)),
            "DescribeTable" => answer(request, |request| db.describe_table(request)),
            "UpdateTimeToLive" => answer(request, |request| db.update_time_to_live(request)),
            "GetItem" => answer(request, |request| db.get_item(request)),
            "PutItem" => answer(request, |request| db.put_item(request)),
            "UpdateItem" => answer(request, |request| db.update_item(request)),
            "DeleteItem" => answer(request, |request| db.delete_item(request)),
            "Query" => answer(request, |request| db.query(request)),
            "Scan" => answer(request, |request| db.scan(request)),
            "BatchGetItem" => answer(request, |request| db.batch_get_item(request)),
            "BatchWriteItem" => answer(request, |request| db.batch_write_item(request)),
            "TransactWriteItems" => {
                // The engine looks through all tokens of ten minutes at each call. The store knows its
                // own transactions without them.
                if let Some(request) = request.as_object_mut() {
                    request.remove("ClientRequestToken");
                }
                answer(request, |request| db.transact_write_items(request))
            }
            _ => refusal(400, "UnknownOperationException"),
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

/// An error as DynamoDB writes it.
pub(super) fn refusal(status: u16, code: &str) -> Answer {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
    Answer { status, body: serde_json::json!({ "__type": kind, "message": code }).to_string() }
}

fn answer<T: DeserializeOwned, R: Serialize>(
    request: Value,
    run: impl FnOnce(T) -> Result<R, DynoxideError>,
) -> Answer {
    let Ok(request) = serde_json::from_value(request) else { return refusal(400, "ValidationException") };
    match run(request) {
        Ok(done) => {
            Answer { status: 200, body: serde_json::to_string(&done).expect("an answer is valid JSON") }
        }
        Err(error) => Answer { status: error.status_code(), body: error.to_json() },
    }
}
