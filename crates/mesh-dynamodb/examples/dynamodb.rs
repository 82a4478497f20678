//! Serves an embedded engine with DynamoDB's behaviour and the table of Mesh on one machine, so that
//! several functions share a table. The group that `events/` name lives in it, and is made anew when it was
//! dissolved. The address is the first argument, 127.0.0.1:8000 if there is none.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mesh_core::clock::Now;
use mesh_core::settings::Settings;
use mesh_core::time::Timestamp;
use mesh_dynamodb::testing::{Engine, Fault, Request, TABLE, client, make_table, seed, serve};
use mesh_dynamodb::{DynamoStore, Table};
use tokio::net::TcpListener;

/// How often the group is looked after.
const ROUND: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let engine = Engine::new();
    make_table(&engine).await;
    let listener = TcpListener::bind(&address).await?;
    println!("export AWS_ENDPOINT_URL_DYNAMODB=http://{} TABLE_NAME={TABLE}", listener.local_addr()?);
    println!("export AWS_REGION=local AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local");
    let table = Table::new(client(&engine, Arc::new(|_: &Request| Fault::None)), TABLE);
    tokio::spawn(look_after_group(DynamoStore::new(table, Settings::default())));
    serve(listener, engine).await
}

async fn look_after_group(store: DynamoStore) {
    let origin = Instant::now();
    loop {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        let now = Now { wall: Timestamp::from_millis(millis), steady: origin.elapsed() };
        if let Err(error) = seed(&store, now).await {
            eprintln!("the group of events/ is not there: {error}");
        }
        tokio::time::sleep(ROUND).await;
    }
}
