//! Who is at the other end of a connection to the bulk listener.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{HttpRequest, dev::Extensions, rt::net::TcpStream};

/// The certificate chain a client showed in the TLS handshake, leaf first. The listener verified that it chains to a
/// Device CA of ours or to a manufacturer's anchor; what it is good for is decided later.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PeerChain(Arc<[Vec<u8>]>);

/// What is known of a client before its request is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its certificates, if it showed any.
    pub chain: Option<Arc<[Vec<u8>]>>,
    /// Where it connects from.
    pub address: IpAddr,
}

/// Keeps the client's certificates with the connection, as soon as its handshake is done.
pub fn remember_peer(stream: &TlsStream<TcpStream>, data: &mut Extensions) {
    let (_, session) = stream.get_ref();
    if let Some(chain) = session.peer_certificates() {
        data.insert(PeerChain(
            chain.iter().map(|certificate| certificate.to_vec()).collect(),
        ));
    }
}

impl Peer {
    /// The client of a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        Self {
            chain: request.conn_data::<PeerChain>().map(|chain| Arc::clone(&chain.0)),
            address: request
                .peer_addr()
                .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip()),
        }
    }
}
