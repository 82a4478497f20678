//! Settings from the environment.

use std::collections::HashMap;
use std::ffi::OsString;

use mesh_core::network::DomainSecret;
use mesh_core::settings::{Lifetime, LifetimeError, Lifetimes, Settings};

/// A setting that makes no sense; stops a function at its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingError {
    /// The variable's name.
    pub name: &'static str,
    /// The problem of its value.
    pub problem: String,
}

impl From<LifetimeError> for SettingError {
    fn from(error: LifetimeError) -> Self {
        Self { name: variable(error.lifetime()), problem: error.problem(variable) }
    }
}

/// The variable that sets a lifetime, in seconds.
const fn variable(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::HostHeartbeatInterval => "MESH_HOST_HEARTBEAT_INTERVAL_SECONDS",
        Lifetime::HostHeartbeatTtl => "MESH_HOST_HEARTBEAT_TTL_SECONDS",
        Lifetime::MemberHeartbeatInterval => "MESH_MEMBER_HEARTBEAT_INTERVAL_SECONDS",
        Lifetime::MemberHeartbeatTtl => "MESH_MEMBER_HEARTBEAT_TTL_SECONDS",
        Lifetime::MaxConnectionTime => "MESH_MAX_CONNECTION_TIME_SECONDS",
        Lifetime::EventTtl => "MESH_EVENT_TTL_SECONDS",
        Lifetime::PollingInterval => "MESH_POLLING_INTERVAL_SECONDS",
    }
}

/// The number of proxies before a function: CloudFront and AppSync's own.
const TRUSTED_HOPS: usize = 2;

/// The stack's name where there is none, as with `cargo lambda watch`.
pub const LOCAL_STACK: &str = "local";

