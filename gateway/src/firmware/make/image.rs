//! Firmware that is none, for demonstrations.

use sha2::{Digest, Sha256};

/// The bytes of a firmware file for demonstrations: the same seed and length give the same bytes on every machine. They are
/// SHA-256 over the seed and a counter, so that nothing compresses them.
#[must_use]
pub fn demo_image(seed: u64, length: usize) -> Vec<u8> {
    let blocks = (0_u64..).flat_map(|counter| {
        let mut hash = Sha256::new();
        hash.update(b"demo firmware");
        hash.update(seed.to_be_bytes());
        hash.update(counter.to_be_bytes());
        <[u8; 32]>::from(hash.finalize())
    });
    blocks.take(length).collect()
}
