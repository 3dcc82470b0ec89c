//! `gateway.toml`: what the hospital sets. Every key has a default but the names by which pumps reach the gateway,
//! and `gateway init` writes the file with every default in it, explained.

mod audit;
mod file;
mod firmware;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use chrono_tz::Tz;
use fleet::{inventory::RetentionRule, rollout::limits::HospitalLimits, text::Name};
use serde::{Deserialize, Deserializer};
use store::DatabaseUrl;
use thiserror::Error;

pub use audit::{Audit, Syslog};
pub use file::render;
pub use firmware::{Firmware, Rollouts};

use crate::auth::limits::Rates;

/// What is wrong with a configuration file: which file, which key, and what was expected there.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It could not be read.
    #[error("can not read {}: {source}; `gateway init` writes one", .file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    /// Not TOML at all.
    #[error("{}, line {line}: not TOML: {problem}", .file.display())]
    Syntax {
        file: PathBuf,
        line: usize,
        problem: String,
    },
    /// A key that is not known, is missing, or has a value of the wrong kind.
    #[error("{}, line {line}, key `{key}`: {problem}", .file.display())]
    Key {
        file: PathBuf,
        line: usize,
        key: String,
        problem: String,
    },
    /// Keys that do not fit one another.
    #[error("{}, key `{key}`: {problem}", .file.display())]
    Contradiction {
        file: PathBuf,
        key: &'static str,
        problem: String,
    },
}

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where keys, the embedded database and the root certificate live.
    pub data_dir: PathBuf,
    /// The hospital.
    pub hospital: Hospital,
    /// Where to listen.
    #[serde(default)]
    pub listen: Listen,
    /// How pumps reach the gateway.
    pub server: Server,
    /// Another database than the embedded one.
    #[serde(default)]
    pub database: Database,
    /// The pump endpoint.
    #[serde(default)]
    pub mqtt: Mqtt,
    /// How fast firmware goes to pumps.
    #[serde(default)]
    pub firmware: Firmware,
    /// How many pumps are updated at once.
    #[serde(default)]
    pub rollouts: Rollouts,
    /// How long telemetry is kept.
    #[serde(default)]
    pub retention: RetentionRule,
    /// What counts as missing.
    #[serde(default)]
    pub inventory: Inventory,
    /// How people sign in.
    #[serde(default)]
    pub people: People,
    /// How many requests are served.
    #[serde(default)]
    pub rates: Rates,
    /// Where the audit trail goes, beside the database.
    #[serde(default)]
    pub audit: Audit,
    /// Logging.
    #[serde(default)]
    pub log: Log,
}

/// The hospital.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hospital {
    /// Its name: on pages, and in the names of its certificate authorities.
    pub name: Name,
    /// The zone of the clocks on its walls (IANA), for times beside signatures.
    #[serde(default = "utc", deserialize_with = "zone")]
    pub time_zone: Tz,
}

const fn utc() -> Tz {
    Tz::UTC
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|_| {
        serde::de::Error::custom(format!(
            "`{name}` is no time zone; expected a name such as Europe/Berlin or America/Chicago"
        ))
    })
}

/// How people sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Minutes without a sign of life that sign a person out, where no registered device says otherwise.
    pub idle_minutes: u32,
    /// A list of passwords that were stolen elsewhere, ordered by hash.
    pub breached_passwords: Option<PathBuf>,
}

impl Default for People {
    fn default() -> Self {
        Self {
            idle_minutes: 15,
            breached_passwords: None,
        }
    }
}

/// Where to listen. Pumps never reach the staff address, staff never the pumps'.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// MQTT over mutual TLS: the pump segment.
    pub mqtt: SocketAddr,
    /// HTTPS for enrolment and firmware: the pump segment.
    pub bulk: SocketAddr,
    /// HTTPS for people and programs: the staff network.
    pub staff: SocketAddr,
    /// Health and metrics, plain HTTP: this machine only.
    pub operations: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        let any = |port| SocketAddr::from(([0, 0, 0, 0], port));
        let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            mqtt: any(8883),
            bulk: any(8444),
            staff: here(8443),
            operations: here(9464),
        }
    }
}

/// How pumps and people reach the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// DNS names and IP addresses for the server certificate; the first one is also used in revocation list addresses.
    pub names: Vec<String>,
}

/// Another database than the embedded one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `postgres://…`, or `sqlite://` and a path. Nothing means `gateway.db` in the data directory.
    pub url: Option<DatabaseUrl>,
}

