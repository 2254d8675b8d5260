//! A joined record as a plain page, in text and in HTML, until there is the viewer.
//!
//! Reads the Bundle off the wire as any client would, so that what it shows is what others are told.

mod html;
mod sections;
mod text;
mod view;

pub use html::{escape, html};
pub use text::text;
pub use view::View;
