//! `gateway events` and `gateway summary`: what happened, and how things stand.

use std::{collections::HashSet, io, time::Duration};

use chrono::TimeDelta;
use fleet::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    args::EventsArgs,
    client::Call,
    error::{Attempt, Cause, CliError},
    output::Output,
    pump::rfc3339,
    session::{Session, read},
    table::{Cell, Row, Tone},
    time::Times,
};

/// Lists events, or follows them.
///
/// # Errors
/// [`CliError`].
pub async fn run(session: &mut Session<'_>, args: EventsArgs) -> Result<(), CliError> {
    let what = if args.follow {
        "follow events"
    } else {
        "list events"
    };
    list(session, args).await.attempt(what)
}

async fn list(session: &mut Session<'_>, args: EventsArgs) -> Result<(), Cause> {
    let pump = match &args.pump {
        Some(name) => Some(session.pump(name).await?.id),
        None => None,
    };
    let call = Call::get(["events"])
        .query_if("pump", pump)
        .query_if("kind", args.kind.map(fleet::event::EventKind::as_str))
        .query_if("severity", args.severity);
    let since = args.since.moment(session.times.now);
    if args.follow {
        follow(session, call, since).await
    } else {
        session
            .list::<Event>(call.query("since", rfc3339(since)), &args.page)
            .await
    }
}

/// Something that happened.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Event {
    id: String,
    at: Timestamp,
    label: String,
    severity: String,
    pump_serial: Option<String>,
    asset_tag: Option<String>,
    detail: String,
}

impl Event {
    fn severity(&self) -> Cell {
        let tone = match self.severity.as_str() {
            "alarm" => Tone::Alarm,
            "attention" => Tone::Attention,
            _ => Tone::Plain,
        };
        Cell::toned(&self.severity, tone)
    }

    /// The pump as people know it, if it is about one.
    fn pump(&self) -> Option<&str> {
        self.asset_tag.as_deref().or(self.pump_serial.as_deref())
    }

    /// One line, for a stream that has no table around it.
    fn line(&self, times: &Times) -> String {
        let pump = self.pump().map(|name| format!("{name}: ")).unwrap_or_default();
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.detail)
        };
        format!(
            "{}  {:<9}  {pump}{}{detail}",
            times.exact(self.at),
            self.severity,
            self.label
        )
    }
}

impl Row for Event {
    const NONE: &'static str = "no events since then";
    const COLUMNS: &'static [&'static str] = &["WHEN", "SEVERITY", "PUMP", "WHAT", "DETAIL"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(times.show(self.at)),
            self.severity(),
            self.pump().into(),
            Cell::from(&self.label),
            Cell::from(&self.detail),
        ]
    }
}

/// How often a follower asks.
const POLL: Duration = Duration::from_secs(2);

/// Events are stamped before they are committed: one may appear after a later one. So much is asked for again each time.
const OVERLAP: TimeDelta = TimeDelta::seconds(30);

/// Which events were told already.
struct Told {
    since: Timestamp,
    ids: HashSet<String>,
}

impl Told {
    /// Those of a batch that are new, in the order in which they happened.
    fn news(&mut self, batch: Vec<Value>) -> Result<Vec<(Event, Value)>, Cause> {
        let mut news: Vec<(Event, Value)> = batch
            .into_iter()
            .map(|value| read::<Event>(value.clone()).map(|event| (event, value)))
            .collect::<Result<_, _>>()?;
        // What this batch no longer brings lies before the overlap, and will not come again.
        let ids = news.iter().map(|(event, _)| event.id.clone()).collect();
        news.retain(|(event, _)| !self.ids.contains(&event.id));
        self.ids = ids;
        news.sort_by(|(a, _), (b, _)| (a.at, &a.id).cmp(&(b.at, &b.id)));
        if let Some((last, _)) = news.last() {
            self.since = self.since.max(last.at - OVERLAP);
        }
        Ok(news)
    }
}

