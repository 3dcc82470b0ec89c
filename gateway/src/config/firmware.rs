//! How fast firmware goes to pumps, and how many pumps are updated at once: the bounds of all rollouts together.

use fleet::rollout::limits::{Bandwidth, HospitalLimits};
use serde::Deserialize;

/// How fast firmware goes to pumps, to how many at once, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Firmware {
    /// The most bytes per second, all downloads together. 0 is no limit.
    pub max_bytes_per_second: u64,
    /// What a download needs to get anywhere, in bytes per second: so many pumps are told to download as get that.
    pub bytes_per_second_each: u64,
    /// The most downloads at one time; a pump beyond that is asked to come again.
    pub max_downloads: usize,
    /// Whether pumps may download while they are in use. Installing never (S3).
    pub download_in_use: bool,
}

impl Default for Firmware {
    fn default() -> Self {
        let HospitalLimits {
            background_download,
            bandwidth: Bandwidth { total, per_download },
            ..
        } = HospitalLimits::DEFAULT;
        Self {
            max_bytes_per_second: total,
            bytes_per_second_each: per_download,
            max_downloads: 200,
            download_in_use: background_download,
        }
    }
}

/// The bounds of all rollouts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rollouts {
    /// At most so many pumps of the hospital are out of service for updates at once.
    pub updates_at_once: u32,
}

impl Default for Rollouts {
    fn default() -> Self {
        Self {
            updates_at_once: HospitalLimits::DEFAULT.updates_at_once,
        }
    }
}

/// As the planner takes them.
pub(super) fn hospital_limits(firmware: Firmware, rollouts: Rollouts) -> HospitalLimits {
    HospitalLimits {
        background_download: firmware.download_in_use,
        updates_at_once: rollouts.updates_at_once,
        bandwidth: Bandwidth {
            // No limit is as much as there is.
            total: match firmware.max_bytes_per_second {
                0 => u64::MAX,
                limit => limit,
            },
            per_download: firmware.bytes_per_second_each,
        },
    }
}
