//! The groups of projects: entering, heartbeats, values, leaving.
//!
//! The first player makes the group of a project, unless somebody in the same network has made one of that name. Its
//! host is the bridge, under an id and a secret that are derived from the server's, so that it is found again after a
//! restart and nobody else acts as its host. It ends with the last player.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use mesh_appsync::{Call, Reply};
use mesh_core::hex::Hex;
use mesh_core::id::{Domain, GroupKey, Id};
use mesh_core::model::{GroupRecord, MessageFields, SensorData};
use mesh_core::network::Network;
use mesh_core::operations::{
    CreateGroup, DissolveGroup, JoinGroup, LeaveGroup, ListGroupStatuses, ListGroupsByDomain, RenewHeartbeat,
    ReportStatus, SendMemberHeartbeat,
};
use mesh_core::secret::Secret;
use mesh_core::{Error, Result};

use crate::graphql::executor::Executor;
use crate::limits::rates::TooMuch;

/// The groups that have players, with their number.
pub struct Projects {
    executor: Arc<Executor>,
    /// Held while a player enters or leaves, so that the last one does not end a group that another enters.
    players: tokio::sync::Mutex<HashMap<GroupKey, usize>>,
}

/// A node with its secret.
#[derive(Clone)]
struct Member {
    id: Id,
    secret: Secret,
}

/// A player in the group of a project.
pub struct Player {
    /// The group.
    pub group: GroupKey,
    address: IpAddr,
    own: Member,
    /// The host, if that is the bridge.
    host: Option<Member>,
}

impl Player {
    /// Its node.
    pub fn node(&self) -> &Id {
        &self.own.id
    }
}

/// Why a call was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is more than allowed.
    #[error("more calls than allowed")]
    TooMuch(TooMuch),
    /// The operation refused it.
    #[error(transparent)]
    Operation(#[from] Error),
}

type Outcome<T> = std::result::Result<T, Refusal>;

impl From<TooMuch> for Refusal {
    fn from(too_much: TooMuch) -> Self {
        Self::TooMuch(too_much)
    }
}

impl Projects {
    /// No group has players yet.
    pub fn new(executor: Arc<Executor>) -> Self {
        Self { executor, players: tokio::sync::Mutex::default() }
    }

    /// Lets a player into the group of a project, which is made if there is none.
    ///
    /// # Errors
    ///
    /// Whatever the operations refuse.
    pub async fn enter(&self, address: IpAddr, project: &str, user: &str) -> Outcome<Player> {
        let mut players = self.players.lock().await;
        let secret = self.executor.context.domain_secret.as_ref();
        let secret = secret.ok_or_else(|| Error::Store("there is no secret for domains".into()))?;
        let domain = secret.domain_of(Network::of_local(address));
        let derived = |what: &str| secret.derive(&["cloud variables", what, domain.as_str(), project]);
        let host =
            Member { id: Id::from(derived("host id")), secret: Secret::from(&*derived("host secret")) };
        let group = match self.find(address, &domain, project).await? {
            Some(group) => group,
            None => self.create(address, &domain, project, &host).await?,
        };
        let own = Member { id: Id::from(random_hex()?), secret: Secret::from(&*random_hex()?) };
        let host = (group.host_id == host.id).then_some(host);
        let player = Player { group: GroupKey::clone(&group.key), address, own, host };
        let join = Call::JoinGroup(JoinGroup {
            group_id: player.group.id.clone(),
            domain,
            node_id: player.own.id.clone(),
            secret: Some(player.own.secret.clone()),
            use_web_socket: Some(true),
            name: Some(user.to_owned()),
            from: Some(address),
        });
        self.call(address, "joinGroup", join, 0).await?;
        *players.entry(player.group.clone()).or_default() += 1;
        Ok(player)
    }

