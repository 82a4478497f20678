//! Serves an embedded engine with DynamoDB's behaviour and the table of Mesh on one machine, so that
//! several functions share a table. The address is the first argument, 127.0.0.1:8000 if there is none.

use std::io;

use mesh_dynamodb::testing::{Engine, TABLE, make_table, serve};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let engine = Engine::new();
    make_table(&engine).await;
    let listener = TcpListener::bind(&address).await?;
    println!("export AWS_ENDPOINT_URL_DYNAMODB=http://{} TABLE_NAME={TABLE}", listener.local_addr()?);
    println!("export AWS_REGION=local AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local");
    serve(listener, engine).await
}
