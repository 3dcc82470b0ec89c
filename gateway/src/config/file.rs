//! The configuration file as `gateway init` writes it: every key, its default, and what it means.

use std::path::Path;

use chrono_tz::Tz;
use fleet::{inventory::RetentionRule, text::Name};
use store::DatabaseUrl;

use super::{Firmware, Inventory, Listen, Mqtt, People, Rollouts};
use crate::auth::limits::Rates;

/// Writes the file.
#[must_use]
#[expect(clippy::too_many_lines, reason = "one text, best read in one piece")]
pub fn render(
    data_dir: &Path,
    hospital: &Name,
    names: &[String],
    listen: Listen,
    database: Option<&DatabaseUrl>,
    time_zone: Tz,
) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let database = database.map_or_else(
        || "# url = \"postgres://gateway@db.example/gateway\"".to_owned(),
        |url| format!("url = {}", quoted(&url.to_string())),
    );
    let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
    let Mqtt {
        workers,
        connections_per_address,
        opening_per_address,
        telemetry_per_second,
        reports_per_second,
    } = Mqtt::default();
    let Firmware {
        max_bytes_per_second,
        bytes_per_second_each,
        max_downloads,
        download_in_use,
    } = Firmware::default();
    let Rollouts { updates_at_once } = Rollouts::default();
    let RetentionRule {
        full_days,
        hourly_days,
        daily_days,
    } = RetentionRule::default();
    let Inventory { missing_after_days } = Inventory::default();
    let People { idle_minutes, .. } = People::default();
    let Rates {
        per_account,
        per_account_burst,
        per_address,
        per_address_burst,
    } = Rates::default();
    format!(
        "\
# The infusion pump gateway. Check changes with: gateway serve --check --config <this file>

# Keys (encrypted), the embedded database and the root certificate. Back it up; mode 0700.
data_dir = {data_dir}

[hospital]
# On pages, and in the names of the hospital's certificate authorities.
name = {hospital}
# The zone of the clocks on its walls, for times beside signatures: Europe/Berlin, America/Chicago.
time_zone = {time_zone}

[server]
# DNS names and IP addresses by which pumps and staff reach the gateway, for its certificate.
names = [{names}]

[listen]
# Pump segment: MQTT over mutual TLS, and HTTPS for enrolment and firmware.
mqtt = \"{mqtt}\"
bulk = \"{bulk}\"
# Staff network: HTTPS for people and programs. Never reachable from the pump segment.
staff = \"{staff}\"
# Health and metrics for this machine only.
operations = \"{operations}\"

[database]
# Nothing means the embedded SQLite database in data_dir. For PostgreSQL, the password comes from PGPASSWORD
# or a .pgpass file, never from here.
{database}

[mqtt]
# Threads that serve pumps; the most connections from one address, and how many of them that have not said yet who they are.
workers = {workers}
connections_per_address = {connections_per_address}
opening_per_address = {opening_per_address}
# What one pump may send on average, messages per second; more has to wait. 0 is no limit.
telemetry_per_second = {telemetry_per_second}
reports_per_second = {reports_per_second}

[firmware]
# What goes to pumps, all downloads together, in bytes per second (0 is no limit), and what each needs to get anywhere;
# and how many downloads at one time.
max_bytes_per_second = {max_bytes_per_second}
bytes_per_second_each = {bytes_per_second_each}
max_downloads = {max_downloads}
# Whether pumps may download while they are in use. They never install then.
download_in_use = {download_in_use}

[rollouts]
# At most so many pumps of the hospital are out of service for updates at once.
updates_at_once = {updates_at_once}

[retention]
# Telemetry: every sample for full_days, then one an hour until hourly_days, then one a day until daily_days.
full_days = {full_days}
hourly_days = {hourly_days}
daily_days = {daily_days}

[inventory]
# A pump without a sign of life for so many days is missing.
missing_after_days = {missing_after_days}

[people]
# So long without a sign of life signs a person out; a registered device has its own time.
idle_minutes = {idle_minutes}
# A list of passwords that were stolen elsewhere: lines of SHA-1, colon, count, ordered by hash.
# breached_passwords = \"/srv/gateway/breached.txt\"

[rates]
# Requests per second on average, and at once, of one account and from one address. 0 is no limit.
per_account = {per_account}
per_account_burst = {per_account_burst}
per_address = {per_address}
per_address_burst = {per_address_burst}

[audit]
# Every entry of the audit trail also goes here: JSON lines in a file, and syslog over TLS (RFC 5424, RFC 5425).
# file = \"/var/log/gateway/audit.jsonl\"
# [audit.syslog]
# address = \"siem.example:6514\"
# ca_file = \"/srv/gateway/siem-ca.pem\"

[log]
# text or json, to standard error; a filter such as info or gateway=debug,info.
format = \"text\"
filter = \"info\"
",
        data_dir = quoted(&data_dir.to_string_lossy()),
        hospital = quoted(hospital.as_str()),
        time_zone = quoted(time_zone.name()),
        names = names.join(", "),
        mqtt = listen.mqtt,
        bulk = listen.bulk,
        staff = listen.staff,
        operations = listen.operations,
    )
}
