//! A joined record as a page of text, for terminals.
//!
//! Reads the Bundle off the wire as any client would, so that what it shows is what others are told.

mod html;
mod sections;
mod text;
mod view;

pub use html::escape;
pub use text::text;
pub use view::View;
