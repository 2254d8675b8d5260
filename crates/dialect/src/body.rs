//! A body into a Bundle: JSON or XML, by what it is rather than by what it is called.

use bytes::Bytes;
use fhir::{Bundle, Entry, Ref, Tree, Version};
use record::Response;

const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Bundles in Bundles in Bundles are opened this deep; what lies deeper stays one resource.
const NESTED_MAX: usize = 4;

/// Reads a body; in words, without any of the content, why it is none.
pub(crate) fn read(version: Version, body: Bytes, content_type: &str) -> Result<Bundle, String> {
    let body = if body.starts_with(BYTE_ORDER_MARK) { body.slice(BYTE_ORDER_MARK.len()..) } else { body };
    let mut bundle = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err("the body is empty".to_owned()),
        Some(b'<') if content_type == "text/html" || is_html(&body) => return Err("the body is a web page".to_owned()),
        Some(b'<') => Bundle::from_xml(version, body).map_err(|error| error.to_string())?,
        Some(_) => Bundle::from_json(body).map_err(|error| error.to_string())?,
    };
    if bundle.entries.iter().any(holds_bundle) {
        bundle.entries = bundle.entries.into_iter().flat_map(|entry| opened(entry, NESTED_MAX)).collect();
    }
    Ok(bundle)
}

/// A Binary comes as the resource or as its content: the same thing to the reader.
pub(crate) fn binary(version: Version, id: &str, response: &Response) -> Bundle {
    let fhir = response.content_type.contains("fhir") || response.content_type.ends_with("json") || response.content_type.ends_with("xml");
    let read = fhir.then(|| read(version, response.body.clone(), &response.content_type).ok()).flatten();
    if let Some(bundle) = read.filter(|bundle| matches!(bundle.resource_type.as_str(), "Binary" | "OperationOutcome")) {
        return bundle;
    }
    let mut tree = Tree::object();
    let root = tree.root().id();
    tree.set_string(root, "resourceType", "Binary");
    tree.set_string(root, "id", id);
    tree.set_string(
        root,
        "contentType",
        if response.content_type.is_empty() { "application/octet-stream" } else { &response.content_type },
    );
    let data = if version == Version::R4 { "data" } else { "content" };
    tree.set_string(root, data, &data_encoding::BASE64.encode(&response.body));
    let entry = Entry { full_url: None, resource: Some(tree), rest: None };
    Bundle { resource_type: "Binary".to_owned(), head: None, entries: vec![entry] }
}

fn holds_bundle(entry: &Entry) -> bool {
    entry
        .resource
        .as_ref()
        .is_some_and(|tree| tree.root().is("resourceType", "Bundle") && tree.root().get("entry").is_some_and(Ref::is_array))
}

/// The entries of a Bundle that is itself an entry (a message or a document carried in a message), in its place.
fn opened(entry: Entry, deeper: usize) -> Vec<Entry> {
    if deeper == 0 || !holds_bundle(&entry) {
        return vec![entry];
    }
    let inner = entry.resource.as_ref().and_then(|tree| tree.root().get("entry"));
    let inner = inner.into_iter().flat_map(Ref::items).map(|inner| Entry {
        full_url: inner.text("fullUrl").map(|url| url.into_owned()),
        resource: inner.get("resource").filter(|resource| resource.is_object()).map(Ref::to_tree),
        rest: inner.get("resource").is_none_or(|resource| !resource.is_object()).then(|| inner.to_tree()),
    });
    inner.flat_map(|inner| opened(inner, deeper - 1)).collect()
}

fn is_html(body: &[u8]) -> bool {
    let start: Vec<u8> = body.iter().filter(|byte| !byte.is_ascii_whitespace()).take(13).map(u8::to_ascii_lowercase).collect();
    start.starts_with(b"<!doctypehtml") || start.starts_with(b"<html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_in_a_bundle_is_opened_where_it_stands() {
        let check = |body: &str, expected: &[&str]| {
            let read = read(Version::Stu3, body.to_owned().into(), "").expect("a Bundle");
            let kinds: Vec<String> = read
                .entries
                .iter()
                .map(|entry| entry.resource.as_ref().and_then(|tree| tree.resource_type()).map_or("-".into(), |kind| kind.into_owned()))
                .collect();
            assert_eq!(kinds, expected, "{body}");
        };
        let patient = r#"{"resource":{"resourceType":"Patient"}}"#;
        let inner = format!(r#"{{"resource":{{"resourceType":"Bundle","entry":[{patient},{{"fullUrl":"urn:uuid:1"}}]}}}}"#);
        check(
            &format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{{"resourceType":"MessageHeader"}}}},{inner},{patient}]}}"#),
            &["MessageHeader", "Patient", "-", "Patient"],
        );
        check(r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Bundle"}}]}"#, &["Bundle"]);
        let mut deep = patient.to_owned();
        for _ in 0..NESTED_MAX + 1 {
            deep = format!(r#"{{"resource":{{"resourceType":"Bundle","entry":[{deep}]}}}}"#);
        }
        check(&format!(r#"{{"resourceType":"Bundle","entry":[{deep}]}}"#), &["Bundle"]);
    }
}
