//! How fast firmware goes to pumps.

use serde::Deserialize;

/// How fast firmware goes to pumps, and to how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Firmware {
    /// The most bytes per second, all downloads together. 0 is no limit.
    pub max_bytes_per_second: u64,
    /// The most downloads at one time; a pump beyond that is asked to come again.
    pub max_downloads: usize,
}

impl Default for Firmware {
    fn default() -> Self {
        Self {
            max_bytes_per_second: 20_000_000,
            max_downloads: 200,
        }
    }
}
