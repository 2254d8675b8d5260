//! Whether it finds a patient by NHS number, under which spellings of the number's system, and whom it then names.

use std::collections::BTreeSet;

use fhir::{Bundle, Ref};
use record::{NHS_NUMBER_SYSTEM, NhsNumber, ODS_SYSTEM};

use super::record::note;
use crate::desk::{Desk, Heard};
use crate::finding::{Finding, Severity, Topic};
use crate::visit::{Gathered, Patient, Supplier};

/// Spellings of the system that are met, the right one first.
const SPELLINGS: [&str; 6] = [
    NHS_NUMBER_SYSTEM,
    "https://fhir.nhs.uk/id/nhs-number",
    "http://fhir.nhs.uk/Id/nhs-number",
    "http://fhir.nhs.net/Id/nhs-number",
    "https://fhir.nhs.net/Id/nhs-number",
    "urn:oid:2.16.840.1.113883.2.1.4.1",
];

/// A test patient that was looked up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// The supplier's ids of them.
    pub(crate) ids: Vec<String>,
    /// A search for them was answered as it should be, and named nobody. What failed for another reason says nothing of them.
    pub(crate) absent: bool,
}

/// `Patient?identifier=…`, escaped as a form.
pub(crate) fn search(system: &str, number: &str) -> String {
    let value: String = url::form_urlencoded::byte_serialize(format!("{system}|{number}").as_bytes()).collect();
    format!("Patient?identifier={value}")
}

/// Looks each test patient up; the first one under every spelling.
pub(crate) async fn probe(desk: &mut Desk<'_>, supplier: &Supplier, patients: &[Patient], got: &mut Gathered) {
    for (at, patient) in patients.iter().enumerate() {
        got.found.push(Found::default());
        for spelling in SPELLINGS.iter().take(if at == 0 { SPELLINGS.len() } else { 1 }) {
            let Some(heard) = desk.get(Topic::Lookup, &search(spelling, patient.number.expose())).await else { return };
            note(&heard, &mut got.seen);
            let found = heard.bundle().map(|bundle| whom(bundle, &patient.number));
            if at == 0 {
                got.spellings.insert((*spelling).to_owned(), found.as_ref().is_some_and(|whom| whom.theirs > 0));
            }
            got.found[at].absent |= names_nobody(&heard);
            let Some(whom) = found else { continue };
            got.organisation = got.organisation.take().or_else(|| whom.organisation.as_deref().and_then(|code| code.parse().ok()));
            judge(desk, supplier, &heard.question, at + 1, &whom);
            if got.found[at].ids.is_empty() {
                got.found[at].ids = whom.ids;
            }
        }
    }
    judge_spellings(desk, got);
}

/// Whether an answer is a whole searchset without anybody in it.
fn names_nobody(heard: &Heard) -> bool {
    let head = heard.bundle().filter(|bundle| bundle.entries.iter().all(outcome));
    let root = head.and_then(|bundle| Some(bundle.head.as_ref()?.root()));
    root.is_some_and(|root| root.is("type", "searchset") && root.get("entry").is_none())
}

fn outcome(entry: &fhir::Entry) -> bool {
    entry.resource.as_ref().is_some_and(|tree| tree.root().is("resourceType", "OperationOutcome"))
}

/// Whom an answer to a search by number names.
struct Whom {
    ids: Vec<String>,
    /// Of them, those that carry the number.
    theirs: usize,
    /// Patients without a birth date.
    undated: usize,
    /// Of those that carry the number, those that say it is verified.
    verified: usize,
    /// Spellings under which they carry the number.
    own_spellings: BTreeSet<String>,
    organisation: Option<String>,
}

fn whom(bundle: &Bundle, number: &NhsNumber) -> Whom {
    let (ids, theirs, undated, verified, own_spellings, organisation) = Default::default();
    let mut whom = Whom { ids, theirs, undated, verified, own_spellings, organisation };
    for tree in bundle.entries.iter().filter_map(|entry| entry.resource.as_ref()) {
        let root = tree.root();
        if root.is("resourceType", "Organization") {
            let ods = root.all("identifier").into_iter().find(|one| one.is("system", ODS_SYSTEM)).and_then(|one| one.text("value"));
            whom.organisation = whom.organisation.or(ods.map(|code| code.into_owned()));
        }
        if !root.is("resourceType", "Patient") {
            continue;
        }
        whom.ids.extend(root.text("id").map(|id| id.into_owned()));
        let identifiers = root.all("identifier");
        let carries = |one: &&Ref<'_>| one.text("value").and_then(|value| value.parse::<NhsNumber>().ok()) == Some(*number);
        let theirs: Vec<&Ref<'_>> = identifiers.iter().filter(carries).collect();
        whom.own_spellings.extend(theirs.iter().filter_map(|one| Some(one.text("system")?.into_owned())));
        whom.theirs += usize::from(!theirs.is_empty());
        whom.undated += usize::from(root.get("birthDate").is_none());
        let says = |one: &&Ref<'_>| one.all("extension.url").iter().any(|url| url.raw().contains("NHSNumberVerificationStatus"));
        whom.verified += usize::from(theirs.iter().any(says));
        let ods = root.text("managingOrganization.identifier.value");
        whom.organisation = whom.organisation.or(ods.map(|code| code.into_owned()));
    }
    whom
}