/// The pump endpoint.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mqtt {
    /// Threads that serve pumps.
    pub workers: usize,
    /// The most connections from one address; pumps behind one access controller may share one.
    pub connections_per_address: usize,
    /// The most connections from one address that have not said yet who they are.
    pub opening_per_address: usize,
    /// Telemetry messages per second that one pump may send on average; more has to wait. 0 is no limit.
    pub telemetry_per_second: u32,
    /// Reports per second that one pump may send on average; more has to wait. 0 is no limit.
    pub reports_per_second: u32,
}

impl Default for Mqtt {
    fn default() -> Self {
        Self {
            workers: 2,
            connections_per_address: 20_000,
            opening_per_address: 256,
            telemetry_per_second: 20,
            reports_per_second: 5,
        }
    }
}

/// What counts as missing.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// Days without a sign of life.
    pub missing_after_days: u32,
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            missing_after_days: 30,
        }
    }
}

/// Logging, to standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How.
    pub format: LogFormat,
    /// What: a `tracing` filter such as `info` or `gateway=debug,info`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file, the key, and what was expected.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        Self::parse(file, &text)
    }

    /// Reads and checks the text of a file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let file = file.to_owned();
        let line_at = |span: Option<std::ops::Range<usize>>| {
            let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
            before.matches('\n').count() + 1
        };
        let document = toml::Deserializer::parse(text).map_err(|error| ConfigError::Syntax {
            file: file.clone(),
            line: line_at(error.span()),
            problem: error.message().to_owned(),
        })?;
        let config: Self = serde_path_to_error::deserialize(document).map_err(|error| ConfigError::Key {
            file: file.clone(),
            line: line_at(error.inner().span()),
            key: error.path().to_string(),
            problem: error.inner().message().to_owned(),
        })?;
        config
            .check()
            .map_err(|(key, problem)| ConfigError::Contradiction { file, key, problem })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let refuse = |key, problem: &str| Err((key, problem.to_owned()));
        let Listen {
            mqtt,
            bulk,
            staff,
            operations,
        } = self.listen;
        let fixed: Vec<_> = [mqtt, bulk, staff, operations]
            .into_iter()
            .filter(|address| address.port() != 0)
            .collect();
        let twice = fixed
            .iter()
            .enumerate()
            .any(|(index, address)| fixed.iter().skip(index + 1).any(|other| other == address));
        if twice {
            return refuse(
                "listen",
                "two listeners have the same address; give each its own port",
            );
        }
        if !operations.ip().is_loopback() {
            return refuse(
                "listen.operations",
                "must be a loopback address such as 127.0.0.1:9464: metrics are not for the network",
            );
        }
        if self.server.names.is_empty() {
            return refuse(
                "server.names",
                "expected at least one DNS name or IP address by which pumps reach the gateway",
            );
        }
        if let Some(name) = self.server.names.iter().find(|name| !is_server_name(name)) {
            return Err((
                "server.names",
                format!("`{name}` is neither a DNS name nor an IP address"),
            ));
        }
        if !(1..=64).contains(&self.mqtt.workers) {
            return refuse("mqtt.workers", "expected a number from 1 to 64");
        }
        if self.mqtt.connections_per_address == 0 {
            return refuse("mqtt.connections_per_address", "expected a number above 0");
        }
        if !(1..=720).contains(&self.people.idle_minutes) {
            return refuse("people.idle_minutes", "expected a number from 1 to 720");
        }
        if !(1..=10_000).contains(&self.firmware.max_downloads) {
            return refuse("firmware.max_downloads", "expected a number from 1 to 10000");
        }
        if !(1..=100_000).contains(&self.rollouts.updates_at_once) {
            return refuse(
                "rollouts.updates_at_once",
                "expected a number from 1 to 100000; a rollout that is to wait is paused",
            );
        }
        if self.firmware.bytes_per_second_each == 0 {
            return refuse("firmware.bytes_per_second_each", "expected a number above 0");
        }
        if self.mqtt.opening_per_address == 0 {
            return refuse("mqtt.opening_per_address", "expected a number above 0");
        }
        Ok(())
    }

    /// The bounds of all rollouts together.
    #[must_use]
    pub fn hospital_limits(&self) -> HospitalLimits {
        firmware::hospital_limits(self.firmware, self.rollouts)
    }

    /// The database to use.
    #[must_use]
    pub fn database_url(&self) -> DatabaseUrl {
        self.database
            .url
            .clone()
            .unwrap_or_else(|| DatabaseUrl::sqlite(self.data_dir.join("gateway.db")))
    }

    /// Where the keys are.
    #[must_use]
    pub fn key_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    /// Where published firmware is: a directory per repository.
    #[must_use]
    pub fn firmware_dir(&self) -> PathBuf {
        self.data_dir.join("firmware")
    }

    /// The address under which outsiders find revocation lists.
    #[must_use]
    pub fn crl_base_url(&self) -> String {
        let host = self.server.names.first().map_or("localhost", String::as_str);
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        format!("https://{host}:{}/crl", self.listen.bulk.port())
    }
}

