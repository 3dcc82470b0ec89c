//! Pumps, their orders and their telemetry as people read them.

use fleet::Timestamp;
use serde::Deserialize;

use super::{
    model::Support,
    table::{Cell, Row, Tone},
    time::Times,
};

/// A pump in a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PumpRow {
    serial: String,
    model: Option<String>,
    asset_tag: Option<String>,
    care_area: Option<String>,
    status: String,
    status_label: String,
    connected: bool,
    last_seen: Option<Timestamp>,
    state: Option<State>,
    certificate_not_after: Option<Timestamp>,
}

/// The latest that a pump said of itself, or one that it said before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    received_at: Option<Timestamp>,
    activity: String,
    availability: Option<String>,
    patient_attached: bool,
    rate_ml_h: Option<f64>,
    infused_ml: Option<f64>,
    battery_percent: Option<f64>,
    on_mains: bool,
    signal_dbm: Option<f64>,
    place: Option<String>,
    alarm: Option<String>,
}

impl State {
    /// What it does, and how fast.
    fn doing(&self) -> String {
        match self.rate_ml_h {
            Some(rate) => format!("{} {rate} mL/h", self.activity),
            None => self.activity.clone(),
        }
    }

    fn battery(&self) -> Cell {
        let Some(percent) = self.battery_percent else {
            return if self.on_mains {
                "mains".into()
            } else {
                Cell::default()
            };
        };
        let supply = if self.on_mains { ", mains" } else { "" };
        let tone = if percent < 20.0 && !self.on_mains {
            Tone::Attention
        } else {
            Tone::Plain
        };
        Cell::toned(format!("{percent} %{supply}"), tone)
    }

    fn alarm(&self) -> Cell {
        self.alarm
            .as_ref()
            .map(|alarm| Cell::toned(alarm, Tone::Alarm))
            .into()
    }
}

/// A status in its tone.
fn status(word: &str, label: &str) -> Cell {
    let tone = match word {
        "in_service" => Tone::Good,
        "held" | "sequestered" | "missing" => Tone::Alarm,
        _ => Tone::Plain,
    };
    Cell::toned(label, tone)
}

impl Row for PumpRow {
    const NONE: &'static str = "no such pumps";
    const COLUMNS: &'static [&'static str] = &[
        "PUMP",
        "SERIAL",
        "MODEL",
        "CARE AREA",
        "STATUS",
        "DOING",
        "BATTERY",
        "SEEN",
        "CERTIFICATE UNTIL",
    ];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let seen = if self.connected {
            Cell::from("connected")
        } else {
            Cell::time(self.last_seen, times)
        };
        vec![
            self.asset_tag.as_ref().into(),
            Cell::from(&self.serial),
            self.model.as_ref().into(),
            self.care_area.as_ref().into(),
            status(&self.status, &self.status_label),
            self.state.as_ref().map(State::doing).into(),
            self.state.as_ref().map(State::battery).unwrap_or_default(),
            seen,
            Cell::deadline(self.certificate_not_after, times),
        ]
    }
}

