//! Host names of sources, which no answer may show.

use fhir::Tree;
use memchr::memmem::Finder;
use record::SourceId;

/// Finds a source's host names in text.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    finders: Vec<Finder<'static>>,
    shortest: usize,
    replacement: String,
}

impl Hosts {
    /// Finds these hosts (names without scheme or port) as those of `source`.
    pub(crate) fn new<'a>(source: &SourceId, hosts: impl Iterator<Item = &'a str>) -> Hosts {
        let mut names: Vec<&str> = hosts.collect();
        names.sort_unstable();
        names.dedup();
        let shortest = names.iter().map(|name| name.len()).min().unwrap_or(usize::MAX);
        let finders = names.into_iter().map(|name| Finder::new(name).into_owned()).collect();
        Hosts { finders, shortest, replacement: format!("urn:severn:source:{source}:") }
    }

    /// Whether there is nothing to find.
    pub(crate) fn is_empty(&self) -> bool {
        self.finders.is_empty()
    }

    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.finders.iter().filter_map(|finder| std::str::from_utf8(finder.needle()).ok())
    }

    /// Whether a host might stand in a resource, by one look at the whole of it.
    pub(crate) fn may_stand_in(&self, tree: &Tree) -> bool {
        !self.is_empty() && (tree.is_hiding() || tree.texts().into_iter().any(|text| self.may_stand_in_text(text)))
    }

    fn may_stand_in_text(&self, text: &str) -> bool {
        text.len() >= self.shortest && self.finders.iter().any(|finder| finder.find(text.as_bytes()).is_some())
    }

    /// Whether a host stands in the text.
    pub(crate) fn stand_in(&self, text: &str) -> bool {
        text.len() >= self.shortest && self.find(text, 0).is_some()
    }

    /// The text with every address at a host turned into a name of ours: `https://host/Id/mrn` into `urn:severn:source:gp:Id/mrn`.
    pub(crate) fn hide(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while let Some((start, end)) = self.find(text, at) {
            let start = start - scheme_before(&text[at..start]);
            out.push_str(&text[at..start]);
            out.push_str(&self.replacement);
            at = end + port_after(&text[end..]);
        }
        out.push_str(&text[at..]);
        out
    }

    /// The first whole occurrence from `from` on.
    fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let found = self.finders.iter().filter_map(|finder| {
            let name = finder.needle();
            let mut at = from;
            while let Some(position) = finder.find(&text.as_bytes()[at..]) {
                let (start, end) = (at + position, at + position + name.len());
                if is_whole(text.as_bytes(), start, end, name) {
                    return Some((start, end));
                }
                at = end;
            }
            None
        });
        found.min()
    }
}

/// Whether what was found is a host by itself and no part of another word.
/// A name without a dot counts only where an address is: `fhir` is a common word.
fn is_whole(text: &[u8], start: usize, end: usize, name: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'.';
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    let after = text.get(end);
    let ends_sentence = after == Some(&b'.') && !text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    let free = !before.is_some_and(word) && (ends_sentence || !after.is_some_and(word));
    free && (name.contains(&b'.') || text[..start].ends_with(b"//") || before == Some(&b'@'))
}

/// Length of `https://` (or another scheme) at the end of `text`.
fn scheme_before(text: &str) -> usize {
    let Some(rest) = text.strip_suffix("://") else { return 0 };
    let scheme = rest.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
    if scheme == 0 { 0 } else { scheme + 3 }
}

/// Length of `:8443/` at the start of `text`.
fn port_after(text: &str) -> usize {
    let port = match text.strip_prefix(':') {
        Some(rest) => rest.bytes().take_while(u8::is_ascii_digit).count() + 1,
        None => 0,
    };
    let port = if port == 1 { 0 } else { port };
    port + usize::from(text[port..].starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_hidden_wherever_it_stands() {
        let source = "gp".parse().unwrap();
        let hosts = Hosts::new(&source, ["gp.trust.nhs.uk", "fhir"].into_iter());
        let check = |text: &str, expected: &str| {
            assert_eq!(hosts.stand_in(text), text != expected, "{text}");
            assert_eq!(hosts.hide(text), expected);
        };
        check("https://gp.trust.nhs.uk/Id/mrn", "urn:severn:source:gp:Id/mrn");
        check("https://gp.trust.nhs.uk:8443/Id/mrn", "urn:severn:source:gp:Id/mrn");
        check("see https://gp.trust.nhs.uk.", "see urn:severn:source:gp:.");
        check("mail a@gp.trust.nhs.uk or b", "mail a@urn:severn:source:gp: or b");
        check("http://fhir:8080/r4 and http://fhir/", "urn:severn:source:gp:r4 and urn:severn:source:gp:");
        check("http://hl7.org/fhir/sid", "http://hl7.org/fhir/sid");
        check("https://other-gp.trust.nhs.uk/x", "https://other-gp.trust.nhs.uk/x");
        check("gp.trust.nhs.uk.example", "gp.trust.nhs.uk.example");
        check("", "");
    }
}
