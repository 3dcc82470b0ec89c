//! Log lines to standard error. Secrets and payloads never reach them: the types that hold those do not print.

use thiserror::Error;
use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// These libraries tell of every packet with its payload at their finest, and of little that matters below a warning.
/// Whatever a person asks for, they stay quiet.
const QUIET: [&str; 10] = [
    "ntex=warn",
    "ntex_bytes=warn",
    "ntex_codec=warn",
    "ntex_dispatcher=warn",
    "ntex_io=warn",
    "ntex_mqtt=warn",
    "ntex_net=warn",
    "ntex_rt=warn",
    "ntex_server=warn",
    "actix_server=warn",
];

/// Why logging could not be set up.
#[derive(Debug, Error)]
pub enum LogError {
    #[error(
        "key `log.filter`: `{filter}` is not a filter ({source}); expected for example `info` or `gateway=debug,info`"
    )]
    Filter {
        filter: String,
        source: tracing_subscriber::filter::ParseError,
    },
    #[error("logging was set up already")]
    Twice,
}

/// Sets up logging for the process. `RUST_LOG`, where it is set, goes before the file.
///
/// # Errors
/// [`LogError`] when the filter can not be read.
pub fn install(log: &Log) -> Result<(), LogError> {
    let text = std::env::var("RUST_LOG").unwrap_or_else(|_| log.filter.clone());
    let filter = EnvFilter::try_new(&text).map_err(|source| LogError::Filter { filter: text, source })?;
    let filter = QUIET
        .iter()
        .filter_map(|quiet| quiet.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let installed = match log.format {
        LogFormat::Text => builder.finish().try_init(),
        LogFormat::Json => builder.json().finish().try_init(),
    };
    installed.map_err(|_| LogError::Twice)
}
