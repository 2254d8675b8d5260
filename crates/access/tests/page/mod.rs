//! The page: every reader before every purpose, relationship and label.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use access::{Action, Category, Decision, EMERGENCY, RELATIONSHIPS, Refusal, Restriction, Rules, Section, Site, Supposed};
use fhir::Kind;
use jiff::Timestamp;
use record::{Caller, Organisation, SourceId, UserId};

/// Readers by what they are: job roles, activities.
pub const READERS: &[(&str, &str, &[&str])] = &[
    ("clinician, detailed record", "R8000", &["B0264", "B0360", "B0168"]),
    ("clinician, summary", "R8000", &["B0370"]),
    ("clinician, medication", "R8000", &["B0401"]),
    ("clinician, no activity", "R8000", &[]),
    ("general practitioner, detailed", "R0260", &["B0264", "B0360", "B0370", "B0401"]),
    ("consultant, detailed", "R0050", &["B0264", "B0360"]),
    ("nurse, detailed", "R8001", &["B0360"]),
    ("nurse manager, detailed", "R8002", &["B0360"]),
    ("health professional, detailed", "R8003", &["B0360"]),
    ("healthcare student, detailed", "R8004", &["B0360"]),
    ("biomedical scientist, detailed", "R8005", &["B0360"]),
    ("medical secretary, detailed", "R8006", &["B0360"]),
    ("clinical coder, detailed", "R8007", &["B0360"]),
    ("midwife, detailed", "R8016", &["B0360"]),
    ("student, summary", "R8004", &["B0370"]),
    ("paramedic", "R1070", &["B0264", "B0370", "B0168"]),
    ("pharmacist", "R1290", &["B0264", "B0360"]),
    ("social worker", "R8014", &["B0264", "B0360"]),
    ("care home staff", "R9720", &["B0370"]),
    ("receptionist", "R8009", &["B0264"]),
    ("administrator", "R8008", &["B0264", "B0360", "B0370", "B0401", "B0168"]),
    ("privacy officer", "R0001", &["B0264", "B0360", "B0370", "B0401", "B0168"]),
    ("privacy officer and clinician", "R0001 R8000", &["B0360", "B0168"]),
    ("administrator and clinician", "R8008 R8000", &["B0401"]),
    ("Caldicott Guardian", "R5105", &["B0264", "B0360", "B0370", "B0401", "B0168"]),
    ("a role that no rule knows", "R1320", &["B0264", "B0360", "B0370", "B0401", "B0168"]),
    ("no role", "", &["B0264", "B0360", "B0370", "B0401", "B0168"]),
];

/// Purposes of use.
pub const PURPOSES: &[&str] = &["TREAT", "CAREMGT", "COC", "ETREAT", "BTG", "HRESCH", "HPAYMT", "HOPERAT", "PATADMIN", "nonsense", ""];

/// Labels of sensitivity; the last stands for one that no rule knows.
pub const LABELS: &[&str] = &[
    "",
    "no-disclosure-to-patient",
    "safeguarding",
    "restricted",
    "very-restricted",
    "legally-restricted",
    "sexual-health",
    "hiv",
    "mental-health",
    "substance-misuse",
    "domestic-violence",
    "termination-of-pregnancy",
    "assisted-fertilisation",
    "gender",
    "genetics",
    "practice-confidential",
    "a-label-nobody-knows",
];

const NONE: &str = "(none)";

/// What speaks for a relationship; an emergency; nothing.
fn relationships() -> impl Iterator<Item = &'static str> {
    RELATIONSHIPS.into_iter().chain([EMERGENCY, NONE])
}

fn source() -> SourceId {
    "a".parse().unwrap()
}

/// Organisations of each kind that rules speak of.
const AT: &[(&str, &str, &str)] =
    &[("at a pharmacy", "FX001", "RO182"), ("at a care home", "VL001", "RO101"), ("at a local authority", "X101", "RO141")];

pub fn site() -> Site {
    let kinds = |(_, code, kind): &(&str, &str, &str)| ((*code).to_owned(), BTreeSet::from([(*kind).to_owned()]));
    Site { organisations: AT.iter().map(kinds).collect(), restricted_in_emergency: true, legal_override: true, ..Site::default() }
}

