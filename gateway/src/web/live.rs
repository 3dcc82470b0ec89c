//! Pages that lie open are told what changed, as server-sent events (WHATWG HTML, section 9.2): the names of topics and nothing
//! else. The page then asks for its parts anew, by its own right, so that a stream never shows anything to anybody.
//!
//! One note for each commit, whatever it was: a stream that is slow misses nothing, since it compares counts, and keeps nothing.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use futures_util::{Stream, stream};
use store::{Store, Touched};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{Answer, Web, gate::Visitor};

/// Nobody is told more often.
const AT_MOST: Duration = Duration::from_millis(700);
/// Pumps speak all the time: that they did is told no more often than this.
const HEARD_AT_MOST: Duration = Duration::from_secs(5);
/// Something goes over the line at least so often, so that nobody in between takes it for dead, and both ends notice when it is.
const ALIVE: Duration = Duration::from_secs(20);

/// What a part of a page may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A pump was heard of, came or went.
    Heard,
    /// The record of a pump changed; a hold counts.
    Pumps,
    /// A rollout, a wave or a pump in it moved on.
    Rollouts,
    /// Something was signed, or refused.
    Signatures,
    /// Care areas, floors, or who works where.
    Places,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 5] = [
        Self::Heard,
        Self::Pumps,
        Self::Rollouts,
        Self::Signatures,
        Self::Places,
    ];

    /// The word in a page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Pumps => "pumps",
            Self::Rollouts => "rollouts",
            Self::Signatures => "signatures",
            Self::Places => "places",
        }
    }

    fn is_in(self, touched: &Touched) -> bool {
        let of_it = match self {
            Self::Heard => !touched.heard.is_empty(),
            Self::Pumps => !touched.pumps.is_empty(),
            Self::Rollouts => {
                touched.tickets
                    || !touched.rollouts.is_empty()
                    || !touched.waves.is_empty()
                    || !touched.assignments.is_empty()
            }
            Self::Signatures => !touched.signed.is_empty(),
            Self::Places => touched.staff,
        };
        of_it || touched.everything
    }
}

/// How often each topic changed.
type Counts = [u64; Topic::ALL.len()];

/// Tells pages that lie open what changed.
#[derive(Debug, Clone)]
pub struct Live {
    counts: watch::Receiver<Counts>,
    stopped: watch::Receiver<bool>,
}

impl Live {
    /// Listens to a store. Streams end when `stopped` becomes true.
    #[must_use]
    pub fn new(store: &Store, stopped: watch::Receiver<bool>) -> Self {
        let (told, counts) = watch::channel(Counts::default());
        store.listen(move |touched| {
            told.send_modify(|counts| {
                for (count, topic) in counts.iter_mut().zip(Topic::ALL) {
                    *count += u64::from(topic.is_in(touched));
                }
            });
        });
        Self { counts, stopped }
    }

    fn stream(&self) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        let mut listener = Listener {
            seen: *self.counts.borrow(),
            counts: self.counts.clone(),
            stopped: self.stopped.clone(),
            heard_at: None,
            began: false,
        };
        listener.counts.mark_unchanged();
        stream::unfold(listener, |mut listener| async move {
            let text = listener.next().await?;
            Some((Ok(Bytes::from(text)), listener))
        })
    }
}

/// One page that lies open.
struct Listener {
    seen: Counts,
    counts: watch::Receiver<Counts>,
    stopped: watch::Receiver<bool>,
    heard_at: Option<Instant>,
    began: bool,
}

impl Listener {
    /// What is sent next; nothing when it is over.
    async fn next(&mut self) -> Option<String> {
        if !self.began {
            self.began = true;
            return Some("retry: 2000\n\n".to_owned());
        }
        loop {
            if *self.stopped.borrow() {
                return None;
            }
            let mut stopped = self.stopped.clone();
            let changed = tokio::select! {
                changed = timeout(ALIVE, self.counts.changed()) => changed,
                _ = stopped.wait_for(|stopped| *stopped) => return None,
            };
            match changed {
                // Nothing happened; the line is kept alive.
                Err(_) => return Some(":\n\n".to_owned()),
                Ok(Err(_)) => return None,
                Ok(Ok(())) => {}
            }
            // What comes in the meantime is told with it.
            tokio::select! {
                () = sleep(AT_MOST) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return None,
            }
            if let Some(topics) = self.news() {
                return Some(format!("data: {topics}\n\n"));
            }
        }
    }

    fn news(&mut self) -> Option<String> {
        let now = *self.counts.borrow_and_update();
        let too_soon = self.heard_at.is_some_and(|at| at.elapsed() < HEARD_AT_MOST);
        let mut topics = Vec::new();
        for ((topic, now), seen) in Topic::ALL.into_iter().zip(now).zip(&mut self.seen) {
            if *seen == now || (topic == Topic::Heard && too_soon) {
                continue;
            }
            if topic == Topic::Heard {
                self.heard_at = Some(Instant::now());
            }
            *seen = now;
            topics.push(topic.as_str());
        }
        (!topics.is_empty()).then(|| topics.join(" "))
    }
}

/// The stream. Whoever is signed in may listen; what is told says nothing about anybody.
pub(super) async fn stream(web: Data<Web>, _: Visitor) -> Answer {
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .content_type("text/event-stream")
        .streaming(web.0.live.stream()))
}
