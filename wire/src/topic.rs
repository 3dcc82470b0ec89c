//! The topics of a pump. There are six and no others: pumps never talk to one another.

use std::fmt;

use fleet::id::PumpId;

/// Who publishes on a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The pump publishes, the gateway reads.
    Up,
    /// The gateway publishes, the pump subscribes.
    Down,
}

/// What a topic carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Online or offline; retained, and the last will.
    Presence,
    /// What the pump is doing, at every change and at an interval.
    Telemetry,
    /// What must not be lost; kept by the pump until acknowledged.
    Report,
    /// What the gateway asks of the pump.
    Order,
    /// Which reports are safe.
    Ack,
    /// Trusted time.
    Time,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 6] = [
        Self::Presence,
        Self::Telemetry,
        Self::Report,
        Self::Order,
        Self::Ack,
        Self::Time,
    ];

    /// The last level of the topic.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Telemetry => "telemetry",
            Self::Report => "report",
            Self::Order => "order",
            Self::Ack => "ack",
            Self::Time => "time",
        }
    }

    /// Who publishes.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Self::Presence | Self::Telemetry | Self::Report => Direction::Up,
            Self::Order | Self::Ack | Self::Time => Direction::Down,
        }
    }

    /// Whether a message may be retained by a broker.
    #[must_use]
    pub const fn may_retain(self) -> bool {
        match self {
            Self::Presence => true,
            Self::Telemetry | Self::Report | Self::Order | Self::Ack | Self::Time => false,
        }
    }

    /// The largest payload in bytes.
    #[must_use]
    pub const fn max_payload(self) -> usize {
        match self {
            Self::Presence => 512,
            Self::Telemetry => 2 * 1024,
            // Both can carry a signed document.
            Self::Report | Self::Order => 32 * 1024,
            Self::Ack => 8 * 1024,
            Self::Time => 1024,
        }
    }
}

/// The largest payload of any topic that a pump publishes on, in bytes; a listener refuses larger packets unread.
pub const MAX_UP_PAYLOAD: usize = Channel::Report.max_payload();
/// The largest payload of any topic that the gateway publishes on, in bytes; a pump has to take it.
pub const MAX_DOWN_PAYLOAD: usize = Channel::Order.max_payload();

/// A topic of one pump: `pumps/<pump id>/<up|down>/<channel>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topic {
    pub pump: PumpId,
    pub channel: Channel,
}

impl Topic {
    /// The topic of a pump's channel.
    #[must_use]
    pub const fn new(pump: PumpId, channel: Channel) -> Self {
        Self { pump, channel }
    }

    /// Reads a topic name. Only the exact, lower-case spelling is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut levels = name.split('/');
        let (Some("pumps"), Some(pump), Some(direction), Some(channel), None) = (
            levels.next(),
            levels.next(),
            levels.next(),
            levels.next(),
            levels.next(),
        ) else {
            return None;
        };
        let channel = Channel::ALL
            .into_iter()
            .find(|candidate| candidate.as_str() == channel)?;
        let topic = Self::new(pump.parse().ok()?, channel);
        (direction_word(channel.direction()) == direction && topic.to_string() == name).then_some(topic)
    }
}

const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "pumps/{}/{}/{}",
            self.pump,
            direction_word(self.channel.direction()),
            self.channel.as_str()
        )
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_exact_spelling_is_a_topic() {
        let pump = PumpId::from_uuid(Uuid::from_u128(0xABCD));
        for channel in Channel::ALL {
            let topic = Topic::new(pump, channel);
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
        for name in [
            String::new(),
            "pumps".to_owned(),
            format!("pumps/{pump}/up"),
            format!("pumps/{pump}/down/presence"),
            format!("pumps/{pump}/up/order"),
            format!("pumps/{pump}/up/presence/"),
            format!("/pumps/{pump}/up/presence"),
            format!("pumps/{}/up/presence", pump.to_string().to_uppercase()),
            format!("pumps/{}/up/presence", pump.as_uuid().simple()),
            "pumps/+/up/presence".to_owned(),
        ] {
            assert_eq!(Topic::parse(&name), None, "{name}");
        }
    }
}
