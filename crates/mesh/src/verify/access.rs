//! Keys and addresses of callers.

use std::sync::Arc;

use mesh_simulate::client::{CallError, Http};
use serde_json::{Value, json};

use super::Checks;
use super::session::Session;

/// A key of the right form that no endpoint has.
pub(super) const WRONG_KEY: &str = "da2-wrongwrongwrongwrongwrongwrong";

/// The calls of this module, with how often each is sent.
pub(super) const CALLS: &[(&str, u64)] = &[("createDomain", 3)];

pub(super) async fn verify(session: &mut Session, checks: &mut Checks) {
    let name = "a wrong key in a request";
    match session.endpoint.with_key(WRONG_KEY) {
        Ok(wrong) => {
            let refused = domain(session, Http::new(Arc::new(wrong))).await;
            checks.note(name, refused_key(refused.map(drop)));
        }
        Err(error) => checks.note(name, Err(error.to_string())),
    }
    let own = domain(session, Http::new(session.endpoint.clone())).await;
    let forged = domain(session, Http::new(session.endpoint.clone()).forwarded_for("198.51.100.77")).await;
    let outcome = match (own, forged) {
        (Ok(own), Ok(forged)) if own == forged => Ok(String::new()),
        (Ok(own), Ok(forged)) => Err(format!("{own}, but {forged} with it: see TrustedHops")),
        (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
    };
    checks.note("a forged x-forwarded-for changes no domain", outcome);
}

async fn domain(session: &mut Session, mut http: Http) -> Result<Value, CallError> {
    session.calls += 1;
    http.result(&session.operation("createDomain", &json!({}), None)).await
}

/// Says if a key was refused as AppSync refuses it, in its own words or by the status alone.
pub(super) fn refused_key(answer: Result<(), CallError>) -> Result<String, String> {
    match answer {
        Err(CallError::Refused { error_type, .. }) if error_type == "UnauthorizedException" => Ok(error_type),
        Err(CallError::Unreadable(text)) if text.contains("HTTP 401") => Ok("401".to_owned()),
        Err(error) => Err(error.to_string()),
        Ok(()) => Err("accepted".to_owned()),
    }
}
