//! A group with as many nodes as it may have, and one more.

use mesh_core::settings::Settings;
use mesh_simulate::client::{CallError, Group, Http};
use serde_json::json;
use tokio::task::JoinSet;

use super::Checks;
use super::session::Session;

/// Connections over which nodes join. A new account on AWS runs ten functions at the same time.
const LANES: usize = 4;

/// The nodes that join at the same time as others; the last ones come one by one.
fn crowd() -> usize {
    Settings::default().limits.nodes_in_group - 2
}

/// The calls of this module, with how often each is sent. The members of a full group are removed one by one.
pub(super) fn calls() -> [(&'static str, u64); 3] {
    let nodes = Settings::default().limits.nodes_in_group as u64;
    [("createGroup", 1), ("joinGroup", nodes + 1), ("dissolveGroup", nodes / 40)]
}

pub(super) async fn verify(session: &mut Session, checks: &mut Checks) {
    let group = match session.create("host of many").await {
        Ok(group) => group,
        Err(error) => return checks.note("a group to fill", Err(error.to_string())),
    };
    let crowd = fill(session, &group).await;
    checks.note("a group fills", crowd);
    for number in 0..2 {
        let joined = join(session, &group, number).await;
        checks.note(
            "the last nodes that a group may have",
            joined.map(|()| String::new()).map_err(|error| error.to_string()),
        );
    }
    let outcome = match join(session, &group, 2).await {
        Err(CallError::Refused { error_type, .. }) if error_type == "ValidationError" => Ok(error_type),
        Err(error) => Err(error.to_string()),
        Ok(()) => Err("accepted".to_owned()),
    };
    checks.note("a node more", outcome);
}

async fn join(session: &mut Session, group: &Group, number: usize) -> Result<(), CallError> {
    session.call_in(group, "joinGroup", json!({ "nodeId": format!("last{number}") })).await.map(drop)
}

/// Lets nodes join over several connections.
async fn fill(session: &mut Session, group: &Group) -> Result<String, String> {
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let joins: Vec<_> = (lane..crowd())
            .step_by(LANES)
            .map(|number| {
                let variables =
                    json!({ "groupId": group.id, "domain": group.domain, "nodeId": format!("node{number}") });
                session.operation("joinGroup", &variables, Some("{ id }"))
            })
            .collect();
        session.calls += joins.len() as u64;
        let mut http = Http::new(session.endpoint.clone());
        lanes.spawn(async move {
            for join in &joins {
                http.call(join).await?;
            }
            Ok::<_, CallError>(())
        });
    }
    for joined in lanes.join_all().await {
        joined.map_err(|error| error.to_string())?;
    }
    Ok(format!("{} nodes", crowd()))
}
