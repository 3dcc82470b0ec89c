//! A gateway in a process of its own, for tests that kill it or signal it.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use gateway::{
    config::{Config, Listen},
    init::Established,
};
use secrecy::ExposeSecret;

use crate::{
    Api, Options,
    hospital::{DESK, set_up},
    run,
};

/// Where a binary of the workspace is. It is built if it is not there yet.
///
/// # Panics
/// When it can not be built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    // target/<profile>/deps/<this test>
    let profile_dir = std::env::current_exe()
        .unwrap()
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned();
    let path = profile_dir.join(name);
    BUILT.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        // The same selection of crates and features as the tests', so that nothing is built twice.
        let mut arguments = vec!["build", "--quiet", "--workspace", "--bins"];
        if profile_dir.ends_with("release") {
            arguments.push("--release");
        }
        if cfg!(feature = "postgres") {
            arguments.push("--all-features");
        }
        let _ = run(&cargo, arguments).ok();
    });
    path
}

/// A running gateway process. It is killed when dropped.
pub struct GatewayProcess {
    child: Option<Child>,
    /// The configuration, with real ports.
    pub config: Config,
    config_file: PathBuf,
    made: Established,
}

impl GatewayProcess {
    /// Sets one up under `dir` and starts it.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[]).await
    }

    /// Sets one up with other settings, each a key of the configuration file and its value, and starts it.
    ///
    /// # Panics
    /// When it does not come up, or a key is not in the file.
    pub async fn start_with(dir: &Path, settings: &[(&str, &str)]) -> Self {
        let (made, passphrase) = set_up(dir, &Options::default());
        let config_file = made.config_file.clone();
        // A process that is killed must come back on the same ports.
        let text = std::fs::read_to_string(&config_file).unwrap();
        let mut listeners = Vec::new();
        let text = text
            .lines()
            .map(|line| match line.strip_suffix(":0\"") {
                Some(start) => {
                    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                    let port = listener.local_addr().unwrap().port();
                    listeners.push(listener);
                    format!("{start}:{port}\"\n")
                }
                None => format!("{line}\n"),
            })
            .collect::<String>();
        let text = settings
            .iter()
            .fold(text, |text, (key, value)| set(&text, key, value));
        std::fs::write(&config_file, text).unwrap();
        std::fs::write(dir.join("passphrase"), passphrase.expose_secret()).unwrap();
        restrict(&dir.join("passphrase"));
        drop(listeners);
        let config = Config::load(&config_file).unwrap();
        let mut process = Self {
            child: None,
            config,
            config_file,
            made,
        };
        process.again().await;
        process
    }

    /// Starts it after it was killed or stopped.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn again(&mut self) {
        let passphrase = self
            .config_file
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .join("passphrase");
        gateway::pki::tls::install_provider();
        let child = Command::new(binary("gateway"))
            .arg("serve")
            .arg("--config")
            .arg(&self.config_file)
            .arg("--passphrase-file")
            .arg(passphrase)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let url = format!("http://{}/readyz", self.listen().operations);
        let client = reqwest::Client::new();
        crate::eventually("the gateway is ready", || async {
            client
                .get(&url)
                .send()
                .await
                .ok()
                .filter(|answer| answer.status().is_success())
                .map(drop)
        })
        .await;
    }

    /// Where it listens.
    #[must_use]
    pub const fn listen(&self) -> Listen {
        self.config.listen
    }

    /// The MQTT address.
    #[must_use]
    pub const fn mqtt(&self) -> SocketAddr {
        self.config.listen.mqtt
    }

    /// The root certificate's file.
    #[must_use]
    pub fn root_file(&self) -> &Path {
        &self.made.root_file
    }

    /// The administrator, who looks after people. Works once.
    ///
    /// # Panics
    /// When the root certificate can not be read.
    pub async fn administrator(&self) -> Api {
        let root = std::fs::read(&self.made.root_file).unwrap();
        let password = self.made.one_time_password.expose_secret();
        Api::new(self.config.listen.staff, &root)
            .first_sign_in(self.made.administrator.as_str(), password)
            .await
    }

    /// Somebody at a desk, whom the administrator lets in. Works once.
    pub async fn sign_in(&self) -> Api {
        let administrator = self.administrator().await;
        administrator.add_person("ines", "Ines Okafor", &DESK).await
    }

    /// Its configuration file.
    #[must_use]
    pub fn config_file(&self) -> &Path {
        &self.config_file
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Panics
    /// When it is not running.
    pub async fn terminate(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let _ = run("kill", ["-TERM", &child.id().to_string()]).ok();
        tokio::task::spawn_blocking(move || child.wait().unwrap())
            .await
            .unwrap()
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The same configuration with another value of a key.
fn set(config: &str, key: &str, value: &str) -> String {
    let is_it = |line: &str| line.split_once(" = ").is_some_and(|(name, _)| name == key);
    assert!(config.lines().any(is_it), "no {key} in the configuration");
    config
        .lines()
        .map(|line| {
            if is_it(line) {
                format!("{key} = {value}\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect()
}

fn restrict(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
