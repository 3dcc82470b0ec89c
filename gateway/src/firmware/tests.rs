//! A test manufacturer, what it hands in, and everything that somebody in between could do to it.

mod archive;
mod published;
mod refused;
pub(super) mod workshop;
