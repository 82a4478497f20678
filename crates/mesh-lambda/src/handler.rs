//! Events to calls to answers.

use std::sync::Arc;

use lambda_runtime::Error as Fault;
use mesh_appsync::Reply;
use mesh_appsync::call::CallError;
use mesh_appsync::event::{self, Event};
use mesh_core::settings::Settings;
use mesh_core::{Context, Error, ErrorType};
use mesh_dynamodb::{DynamoStore, Table};

use crate::client;
use crate::clock::SystemClock;
use crate::environment::Environment;
use crate::metrics::{Invocation, Protocol};
use crate::publisher::AppSyncPublisher;
use crate::{Function, Needs, StartError};

/// A function with all that it needs.
pub struct Handler {
    context: Context<DynamoStore>,
    fields: &'static [&'static str],
    trusted_hops: usize,
    stage: String,
}

/// What became of a call.
type Outcome = Result<Reply, Error>;

impl Handler {
    /// Reads the environment and opens what the function needs.
    pub async fn open(function: Function, environment: &Environment) -> Result<Self, StartError> {
        let settings = environment.settings()?;
        let store = open_store(function.needs, environment, settings.clone()).await?;
        let domain_secret = match function.needs {
            Needs::Secret => Some(environment.secret()?),
            Needs::Table | Needs::TableAndApi => None,
        };
        let context = Context { store, clock: Arc::new(SystemClock::new()), settings, domain_secret };
        Ok(Self {
            stage: environment.stage(),
            ..Self::new(function.fields, context, environment.trusted_hops()?)
        })
    }

    /// A function over what was opened for it.
    pub fn new(fields: &'static [&'static str], context: Context<DynamoStore>, trusted_hops: usize) -> Self {
        Self { context, fields, trusted_hops, stage: "local".to_owned() }
    }

    /// Answers an event. Only what no client can bring about is a fault.
    pub async fn answer(&self, request_id: &str, json: &[u8]) -> Result<String, Fault> {
        let event = Event::parse(json)?;
        if !self.fields.contains(&event.field.as_str()) {
            return Err(format!("this function serves {:?}", self.fields).into());
        }
        let mut invocation = Invocation::of(&event, request_id);
        let call = match event.call(self.trusted_hops) {
            Ok(call) => call,
            Err(CallError::UnknownField) => return Err("no operation serves the field".into()),
            Err(CallError::Arguments(_)) => {
                invocation.error_type = Some(ErrorType::ValidationError);
                println!("{}", invocation.line(&self.stage));
                return Ok(event::malformed(&event.field));
            }
        };
        let outcome = call.run(&self.context).await;
        invocation.usage = self.context.store.take_usage();
        note(&mut invocation, &outcome);
        println!("{}", invocation.line(&self.stage));
        Ok(match outcome {
            Ok(reply) => event::data(&reply),
            Err(error) => event::error(error.error_type(), &error.to_string()),
        })
    }
}

/// Notes what is to be told of an outcome.
fn note(invocation: &mut Invocation<'_>, outcome: &Outcome) {
    match outcome {
        Ok(Reply::Group(group)) if invocation.operation == "createGroup" => {
            invocation.protocol = Some(Protocol::of(group.record.use_web_socket));
            invocation.group_id = Some(group.record.key.id.to_string());
        }
        Ok(Reply::Node(node)) => {
            invocation.protocol = Some(Protocol::of(node.record.use_web_socket));
        }
        Ok(_) => {}
        Err(error) => invocation.error_type = Some(error.error_type()),
    }
    if let Err(Error::Store(detail)) = outcome {
        let Invocation { request_id, operation, group_id, .. } = invocation;
        tracing::error!(requestId = request_id, Operation = operation, groupId = group_id, %detail, "the store failed");
    }
}

async fn open_store(
    needs: Needs,
    environment: &Environment,
    settings: Settings,
) -> Result<DynamoStore, StartError> {
    if needs == Needs::Secret {
        return Ok(DynamoStore::new(Table::new(client::unreachable(), "none"), settings));
    }
    let table = environment.table()?;
    let connector = client::connector()?;
    let configuration = client::configuration(environment, &connector);
    let publisher = match needs {
        Needs::TableAndApi => Some(AppSyncPublisher::new(&environment.api()?, &configuration, connector)?),
        _ => None,
    };
    let client = client::dynamodb(&configuration);
    client::open_connection(&client, &table).await;
    let store = DynamoStore::new(Table::new(client, table), settings);
    Ok(match publisher {
        Some(publisher) => store.publishing_to(Arc::new(publisher)),
        None => store,
    })
}
