//! What a reference leads to: all the forms in which a source may write one.

use fhir::{Kind, Version};
use rustc_hash::FxHashMap;

use crate::version;

/// Hosts of those who define standards: they stand in the addresses of examples, and in systems everywhere.
/// A source is never taken to live there.
const STANDARDS: &[&str] = &[
    "hl7.org",
    "hl7.org.uk",
    "fhir.nhs.uk",
    "fhir.nhs.net",
    "dmd.nhs.uk",
    "loinc.org",
    "snomed.info",
    "unitsofmeasure.org",
    "read.info",
    "w3.org",
    "ihe.net",
    "nema.org",
    "who.int",
    "rxnav.nlm.nih.gov",
    "nlm.nih.gov",
    "cdc.gov",
];

/// A reference, read as far as its text alone says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// An id without a type.
    Bare(&'a str),
    /// Leads nowhere outside the resource (`#…`), or is a query: left as it is.
    Alone,
    /// An address at another host; type and id, if it ends like a resource's.
    Elsewhere(Option<(&'a str, &'a str)>),
    /// A resource of this source.
    Here {
        /// Type, as the source names it.
        kind: &'a str,
        /// The source's id.
        id: &'a str,
        /// Whether a version was named.
        versioned: bool,
    },
    /// Nothing we know how to read.
    Unreadable,
    /// `urn:uuid:…` and the like, with what stands behind the last colon.
    Urn(&'a str),
}

/// Where a source's resources live: the configured base, and those its own `fullUrl`s show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bases {
    /// Without scheme, with a slash at the end.
    bases: Vec<String>,
}

impl Bases {
    /// Adds a base; true if it was not known.
    pub(crate) fn add(&mut self, base: &str) -> bool {
        let Some(rest) = without_scheme(base) else { return false };
        let base = format!("{}/", rest.trim_end_matches('/'));
        let new = !self.bases.contains(&base);
        if new {
            self.bases.push(base);
        }
        new
    }

    /// Hosts of the bases, without those of standards.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.bases.iter().map(|base| host_of(base)).filter(|host| !host.is_empty() && !is_standard(host))
    }

    /// The part of `url` below one of the bases.
    fn below<'a>(&self, url: &'a str) -> Option<&'a str> {
        let rest = without_scheme(url)?;
        // The longest wins, as one base may lie below another.
        self.bases.iter().filter_map(|base| rest.strip_prefix(base.as_str())).min_by_key(|rest| rest.len())
    }

    /// Reads a reference.
    pub(crate) fn read<'a>(&self, text: &'a str) -> Target<'a> {
        if text.starts_with('#') || text.is_empty() {
            return Target::Alone;
        }
        if let Some(below) = self.below(text) {
            return relative(below);
        }
        if without_scheme(text).is_some() {
            return Target::Elsewhere(ending(text).map(|(kind, id, _)| (kind, id)));
        }
        if text.starts_with("urn:") {
            return Target::Urn(text.rsplit(':').next().unwrap_or_default());
        }
        relative(text.trim_start_matches('/'))
    }
}

fn relative(text: &str) -> Target<'_> {
    if text.contains('?') {
        return Target::Alone;
    }
    if !text.contains('/') {
        return if text.is_empty() { Target::Unreadable } else { Target::Bare(text) };
    }
    match ending(text) {
        Some((kind, id, versioned)) if text.starts_with(kind) => Target::Here { kind, id, versioned },
        _ => Target::Unreadable,
    }
}

/// Type and id at the end of a path: `…/Type/id` or `…/Type/id/_history/version`.
fn ending(path: &str) -> Option<(&str, &str, bool)> {
    let (path, versioned) = match path.split_once("/_history/") {
        Some((path, _)) => (path, true),
        None => (path, false),
    };
    let mut parts = path.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    let type_like = kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (type_like && !id.is_empty()).then_some((kind, id, versioned))
}

/// The base of a `fullUrl` that ends in this type and id.
pub(crate) fn base_of<'a>(full_url: &'a str, kind: &str, id: &str) -> Option<&'a str> {
    without_scheme(full_url)?;
    let base = full_url.strip_suffix(id)?.strip_suffix('/')?.strip_suffix(kind)?;
    base.strip_suffix('/')
}

