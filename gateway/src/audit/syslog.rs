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
    let subject = format!("{} {}", entry.subject.kind, entry.subject.id);
    let address = entry.origin.address.map(|address| address.to_string());
    let device = entry.origin.device.as_ref().map(|device| device.name.to_string());
    composed(
        sender,
        weight,
        &entry.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        entry.action.as_str(),
        &[
            ("number", Some(&entry.number.to_string())),
            ("hash", Some(&line.hash.to_string())),
            ("actor", Some(&readable::who(&entry.actor))),
            ("subject", Some(&subject)),
            ("address", address.as_deref()),
            ("device", device.as_deref()),
        ],
        &readable::line(entry, Tz::UTC),
    )
}

/// What is sent in place of an entry that can not be what was written: an alarm. It has no time, since none can be believed.
#[must_use]
pub fn altered(number: i64, why: &str, sender: &Sender) -> String {
    composed(
        sender,
        Weight::Alarm,
        "-",
        "entry_altered",
        &[("number", Some(&number.to_string()))],
        &format!("audit entry {number} was altered: {why}; run `gateway audit verify`"),
    )
}

fn composed(
    sender: &Sender,
    weight: Weight,
    at: &str,
    id: &str,
    params: &[(&str, Option<&str>)],
    text: &str,
) -> String {
    let mut data = format!("[audit@{}", sender.enterprise_number);
    for (name, value) in params {
        if let Some(value) = value {
            // Writing to a text can not fail.
            let _ = write!(data, " {name}=\"{}\"", escaped(value));
        }
    }
    data.push(']');
    let text: String = text.chars().take(TEXT_MAX).map(readable::printable).collect();
    format!(
        "<{priority}>1 {at} {host} {APP_NAME} - {id} {data} \u{feff}{text}",
        priority = FACILITY * 8 + severity(weight),
        host = header(&sender.hostname, HOSTNAME_MAX),
        id = header(id, MSGID_MAX),
    )
}

