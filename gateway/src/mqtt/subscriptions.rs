//! What a pump listens to, and the news of it, which is told once and not again before that is stored: a pump that
//! subscribes over and over costs no more than the record can take.

use std::cell::Cell;

use wire::topic::Channel;

/// The subscriptions of one connection to the down channels.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    pub(super) order: Subscription,
    pub(super) ack: Subscription,
    pub(super) time: Subscription,
}

impl Subscriptions {
    /// The subscription to a channel; there is none to a channel that goes up.
    pub(super) const fn to(&self, channel: Channel) -> Option<&Subscription> {
        match channel {
            Channel::Order => Some(&self.order),
            Channel::Ack => Some(&self.ack),
            Channel::Time => Some(&self.time),
            Channel::Presence | Channel::Telemetry | Channel::Report => None,
        }
    }
}

/// How far the news of a subscription is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum News {
    #[default]
    None,
    UnderWay,
    /// The pump subscribed once more meanwhile: what is under way may be too old for that.
    Outdated,
}

/// One subscription.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    qos: Cell<Option<u8>>,
    news: Cell<News>,
}

impl Subscription {
    /// The quality of service that was granted, if the pump listens.
    pub(super) const fn qos(&self) -> Option<u8> {
        self.qos.get()
    }

    pub(super) fn grant(&self, qos: u8) {
        self.qos.set(Some(qos));
    }

    pub(super) fn cancel(&self) {
        self.qos.set(None);
    }

    /// Whether to tell that the pump listens; if not, the news under way is followed by another.
    pub(super) fn announce(&self) -> bool {
        let (next, tell) = match self.news.get() {
            News::None => (News::UnderWay, true),
            News::UnderWay | News::Outdated => (News::Outdated, false),
        };
        self.news.set(next);
        tell
    }

    /// The news has arrived, or never will. Whether to tell it once more.
    pub(super) fn arrived(&self) -> bool {
        let (next, tell) = match self.news.get() {
            News::None | News::UnderWay => (News::None, false),
            News::Outdated => (News::UnderWay, true),
        };
        self.news.set(next);
        tell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_of_news_is_under_way_and_the_last_word_is_told() {
        let subscription = Subscription::default();
        assert!(subscription.announce());
        for _ in 0..1_000 {
            assert!(!subscription.announce(), "one is under way");
        }
        assert!(subscription.arrived(), "one more for all that came meanwhile");
        assert!(!subscription.arrived());
        assert!(subscription.announce(), "and from the beginning");
    }
}
