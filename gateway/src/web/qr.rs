//! Codes to scan, drawn here: what is in them never leaves the house.

use std::fmt::{self, Write};

use askama::filters::HtmlSafe;
use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around a code (ISO/IEC 18004, section 9.1).
const QUIET: i32 = 4;

/// A code, as an image in the page.
pub(super) struct Qr {
    label: &'static str,
    size: i32,
    path: String,
}

impl Qr {
    /// A code of a text; nothing when the text is longer than a code can hold. The label is said to whoever can not see it.
    pub(super) fn of(text: &str, label: &'static str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let mut path = String::new();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET).ok()?;
            }
        }
        Some(Self {
            label,
            size: code.size() + 2 * QUIET,
            path,
        })
    }
}

impl fmt::Display for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, size, path } = self;
        write!(
            f,
            r##"<svg class="qr" viewBox="0 0 {size} {size}" role="img" aria-label="{label}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}H0z"/><path fill="#000" d="{path}"/></svg>"##
        )
    }
}

impl HtmlSafe for Qr {}
