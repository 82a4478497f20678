//! The table and all that is written to it.
//!
//! # Items
//!
//! `slot` is a hash of the host's id; a group's id is its slot, a dot and 64 random bits.
//!
//! | item | `pk` | `sk` | written by |
//! | --- | --- | --- | --- |
//! | group | `D#` and the domain | `G#` and the slot | createGroup; one item for all groups of a host in a domain, one at a time |
//! | member | `G#` and the group's id | `N#` and the node's id | joinGroup; for the host, its first report |
//! | recorded call | `G#` and the group's id | `C#` and the call's number, 12 hex digits | recordEventsByNode; fireEventsByNode while the group has pollers |
//! | receipt | `G#` and the group's id | `R#` and a hash of the node and its events | recordEventsByNode, with its call |
//!
//! # Attributes
//!
//! A name counts as many bytes as it has letters in each item, and a write costs a unit for each KB of
//! the whole item. Times are milliseconds since 1970, `ttl` is seconds.
//!
//! | item | attribute | meaning |
//! | --- | --- | --- |
//! | group | `groupId`, `groupName`, `hostId`, `createdAt`, `expiresAt`, `webSocket` | as the API has them |
//! | | `hostSeenAt` | the host's last heartbeat |
//! | | `hasPollers` | true from the first polling member on: fired events are recorded |
//! | | `serial` | orders groups of the same millisecond |
//! | | `seats`, `recounts` | the limit of members: `seats.rs` explains them |
//! | | `dissolvedAt` | set while a dissolve removes the members; then the item goes |
//! | | `pastGroups` | the host's earlier groups that expired within the last hour: random part of the id to `expiresAt` |
//! | | `nodeId`, `joinedAt` | the host's membership in the index `byNode` |
//! | | `nameInitial`, `nameStart` | the keys in the index `byName` |
//! | | `secretHash` | 128 bits of the SHA-256 of the host's secret, if it is bound to one |
//! | member | `inDomain` | leads from a membership to its group |
//! | | `createdAt`, `webSocket`, `nodeName` | as the API has them; a node without a name has none |
//! | | `secretHash` | the secret of the node, if it is bound to one; the host's is in its group |
//! | | `seenAt` | the last heartbeat |
//! | | `serial` | orders joins of the same millisecond and names one join |
//! | | `values` | key to `{v, t}`: the value and the time of its report |
//! | | `valueBytes` | bytes of all keys and values, or more |
//! | | `reportedAt` | the time of the last report |
//! | | `nodeId`, `joinedAt` | the membership in the index `byNode`; the host's item has none |
//! | recorded call | `firedBy`, `recordedAt`, `eventCount` | its node, its time and the number of its events |
//! | | `events` | the events as JSON |
//! | | `nonce` | tells one put from another's |
//! | receipt | `callNumber`, `recordedAt`, `eventCount`, `nonce` | as in its call |
//! | | `unpublished` | true until subscribers were told |
//! | all | `ttl` | when DynamoDB may delete the item: nobody can reach it any more |

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use mesh_core::error::StoreFailure;

/// The keys of the table: partition and sort.
pub(super) const KEYS: (&str, &str) = ("pk", "sk");

/// The index of memberships by node, with keys only. A joined member has an entry, and a group has one
/// for its host.
pub const BY_NODE: &str = "byNode";
/// The keys of that index: the node, and when it joined.
pub(super) const BY_NODE_KEYS: (&str, &str) = ("nodeId", "joinedAt");

/// The index of groups by name, with `createdAt` and `expiresAt`. Groups that were not dissolved have an
/// entry.
pub const BY_NAME: &str = "byName";
/// The keys of that index: the name's first character; its first six, `#` and the group's id.
pub(super) const BY_NAME_KEYS: (&str, &str) = ("nameInitial", "nameStart");

/// The attribute by which DynamoDB deletes items that nobody can reach any more, in seconds.
pub const TTL: &str = "ttl";

/// Creates the table as the template does: for tests and for trying functions on one machine.
///
/// # Errors
///
/// Fails if DynamoDB refuses the table, such as for a name that is taken.
pub async fn create(client: &Client, name: &str) -> Result<(), StoreFailure> {
    let text = ScalarAttributeType::S;
    let attributes = [
        (KEYS.0, text.clone()),
        (KEYS.1, text.clone()),
        (BY_NODE_KEYS.0, text.clone()),
        (BY_NODE_KEYS.1, ScalarAttributeType::N),
        (BY_NAME_KEYS.0, text.clone()),
        (BY_NAME_KEYS.1, text),
    ];
    let attributes = attributes
        .map(|(name, kind)| AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build());
    let created_and_expires = Projection::builder()
        .projection_type(ProjectionType::Include)
        .non_key_attributes("createdAt")
        .non_key_attributes("expiresAt")
        .build();
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    client
        .create_table()
        .table_name(name)
        .set_attribute_definitions(Some(attributes.into_iter().collect::<Result<_, _>>()?))
        .set_key_schema(Some(keys(KEYS)?))
        .global_secondary_indexes(index(BY_NODE, keys(BY_NODE_KEYS)?, keys_only)?)
        .global_secondary_indexes(index(BY_NAME, keys(BY_NAME_KEYS)?, created_and_expires)?)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await?;
    let ttl = TimeToLiveSpecification::builder().attribute_name(TTL).enabled(true).build()?;
    client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await?;
    Ok(())
}

fn keys((partition, sort): (&str, &str)) -> Result<Vec<KeySchemaElement>, BuildError> {
    [(partition, KeyType::Hash), (sort, KeyType::Range)]
        .into_iter()
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build())
        .collect()
}

fn index(
    name: &str,
    keys: Vec<KeySchemaElement>,
    projection: Projection,
) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder().index_name(name).set_key_schema(Some(keys)).projection(projection).build()
}
