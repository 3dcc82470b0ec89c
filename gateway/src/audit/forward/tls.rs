//! To a syslog receiver over TLS (RFC 5425).

use std::{path::Path, sync::Arc, time::Duration};

use fleet::audit::ExportLine;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{ForwardError, Way};
use crate::{
    audit::syslog::{Sender, frame, message},
    config::Syslog,
};

/// So many entries that were sent on a connection may not have arrived when it breaks.
const UNCERTAIN: i64 = 1_000;
/// A receiver that takes longer is not there.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct ToSyslog {
    address: String,
    name: ServerName<'static>,
    connector: TlsConnector,
    sender: Sender,
    line: Option<TlsStream<TcpStream>>,
    sent_on_line: i64,
    uncertain: i64,
}

impl ToSyslog {
    pub(super) fn new(config: &Syslog, sender: Sender) -> Result<Self, ForwardError> {
        let setup = |what: &str, why: String| ForwardError::Setup {
            what: format!("audit.syslog.{what}"),
            why,
        };
        let host = config
            .address
            .rsplit_once(':')
            .map(|(host, _)| host.trim_matches(['[', ']']))
            .ok_or_else(|| {
                setup(
                    "address",
                    "expected host and port, such as siem.example:6514".to_owned(),
                )
            })?;
        let name = config.server_name.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).map_err(|error| setup("server_name", error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&config.ca_file).map_err(|why| setup("ca_file", why))? {
            roots
                .add(certificate)
                .map_err(|error| setup("ca_file", error.to_string()))?;
        }
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let tls = match (&config.client_cert_file, &config.client_key_file) {
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate).map_err(|why| setup("client_cert_file", why))?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| setup("client_key_file", error.to_string()))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| setup("client_cert_file", error.to_string()))?
            }
            (None, None) => builder.with_no_client_auth(),
            (Some(_), None) | (None, Some(_)) => {
                let why = "a client certificate needs its key, and a key its certificate".to_owned();
                return Err(setup("client_cert_file", why));
            }
        };
        Ok(Self {
            address: config.address.clone(),
            name,
            connector: TlsConnector::from(Arc::new(tls)),
            sender,
            line: None,
            sent_on_line: 0,
            uncertain: 0,
        })
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.line.is_none() {
            let socket = TcpStream::connect(&self.address).await?;
            let line = self.connector.connect(self.name.clone(), socket).await?;
            self.line = Some(line);
            self.sent_on_line = 0;
        }
        self.is_there().await?;
        match &mut self.line {
            Some(line) => {
                line.write_all(bytes).await?;
                line.flush().await
            }
            None => Err(std::io::Error::other("the connection was closed")),
        }
    }

    /// A receiver that went away says so; it never sends anything else.
    async fn is_there(&mut self) -> std::io::Result<()> {
        let Some(line) = &mut self.line else {
            return Ok(());
        };
        let mut byte = [0];
        let said = tokio::select! {
            biased;
            read = line.read(&mut byte) => Some(read?),
            () = std::future::ready(()) => None,
        };
        match said {
            Some(0) => Err(std::io::ErrorKind::ConnectionReset.into()),
            Some(_) | None => Ok(()),
        }
    }

    fn broken(&mut self, error: std::io::Error) -> ForwardError {
        self.line = None;
        self.uncertain = self.sent_on_line.min(UNCERTAIN);
        self.sent_on_line = 0;
        ForwardError::io(format!("sending to {}", self.address))(error)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if read.is_empty() {
        Err(format!("{} holds no certificate", path.display()))
    } else {
        Ok(read)
    }
}

impl Way for ToSyslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    async fn send(&mut self, lines: &[ExportLine]) -> Result<(), ForwardError> {
        let bytes: Vec<u8> = lines
            .iter()
            .flat_map(|line| frame(&message(line, &self.sender)))
            .collect();
        let outcome = match timeout(PATIENCE, self.write(&bytes)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        };
        match outcome {
            Ok(()) => {
                self.sent_on_line += i64::try_from(lines.len()).unwrap_or(UNCERTAIN);
                Ok(())
            }
            Err(error) => Err(self.broken(error)),
        }
    }

    async fn look(&mut self) -> Result<(), ForwardError> {
        match self.is_there().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.broken(error)),
        }
    }

    fn uncertain(&self) -> i64 {
        self.uncertain
    }
}
