//! Values of `lesson.json`: names and generators in what is sent, patterns of what is answered.

use std::collections::BTreeMap;

use serde_json::Value;

/// Texts by the names that stand for them, as `${name}`.
pub(super) type Names = BTreeMap<String, String>;

/// The value with names replaced, and with what is too long to be written down:
/// `{"$repeat": TEXT, "times": N}` is a long text, `{"$list": N, "of": VALUE}` a long list, in whose values
/// `${at}` counts up from 0000 and `${back}` down from N.
pub(super) fn fill(value: &Value, names: &Names) -> Value {
    match value {
        Value::String(text) => names
            .iter()
            .fold(text.clone(), |text, (name, given)| text.replace(&format!("${{{name}}}"), given))
            .into(),
        Value::Array(values) => values.iter().map(|value| fill(value, names)).collect(),
        Value::Object(fields) => {
            if let (Some(text), Some(times)) = (fields.get("$repeat"), fields.get("times")) {
                return text.as_str().unwrap_or_default().repeat(count(times)).into();
            }
            if let (Some(length), Some(value)) = (fields.get("$list"), fields.get("of")) {
                let length = count(length);
                return (0..length).map(|at| fill(value, &counted(names, at, length))).collect();
            }
            fields.iter().map(|(name, value)| (name.clone(), fill(value, names))).collect()
        }
        other => other.clone(),
    }
}

fn count(number: &Value) -> usize {
    number.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}

fn counted(names: &Names, at: usize, length: usize) -> Names {
    let mut names = names.clone();
    names.insert("at".to_owned(), format!("{at:04}"));
    names.insert("back".to_owned(), format!("{:04}", length - at));
    names
}

/// Says if a value fits a pattern: objects have at least its fields, lists its length, and `"*"` is anything
/// but null.
pub(super) fn matches(pattern: &Value, value: &Value) -> bool {
    match (pattern, value) {
        (Value::String(any), value) if any == "*" => !value.is_null(),
        (Value::Object(pattern), Value::Object(value)) => {
            pattern.iter().all(|(name, pattern)| value.get(name).is_some_and(|value| matches(pattern, value)))
        }
        (Value::Array(pattern), Value::Array(value)) => {
            pattern.len() == value.len()
                && pattern.iter().zip(value).all(|(pattern, value)| matches(pattern, value))
        }
        (pattern, value) => pattern == value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_generators_are_filled_in() {
        let names = Names::from([("cats".to_owned(), "id-1".to_owned())]);
        let value = json!({ "id": "${cats}", "long": { "$repeat": "犬", "times": 3 },
            "list": { "$list": 2, "of": { "key": "k${at} ${back}" } }, "number": 1 });
        let filled = json!({ "id": "id-1", "long": "犬犬犬",
            "list": [{ "key": "k0000 0002" }, { "key": "k0001 0001" }], "number": 1 });
        assert_eq!(fill(&value, &names), filled);
    }

    #[test]
    fn patterns_match_what_has_more_and_nothing_else() {
        let value = json!({ "id": "1", "list": [{ "a": 1, "b": null }] });
        assert!(matches(&json!({ "id": "*", "list": [{ "a": 1 }] }), &value));
        assert!(matches(&json!({ "list": "*" }), &value));
        for other in
            [json!({ "list": [] }), json!({ "list": [{ "b": "*" }] }), json!({ "x": null }), json!(null)]
        {
            assert!(!matches(&other, &value), "{other}");
        }
    }
}