/// A DNS name (RFC 1123 labels) or an IP address.
fn is_server_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.parse::<std::net::IpAddr>().is_ok() || (name.len() <= 253 && name.split('.').all(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "data_dir = \"/srv/gateway\"\n[hospital]\nname = \"County General\"\n[server]\nnames = [\"gw.example\", \"10.1.2.3\"]\n";

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("gateway.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_fill_what_is_not_said() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.listen.mqtt.port(), 8883);
        assert_eq!(config.crl_base_url(), "https://gw.example:8444/crl");
        assert_eq!(config.retention.full_days, 7);
        assert_eq!(config.firmware, Firmware::default());
    }

    #[test]
    fn what_init_writes_reads_back_as_the_defaults() {
        let hospital = Name::new("O'Brien \"General\" 💉 \\").unwrap();
        let names = ["gw.example".to_owned(), "::1".to_owned()];
        let config = parse(&render(
            Path::new("/srv/pump \"gateway\""),
            &hospital,
            &names,
            Listen::default(),
            None,
            Tz::Europe__Berlin,
        ))
        .unwrap();
        assert_eq!(config.hospital.name, hospital);
        assert_eq!(config.server.names, names);
        assert_eq!(config.data_dir, Path::new("/srv/pump \"gateway\""));
        assert_eq!(config.hospital.time_zone, Tz::Europe__Berlin);
        assert_eq!(config.firmware, Firmware::default());
    }

    #[test]
    fn an_error_names_file_line_key_and_expectation() {
        let check = |change: &str, expected: &str| {
            let error = parse(&format!("{GOOD}{change}")).unwrap_err();
            assert!(
                error.starts_with("gateway.toml") && error.contains(expected),
                "{error}"
            );
        };
        check(
            "[listen]\nmqtt = \"everywhere\"",
            "line 7, key `listen.mqtt`: invalid socket address syntax",
        );
        check(
            "[listen]\nmqqt = 1",
            "line 7, key `listen.mqqt`: unknown field `mqqt`, expected one of",
        );
        check(
            "[mqtt]\nworkers = \"two\"",
            "line 7, key `mqtt.workers`: invalid type: string \"two\", expected usize",
        );
        check(
            "[mqtt]\nworkers = 0",
            "key `mqtt.workers`: expected a number from 1 to 64",
        );
        check(
            "[listen]\noperations = \"0.0.0.0:1\"",
            "key `listen.operations`: must be a loopback address",
        );
        check(
            "[listen]\nmqtt = \"0.0.0.0:8444\"",
            "key `listen`: two listeners have the same address",
        );
        check("[database]\nurl = \"oracle://x\"", "line 7, key `database.url`");
        check(
            "[people]\nidle_minutes = 0",
            "key `people.idle_minutes`: expected a number from 1 to 720",
        );
        check(
            "[firmware]\nmax_downloads = 0",
            "key `firmware.max_downloads`: expected a number from 1 to 10000",
        );
        check(
            "[firmware]\nbytes_per_second_each = 0",
            "key `firmware.bytes_per_second_each`: expected a number above 0",
        );
        check(
            "[rollouts]\nupdates_at_once = 0",
            "key `rollouts.updates_at_once`: expected a number from 1 to 100000",
        );
        check("[log", "line 6: not TOML");
        let error = parse(&GOOD.replace("[server]", "time_zone = \"Mars\"\n[server]")).unwrap_err();
        assert!(
            error.contains("key `hospital.time_zone`: `Mars` is no time zone"),
            "{error}"
        );
        let error = parse("data_dir = \"x\"\n").unwrap_err();
        assert!(error.contains("missing field `hospital`"), "{error}");
        let error = parse(&GOOD.replace("gw.example", "-gw_.example")).unwrap_err();
        assert!(
            error.contains("key `server.names`: `-gw_.example` is neither"),
            "{error}"
        );
    }
}
