//! An entry of the audit trail as a syslog message (RFC 5424), for a SIEM.
//!
//! Written here and not by a crate: those that know the format know no TLS, and ours is one function without options.

use std::fmt::Write;

use chrono_tz::Tz;
use fleet::audit::{Action, ExportLine, Weight};

use super::readable;

/// Facility 13, “log audit” (RFC 5424, table 1).
const FACILITY: u8 = 13;
const APP_NAME: &str = "infusion-pump-gateway";
/// The longest message id and host name (RFC 5424, section 6.2).
const MSGID_MAX: usize = 32;
const HOSTNAME_MAX: usize = 255;
/// No parameter of ours is longer; a SIEM may cut a message from 2 KiB on (RFC 5424, section 6.1).
const PARAM_MAX: usize = 256;
/// No text is longer, in characters.
const TEXT_MAX: usize = 1_000;

/// From where, and under whose number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name of this machine.
    pub hostname: String,
    /// The enterprise number of the structured data; 32473 is the one for examples (RFC 5612).
    pub enterprise_number: u32,
}

/// Severities (RFC 5424, table 2).
const fn severity(weight: Weight) -> u8 {
    match weight {
        Weight::Alarm => 1,
        Weight::Refused => 4,
        Weight::Ordinary => 5,
    }
}

/// The message. It holds no control character, whatever the entry holds.
#[must_use]
pub fn message(line: &ExportLine, sender: &Sender) -> String {
    let entry = &line.entry;
    // An action of a later version is taken as ordinary.
    let weight = Action::from_word(&entry.action).map_or(Weight::Ordinary, Action::weight);
    let priority = FACILITY * 8 + severity(weight);
    let address = entry.origin.address.map(|address| address.to_string());
    let params = [
        ("number", Some(entry.number.to_string())),
        ("hash", Some(line.hash.to_string())),
        ("actor", Some(readable::who(&entry.actor))),
        (
            "subject",
            Some(format!("{} {}", entry.subject.kind, entry.subject.id)),
        ),
        ("address", address),
        (
            "device",
            entry.origin.device.as_ref().map(|device| device.name.to_string()),
        ),
    ];
    let mut data = format!("[audit@{}", sender.enterprise_number);
    for (name, value) in params {
        if let Some(value) = value {
            // Writing to a text can not fail.
            let _ = write!(data, " {name}=\"{}\"", escaped(&value));
        }
    }
    data.push(']');
    let text: String = readable::line(entry, Tz::UTC).chars().take(TEXT_MAX).collect();
    format!(
        "<{priority}>1 {at} {host} {APP_NAME} - {id} {data} \u{feff}{text}",
        at = entry.at.format("%Y-%m-%dT%H:%M:%S%.6fZ"),
        host = header(&sender.hostname, HOSTNAME_MAX),
        id = header(entry.action.as_str(), MSGID_MAX),
    )
}

/// A field of the header: visible ASCII, or a dash.
fn header(text: &str, max: usize) -> String {
    let kept: String = text.chars().filter(char::is_ascii_graphic).take(max).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// The value of a parameter: `"`, `\` and `]` are escaped (RFC 5424, section 6.3.3), control characters replaced.
fn escaped(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars().take(PARAM_MAX) {
        match c {
            '"' | '\\' | ']' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The message as it is sent over TLS: its length in bytes, a space, and itself (RFC 5425, section 4.3).
#[must_use]
pub fn frame(message: &str) -> Vec<u8> {
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.extend_from_slice(message.as_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use fleet::{
        audit::{Actor, Entry, Origin, Subject, Word, chain},
        id::AccountId,
        signature::Digest,
        text::{Name, Reason},
    };
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn line(action: Word, id: &str, reason: Option<&str>) -> ExportLine {
        let entry = Entry {
            number: 17,
            at: DateTime::from_timestamp(1_800_000_000, 5_000).unwrap(),
            actor: Actor::Person {
                account: AccountId::from_uuid(Uuid::from_u128(1)),
                name: Name::new("Ana \"the\" O'Brien]\\").unwrap(),
            },
            origin: Origin {
                address: Some([10, 0, 0, 7].into()),
                device: None,
            },
            action,
            subject: Subject {
                kind: Word::literal("pump"),
                id: id.to_owned(),
            },
            before: None,
            after: None,
            reason: reason.and_then(|reason| Reason::new(reason).ok()),
        };
        let hash = chain(Digest::ZERO, &entry);
        ExportLine { entry, hash }
    }

    fn sender() -> Sender {
        Sender {
            hostname: "gw.example".to_owned(),
            enterprise_number: 32_473,
        }
    }

    #[test]
    fn a_message_is_as_the_standard_wants_it() {
        let line = line(Action::PumpHeld.word(), "SN-1", Some("door latch loose"));
        let expected = format!(
            "<109>1 2027-01-15T08:00:00.000005Z gw.example infusion-pump-gateway - pump_held \
             [audit@32473 number=\"17\" hash=\"{}\" actor=\"Ana \\\"the\\\" O'Brien\\]\\\\\" subject=\"pump SN-1\" \
             address=\"10.0.0.7\"] \u{feff}17  2027-01-15 08:00:00 UTC  Ana \"the\" O'Brien]\\ (10.0.0.7) held a pump: pump SN-1; \
             because: door latch loose",
            line.hash
        );
        assert_eq!(message(&line, &sender()), expected);
        let framed = frame("é");
        assert_eq!(framed, "2 é".as_bytes());
    }

    #[test]
    fn the_severity_is_that_of_the_action() {
        for (action, priority) in [
            (Action::PumpHeld, "<109>1 "),
            (Action::AccessDenied, "<108>1 "),
            (Action::GlassBroken, "<105>1 "),
        ] {
            let message = message(&line(action.word(), "x", None), &sender());
            assert!(message.starts_with(priority), "{message}");
        }
        let later = message(&line(Word::literal("of_a_later_version"), "x", None), &sender());
        assert!(later.starts_with("<109>1 "), "{later}");
    }

    proptest! {
        /// One line, whatever is in it; and its structured data ends where it should.
        #[test]
        fn nothing_breaks_out(id in "\\PC{0,300}|[\\x00-\\x1f\"\\\\\\]]{0,40}", host in "\\PC{0,300}") {
            let sender = Sender { hostname: host, enterprise_number: 1 };
            let message = message(&line(Action::PumpHeld.word(), &id, None), &sender);
            prop_assert!(!message.chars().any(char::is_control), "{message:?}");
            let header: Vec<_> = message.splitn(7, ' ').collect();
            prop_assert_eq!(header[1].len(), 27);
            prop_assert!(header[2].len() <= 255 && !header[2].is_empty());
            let data = message.split_once(" [audit@1").unwrap().1;
            let mut inside = false;
            let mut escaped = false;
            let end = data.char_indices().find(|(_, c)| {
                let ends = *c == ']' && !inside && !escaped;
                if *c == '"' && !escaped { inside = !inside; }
                escaped = *c == '\\' && !escaped;
                ends
            });
            let (at, _) = end.unwrap();
            prop_assert!(data[at..].starts_with("] \u{feff}17  "), "{data}");
        }
    }
}