fn without_scheme(url: &str) -> Option<&str> {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))
}

/// The host of an address without its scheme, and without its port.
fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

fn is_standard(host: &str) -> bool {
    STANDARDS.iter().any(|standard| host == *standard || host.strip_suffix(standard).is_some_and(|rest| rest.ends_with('.')))
}

/// The R4 type that a version's type becomes.
pub(crate) fn r4_kind(version: Version, name: &str) -> Option<Kind> {
    match version {
        Version::R4 => Kind::parse(name),
        older => version::r4_kind(older, name),
    }
}

/// Resources of a leg by what references call them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// `fullUrl` as written -> `Type/minted`.
    pub(crate) by_url: FxHashMap<String, String>,
    /// The source's id -> `Type/minted`; empty where two types share an id.
    pub(crate) by_id: FxHashMap<String, String>,
}

impl Index {
    /// Notes a resource.
    pub(crate) fn add(&mut self, full_url: Option<&str>, id: Option<&str>, minted: &str) {
        if let Some(url) = full_url {
            self.by_url.insert(url.to_owned(), minted.to_owned());
        }
        if let Some(id) = id {
            let known = self.by_id.entry(id.to_owned()).or_insert_with(|| minted.to_owned());
            if known != minted {
                known.clear();
            }
        }
    }

    /// The only resource with this id.
    pub(crate) fn only(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str).filter(|minted| !minted.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_reference_is_read() {
        let mut bases = Bases::default();
        bases.add("https://gp.trust.nhs.uk/fhir/");
        bases.add("https://gp.trust.nhs.uk/fhir/tenant");
        let check = |text: &str, expected: Target<'_>| assert_eq!(bases.read(text), expected, "{text}");
        let here = |kind, id, versioned| Target::Here { kind, id, versioned };
        check("Patient/1", here("Patient", "1", false));
        check("/Patient/1", here("Patient", "1", false));
        check("Patient/1/_history/2", here("Patient", "1", true));
        check("https://gp.trust.nhs.uk/fhir/Patient/1", here("Patient", "1", false));
        check("http://gp.trust.nhs.uk/fhir/Patient/1/_history/4", here("Patient", "1", true));
        check("https://gp.trust.nhs.uk/fhir/tenant/Patient/1", here("Patient", "1", false));
        check("https://other.nhs.uk/fhir/Patient/1", Target::Elsewhere(Some(("Patient", "1"))));
        check("https://other.nhs.uk/", Target::Elsewhere(None));
        check("urn:uuid:6f1c", Target::Urn("6f1c"));
        check("urn:oid:1.2.3", Target::Urn("1.2.3"));
        check("#med", Target::Alone);
        check("Patient?identifier=a|b", Target::Alone);
        check("12", Target::Bare("12"));
        check("some/where/else", Target::Unreadable);
        check("patient/", Target::Unreadable);
    }

    #[test]
    fn a_host_of_standards_is_no_source() {
        let mut bases = Bases::default();
        bases.add("http://hl7.org/fhir");
        bases.add("https://build.fhir.hl7.org.uk/x");
        bases.add("https://gp.nhs.uk:8443/x");
        assert_eq!(bases.hosts().collect::<Vec<_>>(), ["gp.nhs.uk"]);
    }

    #[test]
    fn a_full_url_shows_its_base() {
        assert_eq!(base_of("http://a/b/Patient/1", "Patient", "1"), Some("http://a/b"));
        assert_eq!(base_of("http://a/b/Patient/1", "Patient", "2"), None);
        assert_eq!(base_of("urn:uuid:1", "Patient", "1"), None);
    }

    #[test]
    fn an_id_of_two_types_is_no_only_one() {
        let mut index = Index::default();
        index.add(None, Some("1"), "Patient/a-1");
        assert_eq!(index.only("1"), Some("Patient/a-1"));
        index.add(None, Some("1"), "Condition/a-1");
        assert_eq!(index.only("1"), None);
        index.add(None, Some("1"), "Condition/a-1");
        assert_eq!(index.only("1"), None);
    }
}