    /// Lets a player out. Its values stay, if the group is the bridge's, and the last player's leaving ends it.
    ///
    /// # Errors
    ///
    /// Whatever the operations refuse: the group may be gone already.
    pub async fn leave(&self, player: Player) -> Outcome<()> {
        let mut players = self.players.lock().await;
        let left = players.get(&player.group).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            players.insert(player.group.clone(), left);
        } else {
            players.remove(&player.group);
        }
        let (group_id, domain) = (player.group.id.clone(), player.group.domain.clone());
        if let (Some(host), 0) = (&player.host, left) {
            let end = DissolveGroup {
                group_id,
                domain,
                host_id: host.id.clone(),
                secret: Some(host.secret.clone()),
                fields: MessageFields::ALL,
            };
            return self.call(player.address, "dissolveGroup", Call::DissolveGroup(end), 0).await.map(drop);
        }
        if player.host.is_some() {
            let context = &self.executor.context;
            context.store.leave_values_to_host(context.now(), &player.group, &player.own.id).await?;
        }
        let (node_id, secret) = (player.own.id, Some(player.own.secret));
        let leave = Call::LeaveGroup(LeaveGroup { group_id, domain, node_id, secret });
        self.call(player.address, "leaveGroup", leave, 0).await.map(drop)
    }

    /// The newest values of the group, by their keys.
    ///
    /// # Errors
    ///
    /// Whatever the operation refuses.
    pub async fn values(&self, player: &Player) -> Outcome<Vec<SensorData>> {
        let (group_id, domain) = (player.group.id.clone(), player.group.domain.clone());
        let list = Call::ListGroupStatuses(ListGroupStatuses { group_id, domain });
        let Reply::Statuses(statuses) = self.call(player.address, "listGroupStatuses", list, 0).await? else {
            return Ok(Vec::new());
        };
        // Oldest first, so the newest of equal keys wins.
        let items = statuses.into_iter().flat_map(|status| status.data);
        let newest: HashMap<_, _> = items.map(|item| (item.key, item.value)).collect();
        Ok(newest.into_iter().map(|(key, value)| SensorData { key, value }).collect())
    }

    /// Sets values.
    ///
    /// # Errors
    ///
    /// Whatever the operation refuses.
    pub async fn set(&self, player: &Player, data: Vec<SensorData>) -> Outcome<()> {
        let bytes = data.iter().map(|item| item.key.len() + item.value.len()).sum();
        let report = Call::ReportStatus(ReportStatus {
            group_id: player.group.id.clone(),
            domain: player.group.domain.clone(),
            node_id: player.own.id.clone(),
            secret: Some(player.own.secret.clone()),
            data,
            fields: MessageFields::ALL,
        });
        self.call(player.address, "reportDataByNode", report, bytes).await.map(drop)
    }

    /// Keeps the player, and the group if it is the bridge's, alive.
    ///
    /// # Errors
    ///
    /// Whatever the operations refuse.
    pub async fn beat(&self, player: &Player) -> Outcome<()> {
        let key = || (player.group.id.clone(), player.group.domain.clone());
        if let Some(host) = player.host.clone() {
            let (group_id, domain) = key();
            let renew = RenewHeartbeat { group_id, domain, host_id: host.id, secret: Some(host.secret) };
            self.call(player.address, "renewHeartbeat", Call::RenewHeartbeat(renew), 0).await?;
        }
        let (group_id, domain) = key();
        let Member { id: node_id, secret } = player.own.clone();
        let beat = SendMemberHeartbeat { group_id, domain, node_id, secret: Some(secret) };
        self.call(player.address, "sendMemberHeartbeat", Call::SendMemberHeartbeat(beat), 0).await.map(drop)
    }

    /// The oldest living group of that name in a domain.
    async fn find(&self, address: IpAddr, domain: &Domain, project: &str) -> Outcome<Option<GroupRecord>> {
        let list = Call::ListGroupsByDomain(ListGroupsByDomain { domain: domain.clone() });
        let Reply::Groups(groups) = self.call(address, "listGroupsByDomain", list, 0).await? else {
            return Ok(None);
        };
        Ok(groups.into_iter().map(|group| group.record).find(|group| &*group.name == project))
    }

    async fn create(
        &self,
        address: IpAddr,
        domain: &Domain,
        project: &str,
        host: &Member,
    ) -> Outcome<GroupRecord> {
        let create = Call::CreateGroup(CreateGroup {
            name: project.to_owned(),
            host_id: host.id.clone(),
            secret: Some(host.secret.clone()),
            domain: domain.clone(),
            max_connection_time_seconds: None,
            use_web_socket: Some(true),
            from: Some(address),
        });
        match self.call(address, "createGroup", create, 0).await? {
            Reply::Group(group) => Ok(group.record),
            other => Err(Error::Store(format!("createGroup was answered by {other:?}").into()).into()),
        }
    }

    async fn call(&self, address: IpAddr, field: &'static str, call: Call, bytes: usize) -> Outcome<Reply> {
        Ok(self.executor.call(address, field, call, bytes).await??)
    }
}

/// 128 random bits.
fn random_hex() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Store(error.into()))?;
    Ok(Hex(&bytes).to_string())
}
