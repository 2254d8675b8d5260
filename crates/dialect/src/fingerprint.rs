//! By which signs a supplier's systems are known, and what a supplier's module was tested against.
//!
//! Each supplier's module has one [`Card`]; [`recognise`] weighs what was seen of a server against all of them.

use std::collections::BTreeSet;

use fhir::Version;

use crate::{Dialect, suppliers};

/// What a supplier's module says of itself beside how it speaks.
#[derive(Debug)]
pub struct Card {
    /// By what its systems are known. A plain server has none: it is what is left.
    pub signs: &'static [Sign],
    /// Where its FHIR service lies below the base that is configured; mostly at the base itself.
    pub fhir_below: &'static str,
    /// What may be searched as at a plain server: beyond that its answers to such searches tell nothing of it.
    pub searches: Searches,
    /// What its module was tested against.
    pub evidence: Evidence,
}

/// What a supplier lets be searched without rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Searches {
    /// Nothing: it is asked in another way.
    Nothing,
    /// Patients by identifier.
    Patients,
    /// Every type by patient.
    Everything,
}

/// One sign, and how much it counts: 1 for what others do too, 3 for what nobody else does.
#[derive(Debug)]
pub struct Sign(pub u8, pub Mark);

/// Something to be seen of a server. Texts are compared in lower case.
#[derive(Debug)]
pub enum Mark {
    /// Part of the base's path.
    Base(&'static str),
    /// Part of the system of a code.
    CodeSystem(&'static str),
    /// The beginning of an extension's url.
    Extension(&'static str),
    /// The beginning of an identifier's system.
    Identifier(&'static str),
    /// An operation that it offers, without `$`.
    Operation(&'static str),
    /// Part of the link to a next page.
    PageLink(&'static str),
    /// Errors in plain text.
    PlainErrors,
    /// The beginning of a profile that resources claim.
    Profile(&'static str),
    /// A word in the name or publisher of its software.
    Software(&'static str),
    /// The beginning of the system of a tag or security label.
    Tag(&'static str),
}

/// What a dialect was tested against, so far as its module knows; fixtures and pretend suppliers are counted where they are.
#[derive(Debug)]
pub struct Evidence {
    /// Whose words its rules follow.
    pub documentation: &'static str,
    /// Sets of responses of such systems, recorded by others, that its tests read where they are to be had.
    pub recorded: &'static [&'static str],
    /// Sets of other third-party files in its version and profiles, read in the same way.
    pub examples: &'static [&'static str],
    /// The system itself, where tests run it.
    pub itself: Option<&'static str>,
}

impl Card {
    /// A plain server's: known by nothing but its version, searched type by type.
    pub(crate) const fn plain(recorded: &'static [&'static str], examples: &'static [&'static str]) -> Card {
        let evidence = Evidence { documentation: "HL7 FHIR", recorded, examples, itself: None };
        Card { signs: &[], fhir_below: "", searches: Searches::Everything, evidence }
    }
}

/// What was seen of a server.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each is what the mark of its name looks at")]
pub struct Seen {
    pub version: Option<Version>,
    pub base: String,
    pub code_systems: BTreeSet<String>,
    pub extensions: BTreeSet<String>,
    pub identifiers: BTreeSet<String>,
    pub operations: BTreeSet<String>,
    pub page_links: BTreeSet<String>,
    pub plain_errors: bool,
    pub profiles: BTreeSet<String>,
    pub software: String,
    pub tags: BTreeSet<String>,
}

/// How well one dialect fits.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The dialect.
    pub dialect: Dialect,
    /// The weights of the signs seen.
    pub score: u32,
    /// The signs seen, in words.
    pub why: Vec<String>,
}

/// A supplier is believed from this score; below it a server is a plain one.
pub const ENOUGH: u32 = 3;

/// Every dialect that fits what was seen, best first; a plain one of the version comes last. Empty where nothing is known of the version.
pub fn recognise(seen: &Seen) -> Vec<Fit> {
    let Some(version) = seen.version else { return Vec::new() };
    let of_version = suppliers::ALL.iter().filter(|supplier| supplier.version == version);
    let mut fits: Vec<Fit> = of_version
        .map(|supplier| {
            let found: Vec<(u8, String)> = supplier.card.signs.iter().filter_map(|sign| Some((sign.0, sign.1.found(seen)?))).collect();
            let score = found.iter().map(|(weight, _)| u32::from(*weight)).sum();
            Fit { dialect: Dialect(supplier), score, why: found.into_iter().map(|(_, why)| why).collect() }
        })
        .filter(|fit| fit.score >= ENOUGH || fit.dialect.card().signs.is_empty())
        .collect();
    for fit in fits.iter_mut().filter(|fit| fit.dialect.card().signs.is_empty()) {
        fit.why.push(format!("it says that it speaks {}", version.name()));
    }
    fits.sort_by_key(|fit| std::cmp::Reverse(fit.score));
    fits
}

impl Mark {
    /// Where the mark is seen, in words for a report.
    fn found(&self, seen: &Seen) -> Option<String> {
        let starts = |what: &str, among: &BTreeSet<String>, start: &str| {
            let found = among.iter().find(|one| one.to_lowercase().starts_with(&start.to_lowercase()))?;
            Some(format!("{what} {found}"))
        };
        let holds = |what: &str, text: &str, part: &str| {
            text.to_lowercase().contains(&part.to_lowercase()).then(|| format!("{what} has \u{201c}{part}\u{201d}"))
        };
        match self {
            Mark::Base(part) => holds("the address", &seen.base, part),
            Mark::CodeSystem(part) => seen.code_systems.iter().find_map(|system| holds("the system of a code", system, part)),
            Mark::Extension(start) => starts("the extension", &seen.extensions, start),
            Mark::Identifier(start) => starts("identifiers of system", &seen.identifiers, start),
            Mark::Operation(name) => seen.operations.contains(*name).then(|| format!("it offers ${name}")),
            Mark::PageLink(part) => seen.page_links.iter().find_map(|link| holds("the link to the next page", link, part)),
            Mark::PlainErrors => seen.plain_errors.then(|| "it says errors in plain text".to_owned()),
            Mark::Profile(start) => starts("the profile", &seen.profiles, start),
            Mark::Software(word) => holds("the name of its software", &seen.software, word),
            Mark::Tag(start) => starts("the tag", &seen.tags, start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_where_it_looks_and_nowhere_else() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let seen = Seen {
            version: Some(Version::R4),
            base: "https://x.example/csp/HealthShare/fhir/r4".to_owned(),
            identifiers: texts(&["https://EMISWeb/A81001"]),
            operations: texts(&["everything"]),
            page_links: texts(&["https://x.example/Observation?patient=1&queryId=7"]),
            software: "Pretend 2.1".to_owned(),
            ..Seen::default()
        };
        let check = |mark: Mark, expected: bool| assert_eq!(mark.found(&seen).is_some(), expected, "{mark:?}");
        check(Mark::Base("/csp/healthshare/"), true);
        check(Mark::Identifier("https://emisweb/"), true);
        check(Mark::Identifier("EMISWeb"), false);
        check(Mark::Operation("everything"), true);
        check(Mark::Operation("every"), false);
        check(Mark::PageLink("queryid="), true);
        check(Mark::Software("pretend"), true);
        check(Mark::PlainErrors, false);
        check(Mark::Tag("https://emisweb/"), false);
    }

    #[test]
    fn a_server_without_signs_is_plain_and_one_without_a_version_is_nothing() {
        let of = |version| recognise(&Seen { version, ..Seen::default() }).first().map(|fit| fit.dialect.name());
        assert_eq!(of(Some(Version::Dstu2)), Some("fhir-dstu2"));
        assert_eq!(of(Some(Version::Stu3)), Some("fhir-stu3"));
        assert_eq!(of(Some(Version::R4)), Some("fhir-r4"));
        assert_eq!(of(None), None);
    }

    #[test]
    fn no_two_suppliers_of_one_version_have_the_same_signs() {
        let of = |one: &&crate::supplier::Supplier| format!("{:?} {:?}", one.version, one.card.signs);
        let signs: Vec<String> = suppliers::ALL.iter().filter(|one| !one.card.signs.is_empty()).map(of).collect();
        assert_eq!(signs.iter().collect::<BTreeSet<_>>().len(), signs.len());
    }
}