pub fn caller(role: &str, activities: &[&str], purpose: &str) -> Caller {
    let own = |list: &[&str]| list.iter().filter(|text| !text.is_empty()).map(|text| (*text).to_owned()).collect();
    Caller {
        user: UserId { issuer: "https://login.example".to_owned(), subject: "u-1".to_owned() },
        name: "A Reader".to_owned(),
        sds_user_id: None,
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().unwrap(), name: "Hospital".to_owned() },
        roles: role.split_whitespace().map(str::to_owned).collect(),
        activities: own(activities),
        purposes: own(&[purpose]),
        scopes: own(&["user/*.rs"]),
        launch_patient: None,
        device: None,
        client: None,
        token_id: None,
    }
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub fn supposed(rules: &Rules, caller: &Caller, relationship: &'static str, restriction: Restriction) -> Result<Supposed, Refusal> {
    Supposed::of(rules, caller, (relationship != NONE).then_some(relationship), restriction, NOW)
}

/// What the rules say of a part of a record, and which of them.
fn told(supposed: &Supposed, category: Category, labels: &[&str], objected: bool, source_refused: bool) -> String {
    let source = source();
    let kind = Kind::all().find(|kind| Category::of_kind(*kind).contains(&category)).unwrap();
    let decided = supposed.decision(&Section { category, kind, source: &source, labels, objected, source_refused });
    let rules: Vec<String> = decided.rules.iter().map(ToString::to_string).collect();
    let by = if rules.is_empty() { "no rule shows it".to_owned() } else { rules.join(" + ") };
    format!("{} ({by})", if decided.allowed { "shown" } else { "withheld" })
}

/// Brings together under what is told those that it is told of, in the order in which it is told first.
fn gathered<'a>(all: impl Iterator<Item = (&'a str, String)>) -> Vec<(String, Vec<&'a str>)> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, told) in all {
        match groups.iter_mut().find(|(known, _)| *known == told) {
            Some((_, names)) => names.push(name),
            None => groups.push((told, vec![name])),
        }
    }
    groups
}

