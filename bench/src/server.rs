//! The servers that are measured, each in a process of its own.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::{
    fleet_with_certificates::Registered,
    usage::{self, Usage},
};

/// A running server. It is killed when dropped.
pub struct Server {
    child: Child,
    /// Where pumps connect.
    pub mqtt: SocketAddr,
}

impl Server {
    /// The gateway's own binary.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn gateway(binary: &Path, data: &Registered, mqtt: SocketAddr) -> io::Result<Self> {
        let child = Command::new(binary)
            .arg("serve")
            .arg("--config")
            .arg(&data.config_file)
            .arg("--passphrase-file")
            .arg(&data.passphrase_file)
            .env("RUST_LOG", "error")
            .spawn()?;
        Self { child, mqtt }.ready()
    }

    /// Mosquitto, with client certificates required, as a peer. Nothing where it is not installed.
    ///
    /// # Errors
    /// When it is installed and does not come up.
    pub fn mosquitto(dir: &Path, data: &Registered, port: u16) -> io::Result<Option<Self>> {
        let Some(binary) = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"]
            .iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
        else {
            return Ok(None);
        };
        let (certificate, key) = server_identity(dir)?;
        let config = format!(
            "listener {port} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n\
             use_identity_as_username true\nallow_anonymous false\nlog_type none\nmax_connections -1\nuser root\n",
            data.device_ca_file.display(),
            certificate.display(),
            key.display(),
        );
        let file = dir.join("mosquitto.conf");
        std::fs::write(&file, config)?;
        let child = Command::new(binary)
            .arg("-c")
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Self {
            child,
            mqtt: SocketAddr::from(([127, 0, 0, 1], port)),
        }
        .ready()
        .map(Some)
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// When it is gone.
    pub fn usage(&self) -> io::Result<Usage> {
        usage::of(self.child.id())
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it can not be asked.
    pub fn terminate(&mut self) -> io::Result<ExitStatus> {
        Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status()?;
        self.child.wait()
    }

    fn ready(mut self) -> io::Result<Self> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(self.mqtt).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("the server ended: {status}")));
            }
            if Instant::now() > deadline {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the server does not listen",
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(self)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server certificate for the peer, trusted by nobody but this measurement.
fn server_identity(dir: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).map_err(io::Error::other)?;
    let (certificate, key) = (dir.join("peer.pem"), dir.join("peer.key"));
    std::fs::write(&certificate, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    Ok((certificate, key))
}

/// The gateway's binary that was built with this benchmark: `target/release/deps/pumps-…` → `target/release/gateway`.
#[must_use]
pub fn gateway_beside() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.ancestors()
        .nth(2)
        .map_or_else(|| PathBuf::from("gateway"), |dir| dir.join("gateway"))
}

/// A port that was free a moment ago.
///
/// # Errors
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
