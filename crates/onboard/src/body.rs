//! What a body is, whatever it is called.

use fhir::{Bundle, Malformed, Tree, Version};
use record::Response;

/// What came in a body.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// A Bundle, or one resource as a Bundle of one.
    Fhir(Bundle),
    /// Nothing.
    Empty,
    /// A web page.
    Html,
    /// JSON of its own that is no FHIR.
    Json,
    /// JSON or XML that is broken; where and how, without its content.
    Malformed(String),
    /// Something else, of so many bytes.
    Text(usize),
}

/// Reads a body. XML needs the version to be told what repeats.
pub(crate) fn read(version: Version, response: &Response) -> Body {
    let body = response.body.strip_prefix(b"\xEF\xBB\xBF").map_or_else(|| response.body.clone(), |rest| response.body.slice_ref(rest));
    let Some(first) = body.iter().find(|byte| !byte.is_ascii_whitespace()) else { return Body::Empty };
    let read = match first {
        b'<' if response.content_type == "text/html" || is_html(&body) => return Body::Html,
        b'<' => Bundle::from_xml(version, body),
        b'{' | b'[' => Bundle::from_json(body),
        _ => return Body::Text(response.body.len()),
    };
    match read {
        Ok(bundle) => Body::Fhir(bundle),
        Err(Malformed::NotFhir) if Tree::from_json(response.body.clone()).is_ok() => Body::Json,
        Err(why) => Body::Malformed(why.to_string()),
    }
}

fn is_type(name: &str) -> bool {
    [Version::Dstu2, Version::Stu3, Version::R4].into_iter().any(|version| fhir::tables::of(version).is_resource(name))
}

fn is_html(body: &[u8]) -> bool {
    let start: Vec<u8> = body.iter().filter(|byte| !byte.is_ascii_whitespace()).take(13).map(u8::to_ascii_lowercase).collect();
    start.starts_with(b"<!doctypehtml") || start.starts_with(b"<html")
}

impl Body {
    /// In words, none of them the supplier's.
    pub(crate) fn words(&self) -> String {
        match self {
            Body::Fhir(bundle) if bundle.resource_type == "Bundle" => format!("a Bundle of {}", bundle.entries.len()),
            Body::Fhir(bundle) if is_type(&bundle.resource_type) => format!("a resource of type {}", bundle.resource_type),
            Body::Fhir(_) => "a resource of no known type".to_owned(),
            Body::Empty => "nothing".to_owned(),
            Body::Html => "a web page".to_owned(),
            Body::Json => "JSON that is no FHIR".to_owned(),
            Body::Malformed(why) => format!("broken FHIR ({why})"),
            Body::Text(bytes) => format!("plain text of {bytes} bytes"),
        }
    }

    /// The Bundle, if it is FHIR.
    pub(crate) fn bundle(&self) -> Option<&Bundle> {
        match self {
            Body::Fhir(bundle) => Some(bundle),
            _ => None,
        }
    }

    /// Whether it is one resource of this type.
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.bundle().is_some_and(|bundle| bundle.resource_type == kind)
    }
}