fn named(name: &'static str) -> &'static str {
    if name.is_empty() { "(none)" } else { name }
}

fn heading(page: &mut String, words: &str) {
    writeln!(page, "\n\n{words}\n{}\n", "-".repeat(words.len().min(100))).unwrap();
}

/// Everything.
pub fn whole(rules: &Rules) -> String {
    let mut page = String::from(
        "WHO MAY READ WHAT, AND BY WHICH RULE\n\n\
         This page is made from the rules as they are shipped, by asking them. It is true of the program that it came with: its build\n\
         fails when they differ. A site's own rules stand beside these and are not on this page; `severn policy diff` says what they change.\n\
         What no rule shows is withheld, and a rule that forbids is stronger than any that permits. The scopes of a token may narrow what\n\
         stands here, and never widen it. Names in brackets are rules; they stand under these names in crates/access/policy/.\n",
    );
    parts(rules).for_each(|part| page.push_str(&part));
    page
}

/// Its parts, each made when it is asked for.
pub fn parts(rules: &Rules) -> impl Iterator<Item = String> {
    [views, finders, categories, labels, people, product].into_iter().map(|part| {
        let mut page = String::new();
        part(rules, &mut page);
        page
    })
}

fn views(rules: &Rules, page: &mut String) {
    heading(page, "1. Which view a role holds, with its activities");
    let held = |caller: &Caller| match supposed(rules, caller, "launch", Restriction::Unrestricted) {
        Ok(permit) => {
            let why: Vec<String> = permit.why().iter().map(ToString::to_string).filter(|rule| rule.starts_with("view.")).collect();
            format!("{} ({})", permit.views().join(" + "), why.join(" + "))
        }
        Err(refusal) => format!("none: {refusal}"),
    };
    for (who, role, activities) in READERS {
        writeln!(page, "{who:32} {:12} {:30} {}", named(role), activities.join(" "), held(&caller(role, activities, "TREAT"))).unwrap();
    }
    for (words, code, kind) in AT {
        writeln!(page, "\n{words} ({kind})").unwrap();
        let all = READERS.iter().map(|(who, role, activities)| {
            let organisation = Organisation { code: code.parse().unwrap(), name: String::new() };
            (*who, held(&Caller { organisation, ..caller(role, activities, "TREAT") }))
        });
        for (held, who) in gathered(all) {
            writeln!(page, "    {held}: {}", who.join("; ")).unwrap();
        }
    }
}

/// What is decided, and by which rules.
fn by(decided: &Decision) -> String {
    let rules: Vec<String> = decided.rules.iter().map(ToString::to_string).collect();
    let by = if rules.is_empty() { "no rule permits it".to_owned() } else { rules.join(" + ") };
    format!("{} ({by})", if decided.allowed { "yes" } else { "no" })
}

fn finders(rules: &Rules, page: &mut String) {
    heading(page, "2. Who may find people, claim, and work at the desks");
    let deeds = [
        ("find people", Action::Find),
        ("find restricted people among them", Action::FindRestricted),
        ("claim a relationship", Action::ClaimRelationship),
        ("claim an emergency", Action::ClaimEmergency),
        ("override an objection (where somebody put their name to it: [policy.legal_override])", Action::OverrideObjection),
        ("read who looked (with the scope severn.privacy)", Action::ReviewAudit),
        ("work at the operator's desk (with the scope severn.operator)", Action::Operate),
    ];
    // Activities that few have.
    let rare = |name: &str, caller: Caller| {
        let activities = caller.activities.into_iter().chain(["B0082".to_owned(), "B1611".to_owned()]).collect();
        let scopes = ["severn.privacy", "severn.operator"].map(str::to_owned).to_vec();
        (name.to_owned(), Caller { activities, scopes, ..caller })
    };
    let (_, role, activities) = READERS[0];
    let clinician = || caller(role, activities, "TREAT");
    let special = [
        rare("one who has every scope, B0082 and B1611", clinician()),
        rare("a privacy officer who has the same", caller("R0001", activities, "TREAT")),
        ("a system in a clinician's role".to_owned(), Caller { human: false, ..rare("", clinician()).1 }),
        ("a clinician, for research".to_owned(), caller(role, activities, "HRESCH")),
    ];
    let ordinary = READERS.iter().map(|(who, role, activities)| ((*who).to_owned(), caller(role, activities, "TREAT")));
    let all: Vec<(String, Caller)> = ordinary.chain(special).collect();
    for (words, action) in deeds {
        writeln!(page, "{words}").unwrap();
        let told = all.iter().map(|(who, caller)| (who.as_str(), by(&rules.decide(action, caller, NOW))));
        for (told, who) in gathered(told) {
            writeln!(page, "    {told}: {}", who.join("; ")).unwrap();
        }
    }
}

/// One reader for each view.
fn holders(rules: &Rules) -> BTreeMap<String, Supposed> {
    let all = READERS.iter().filter_map(|(_, role, activities)| {
        let permit = supposed(rules, &caller(role, activities, "TREAT"), "launch", Restriction::Unrestricted).ok()?;
        (permit.views().len() == 1).then(|| (permit.views()[0].clone(), permit))
    });
    let mut holders = BTreeMap::new();
    for (view, permit) in all {
        holders.entry(view).or_insert(permit);
    }
    holders
}

fn categories(rules: &Rules, page: &mut String) {
    heading(page, "3. What each view shows of what bears no label");
    let holders = holders(rules);
    for category in Category::all() {
        let kinds: Vec<&str> =
            record::CARRIED.iter().filter(|kind| Category::of_kind(**kind).contains(&category)).map(|kind| kind.name()).collect();
        writeln!(page, "{} ({})", category.name(), if kinds.is_empty() { "other types".to_owned() } else { kinds.join(", ") }).unwrap();
        let all = holders.iter().map(|(view, permit)| (view.as_str(), told(permit, category, &[], false, false)));
        for (told, views) in gathered(all) {
            writeln!(page, "    {told}: {}", views.join(", ")).unwrap();
        }
    }
}

fn labels(rules: &Rules, page: &mut String) {
    heading(page, "4. What each view shows of a problem that bears a label");
    let holders = holders(rules);
    for (view, permit) in &holders {
        writeln!(page, "{view}").unwrap();
        let all = LABELS.iter().map(|label| {
            let labels: &[&str] = if label.is_empty() { &[] } else { &[label] };
            (named(label), told(permit, Category::PROBLEMS, labels, false, false))
        });
        for (told, labels) in gathered(all) {
            writeln!(page, "    {told}: {}", labels.join(", ")).unwrap();
        }
        writeln!(page, "    to which the person objects: {}", told(permit, Category::PROBLEMS, &[], true, false)).unwrap();
        writeln!(page, "    that its owner refuses to share: {}", told(permit, Category::PROBLEMS, &[], false, true)).unwrap();
    }
}

fn people(rules: &Rules, page: &mut String) {
    heading(page, "5. Whose record a clinician may open");
    let (_, role, activities) = READERS[0];
    for (restriction, words) in [
        (Restriction::Unrestricted, "not restricted"),
        (Restriction::Restricted, "restricted (S-flag)"),
        (Restriction::Unknown, "restriction not known"),
    ] {
        for relationship in relationships() {
            let opened = match supposed(rules, &caller(role, activities, "TREAT"), relationship, restriction) {
                Ok(permit) => permit.why().iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "),
                Err(refusal) => format!("no: {refusal}"),
            };
            writeln!(page, "{words:24} {relationship:16} {opened}").unwrap();
        }
    }
    writeln!(
        page,
        "\nThe same clinician who may access sensitive (S) flagged records (B1611), where somebody has put their name to it\n\
         ([policy.restricted_in_emergency]; nobody has unless a site does). What tells of a place is taken out of what is shown.\n"
    )
    .unwrap();
    let activities: Vec<&str> = activities.iter().copied().chain(["B1611"]).collect();
    for (restriction, words) in [(Restriction::Restricted, "restricted (S-flag)"), (Restriction::Unknown, "restriction not known")] {
        for relationship in relationships() {
            let opened = match supposed(rules, &caller(role, &activities, "TREAT"), relationship, restriction) {
                Ok(permit) => permit.why().iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "),
                Err(refusal) => format!("no: {refusal}"),
            };
            writeln!(page, "{words:24} {relationship:16} {opened}").unwrap();
        }
    }
}

/// What becomes of one reader's question about a problem with each label.
fn outcome(rules: &Rules, (role, activities): (&str, &[&str]), purpose: &str, relationship: &'static str) -> String {
    let permit = match supposed(rules, &caller(role, activities, purpose), relationship, Restriction::Unrestricted) {
        Ok(permit) => permit,
        Err(refusal) => return format!("        refused: {refusal}\n"),
    };
    let by: Vec<String> = permit.why().iter().map(ToString::to_string).collect();
    let mut told_all = format!("        opened by {}\n", by.join(" + "));
    for (words, category) in [("a problem", Category::PROBLEMS), ("who it is", Category::IDENTITY)] {
        let all = LABELS.iter().map(|label| {
            let labels: &[&str] = if label.is_empty() { &[] } else { &[label] };
            let name = if label.is_empty() { "no label" } else { label };
            (name, told(&permit, category, labels, false, false))
        });
        for (told, labels) in gathered(all) {
            writeln!(told_all, "        {words}, {told}: {}", labels.join(", ")).unwrap();
        }
    }
    told_all
}

fn product(rules: &Rules, page: &mut String) {
    heading(page, "6. Every role by every purpose, relationship and label");
    for (who, role, activities) in READERS {
        writeln!(page, "{who} ({} {})", named(role), activities.join(" ")).unwrap();
        let cells = PURPOSES.iter().map(|purpose| {
            let all = relationships().map(|relationship| (relationship, outcome(rules, (role, activities), purpose, relationship)));
            let told: Vec<String> =
                gathered(all).into_iter().map(|(told, relationships)| format!("    by {}\n{told}", relationships.join(", "))).collect();
            (named(purpose), told.concat())
        });
        for (told, purposes) in gathered(cells) {
            write!(page, "  for {}\n{told}", purposes.join(", ")).unwrap();
        }
        page.push('\n');
    }
}
