//! Every event of the project has its answer.

use mesh_core::clock::Clock as _;
use mesh_core::testing::TestClock;
use mesh_dynamodb::testing::{Engine, Fault, Request, make_table, seed};
use serde_json::{Value, json};

use super::{Functions, OPERATIONS, event, names_in, store, store_over};

/// A lesson with the events of the project: created, joined, used and dissolved.
#[tokio::test]
async fn a_lesson() {
    let functions = Functions::new().await;
    let domain = functions.data("create-domain.json", &[]).await;
    assert_eq!(domain.as_str().unwrap().len(), 16);
    let group = functions.data("create-group.json", &[]).await;
    let id = &group["id"];
    assert_eq!(
        group["fullId"],
        json!(format!("{}@{}", id.as_str().unwrap(), group["domain"].as_str().unwrap()))
    );
    assert_eq!((&group["useWebSocket"], &group["pollingIntervalSeconds"]), (&json!(true), &Value::Null));

    let given = [("groupId", id)];
    let node = functions.data("join-group.json", &given).await;
    assert_eq!((&node["groupId"], &node["expiresAt"]), (id, &group["expiresAt"]));
    let message = functions.data("report-status.json", &given).await;
    assert_eq!((&message["groupId"], &message["batchEvent"]), (id, &Value::Null));
    assert_eq!(message["nodeStatus"]["data"].as_array().unwrap().len(), 2);
    let message = functions.data("fire-events-by-node.json", &given).await;
    assert_eq!(message["batchEvent"]["events"][1]["payload"], "high");
    assert!(message["batchEvent"]["events"][0]["cursor"].is_null(), "nobody polls yet");
    let recorded = functions.data("record-events-by-node.json", &given).await;
    assert_eq!(recorded["recordedCount"], 2);
    let events =
        functions.data("get-events-since.json", &[given[0], ("since", &recorded["nextSince"])]).await;
    assert_eq!(events.as_array().unwrap().len(), 2);
    let polled = functions.data("poll-group-data.json", &[given[0], ("since", &json!(""))]).await;
    assert_eq!((polled["events"].as_array().unwrap().len(), &polled["complete"]), (2, &json!(true)));
    assert_eq!(polled["nodeStatuses"], functions.data("list-group-statuses.json", &given).await);
    assert_eq!(functions.data("get-node-status.json", &[]).await["groupId"], *id);
    assert_eq!(functions.data("list-nodes-in-group.json", &given).await.as_array().unwrap().len(), 1);
    assert_eq!(functions.data("list-groups-by-domain.json", &[]).await, json!([group]));
    assert_eq!(functions.data("search-groups-by-name-prefix.json", &[]).await, json!([group]));
    assert_eq!(functions.data("renew-heartbeat.json", &given).await["heartbeatIntervalSeconds"], 60);
    assert_eq!(functions.data("send-member-heartbeat.json", &given).await["heartbeatIntervalSeconds"], 120);
    assert_eq!(functions.data("leave-group.json", &given).await["peerId"], node["id"]);
    let message = functions.data("dissolve-group.json", &given).await;
    assert!(message["groupDissolve"]["message"].as_str().unwrap().contains("dissolved"));
    assert_eq!(functions.data("list-groups-by-domain.json", &[]).await, json!([]));
    assert_eq!(functions.data("get-node-status.json", &[]).await, Value::Null);
}

