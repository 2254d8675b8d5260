//! XHTML inside FHIR XML, which is one string in JSON.

use super::source::{Piece, Source, Space, Tag};
use super::{XHTML, is_char};
use crate::parse::ParseError;

/// The element that `tag` opened, as text that stands on its own.
pub(super) fn read(source: &mut Source<'_>, tag: &Tag<'_>) -> Result<String, ParseError> {
    let verbatim = tag.declares && tag.name == tag.qualified;
    let mut out = String::new();
    let mut open = 0;
    let mut next = Piece::Open(Tag { attributes: Vec::new(), ..*tag });
    loop {
        let raw = source.text.get(source.at..source.position()).unwrap_or_default();
        match &next {
            Piece::Open(inner) => {
                let name = if inner.space == Space::Xhtml { inner.name } else { inner.qualified };
                out.extend(["<", if open == 0 { inner.name } else { name }]);
                if open == 0 && !tag.declares {
                    out.extend([" xmlns=\"", XHTML, "\""]);
                }
                out.push_str(raw.get(1 + inner.qualified.len()..).unwrap_or_default());
                open += 1;
            }
            Piece::Close => {
                open -= 1;
                // An empty tag closes itself and leaves no text; a prefix goes as it went from the start tag.
                match raw.split_once(':') {
                    Some((_, local)) => out.extend(["</", local]),
                    None => out.push_str(raw),
                }
                if open == 0 {
                    break;
                }
            }
            Piece::End => return Err(source.error("the document ends too soon")),
            Piece::Comment | Piece::Instruction | Piece::Text(_) => out.push_str(raw),
        }
        next = source.next()?;
    }
    if verbatim {
        return Ok(source.text.get(tag.at..source.position()).unwrap_or_default().to_owned());
    }
    Ok(out)
}

/// Appends a narrative's `div`: as it is where it is well-formed, else as the text that it is.
pub(super) fn write(div: &str, out: &mut String) {
    match check(div) {
        Some(declared) if declared => out.push_str(div.trim()),
        Some(_) => out.extend(["<div xmlns=\"", XHTML, "\"", div.trim().strip_prefix("<div").unwrap_or_default()]),
        None => {
            out.extend(["<div xmlns=\"", XHTML, "\">"]);
            super::write::escape(div, out);
            out.push_str("</div>");
        }
    }
}

/// Whether text is one well-formed `div`, and if so whether it says its namespace.
fn check(div: &str) -> Option<bool> {
    if !div.chars().all(is_char) {
        return None;
    }
    let mut source = Source::new(div.trim());
    let Ok(Piece::Open(first)) = source.next() else { return None };
    let declared = match first.space {
        Space::Xhtml => true,
        Space::None if !first.declares => false,
        Space::None | Space::Fhir | Space::Other => return None,
    };
    let mut open = 1_usize;
    while open > 0 {
        match source.next().ok()? {
            Piece::Close => open -= 1,
            Piece::Open(_) => open += 1,
            Piece::End | Piece::Instruction => return None,
            Piece::Comment | Piece::Text(_) => {}
        }
    }
    (first.qualified == "div" && source.position() == div.trim().len()).then_some(declared)
}
