//! `gateway cert …`: the certificates of pumps.

use std::io;

use fleet::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    args::{CertCommand, PageArgs},
    client::Call,
    error::{Attempt, Cause, CliError},
    output::Output,
    session::Session,
    table::{Cell, Row, Tone},
    time::Times,
};

/// Does what was asked about certificates.
///
/// # Errors
/// [`CliError`], with what was attempted on which certificate.
pub async fn run(session: &mut Session<'_>, command: CertCommand) -> Result<(), CliError> {
    match command {
        CertCommand::List { pump, status, page } => list(session, pump.as_deref(), status, &page)
            .await
            .attempt("list certificates"),
        CertCommand::Show { certificate, pem } => show(session, &certificate, pem)
            .await
            .attempt(format!("show certificate {certificate}")),
        CertCommand::Revoke {
            certificate,
            reason,
            yes,
        } => revoke(session, &certificate, reason.as_str(), yes)
            .await
            .attempt(format!("revoke certificate {certificate}")),
        CertCommand::Forecast => session
            .show(&Call::get(["certificates", "forecast"]), show_forecast)
            .await
            .attempt("forecast expiry"),
    }
}

async fn list(
    session: &mut Session<'_>,
    pump: Option<&str>,
    status: Option<String>,
    page: &PageArgs,
) -> Result<(), Cause> {
    let pump = match pump {
        Some(name) => Some(session.pump(name).await?.id),
        None => None,
    };
    let call = Call::get(["certificates"])
        .query_if("pump", pump)
        .query_if("status", status);
    session.list::<CertificateRow>(call, page).await
}

/// A pump's certificate.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CertificateRow {
    fingerprint: String,
    serial: String,
    pump: String,
    pump_serial: Option<String>,
    asset_tag: Option<String>,

    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    first_used_at: Option<Timestamp>,
    status: String,
    revoked_at: Option<Timestamp>,
    revocation_reason: Option<String>,
    pem: Option<String>,
}

impl CertificateRow {
    /// The pump as people know it.
    fn pump_name(&self) -> &str {
        self.asset_tag
            .as_deref()
            .or(self.pump_serial.as_deref())
            .unwrap_or(&self.pump)
    }

    fn status(&self) -> Cell {
        let tone = match self.status.as_str() {
            "valid" => Tone::Good,
            "expired" | "revoked" => Tone::Alarm,
            _ => Tone::Attention,
        };
        Cell::toned(self.status.replace('_', " "), tone)
    }

    fn lines(&self, times: &Times) -> Vec<(&'static str, Cell)> {
        let exact = |at: Option<Timestamp>| Cell::from(at.map(|at| times.exact(at)));
        vec![
            ("serial number", Cell::from(&self.serial)),
            ("fingerprint", Cell::from(&self.fingerprint)),
            ("pump", Cell::from(self.pump_name())),
            ("pump's serial number", self.pump_serial.as_ref().into()),
            ("status", self.status()),
            ("valid from", exact(self.not_before)),
            ("valid until", exact(self.not_after)),
            ("issued", exact(self.issued_at)),
            ("first used", exact(self.first_used_at)),
            ("revoked", exact(self.revoked_at)),
            ("reason", self.revocation_reason.as_ref().into()),
        ]
    }
}

impl Row for CertificateRow {
    const NONE: &'static str = "no such certificates";
    const COLUMNS: &'static [&'static str] = &[
        "SERIAL",
        "PUMP",
        "STATUS",
        "ISSUED",
        "FIRST USED",
        "UNTIL",
        "REVOKED",
    ];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let revoked = self.revoked_at.map(|at| {
            let reason = self.revocation_reason.as_deref().unwrap_or("no reason");
            format!("{}, {reason}", times.show(at))
        });
        vec![
            Cell::from(&self.serial),
            Cell::from(self.pump_name()),
            self.status(),
            Cell::time(self.issued_at, times),
            Cell::time(self.first_used_at, times),
            // The end of a certificate that is revoked anyway asks nothing of anybody.
            if revoked.is_some() {
                Cell::time(self.not_after, times)
            } else {
                Cell::deadline(self.not_after, times)
            },
            revoked.into(),
        ]
    }
}

async fn show(session: &mut Session<'_>, name: &str, pem: bool) -> Result<(), Cause> {
    let call = Call::get(["certificates", name]);
    if !pem {
        return session
            .show(&call, |output, times, certificate: &CertificateRow| {
                output.sheet(certificate.lines(times))
            })
            .await;
    }
    let certificate: CertificateRow = session.fetch(&call).await?;
    let pem = certificate
        .pem
        .ok_or_else(|| Cause::Unreadable("it holds no PEM".to_owned()))?;
    Ok(session.output.bytes(pem.as_bytes())?)
}

async fn revoke(session: &mut Session<'_>, name: &str, reason: &str, yes: bool) -> Result<(), Cause> {
    let found: CertificateRow = session.fetch(&Call::get(["certificates", name])).await?;
    let question = format!(
        "Certificate {} of pump {} is {}. Revoke it for good?",
        found.serial,
        found.pump_name(),
        found.status.replace('_', " ")
    );
    session.output.confirm(yes, &question)?;
    // By its fingerprint: what was shown is what is revoked, even if another begins alike by now.
    let call = Call::post(["certificates", &found.fingerprint, "revoke"]).json(json!({"reason": reason}));
    let done = format!(
        "Revoked. Pump {} can not connect with it any more, and its connection was closed.",
        found.pump_name()
    );
    session.act(&call, &done).await
}

