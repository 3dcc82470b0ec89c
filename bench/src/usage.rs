//! What a process used, by the operating system's own accounting (`/proc`, Linux).

use std::{fs, io, time::Duration};

/// The kernel counts processor time in hundredths of a second for every process we can see (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Processor time (user and system) and resident memory of a process.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu: Duration,
    pub resident_bytes: u64,
}

/// Reads a process's usage.
///
/// # Errors
/// When the process is gone, or the system has no `/proc`.
pub fn of(pid: u32) -> io::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold anything; what follows the last bracket is numbers.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect())
        .unwrap_or_default();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<u32>().ok())
            .unwrap_or(0)
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0);
    Ok(Usage {
        cpu: TICK * (ticks(11) + ticks(12)),
        resident_bytes: kilobytes * 1024,
    })
}