#[tokio::test]
async fn what_clients_do_wrong_is_answered() {
    let functions = Functions::new().await;
    let bad = names_in("events/bad").unwrap();
    assert!(bad.len() >= 10);
    for name in bad {
        let answer = functions.answer(&event(&format!("bad/{name}"))).await;
        assert_eq!(answer["error"]["type"], "ValidationError", "{name}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap().to_lowercase();
        assert!(
            ["not found", "expired", "unauthorized"].iter().all(|word| !message.contains(word)),
            "{message}"
        );
    }
    for (operation, fields) in OPERATIONS {
        let event = event(&format!("{operation}.json"));
        assert!(fields.contains(&event["field"].as_str().unwrap()));
        let answer = functions.answer(&event).await;
        if event["arguments"]["groupId"].is_string() {
            // Of an id in this form there may be a group, but there is none.
            assert_eq!(answer["error"]["type"], "GroupNotFound", "{operation}: {answer}");
        } else {
            assert!(answer["error"].is_null(), "{operation}: {answer}");
        }
    }
}

/// Each event finds the group and the member that it names, as on a table of `make watch`.
#[tokio::test]
async fn every_event_is_answered_where_its_group_lives() {
    for (operation, _) in OPERATIONS {
        let store = store().await;
        let clock = TestClock::new();
        seed(&store, clock.now()).await.unwrap();
        // Again, as it is done every few seconds.
        seed(&store, clock.now()).await.unwrap();
        let event = event(&format!("{operation}.json"));
        let answer = Functions::over(store).answer(&event).await;
        assert!(answer["error"].is_null(), "{operation}: {answer}");
        let arguments = &event["arguments"];
        let data = &answer["data"];
        match operation {
            "create-group" => assert_eq!(data["id"], "ixjFEtyO98Iv_JpM3B52XA.1voRKEOmpr4"),
            "list-groups-by-domain" | "search-groups-by-name-prefix" => {
                assert_eq!(data[0]["hostId"], data[0]["name"]);
            }
            "list-nodes-in-group" => assert_eq!(data.as_array().unwrap().len(), 1),
            "get-node-status" => assert!(data.is_null(), "it reported nothing"),
            "get-events-since" | "list-group-statuses" => assert_eq!(*data, json!([])),
            "record-events-by-node" => assert_eq!(data["recordedCount"], 2),
            "create-domain" => assert_eq!(data.as_str().unwrap().len(), 16),
            "poll-group-data" => assert_eq!(data["events"], json!([])),
            _ => assert_eq!(data["groupId"], arguments["groupId"], "{operation}: {answer}"),
        }
    }
}

#[tokio::test]
async fn a_dissolved_group_of_the_events_comes_back() {
    let engine = Engine::new();
    make_table(&engine).await;
    let [caretaker, store] = [(); 2].map(|()| store_over(&engine, |_: &Request| Fault::None));
    let functions = Functions::over(store);
    let clock = TestClock::new();
    seed(&caretaker, clock.now()).await.unwrap();
    let dissolve = event("dissolve-group.json");
    assert!(functions.answer(&dissolve).await["error"].is_null());
    assert_eq!(functions.answer(&dissolve).await["error"]["type"], "GroupNotFound");
    seed(&caretaker, clock.now()).await.unwrap();
    assert!(functions.answer(&dissolve).await["error"].is_null());
}

#[tokio::test]
async fn a_caller_without_an_address_has_no_domain() {
    let functions = Functions::new().await;
    let mut event = event("create-domain.json");
    event["request"]["headers"]["x-forwarded-for"] = json!("203.0.113.7");
    assert_eq!(functions.answer(&event).await["error"]["type"], "InternalFailure");
}

#[tokio::test]
async fn only_what_no_client_can_do_is_a_fault() {
    let functions = Functions::new().await;
    for event in ["", "{}", r#"{"field":"publishEventsByNode","arguments":{}}"#] {
        assert!(functions.handler.answer("request", event.as_bytes()).await.is_err(), "{event}");
    }
}

#[tokio::test]
async fn an_answer_has_at_most_five_megabytes() {
    let functions = Functions::new().await;
    let id = functions.data("create-group.json", &[]).await["id"].clone();
    let data = json!([{ "key": "text", "value": "x".repeat(100_000) }]);
    for number in 0..53 {
        let node = json!(format!("node{number}"));
        functions.data("join-group.json", &[("groupId", &id), ("nodeId", &node)]).await;
        let report = [("groupId", &id), ("nodeId", &node), ("data", &data)];
        functions.data("report-status.json", &report).await;
        let mut list = event("list-group-statuses.json");
        list["arguments"]["groupId"] = id.clone();
        if number == 51 {
            assert!(functions.answer(&list).await["error"].is_null(), "52 nodes have less");
        } else if number == 52 {
            let error = functions.answer(&list).await["error"].take();
            assert_eq!(error["type"], "ValidationError");
            assert!(error["message"].as_str().unwrap().contains("5242880 bytes"), "{error}");
        }
    }
}