/// A field of the header: visible ASCII, or a dash.
fn header(text: &str, max: usize) -> String {
    let kept: String = text.chars().filter(char::is_ascii_graphic).take(max).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// The value of a parameter: `"`, `\` and `]` are escaped (RFC 5424, section 6.3.3), what can not be printed is replaced.
fn escaped(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars().take(PARAM_MAX) {
        match c {
            '"' | '\\' | ']' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(readable::printable(c)),
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

    /// A message taken apart, by the grammar of RFC 5424, section 6.
    #[derive(Debug)]
    struct Parsed {
        priority: u8,
        header: Vec<String>,
        params: Vec<(String, String)>,
        text: String,
    }

    fn parse(message: &str) -> Option<Parsed> {
        let (priority, rest) = message.strip_prefix('<')?.split_once(">1 ")?;
        let mut fields = rest.splitn(6, ' ');
        let header = fields.by_ref().take(5).map(str::to_owned).collect();
        let mut rest = fields.next()?.strip_prefix("[audit@32473")?;
        let mut params = Vec::new();
        while let Some(param) = rest.strip_prefix(' ') {
            let (name, quoted) = param.split_once("=\"")?;
            let mut value = String::new();
            let mut chars = quoted.char_indices();
            rest = loop {
                match chars.next()? {
                    (at, '"') => break &quoted[at + 1..],
                    (_, '\\') => value.push(chars.next().map(|(_, c)| c).filter(|c| "\"\\]".contains(*c))?),
                    (_, ']') => return None,
                    (_, c) => value.push(c),
                }
            };
            params.push((name.to_owned(), value));
        }
        Some(Parsed {
            priority: priority.parse().ok()?,
            header,
            params,
            text: rest.strip_prefix("] \u{feff}")?.to_owned(),
        })
    }

    #[test]
    fn what_would_end_a_value_is_escaped_and_what_can_not_be_printed_is_replaced() {
        let check = |raw: &str, sent: &str, read: &str| {
            let message = message(&line(Action::PumpHeld.word(), raw, None), &sender());
            assert!(
                message.contains(&format!(" subject=\"pump {sent}\" ")),
                "{message}"
            );
            let parsed = parse(&message).unwrap();
            assert_eq!(parsed.params[3], ("subject".to_owned(), format!("pump {read}")));
        };
        check("SN-1", "SN-1", "SN-1");
        check("a\"b", "a\\\"b", "a\"b");
        check("a\\", "a\\\\", "a\\");
        check("a] x=\"1\"", "a\\] x=\\\"1\\\"", "a] x=\"1\"");
        check(
            "a\r\n<8>1 b",
            "a\u{fffd}\u{fffd}<8>1 b",
            "a\u{fffd}\u{fffd}<8>1 b",
        );
        check(
            "\0\u{1b}[2J\u{9b}",
            "\u{fffd}\u{fffd}[2J\u{fffd}",
            "\u{fffd}\u{fffd}[2J\u{fffd}",
        );
        check(
            "\u{202e}1-NS\u{2028}",
            "\u{fffd}1-NS\u{fffd}",
            "\u{fffd}1-NS\u{fffd}",
        );
        check("Säule é 漢", "Säule é 漢", "Säule é 漢");
        check(&"ü".repeat(400), &"ü".repeat(251), &"ü".repeat(251));
    }

    #[test]
    fn an_altered_entry_is_an_alarm_without_a_time() {
        let message = altered(17, "the column of its time\ndiffers", &sender());
        assert_eq!(
            message,
            "<105>1 - gw.example infusion-pump-gateway - entry_altered [audit@32473 number=\"17\"] \u{feff}audit entry 17 was \
             altered: the column of its time\u{fffd}differs; run `gateway audit verify`"
        );
    }

    proptest! {
        /// One line, whatever is in it; it parses back, and no receiver has to cut it (RFC 5425, section 4.3.1: 8192 bytes).
        #[test]
        fn nothing_breaks_out(
            id in "\\PC{0,300}|[\\x00-\\x1f\"\\\\\\]]{0,400}|\\p{Any}{0,2000}", reason in "\\PC{1,500}", host in "\\p{Any}{0,300}",
        ) {
            let sender = Sender { hostname: host, ..sender() };
            let message = message(&line(Action::PumpHeld.word(), &id, Some(&reason)), &sender);
            prop_assert!(!message.chars().any(char::is_control), "{message:?}");
            prop_assert!(message.len() <= 8_192, "{}", message.len());
            let parsed = parse(&message).unwrap();
            prop_assert_eq!(parsed.priority, 109);
            let [at, host, app, process, kind] = &parsed.header[..] else { panic!("{message}") };
            prop_assert_eq!(at, "2027-01-15T08:00:00.000005Z");
            prop_assert!((1..=HOSTNAME_MAX).contains(&host.len()));
            prop_assert_eq!((app.as_str(), process.as_str(), kind.as_str()), (APP_NAME, "-", "pump_held"));
            let names: Vec<_> = parsed.params.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(names, ["number", "hash", "actor", "subject", "address"]);
            prop_assert_eq!(&parsed.params[0].1, "17");
            let subject: String = format!("pump {id}").chars().take(PARAM_MAX).map(readable::printable).collect();
            prop_assert_eq!(&parsed.params[3].1, &subject);
            prop_assert!(parsed.text.starts_with("17  2027-01-15 08:00:00 UTC  Ana "), "{}", parsed.text);
        }

        #[test]
        fn an_alarm_does_not_break_out_either(number in any::<i64>(), why in "\\p{Any}{0,2000}") {
            let message = altered(number, &why, &sender());
            prop_assert!(!message.chars().any(char::is_control), "{message:?}");
            let parsed = parse(&message).unwrap();
            prop_assert_eq!(parsed.params, [("number".to_owned(), number.to_string())]);
        }
    }
}
