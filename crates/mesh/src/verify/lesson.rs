//! The calls of `lesson.json`, which both homes must answer alike, and the answers that are expected.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mesh_simulate::client::CallError;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::Checks;
use super::pattern::{Names, fill, matches};
use super::session::Session;

/// How long an answer may take to become right where an index lags or a group has a second to live.
const LAG: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

/// What is called, and how. Its texts are the program's own.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(super) struct Lesson {
    /// Parts of documents, by the names that selections mention as `${name}`.
    selections: Names,
    fields: BTreeMap<String, Field>,
    pub(super) cases: Vec<Case>,
}

/// A field of `Query` or `Mutation`.
#[derive(Deserialize)]
struct Field {
    kind: &'static str,
    /// As the schema declares them.
    arguments: &'static str,
    selection: &'static str,
}

/// One call and what comes of it.
#[derive(Deserialize)]
pub(super) struct Case {
    name: &'static str,
    pub(super) field: &'static str,
    variables: Value,
    /// Instead of the field's own.
    selection: Option<&'static str>,
    /// What the result must have, see [`matches()`].
    #[serde(default)]
    expect: Value,
    /// The word of a refusal, where it must be refused, and a part of its text.
    error: Option<&'static str>,
    says: Option<&'static str>,
    /// Pointers into the result, by the names that later cases mention.
    #[serde(default)]
    keep: BTreeMap<String, String>,
    /// The answer may be right a moment later only.
    #[serde(default)]
    pub(super) lags: bool,
}

impl Lesson {
    /// The lesson that is part of the program.
    pub(super) fn read() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("lesson.json"))
    }

    /// A document that calls a field, with variables for all its arguments.
    pub(super) fn document(&self, field: &str, selection: Option<&str>) -> String {
        let Some(Field { kind, arguments, selection: own }) = self.fields.get(field) else {
            return String::new();
        };
        let Value::String(selection) = fill(&selection.unwrap_or(own).into(), &self.selections) else {
            return String::new();
        };
        if arguments.is_empty() {
            return format!("{kind} {{ {field} {selection} }}");
        }
        let declared: Vec<_> = arguments.split(", ").map(|argument| format!("${argument}")).collect();
        let names = arguments.split(", ").filter_map(|argument| argument.split(':').next());
        let passed: Vec<_> = names.map(|name| format!("{name}: ${name}")).collect();
        format!("{kind} V({}) {{ {field}({}) {selection} }}", declared.join(", "), passed.join(", "))
    }
}

pub(super) async fn verify(session: &mut Session, checks: &mut Checks) {
    let lesson = session.lesson.clone();
    for case in &lesson.cases {
        let began = Instant::now();
        let mut outcome = case.call(session).await;
        while case.lags && outcome.is_err() && began.elapsed() < LAG {
            sleep(PAUSE).await;
            outcome = case.call(session).await;
        }
        checks.note(case.name, outcome);
    }
}

impl Case {
    async fn call(&self, session: &mut Session) -> Result<String, String> {
        let variables = fill(&self.variables, &session.names);
        let answer = session.call_selecting(self.field, &variables, self.selection).await;
        if let Ok(result) = &answer {
            for (name, pointer) in &self.keep {
                let kept = result.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                session.names.insert(name.clone(), kept.to_owned());
            }
        }
        self.judge(answer, &session.names)
    }

    /// Says if an answer is as it should be.
    fn judge(&self, answer: Result<Value, CallError>, names: &Names) -> Result<String, String> {
        match (self.error, answer) {
            (None, Ok(result)) if matches(&fill(&self.expect, names), &result) => Ok(String::new()),
            (None, Ok(result)) => Err(format!("another answer: {result:.400}")),
            (Some(word), Err(CallError::Refused { error_type, message }))
                if error_type == word && message.contains(self.says.unwrap_or_default()) =>
            {
                Ok(error_type)
            }
            (Some(word), Err(error)) => Err(format!("{error}, not {word}")),
            (Some(word), Ok(_)) => Err(format!("accepted, not {word}")),
            (None, Err(error)) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_declare_what_the_schema_has() {
        let lesson = Lesson::read().unwrap();
        let schema = include_str!("../../../../schema.graphql").replace(" = true", "");
        for (field, Field { arguments, .. }) in &lesson.fields {
            let declared =
                if arguments.is_empty() { format!("{field}: ") } else { format!("{field}({arguments}): ") };
            assert!(schema.contains(&declared), "{declared}");
            assert!(lesson.cases.iter().any(|case| case.field == *field), "{field} is called");
        }
        assert_eq!(lesson.document("createDomain", None), "mutation { createDomain  }");
        assert_eq!(
            lesson.document("listGroupsByDomain", Some("{ id }")),
            "query V($domain: String!) { listGroupsByDomain(domain: $domain) { id } }"
        );
        assert!(!lesson.document("reportStatus", None).contains("${"));
    }

    #[test]
    fn another_answer_or_word_is_told() {
        let case = |json: Value| -> Case { serde_json::from_str(String::leak(json.to_string())).unwrap() };
        let names = Names::new();
        let refused = |word: &str, text: &str| {
            Err(CallError::Refused { error_type: word.to_owned(), message: text.to_owned() })
        };
        let right = case(json!({ "name": "n", "field": "f", "variables": {}, "expect": { "id": "*" } }));
        assert!(right.judge(Ok(json!({ "id": "1", "name": "x" })), &names).is_ok());
        assert!(right.judge(Ok(json!({ "id": null })), &names).is_err());
        assert!(right.judge(refused("GroupNotFound", ""), &names).is_err());
        let wrong = json!({ "name": "n", "field": "f", "variables": {}, "error": "GroupNotFound", "says": "expired" });
        let wrong = case(wrong);
        assert!(wrong.judge(refused("GroupNotFound", "Group expired: g@d"), &names).is_ok());
        assert!(wrong.judge(refused("GroupNotFound", "Group not found: g@d"), &names).is_err());
        assert!(wrong.judge(refused("NodeNotFound", "expired"), &names).is_err());
        assert!(wrong.judge(Ok(json!({})), &names).is_err());
    }
}