/// All that is known of one pump.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PumpDetail {
    #[serde(flatten)]
    row: PumpRow,
    id: String,
    row_version: i64,
    manufacturer: Option<String>,
    udi: Option<Udi>,
    hardware_id: Option<String>,
    location: Option<String>,
    tags: Vec<String>,
    support: Support,
    macs: Vec<String>,
    components: Vec<Component>,
    connected_since: Option<Timestamp>,
    address: Option<String>,
    enrolled_at: Option<Timestamp>,
    retired_at: Option<Timestamp>,
    hold: Option<Hold>,
    verified: Option<Verified>,
    contact: Option<Contact>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Udi {
    text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Component {
    name: String,
    version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hold {
    kind: String,
    reason: String,
    since: Option<Timestamp>,
    effect: Option<String>,
}

/// A signature as verified for clinical use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Verified {
    by: String,
    at: Option<Timestamp>,
    stands: bool,
}

impl Verified {
    fn cell(&self, times: &Times) -> Cell {
        let at = self.at.map(|at| times.exact(at)).unwrap_or_default();
        if self.stands {
            Cell::toned(format!("for clinical use by {}, {at}", self.by), Tone::Good)
        } else {
            let words = format!("void: it changed after {} signed, {at}", self.by);
            Cell::toned(words, Tone::Attention)
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Contact {
    email: Option<String>,
    phone: Option<String>,
    web: Option<String>,
}

impl PumpDetail {
    /// Whether a hold is in force, or waits until the pump is free (`in_force`, `when_free`).
    pub fn hold_effect(&self) -> Option<&str> {
        self.hold.as_ref()?.effect.as_deref()
    }

    /// Names and values, the most important first.
    pub fn lines(&self, times: &Times) -> Vec<(&'static str, Cell)> {
        let row = &self.row;
        let exact = |at: Option<Timestamp>| Cell::from(at.map(|at| times.exact(at)));
        let mut lines = vec![
            ("asset tag", row.asset_tag.as_ref().into()),
            ("serial number", Cell::from(&row.serial)),
            ("manufacturer", self.manufacturer.as_ref().into()),
            ("model", row.model.as_ref().into()),
            ("status", status(&row.status, &row.status_label)),
        ];
        if let Some(hold) = &self.hold {
            lines.extend(hold.lines(times));
        }
        lines.push((
            "verified",
            self.verified.as_ref().map(|signed| signed.cell(times)).into(),
        ));
        lines.extend([
            ("care area", row.care_area.as_ref().into()),
            ("location", self.location.as_ref().into()),
            ("tags", Cell::from(self.tags.join(", "))),
            ("connection", self.connection(times)),
        ]);
        if let Some(state) = &row.state {
            lines.extend(state.lines(times));
        }
        let components = self
            .components
            .iter()
            .map(|c| format!("{} {}", c.name, c.version));
        lines.extend([
            ("software", Cell::from(components.collect::<Vec<_>>().join(", "))),
            ("hardware id", self.hardware_id.as_ref().into()),
            ("support", self.support.line()),
            ("UDI", self.udi.as_ref().map(|udi| &udi.text).into()),
            ("network cards", Cell::from(self.macs.join(", "))),
            (
                "certificate until",
                Cell::deadline(row.certificate_not_after, times),
            ),
            ("enrolled", exact(self.enrolled_at)),
            ("retired", exact(self.retired_at)),
        ]);
        if let Some(contact) = &self.contact {
            lines.extend([
                ("maker's e-mail", contact.email.as_ref().into()),
                ("maker's telephone", contact.phone.as_ref().into()),
                ("maker's web page", contact.web.as_ref().into()),
            ]);
        }
        lines.extend([
            ("record version", Cell::from(self.row_version.to_string())),
            ("id", Cell::from(&self.id)),
        ]);
        lines
    }

    fn connection(&self, times: &Times) -> Cell {
        let mut words = match (self.row.connected, self.connected_since, self.row.last_seen) {
            (true, Some(since), _) => format!("connected since {}", times.show(since)),
            (true, None, _) => "connected".to_owned(),
            (false, _, Some(seen)) => format!("not connected; last seen {}", times.show(seen)),
            (false, _, None) => "never seen".to_owned(),
        };
        if let Some(address) = &self.address {
            words.push_str(", address ");
            words.push_str(address);
        }
        Cell::from(words)
    }
}

impl Hold {
    fn lines(&self, times: &Times) -> [(&'static str, Cell); 2] {
        let since = self
            .since
            .map(|at| format!(", since {}", times.show(at)))
            .unwrap_or_default();
        let effect = match self.effect.as_deref() {
            Some("when_free") => ", takes effect when the pump becomes free",
            Some(_) | None => "",
        };
        let kind = self.kind.replace('_', " ");
        [
            ("held", Cell::toned(format!("{kind}{since}{effect}"), Tone::Alarm)),
            ("reason", Cell::from(&self.reason)),
        ]
    }
}

impl State {
    fn lines(&self, times: &Times) -> [(&'static str, Cell); 8] {
        let patient = if self.patient_attached { "attached" } else { "none" };
        let millilitres = |volume: f64| format!("{volume} mL");
        [
            ("doing", Cell::from(self.doing())),
            ("free or busy", self.availability.as_ref().into()),
            ("patient", Cell::from(patient)),
            ("infused", self.infused_ml.map(millilitres).into()),
            ("alarm", self.alarm()),
            ("battery", self.battery()),
            ("place it reports", self.place.as_ref().into()),
            ("reported", Cell::time(self.received_at, times)),
        ]
    }
}

/// One report of a pump's state.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TelemetryRow {
    #[serde(flatten)]
    state: State,
}

impl Row for TelemetryRow {
    const NONE: &'static str = "no reports since then";
    const COLUMNS: &'static [&'static str] = &[
        "RECEIVED", "DOING", "PATIENT", "INFUSED", "BATTERY", "SIGNAL", "PLACE", "ALARM",
    ];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let state = &self.state;
        vec![
            Cell::time(state.received_at, times),
            Cell::from(state.doing()),
            Cell::from(if state.patient_attached { "attached" } else { "" }),
            state.infused_ml.map(|volume| format!("{volume} mL")).into(),
            state.battery(),
            state.signal_dbm.map(|signal| format!("{signal} dBm")).into(),
            state.place.as_ref().into(),
            state.alarm(),
        ]
    }
}

/// An order and what came of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OrderRow {
    kind: String,
    at: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
    outcome: Option<String>,
    outcome_at: Option<Timestamp>,
    reason: Option<String>,
}

impl Row for OrderRow {
    const NONE: &'static str = "no orders";
    const COLUMNS: &'static [&'static str] = &["GIVEN", "ORDER", "DELIVERED", "OUTCOME", "AT", "REASON"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let delivered = match self.delivered_at {
            None => Cell::from("waiting"),
            at => Cell::time(at, times),
        };
        vec![
            Cell::time(self.at, times),
            Cell::from(&self.kind),
            delivered,
            self.outcome.as_ref().into(),
            Cell::time(self.outcome_at, times),
            self.reason.as_ref().into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, FixedOffset};
    use serde_json::json;

    use super::*;
    use crate::cli::table::{Look, render, sheet};

    fn times() -> Times {
        Times {
            now: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            zone: FixedOffset::east_opt(0),
        }
    }

    fn pump() -> serde_json::Value {
        json!({
            "id": "01980000-0000-7000-8000-000000000001", "row_version": 3, "serial": "SN-42", "manufacturer": "Acme",
            "model": "Volumat", "asset_tag": "BM-1", "udi": {"text": "(01)09506000134352(21)SN-42"}, "hardware_id": null,
            "care_area": "4 West", "location": null, "tags": ["loan set", "pilot"],
            "support": {"stage": "ended", "stage_label": "Support ended", "full_until": null, "until": "2026-12-31"}, "macs": ["02:00:00:00:00:01"],
            "components": [{"name": "main", "version": "4.1"}], "status": "held", "status_label": "Held – do not use",
            "connected": true, "connected_since": "2027-01-15T07:00:00Z", "address": "10.1.2.3", "last_seen": "2027-01-15T07:59:00Z",
            "enrolled_at": "2026-12-01T00:00:00Z", "retired_at": null,
            "hold": {"kind": "clinical", "reason": "failed\u{1b}[31m", "since": "2027-01-15T07:30:00Z", "effect": "when_free"},
            "state": {"received_at": "2027-01-15T07:59:00Z", "activity": "infusing", "availability": "busy",
                      "patient_attached": true, "rate_ml_h": 12.5, "battery_percent": 15, "on_mains": false, "alarm": "occlusion"},
            "certificate_not_after": "2027-01-18T00:00:00Z", "a_later_member": [1]
        })
    }

    #[test]
    fn a_list_of_pumps_reads_as_people_speak() {
        let row: PumpRow = serde_json::from_value(pump()).unwrap();
        insta::assert_snapshot!(render(PumpRow::COLUMNS, [row.cells(&times())], Look::default()), @r"
        PUMP  SERIAL  MODEL    CARE AREA  STATUS             DOING               BATTERY  SEEN       CERTIFICATE UNTIL
        BM-1  SN-42   Volumat  4 West     Held – do not use  infusing 12.5 mL/h  15 %     connected  2027-01-18 00:00
        ");
    }

    #[test]
    fn one_pump_is_shown_in_full() {
        let pump: PumpDetail = serde_json::from_value(pump()).unwrap();
        insta::assert_snapshot!(sheet(pump.lines(&times()), Look::default()), @r"
        asset tag          BM-1
        serial number      SN-42
        manufacturer       Acme
        model              Volumat
        status             Held – do not use
        held               clinical, since 30 min ago, takes effect when the pump becomes free
        reason             failed�[31m
        care area          4 West
        tags               loan set, pilot
        connection         connected since 1 h ago, address 10.1.2.3
        doing              infusing 12.5 mL/h
        free or busy       busy
        patient            attached
        alarm              occlusion
        battery            15 %
        reported           1 min ago
        software           main 4.1
        support            Support ended, at all until 2026-12-31
        UDI                (01)09506000134352(21)SN-42
        network cards      02:00:00:00:00:01
        certificate until  2027-01-18 00:00
        enrolled           2026-12-01 00:00:00 +00:00
        record version     3
        id                 01980000-0000-7000-8000-000000000001
        ");
        assert_eq!(pump.hold_effect(), Some("when_free"));
    }

    #[test]
    fn a_pump_of_which_little_is_known_is_shown_too() {
        let pump: PumpDetail =
            serde_json::from_value(json!({"serial": "SN-1", "state": null, "contact": null})).unwrap();
        let text = sheet(pump.lines(&times()), Look::default());
        assert!(text.contains("SN-1") && text.contains("never seen"), "{text}");
    }

    #[test]
    fn every_row_has_as_many_cells_as_headings() {
        fn check<R: Row + Default>() {
            assert_eq!(R::default().cells(&times()).len(), R::COLUMNS.len());
        }
        check::<PumpRow>();
        check::<TelemetryRow>();
        check::<OrderRow>();
    }
}