/// When certificates end.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Forecast {
    classes: Vec<Class>,
    by_week: Vec<Week>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Class {
    #[serde(rename = "class")]
    word: String,
    label: String,
    count: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Week {
    week_start: Option<WeekStart>,
    count: u64,
}

/// A week begins on a date, or at a moment of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WeekStart {
    At(Timestamp),
    On(String),
}

/// The longest bar, in characters.
const BAR: u64 = 30;

fn show_forecast(output: &mut Output, times: &Times, forecast: &Forecast) -> io::Result<()> {
    let class = |class: &Class| {
        let tone = match class.word.as_str() {
            _ if class.count == 0 => Tone::Plain,
            "expired" | "within_day" => Tone::Alarm,
            "within_week" | "overdue" => Tone::Attention,
            _ => Tone::Plain,
        };
        vec![
            Cell::toned(&class.label, tone),
            Cell::toned(class.count.to_string(), tone),
        ]
    };
    output.table(
        &["CERTIFICATES", "COUNT"],
        forecast.classes.iter().map(class).collect(),
    )?;
    output.line("")?;
    let most = forecast.by_week.iter().map(|week| week.count).max().unwrap_or(0);
    let week = |week: &Week| {
        let start = match &week.week_start {
            Some(WeekStart::At(at)) => times.date(*at),
            Some(WeekStart::On(date)) => date.clone(),
            None => String::new(),
        };
        vec![
            Cell::from(start),
            Cell::from(week.count.to_string()),
            Cell::from(bar(week.count, most)),
        ]
    };
    output.table(
        &["END IN THE WEEK OF", "COUNT", ""],
        forecast.by_week.iter().map(week).collect(),
    )
}

/// A bar whose length is the share of the greatest; anything above nothing shows at least one mark.
fn bar(count: u64, most: u64) -> String {
    let length = match (count, most) {
        (0, _) | (_, 0) => 0,
        (count, most) => (u128::from(count) * u128::from(BAR) / u128::from(most)).clamp(1, u128::from(BAR)),
    };
    "█".repeat(usize::try_from(length).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::cli::output::tests::captured;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    fn times() -> Times {
        Times {
            now: NOW,
            zone: chrono::FixedOffset::east_opt(0),
        }
    }

    #[test]
    fn a_certificate_is_shown_by_its_pumps_tag() {
        let (mut output, out, _) = captured(false);
        let rows = [
            json!({"serial": "8f01", "pump": "id", "pump_serial": "SN-42", "asset_tag": "BM-1", "status": "valid",
                   "issued_at": "2027-01-15T07:00:00Z", "not_after": "2027-04-15T07:00:00Z"}),
            json!({"serial": "8f02", "pump": "id", "pump_serial": "SN-43", "asset_tag": null, "status": "revoked",
                   "issued_at": "2026-12-01T07:00:00Z", "not_after": "2027-03-01T07:00:00Z",
                   "revoked_at": "2027-01-15T07:58:00Z", "revocation_reason": "key_compromise"}),
        ];
        let cells = rows
            .into_iter()
            .map(|row| {
                serde_json::from_value::<CertificateRow>(row)
                    .unwrap()
                    .cells(&times())
            })
            .collect();
        output.table(CertificateRow::COLUMNS, cells).unwrap();
        insta::assert_snapshot!(out.text(), @r"
        SERIAL  PUMP   STATUS   ISSUED            FIRST USED  UNTIL             REVOKED
        8f01    BM-1   valid    1 h ago                       2027-04-15 07:00
        8f02    SN-43  revoked  2026-12-01 07:00              2027-03-01 07:00  2 min ago, key_compromise
        ");
    }

    #[test]
    fn the_forecast_shows_classes_and_weeks() {
        let (mut output, out, _) = captured(false);
        let forecast: Forecast = serde_json::from_value(json!({
            "classes": [{"class": "expired", "label": "expired", "count": 1}, {"class": "fine", "label": "fine", "count": 39}],
            "by_week": [{"week_start": "2027-01-11", "count": 1}, {"week_start": "2027-01-18T00:00:00Z", "count": 40},
                        {"week_start": "2027-01-25", "count": 0}]
        }))
        .unwrap();
        show_forecast(&mut output, &times(), &forecast).unwrap();
        insta::assert_snapshot!(out.text(), @r"
        CERTIFICATES  COUNT
        expired       1
        fine          39

        END IN THE WEEK OF  COUNT
        2027-01-11          1      █
        2027-01-18          40     ██████████████████████████████
        2027-01-25          0
        ");
    }

    #[test]
    fn a_bar_is_never_longer_than_its_room() {
        for (count, most, length) in [
            (0, 10, 0),
            (1, u64::MAX, 1),
            (10, 10, 30),
            (u64::MAX, u64::MAX, 30),
            (5, 10, 15),
            (3, 0, 0),
        ] {
            assert_eq!(bar(count, most).chars().count(), length, "{count} of {most}");
        }
    }
}
