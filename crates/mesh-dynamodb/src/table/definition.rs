use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use mesh_core::error::StoreFailure;

/// The index of memberships by node: partition `nn` (node), sort `nj` (joined at), keys only. A
/// member has an entry, and a group has one for its host.
pub const BY_NODE: &str = "byNode";

/// The index of groups by name: partition `np` (the name's first character), sort `ns` (its first
/// six, `#` and the group's id), with `createdAt` and `expiresAt`. Groups that were not dissolved
/// have an entry.
pub const BY_NAME: &str = "byName";

/// The attribute by which DynamoDB deletes what nobody can reach any more, in seconds.
pub const TTL: &str = "ttl";

/// Creates the table as the template does: for tests and for trying functions on one machine.
pub async fn create(client: &Client, name: &str) -> Result<(), StoreFailure> {
    let text = ScalarAttributeType::S;
    let attributes = [
        ("pk", text.clone()),
        ("sk", text.clone()),
        ("nn", text.clone()),
        ("nj", ScalarAttributeType::N),
        ("np", text.clone()),
        ("ns", text),
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
        .set_key_schema(Some(keys("pk", "sk")?))
        .global_secondary_indexes(index(BY_NODE, keys("nn", "nj")?, keys_only)?)
        .global_secondary_indexes(index(BY_NAME, keys("np", "ns")?, created_and_expires)?)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await?;
    let ttl = TimeToLiveSpecification::builder().attribute_name(TTL).enabled(true).build()?;
    client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await?;
    Ok(())
}

fn keys(partition: &str, sort: &str) -> Result<Vec<KeySchemaElement>, BuildError> {
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
