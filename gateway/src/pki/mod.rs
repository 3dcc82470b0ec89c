//! Certificates: making them, refusing to make them, and asking for them on every connection.
//!
//! | room | what is done there |
//! |---|---|
//! | [`profile`] | what each kind of certificate looks like: `certs/profiles.toml`, checked |
//! | [`csr`] | a pump's request is read and its signature verified, or refused with the reason |
//! | [`key`] | private keys of ours: made, encrypted at rest, used through a trait |
//! | [`issue`] | roots, issuing authorities, pumps' and servers' certificates |
//! | [`crl`] | revocation lists, for outsiders |
//! | [`pkcs7`] | certificates in the envelope that EST clients expect |
//! | [`inspect`] | what somebody else's certificate says |
//! | [`tls`] | the TLS configuration of every listener; nowhere else is one made |
//! | [`authorities`] | our authorities while the gateway runs: generations, rotation, revocation lists |
//! | [`gate`] | the registry in memory: who is admitted |
//!
//! All but the last two know no database: time and serial numbers come in as arguments. None knows a web framework.

pub mod authorities;
pub mod crl;
pub mod csr;
pub mod gate;
pub mod inspect;
pub mod issue;
pub mod key;
pub mod pkcs7;
pub mod profile;
pub mod tls;

#[cfg(test)]
pub(crate) mod testing;