async fn follow(session: &mut Session<'_>, call: Call, since: Timestamp) -> Result<(), Cause> {
    let mut told = Told {
        since,
        ids: HashSet::new(),
    };
    loop {
        let batch = session
            .all(call.clone().query("since", rfc3339(told.since)))
            .await?;
        for (event, value) in told.news(batch)? {
            if session.output.json {
                session.output.record(&value)?;
            } else {
                session.output.line(&event.line(&session.times))?;
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The fleet in numbers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Summary {
    pumps: Pumps,
    certificates: Certificates,
    events_24h: Events,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pumps {
    total: u64,
    connected: u64,
    held: u64,
    retired: u64,
    expected: u64,
    missing: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Certificates {
    valid: u64,
    overdue: u64,
    within_week: u64,
    within_day: u64,
    expired: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Events {
    note: u64,
    attention: u64,
    alarm: u64,
}

/// Shows the fleet in numbers.
///
/// # Errors
/// [`CliError`].
pub async fn summary(session: &mut Session<'_>) -> Result<(), CliError> {
    session
        .show(&Call::get(["summary"]), |output, _, summary| {
            show_summary(output, summary)
        })
        .await
        .attempt("summarise the fleet")
}

fn show_summary(output: &mut Output, summary: &Summary) -> io::Result<()> {
    let plain = |count: u64| Cell::from(count.to_string());
    let worth =
        |count: u64, tone| Cell::toned(count.to_string(), if count == 0 { Tone::Plain } else { tone });
    let Summary {
        pumps,
        certificates,
        events_24h,
    } = summary;
    output.sheet([
        ("pumps", plain(pumps.total)),
        ("  connected", plain(pumps.connected)),
        ("  held", worth(pumps.held, Tone::Attention)),
        ("  missing", worth(pumps.missing, Tone::Alarm)),
        ("  retired", plain(pumps.retired)),
        ("  on the list of expected pumps", plain(pumps.expected)),
        ("certificates in force", plain(certificates.valid)),
        ("  renewal overdue", worth(certificates.overdue, Tone::Attention)),
        (
            "  less than a week left",
            worth(certificates.within_week, Tone::Attention),
        ),
        (
            "  less than a day left",
            worth(certificates.within_day, Tone::Alarm),
        ),
        ("  expired", worth(certificates.expired, Tone::Alarm)),
        (
            "events of the last 24 h: alarms",
            worth(events_24h.alarm, Tone::Alarm),
        ),
        ("  for attention", worth(events_24h.attention, Tone::Attention)),
        ("  notes", plain(events_24h.note)),
    ])
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SecondsFormat};
    use serde_json::json;

    use super::*;
    use crate::cli::output::tests::captured;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    fn event(id: &str, seconds: i64) -> Value {
        let at = (NOW + TimeDelta::seconds(seconds)).to_rfc3339_opts(SecondsFormat::AutoSi, true);
        json!({"id": id, "at": at, "label": "Pump held", "severity": "attention", "detail": ""})
    }

    #[test]
    fn a_follower_tells_each_event_once_and_in_order() {
        let mut told = Told {
            since: NOW - TimeDelta::hours(1),
            ids: HashSet::new(),
        };
        let mut check = |batch: Vec<Value>, expected: &[&str]| {
            let news = told.news(batch).unwrap();
            let ids: Vec<_> = news.iter().map(|(event, _)| event.id.as_str()).collect();
            assert_eq!(ids, expected);
        };
        check(vec![event("b", 2), event("a", 1)], &["a", "b"]);
        check(vec![event("b", 2), event("a", 1)], &[]);
        // Late: stamped before `b`, committed after it.
        check(
            vec![event("late", 1), event("b", 2), event("c", 3)],
            &["late", "c"],
        );
        check(vec![event("c", 3), event("far", 100)], &["far"]);
        assert_eq!(told.since, NOW + TimeDelta::seconds(70));
    }

    #[test]
    fn an_event_is_one_line_and_names_the_pump_by_its_tag() {
        let times = Times {
            now: NOW,
            zone: chrono::FixedOffset::east_opt(0),
        };
        let event = Event {
            at: NOW,
            label: "Pump held".to_owned(),
            severity: "attention".to_owned(),
            pump_serial: Some("SN-42".to_owned()),
            asset_tag: Some("BM-1".to_owned()),
            detail: "clinical".to_owned(),
            ..Event::default()
        };
        assert_eq!(
            event.line(&times),
            "2027-01-15 08:00:00 +00:00  attention  BM-1: Pump held (clinical)"
        );
        assert_eq!(event.cells(&times).len(), Event::COLUMNS.len());
    }

    #[test]
    fn the_summary_says_what_matters() {
        let (mut output, out, _) = captured(false);
        let summary: Summary = serde_json::from_value(json!({
            "pumps": {"total": 40, "connected": 39, "held": 1, "retired": 0, "expected": 41, "missing": 1},
            "certificates": {"valid": 40, "overdue": 2, "within_week": 0, "within_day": 0, "expired": 1},
            "events_24h": {"note": 80, "attention": 3, "alarm": 0}
        }))
        .unwrap();
        show_summary(&mut output, &summary).unwrap();
        insta::assert_snapshot!(out.text(), @r"
        pumps                            40
          connected                      39
          held                           1
          missing                        1
          retired                        0
          on the list of expected pumps  41
        certificates in force            40
          renewal overdue                2
          less than a week left          0
          less than a day left           0
          expired                        1
        events of the last 24 h: alarms  0
          for attention                  3
          notes                          80
        ");
    }
}