fn judge(desk: &mut Desk<'_>, supplier: &Supplier, question: &str, place: usize, whom: &Whom) {
    let mut find = |code: &str, severity, said: String, todo: &str| {
        desk.find(Finding::new(Topic::Lookup, code, severity, said, todo).at([question]));
    };
    let count = whom.ids.len();
    if count > whom.theirs {
        find(
            "another-number",
            Severity::Broken,
            format!("Asked for test patient {place} by number, it names a Patient who does not carry that number."),
            "Search by identifier must match system and value exactly; a Patient must carry the number it is found by. Such an answer is refused as somebody else's.",
        );
    }
    if whom.theirs > 1 {
        find(
            "several-patients",
            Severity::Advice,
            format!("It holds {} Patients with the number of test patient {place}.", whom.theirs),
            "Merge them, or link the old to the new (link.type = replaced-by, active = false). Until then all are shown.",
        );
    }
    if whom.theirs > 0 && whom.undated > 0 {
        find(
            "no-birth-date",
            Severity::Broken,
            format!("Test patient {place} has no birthDate, so the record is held back: nobody can tell whose it is."),
            "Send Patient.birthDate.",
        );
    }
    if whom.theirs > whom.verified && !supplier.verified {
        find(
            "not-verified",
            Severity::Broken,
            format!("The NHS number of test patient {place} says nothing of its verification, so the record is held back."),
            "Add the extension NHSNumberVerificationStatus to the identifier; or, where the contract says that every number was traced, give --verified (nhs_number = \"verified\").",
        );
    }
    let spellings: Vec<&String> = whom.own_spellings.iter().filter(|own| *own != NHS_NUMBER_SYSTEM).collect();
    if let Some(own) = spellings.first() {
        find(
            "spelling",
            Severity::Advice,
            format!("It writes the system of NHS numbers as \u{201c}{own}\u{201d}."),
            "Write https://fhir.nhs.uk/Id/nhs-number. It is understood as it is.",
        );
    }
}

fn judge_spellings(desk: &mut Desk<'_>, got: &Gathered) {
    let works = |spelling: &str| got.spellings.get(spelling) == Some(&true);
    let others: Vec<&str> = SPELLINGS[1..].iter().copied().filter(|spelling| works(spelling)).collect();
    let said_why = desk.findings.iter().any(|finding| finding.topic == Topic::Lookup && finding.severity == Severity::Broken);
    match (works(NHS_NUMBER_SYSTEM), others.first()) {
        (true, _) => desk.find(
            Finding::fine(Topic::Lookup, "found", "It finds the first test patient by https://fhir.nhs.uk/Id/nhs-number.").at(others),
        ),
        (false, Some(_)) => desk.find(
            Finding::new(
                Topic::Lookup,
                "found-by-another-spelling",
                Severity::Wrong,
                "It finds test patients only by another spelling of the NHS number's system.",
                "Search by https://fhir.nhs.uk/Id/nhs-number too. The block names the other spelling in nhs_number_systems.",
            )
            .at(others),
        ),
        (false, None) if got.found.first().is_some_and(|first| first.absent) => desk.find(Finding::new(
            Topic::Lookup,
            "not-found",
            Severity::Broken,
            "It does not find the first test patient by NHS number, under any spelling of its system.",
            "Load the test patient, and index Patient.identifier by system and value; or give the number of one it holds by --patient.",
        )),
        // Most of what keeps a search from being answered was said as it came.
        (false, None) if !said_why => desk.find(Finding::new(
            Topic::Lookup,
            "lookup-fails",
            Severity::Broken,
            "It does not answer a search for a patient by NHS number with a searchset Bundle.",
            "Answer Patient?identifier=system|value with a Bundle of type searchset, whether anybody is found or not. The list of questions shows what came.",
        )),
        (false, None) => {}
    }
    if let Some(place) = got.found.iter().skip(1).position(|found| found.ids.is_empty() && found.absent) {
        desk.find(Finding::new(
            Topic::Lookup,
            "one-not-found",
            Severity::Wrong,
            format!("It does not find test patient {}.", place + 2),
            "Load the test patient, or leave the number out.",
        ));
    }
}
