//! CONNECT: who the peer is, what it may leave behind, and whom it replaces. The same for both dialects.

use std::rc::Rc;

use fleet::{
    id::PumpId,
    pump::{SessionEnd, takeover},
};
use ntex::{io::IoBoxed, tls::rustls::PeerCert};
use rustls_pki_types::CertificateDer;
use wire::{
    policy::{Action, topic_policy},
    reconnect,
    topic::MAX_UP_PAYLOAD,
};

use super::{
    Admitted, Inbound,
    directory::Command,
    live::Live,
    refusal::{Refusal, Shown},
    sink::Sink,
    worker::{Worker, peer_of},
};

/// The largest packet: the largest payload, its topic and header, and the properties of MQTT 5.
#[expect(clippy::cast_possible_truncation, reason = "32 KiB and one more")]
pub(super) const MAX_PACKET: u32 = MAX_UP_PAYLOAD as u32 + 1024;

/// Publishes of one pump that may wait for their PUBACK; the rest waits in the pump's socket.
pub(super) const RECEIVE_MAX: u16 = 16;

/// Orders to one pump that may wait for their PUBACK.
pub(super) const SEND_MAX: u16 = 16;

/// What a CONNECT asks for, in either dialect. User name and password are not even looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) client_id: &'a str,
    pub(super) enhanced_auth: bool,
    pub(super) will: Option<Will<'a>>,
}

/// A last will.
#[derive(Debug, Clone, Copy)]
pub(super) struct Will<'a> {
    pub(super) topic: &'a str,
    pub(super) retain: bool,
    pub(super) qos: u8,
    pub(super) payload: usize,
}

/// The keepalive that is granted and the silence after which a pump is lost, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keepalive {
    pub(super) granted: u16,
    pub(super) lost_after: u16,
}

impl Keepalive {
    /// Twice the contract's keepalive is the most; none at all is treated as the most. MQTT 3.1.1 can not tell the
    /// client, but lets a server close a silent connection whenever it likes (3.1.2.10), and a pump that keeps the
    /// contract is never silent for that long.
    pub(super) fn for_asked(asked: u16) -> Self {
        let cap = u16::try_from(reconnect::KEEPALIVE.as_secs().saturating_mul(2)).unwrap_or(u16::MAX);
        let granted = if asked == 0 { cap } else { asked.min(cap) };
        Self {
            granted,
            lost_after: granted.saturating_add(granted.div_ceil(2)),
        }
    }
}

impl Asked<'_> {
    /// What of it explains a refusal.
    fn about(&self, refusal: &Refusal) -> &str {
        match (refusal, self.will) {
            (Refusal::ClientId, _) => self.client_id,
            (Refusal::Will(_), Some(will)) => will.topic,
            _ => "",
        }
    }
}

/// Answers a CONNECT: a session that everyone can find, or the reason why not, counted and logged.
pub(super) fn connect(
    worker: &Rc<Worker>,
    io: &IoBoxed,
    asked: &Asked<'_>,
    sink: Sink,
) -> Result<Rc<Live>, Refusal> {
    let connection = worker.claim(io.id());
    let identity = identify(worker, io);
    let pump = identity.as_ref().ok().map(|(_, admitted)| admitted.pump);
    let answer = identity.and_then(|(leaf, admitted)| {
        allow(admitted.pump, asked)?;
        enter(worker, io, &leaf, admitted, sink)
    });
    if let Err(refusal) = &answer {
        let about = Shown(asked.about(refusal));
        worker.shared.refuse(refusal, peer_of(io), pump, &about);
    }
    if let Some(connection) = connection {
        connection.answer(answer.as_ref().ok().cloned());
    }
    answer
}

/// Who it is: the certificate says so, and the doorkeeper agrees.
fn identify(worker: &Worker, io: &IoBoxed) -> Result<(CertificateDer<'static>, Admitted), Refusal> {
    if worker.is_stopping() {
        return Err(Refusal::Stopping);
    }
    let leaf = io
        .query::<PeerCert<'static>>()
        .as_ref()
        .map(|leaf| leaf.0.clone())
        .ok_or(Refusal::NoCertificate)?;
    let admitted = worker.shared.doorkeeper.admit(&leaf)?;
    Ok((leaf, admitted))
}

/// Whether it may have what it asks for.
fn allow(pump: PumpId, asked: &Asked<'_>) -> Result<(), Refusal> {
    if asked.client_id != pump.to_string() {
        return Err(Refusal::ClientId);
    }
    if asked.enhanced_auth {
        return Err(Refusal::AuthMethod);
    }
    if let Some(Will {
        topic,
        retain,
        qos,
        payload,
    }) = asked.will
    {
        topic_policy(pump, Action::Will { retain, qos, payload }, topic).map_err(Refusal::Will)?;
    }
    Ok(())
}

/// Enters the connection in the directory, and then asks the doorkeeper once more. A revocation shuts the gate first
/// and closes the live connection second; whichever way the two cross, one of them meets the other.
fn enter(
    worker: &Rc<Worker>,
    io: &IoBoxed,
    leaf: &[u8],
    Admitted { pump, certificate }: Admitted,
    sink: Sink,
) -> Result<Rc<Live>, Refusal> {
    let shared = &worker.shared;
    let now = shared.now();
    let peer = peer_of(io);
    let card = shared.directory.card(pump, worker.number, peer, now);
    let live = Live::begin(worker, card.clone(), sink);

    let replaced = shared.directory.enter(&card);
    let judged = replaced.as_ref().map(|old| takeover(&old.session(), peer, now));
    if let Some(old) = replaced {
        worker.intake.tell(Inbound::Disconnected {
            pump,
            session: old.number,
            end: SessionEnd::TakenOver,
            at: now,
            last_heard: old.last_heard(),
        });
        shared.directory.tell(
            old.worker,
            Command::Close {
                session: old.number,
                why: SessionEnd::TakenOver,
            },
        );
    }
    worker.intake.tell(Inbound::Connected {
        pump,
        session: card.session(),
        certificate,
        takeover: judged,
    });
    if let Err(refusal) = shared.doorkeeper.admit(leaf) {
        live.end(SessionEnd::Denied);
        return Err(refusal.into());
    }
    Ok(live)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keepalive_is_capped_and_half_as_much_again_is_waited() {
        let check = |asked, granted, lost_after| {
            assert_eq!(Keepalive::for_asked(asked), Keepalive { granted, lost_after });
        };
        check(0, 60, 90);
        check(1, 1, 2);
        check(5, 5, 8);
        check(30, 30, 45);
        check(60, 60, 90);
        check(61, 60, 90);
        check(u16::MAX, 60, 90);
    }
}
