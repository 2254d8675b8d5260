//! What a reference leads to: all the forms in which a source may write one.

use fhir::{Kind, Version};

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
    /// Adds a base.
    pub(crate) fn add(&mut self, base: &str) {
        let Some(rest) = without_scheme(base) else { return };
        let rest = rest.trim_end_matches('/');
        if !self.bases.iter().any(|known| known.strip_suffix('/') == Some(rest)) {
            self.bases.push(format!("{rest}/"));
        }
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
    let (mut slashed, mut asks) = (false, false);
    for byte in text.bytes() {
        slashed |= byte == b'/';
        asks |= byte == b'?';
    }
    if asks {
        return Target::Alone;
    }
    if !slashed {
        return if text.is_empty() { Target::Unreadable } else { Target::Bare(text) };
    }
    match ending(text) {
        Some((kind, id, versioned)) if text.starts_with(kind) => Target::Here { kind, id, versioned },
        _ => Target::Unreadable,
    }
}

/// Type and id at the end of a path: `…/Type/id` or `…/Type/id/_history/version`.
fn ending(path: &str) -> Option<(&str, &str, bool)> {
    let (before, last) = parted(path)?;
    let ((before, id), versioned) = match before.strip_suffix("/_history") {
        Some(of) => (parted(of)?, true),
        None => ((before, last), false),
    };
    let kind = parted(before).map_or(before, |(_, kind)| kind);
    let type_like = kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (type_like && !id.is_empty()).then_some((kind, id, versioned))
}

/// What stands before and after the last slash.
fn parted(path: &str) -> Option<(&str, &str)> {
    let last = path.bytes().rposition(|byte| byte == b'/')?;
    Some((&path[..last], &path[last + 1..]))
}

/// The base of a `fullUrl` that ends in this type and id.
pub(crate) fn base_of<'a>(full_url: &'a str, kind: &str, id: &str) -> Option<&'a str> {
    without_scheme(full_url).filter(|_| !id.contains('/'))?;
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
}
