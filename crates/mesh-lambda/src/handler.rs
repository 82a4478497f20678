//! Events to calls to answers.

use std::sync::Arc;
use std::time::Instant;

use aws_config::SdkConfig;
use lambda_runtime::Error as Fault;
use mesh_appsync::Reply;
use mesh_appsync::call::CallError;
use mesh_appsync::event::{self, Event};
use mesh_core::settings::Settings;
use mesh_core::{Context, Error, ErrorType};
use mesh_dynamodb::{DynamoStore, Table};

use crate::client;
use crate::clock::SystemClock;
use crate::environment::{Environment, LOCAL_STACK};
use crate::metrics::{Invocation, Protocol};
use crate::publisher::AppSyncPublisher;
use crate::start::Start;
use crate::{Function, Needs, StartError};

/// A function with all that it needs.
pub struct Handler {
    context: Context<DynamoStore>,
    fields: &'static [&'static str],
    trusted_hops: usize,
    stack: String,
    start: Start,
}

impl Handler {
    /// Reads the environment and opens what the function needs.
    ///
    /// # Errors
    ///
    /// Says which setting is wrong, or why TLS cannot be set up.
    pub async fn open(function: Function, environment: &Environment) -> Result<Self, StartError> {
        let opened = Instant::now();
        let settings = environment.settings()?;
        let store = open_store(function.needs, environment, settings.clone()).await?;
        let domain_secret = match function.needs {
            Needs::Secret => Some(environment.secret()?),
            Needs::Table | Needs::TableAndApi => None,
        };
        let context = Context { store, clock: Arc::new(SystemClock::new()), settings, domain_secret };
        Ok(Self {
            stack: environment.stack(),
            start: Start::took(opened.elapsed()),
            ..Self::new(function.fields, context, environment.trusted_hops()?)
        })
    }

    /// A function over what was opened for it.
    pub fn new(fields: &'static [&'static str], context: Context<DynamoStore>, trusted_hops: usize) -> Self {
        Self { context, fields, trusted_hops, stack: LOCAL_STACK.to_owned(), start: Start::default() }
    }

    /// Answers an event. Only what no client can bring about is a fault.
    ///
    /// # Errors
    ///
    /// Fails for what is no event of AppSync, or of a field that the function does not serve.
    pub async fn answer(&self, request_id: &str, json: &[u8]) -> Result<String, Fault> {
        let event = Event::parse(json)?;
        if !self.fields.contains(&event.field.as_str()) {
            return Err(format!("this function serves {:?}", self.fields).into());
        }
        let mut invocation = Invocation::of(&event, request_id);
        invocation.environment = self.start.tell();
        let call = match event.call(self.trusted_hops) {
            Ok(call) => call,
            Err(CallError::UnknownField) => return Err("no operation serves the field".into()),
            Err(CallError::Arguments(_)) => {
                invocation.error_type = Some(ErrorType::ValidationError);
                println!("{}", invocation.line(&self.stack));
                return Ok(event::malformed(&event.field));
            }
        };
        invocation.note_call(&call);
        let outcome = call.run(&self.context).await;
        invocation.usage = self.context.store.take_usage();
        let answer = outcome.and_then(|reply| {
            note_reply(&mut invocation, &reply);
            event::data(&reply)
        });
        if let Err(error) = &answer {
            note_refusal(&mut invocation, error);
        }
        println!("{}", invocation.line(&self.stack));
        Ok(answer.unwrap_or_else(|error| event::error(error.error_type(), &error.to_string())))
    }
}

/// Notes the new group or member of a reply.
fn note_reply(invocation: &mut Invocation<'_>, reply: &Reply) {
    match reply {
        Reply::Group(group) if invocation.operation == "createGroup" => {
            invocation.protocol = Some(Protocol::of(group.record.use_web_socket));
            invocation.group_id = Some(group.record.key.id.to_string());
        }
        Reply::Node(node) => {
            invocation.protocol = Some(Protocol::of(node.record.use_web_socket));
        }
        _ => {}
    }
}

/// Notes why a call was refused, and logs the detail of a failure.
fn note_refusal(invocation: &mut Invocation<'_>, error: &Error) {
    invocation.error_type = Some(error.error_type());
    if let Some(detail) = error.failure() {
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
        Needs::TableAndApi => open_publisher(environment, &configuration)?,
        Needs::Table | Needs::Secret => None,
    };
    let client = client::dynamodb(&configuration);
    let opening = async {
        if let Some(publisher) = &publisher {
            publisher.open_connection().await;
        }
    };
    tokio::join!(client::open_connection(&client, &table), opening);
    let store = DynamoStore::new(Table::new(client, table), settings);
    Ok(match publisher {
        Some(publisher) => store.publishing_to(Arc::new(publisher)),
        None => store,
    })
}

/// The publisher of recorded calls. Returns `None` where no API is named, as on a developer's machine.
fn open_publisher(
    environment: &Environment,
    configuration: &SdkConfig,
) -> Result<Option<AppSyncPublisher>, StartError> {
    let Some(endpoint) = environment.api()? else {
        tracing::warn!("MESH_APPSYNC_ENDPOINT is not set: events are recorded, and not published");
        return Ok(None);
    };
    AppSyncPublisher::new(&endpoint, configuration, client::connector).map(Some)
}