/// Variables by their names. An empty one counts as one that is not set.
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// These variables.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// Lifetimes and limits; each variable that is not set has the default of
    /// [`Lifetimes`].
    ///
    /// # Errors
    ///
    /// Names the variable that is missing or does not fit.
    pub fn settings(&self) -> Result<Settings, SettingError> {
        let default = Lifetimes::default();
        let seconds = |lifetime, default| self.number(variable(lifetime), default);
        let lifetimes = Lifetimes {
            host_heartbeat_interval: seconds(
                Lifetime::HostHeartbeatInterval,
                default.host_heartbeat_interval,
            )?,
            host_heartbeat_ttl: seconds(Lifetime::HostHeartbeatTtl, default.host_heartbeat_ttl)?,
            member_heartbeat_interval: seconds(
                Lifetime::MemberHeartbeatInterval,
                default.member_heartbeat_interval,
            )?,
            member_heartbeat_ttl: seconds(Lifetime::MemberHeartbeatTtl, default.member_heartbeat_ttl)?,
            max_connection_time: seconds(Lifetime::MaxConnectionTime, default.max_connection_time)?,
            event_ttl: seconds(Lifetime::EventTtl, default.event_ttl)?,
            polling_interval: seconds(Lifetime::PollingInterval, default.polling_interval)?,
        };
        lifetimes.check()?;
        Ok(Settings { lifetimes, ..Settings::default() })
    }

    /// The table's name: `TABLE_NAME`.
    ///
    /// # Errors
    ///
    /// Names the variable that is missing or does not fit.
    pub fn table(&self) -> Result<String, SettingError> {
        self.required("TABLE_NAME")
    }

    /// The URL of the GraphQL API: `MESH_APPSYNC_ENDPOINT`. Outside the cloud there may be none.
    ///
    /// # Errors
    ///
    /// Names the variable that is missing or does not fit.
    pub fn api(&self) -> Result<Option<String>, SettingError> {
        const NAME: &str = "MESH_APPSYNC_ENDPOINT";
        let endpoint = match self.value(NAME) {
            None if self.stack() == LOCAL_STACK => return Ok(None),
            _ => self.required(NAME)?,
        };
        if endpoint.starts_with("https://") || endpoint.starts_with("http://") {
            return Ok(Some(endpoint));
        }
        Err(SettingError { name: NAME, problem: "must be a URL".to_owned() })
    }

    /// The region that Lambda says it runs in.
    pub fn region(&self) -> Option<String> {
        self.value("AWS_REGION")
    }

    /// The URL of DynamoDB, if it is not AWS's own: `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`.
    pub fn dynamodb(&self) -> Option<String> {
        self.value("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| self.value("AWS_ENDPOINT_URL"))
    }

    /// The secret behind the domains: `MESH_SECRET_KEY`. There is no default.
    ///
    /// # Errors
    ///
    /// Names the variable that is missing or does not fit.
    pub fn secret(&self) -> Result<DomainSecret, SettingError> {
        const NAME: &str = "MESH_SECRET_KEY";
        let secret = self.required(NAME)?;
        let too_short = || SettingError {
            name: NAME,
            problem: format!("must have at least {} bytes", DomainSecret::MIN_BYTES),
        };
        DomainSecret::new(secret.as_bytes()).ok_or_else(too_short)
    }

    /// The number of proxies that append to `x-forwarded-for`: `MESH_TRUSTED_HOPS`.
    ///
    /// # Errors
    ///
    /// Names the variable that is missing or does not fit.
    pub fn trusted_hops(&self) -> Result<usize, SettingError> {
        const NAME: &str = "MESH_TRUSTED_HOPS";
        match self.number(NAME, TRUSTED_HOPS)? {
            0 => Err(SettingError { name: NAME, problem: "must be 1 or more".to_owned() }),
            hops => Ok(hops),
        }
    }

    /// The stack that metrics are told apart by: `STACK_NAME`, or [`LOCAL_STACK`] outside the cloud.
    pub fn stack(&self) -> String {
        self.value("STACK_NAME").unwrap_or_else(|| LOCAL_STACK.to_owned())
    }

    fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    fn required(&self, name: &'static str) -> Result<String, SettingError> {
        self.value(name).ok_or_else(|| SettingError { name, problem: "must be set".to_owned() })
    }

    fn number<T: std::str::FromStr>(&self, name: &'static str, default: T) -> Result<T, SettingError> {
        let Some(text) = self.value(name) else { return Ok(default) };
        text.parse()
            .map_err(|_| SettingError { name, problem: format!("must be a whole number, not '{text}'") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_defaults() {
        let environment = Environment::of(&[("STACK_NAME", "")]);
        assert_eq!(environment.settings().unwrap(), Settings::default());
        assert_eq!(environment.trusted_hops().unwrap(), 2);
        assert_eq!(environment.stack(), "local");
        assert_eq!(environment.api().unwrap(), None);
    }

    #[test]
    fn the_environment_is_read() {
        let environment = Environment::of(&[
            ("MESH_MAX_CONNECTION_TIME_SECONDS", "300"),
            ("MESH_EVENT_TTL_SECONDS", "60"),
            ("MESH_TRUSTED_HOPS", "3"),
            ("MESH_SECRET_KEY", "a secret of enough length"),
        ]);
        let lifetimes = environment.settings().unwrap().lifetimes;
        assert_eq!((lifetimes.max_connection_time, lifetimes.event_ttl), (300, 60));
        assert_eq!(environment.trusted_hops().unwrap(), 3);
        environment.secret().unwrap();
    }

    #[test]
    fn a_wrong_value_is_named() {
        type Read = fn(&Environment) -> Result<(), SettingError>;
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, Read);
        let settings: Read = |environment| environment.settings().map(drop);
        let secret: Read = |environment| environment.secret().map(drop);
        let table: Read = |environment| environment.table().map(drop);
        let hops: Read = |environment| environment.trusted_hops().map(drop);
        let api: Read = |environment| environment.api().map(drop);
        let wrong: [Case<'_>; 10] = [
            (&[("MESH_EVENT_TTL_SECONDS", "soon")], "MESH_EVENT_TTL_SECONDS", settings),
            (&[("MESH_EVENT_TTL_SECONDS", "-1")], "MESH_EVENT_TTL_SECONDS", settings),
            (&[("MESH_EVENT_TTL_SECONDS", "0")], "MESH_EVENT_TTL_SECONDS", settings),
            (&[("MESH_HOST_HEARTBEAT_TTL_SECONDS", "60")], "MESH_HOST_HEARTBEAT_INTERVAL_SECONDS", settings),
            (&[], "MESH_SECRET_KEY", secret),
            (&[("MESH_SECRET_KEY", "short")], "MESH_SECRET_KEY", secret),
            (&[("TABLE_NAME", "")], "TABLE_NAME", table),
            (&[("MESH_TRUSTED_HOPS", "0")], "MESH_TRUSTED_HOPS", hops),
            (&[("MESH_APPSYNC_ENDPOINT", "api")], "MESH_APPSYNC_ENDPOINT", api),
            (&[("STACK_NAME", "mesh-stg")], "MESH_APPSYNC_ENDPOINT", api),
        ];
        for (variables, name, read) in wrong {
            let error = read(&Environment::of(variables)).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
