//! Who may publish and subscribe where. The embedded endpoint asks this function for every packet;
//! nothing else decides.

use fleet::id::PumpId;
use thiserror::Error;

use crate::topic::{Channel, Direction, Topic};

/// What a pump wants to do with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Publish a message.
    Publish { retain: bool, qos: u8, payload: usize },
    /// Leave a last will.
    Will { retain: bool, qos: u8, payload: usize },
    /// Subscribe to a filter.
    Subscribe,
}

/// Why it may not. The words name what to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Denial {
    /// `#` or `+`.
    #[error("wildcards are not allowed; name one of your own down topics")]
    Wildcard,
    /// `$share/…`, `$SYS/…` and everything else that begins with `$`.
    #[error("topics that begin with $ are not allowed")]
    Reserved,
    /// Not one of the six.
    #[error("no such topic; see the pump contract")]
    UnknownTopic,
    /// Another pump's.
    #[error("the topic belongs to another pump")]
    ForeignPump,
    /// Publishing on a down topic, or subscribing to an up topic.
    #[error("the topic goes the other way")]
    WrongDirection,
    /// Retained outside presence.
    #[error("only presence may be retained")]
    Retain,
    /// A last will outside presence.
    #[error("a last will may only be left on presence")]
    WillTopic,
    /// QoS 2.
    #[error("QoS 2 is not offered; use 1")]
    Qos,
    /// Larger than the topic's limit.
    #[error("the payload is larger than the topic allows")]
    TooLarge,
}

impl Denial {
    /// The label of the counter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wildcard => "wildcard",
            Self::Reserved => "reserved_topic",
            Self::UnknownTopic => "unknown_topic",
            Self::ForeignPump => "foreign_pump",
            Self::WrongDirection => "wrong_direction",
            Self::Retain => "retain",
            Self::WillTopic => "will_topic",
            Self::Qos => "qos",
            Self::TooLarge => "too_large",
        }
    }
}

/// Decides one action of the pump that the certificate names.
///
/// # Errors
/// The first [`Denial`] that applies.
pub fn topic_policy(identity: PumpId, action: Action, name: &str) -> Result<Channel, Denial> {
    if name.starts_with('$') {
        return Err(Denial::Reserved);
    }
    if name.contains(['#', '+']) {
        return Err(Denial::Wildcard);
    }
    let topic = Topic::parse(name).ok_or(Denial::UnknownTopic)?;
    if topic.pump != identity {
        return Err(Denial::ForeignPump);
    }
    let channel = topic.channel;
    match (action, channel.direction()) {
        (Action::Subscribe, Direction::Down) => Ok(channel),
        (Action::Subscribe, Direction::Up)
        | (Action::Publish { .. } | Action::Will { .. }, Direction::Down) => Err(Denial::WrongDirection),
        (Action::Publish { retain, qos, payload }, Direction::Up) => {
            message(channel, retain, qos, payload).map(|()| channel)
        }
        (Action::Will { retain, qos, payload }, Direction::Up) => {
            if channel != Channel::Presence {
                return Err(Denial::WillTopic);
            }
            message(channel, retain, qos, payload).map(|()| channel)
        }
    }
}

fn message(channel: Channel, retain: bool, qos: u8, payload: usize) -> Result<(), Denial> {
    if retain && !channel.may_retain() {
        return Err(Denial::Retain);
    }
    if qos > 1 {
        return Err(Denial::Qos);
    }
    if payload > channel.max_payload() {
        return Err(Denial::TooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const ME: PumpId = PumpId::from_uuid(Uuid::from_u128(1));
    const OTHER: PumpId = PumpId::from_uuid(Uuid::from_u128(2));
    const PUBLISH: Action = Action::Publish {
        retain: false,
        qos: 1,
        payload: 10,
    };
    const WILL: Action = Action::Will {
        retain: true,
        qos: 1,
        payload: 10,
    };

    #[test]
    fn the_whole_table() {
        let mine = |channel| Topic::new(ME, channel).to_string();
        for channel in Channel::ALL {
            let up = channel.direction() == Direction::Up;
            let either_way = |allowed| {
                if allowed {
                    Ok(channel)
                } else {
                    Err(Denial::WrongDirection)
                }
            };
            assert_eq!(topic_policy(ME, PUBLISH, &mine(channel)), either_way(up));
            assert_eq!(
                topic_policy(ME, Action::Subscribe, &mine(channel)),
                either_way(!up)
            );
            let will = match channel {
                Channel::Presence => Ok(channel),
                Channel::Telemetry | Channel::Report => Err(Denial::WillTopic),
                Channel::Order | Channel::Ack | Channel::Time => Err(Denial::WrongDirection),
            };
            assert_eq!(topic_policy(ME, WILL, &mine(channel)), will);
            for action in [PUBLISH, WILL, Action::Subscribe] {
                let foreign = Topic::new(OTHER, channel).to_string();
                assert_eq!(topic_policy(ME, action, &foreign), Err(Denial::ForeignPump));
            }
        }
    }

    #[test]
    fn each_way_to_ask_for_too_much_is_named() {
        let telemetry = Topic::new(ME, Channel::Telemetry).to_string();
        let presence = Topic::new(ME, Channel::Presence).to_string();
        let check = |action, name: &str, expected| {
            assert_eq!(topic_policy(ME, action, name), Err(expected), "{name}");
        };
        check(
            Action::Publish {
                retain: true,
                qos: 1,
                payload: 0,
            },
            &telemetry,
            Denial::Retain,
        );
        check(
            Action::Publish {
                retain: false,
                qos: 2,
                payload: 0,
            },
            &telemetry,
            Denial::Qos,
        );
        check(
            Action::Publish {
                retain: false,
                qos: 1,
                payload: 2049,
            },
            &telemetry,
            Denial::TooLarge,
        );
        check(
            Action::Will {
                retain: true,
                qos: 1,
                payload: 513,
            },
            &presence,
            Denial::TooLarge,
        );
        for filter in ["#", "+", "pumps/#", "pumps/+/down/order", "pumps/+/+/+"] {
            check(Action::Subscribe, filter, Denial::Wildcard);
        }
        check(Action::Subscribe, &format!("pumps/{ME}/down/#"), Denial::Wildcard);
        for filter in ["$share/g/pumps/x/down/order", "$SYS/#", "$queue/x", "$"] {
            check(Action::Subscribe, filter, Denial::Reserved);
        }
        for name in ["", "/", "pumps", "pumps//up/presence", "pumps/\u{0}/up/presence"] {
            check(PUBLISH, name, Denial::UnknownTopic);
        }
    }

    proptest! {
        /// Whatever is asked, only the pump's own topics are ever granted.
        #[test]
        fn nothing_foreign_is_ever_granted(name in "(pumps|\\$share|[a-z$#+]{1,6})(/([a-z0-9#+$-]{0,36}|up|down|order)){0,5}", qos in 0u8..4, retain: bool, payload in 0usize..100_000, which in 0..3) {
            let action = match which {
                0 => Action::Subscribe,
                1 => Action::Publish { retain, qos, payload },
                _ => Action::Will { retain, qos, payload },
            };
            if let Ok(channel) = topic_policy(ME, action, &name) {
                prop_assert_eq!(name, Topic::new(ME, channel).to_string());
            }
        }
    }
}
