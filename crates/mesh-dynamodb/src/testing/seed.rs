//! The group that the events of the project name, so that each of them is answered.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::clock::Now;
use mesh_core::error::Result;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::secret::Caller;
use mesh_core::store::{NewGroup, NewMember, Store};

use crate::items::group::new_group;
use crate::items::keys;
use crate::store::DynamoStore;
use crate::table::Put;

const DOMAIN: &str = "3f2a9c51d07be846";
/// Begins with what every id of this host's groups begins with.
const GROUP: &str = "ixjFEtyO98Iv_JpM3B52XA.1voRKEOmpr4";
const HOST: &str = "7c9e6679f7425640a1b2c3d4e5f60718";
const MEMBER: &str = "5d41402abc4b2a76b9719d911017c592";
const LIFE: Duration = Duration::from_mins(35);

/// Sees to it that the group of `events/` lives and has its member. Called again, it is a heartbeat of both.
///
/// # Errors
///
/// What the store says.
pub async fn seed(store: &DynamoStore, now: Now) -> Result<()> {
    let key = GroupKey { id: Id::from(GROUP), domain: Domain::from(DOMAIN) };
    let (host, member) = (Id::from(HOST), Id::from(MEMBER));
    if store.renew_heartbeat(now, &key, Caller::new(&host, None)).await.is_err() {
        create(store, now, &key).await?;
    }
    store.join_group(now, &key, Caller::new(&member, None), NewMember::default()).await?;
    Ok(())
}

/// Creates the group as everybody does, and gives it the id that is written down.
async fn create(store: &DynamoStore, now: Now, key: &GroupKey) -> Result<()> {
    let new = NewGroup {
        domain: key.domain.clone(),
        host_id: Id::from(HOST),
        name: HOST.to_owned(),
        use_web_socket: true,
        life: LIFE,
        secret: None,
        from: None,
    };
    let mut record = store.create_group(now, new).await?;
    record.key = Arc::new(key.clone());
    let put = Put::new(keys::group_item(key)?, new_group(&record, None, 0)).only_if("attribute_exists(pk)");
    Ok(store.table.put(put).await?)
}
