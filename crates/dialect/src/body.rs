//! A body into a Bundle: JSON or XML, by what it is rather than by what it is called.

use bytes::Bytes;
use fhir::{Bundle, Version};

const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Reads a body; in words, without any of the content, why it is none.
pub(crate) fn read(version: Version, body: Bytes, content_type: &str) -> Result<Bundle, String> {
    let body = if body.starts_with(BYTE_ORDER_MARK) { body.slice(BYTE_ORDER_MARK.len()..) } else { body };
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Err("the body is empty".to_owned()),
        Some(b'<') if content_type == "text/html" || is_html(&body) => Err("the body is a web page".to_owned()),
        Some(b'<') => Bundle::from_xml(version, body).map_err(|error| error.to_string()),
        Some(_) => Bundle::from_json(body).map_err(|error| error.to_string()),
    }
}

fn is_html(body: &[u8]) -> bool {
    let start: Vec<u8> = body.iter().filter(|byte| !byte.is_ascii_whitespace()).take(13).map(u8::to_ascii_lowercase).collect();
    start.starts_with(b"<!doctypehtml") || start.starts_with(b"<html")
}
