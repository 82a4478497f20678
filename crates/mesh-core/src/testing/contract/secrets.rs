//! Nobody acts as a node that has a secret without that secret.

use futures_util::future::join_all;

use super::{cases, refusal};
use crate::id::GroupKey;
use crate::settings::seconds;
use crate::store::Store;
use crate::testing::Harness;

const OWN: &str = "the node's own secret";
const OTHER: &str = "another node's secret";

/// Secrets of hosts and members, and names of nodes.
pub async fn secrets<S: Store>(make: impl AsyncFn() -> Harness<S>) {
    cases!(
        make,
        nobody_else_acts_as_a_protected_host,
        nobody_else_acts_as_a_protected_member,
        a_refused_call_renews_no_heartbeat,
        a_membership_without_a_secret_stays_open,
        a_new_membership_is_bound_anew,
        of_simultaneous_joins_one_secret_wins,
        a_node_has_the_name_of_its_latest_join,
    );
}

fn is_protected<T: std::fmt::Debug>(result: crate::Result<T>) -> bool {
    let (word, text) = refusal(result);
    word == "Unauthorized" && text == "This node is protected by a secret"
}

/// Tries everything that acts as a member of the group.
async fn every_call_of_a_member_is_refused<S: Store>(room: &Harness<S>, key: &GroupKey, node: &str) {
    assert!(is_protected(room.join(key, node).await), "joinGroup");
    assert!(is_protected(room.beat(key, node).await), "sendMemberHeartbeat");
    assert!(is_protected(room.report(key, node, &[("a", "forged")]).await), "reportDataByNode");
    assert!(is_protected(room.fire_names(key, node, &["forged"]).await), "fireEventsByNode");
    assert!(is_protected(room.record_names(key, node, &["forged"]).await), "recordEventsByNode");
    assert!(is_protected(room.leave(key, node).await), "leaveGroup");
}

async fn nobody_else_acts_as_a_protected_host<S: Store>(room: Harness<S>) {
    let own = room.with_secret(OWN);
    let key = own.create("host").await.key();
    for other in [room.clone(), room.with_secret(OTHER)] {
        assert!(is_protected(other.create_in("school", "host").await), "createGroup");
        assert!(is_protected(other.renew(&key, "host").await), "renewHeartbeat");
        assert!(is_protected(other.dissolve(&key, "host").await), "dissolveGroup");
        every_call_of_a_member_is_refused(&other, &key, "host").await;
    }
    assert!(own.statuses(&key).await.unwrap().is_empty(), "nothing was forged");
    assert_eq!(own.create("host").await.key(), key);
    own.join(&key, "host").await.unwrap();
    own.report(&key, "host", &[("a", "1")]).await.unwrap();
    own.fire_names(&key, "host", &["e"]).await.unwrap();
    own.record_names(&key, "host", &["e"]).await.unwrap();
    own.beat(&key, "host").await.unwrap();
    own.renew(&key, "host").await.unwrap();
    own.dissolve(&key, "host").await.unwrap();
}

async fn nobody_else_acts_as_a_protected_member<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let own = room.with_secret(OWN);
    own.join(&key, "node").await.unwrap();
    for other in [room.clone(), room.with_secret(OTHER)] {
        every_call_of_a_member_is_refused(&other, &key, "node").await;
    }
    assert!(own.statuses(&key).await.unwrap().is_empty(), "nothing was forged");
    assert!(own.names_since(&key, "").await.is_empty(), "nothing was forged");
    own.join(&key, "node").await.unwrap();
    own.beat(&key, "node").await.unwrap();
    own.report(&key, "node", &[("a", "1")]).await.unwrap();
    own.fire_names(&key, "node", &["fired"]).await.unwrap();
    own.record_names(&key, "node", &["recorded"]).await.unwrap();
    own.leave(&key, "node").await.unwrap();
}

async fn a_refused_call_renews_no_heartbeat<S: Store>(room: Harness<S>) {
    let own = room.with_secret(OWN);
    let key = own.create("host").await.key();
    let lifetimes = own.context.settings.lifetimes.clone();
    room.clock.advance(seconds(lifetimes.host_heartbeat_ttl));
    assert!(is_protected(room.create_in("school", "host").await));
    assert!(is_protected(room.renew(&key, "host").await));
    room.clock.advance_seconds(1);
    assert_eq!(refusal(own.renew(&key, "host").await).0, "GroupNotFound", "the host was silent");
}

async fn a_membership_without_a_secret_stays_open<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    room.join(&key, "node").await.unwrap();
    let other = room.with_secret(OTHER);
    other.create_in("school", "host").await.unwrap();
    other.join(&key, "node").await.unwrap();
    // A later call locked nobody out.
    room.report(&key, "host", &[("a", "1")]).await.unwrap();
    room.report(&key, "node", &[("a", "1")]).await.unwrap();
    room.renew(&key, "host").await.unwrap();
}

async fn a_new_membership_is_bound_anew<S: Store>(room: Harness<S>) {
    let (own, other) = (room.with_secret(OWN), room.with_secret(OTHER));
    let key = own.create("host").await.key();
    own.join(&key, "node").await.unwrap();
    own.leave(&key, "node").await.unwrap();
    other.join(&key, "node").await.unwrap();
    assert!(is_protected(own.report(&key, "node", &[("a", "1")]).await));
    own.dissolve(&key, "host").await.unwrap();
    let again = other.create("host").await.key();
    assert!(is_protected(own.renew(&again, "host").await));
}

async fn of_simultaneous_joins_one_secret_wins<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    let callers: Vec<_> =
        (0..100).map(|number| room.with_secret(&format!("the secret number {number}"))).collect();
    let joins = join_all(callers.iter().map(|caller| caller.join(&key, "node"))).await;
    assert_eq!(joins.iter().filter(|join| join.is_ok()).count(), 1);
    for (caller, join) in callers.iter().zip(joins) {
        let report = caller.report(&key, "node", &[("a", "1")]).await;
        assert_eq!(report.is_ok(), join.is_ok());
        assert!(join.is_ok() || is_protected(join) && is_protected(report));
    }
}

async fn a_node_has_the_name_of_its_latest_join<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    let name = async || room.nodes(&key).await.unwrap()[0].record.name.clone();
    assert_eq!(room.join(&key, "node").await.unwrap().record.name, None);
    assert_eq!(name().await, None);
    let joined = room.join_named(&key, "node", None, Some("ねこ")).await.unwrap();
    assert_eq!(joined.record.name.as_deref(), Some("ねこ"));
    room.join_named(&key, "node", None, Some("いぬ")).await.unwrap();
    assert_eq!(name().await.as_deref(), Some("いぬ"));
    assert_eq!(room.join(&key, "node").await.unwrap().record.name.as_deref(), Some("いぬ"), "it keeps it");
    let longest = "n".repeat(40);
    room.join_named(&key, "node", None, Some(&longest)).await.unwrap();
    for wrong in ["", "line\nbreak", &"n".repeat(41)] {
        assert_eq!(refusal(room.join_named(&key, "node", None, Some(wrong)).await).0, "ValidationError");
    }
    for wrong in ["short", &"s".repeat(129)] {
        assert_eq!(refusal(room.with_secret(wrong).join(&key, "other").await).0, "ValidationError");
    }
}
