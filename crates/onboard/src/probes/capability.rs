//! Its CapabilityStatement (DSTU2's Conformance): version, software, types, parameters, operations.

use std::collections::{BTreeMap, BTreeSet};

use dialect::{Dialect, Fit};
use fhir::{Ref, Tree, Version};
use serde::{Deserialize, Serialize};

use crate::blots::Blots;
use crate::desk::{Desk, Heard};
use crate::finding::{Finding, Severity, Topic};
use crate::visit::{Gathered, Supplier};

/// What it says it can do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// `fhirVersion`.
    pub version: String,
    /// Software and its version.
    pub software: String,
    /// Formats.
    pub formats: BTreeSet<String>,
    /// Types, each with its interactions and search parameters.
    pub types: BTreeMap<String, BTreeSet<String>>,
    /// Operations.
    pub operations: BTreeSet<String>,
    /// Security services.
    pub security: BTreeSet<String>,
}

impl Statement {
    /// The same, as it may be told: it is the supplier's own text.
    pub(crate) fn blotted(&self, blots: &Blots) -> Statement {
        let text = |text: &String| blots.text(text);
        let texts = |all: &BTreeSet<String>| all.iter().map(text).collect();
        Statement {
            version: text(&self.version),
            software: text(&self.software),
            formats: texts(&self.formats),
            types: self.types.iter().map(|(kind, own)| (text(kind), texts(own))).collect(),
            operations: texts(&self.operations),
            security: texts(&self.security),
        }
    }
}

/// Types without which a record says little.
const EXPECTED: [&str; 4] = ["AllergyIntolerance", "Condition", "Observation", "Patient"];

/// Asks for the statement, and says which version is spoken. Without a statement the dialect that was given says it.
pub(crate) async fn probe(desk: &mut Desk<'_>, supplier: &Supplier, got: &mut Gathered) -> Option<Version> {
    let (mut heard, mut first) = (None, None);
    for below in places(supplier) {
        desk.below = if below.is_empty() { String::new() } else { format!("{below}/") };
        let next = desk.get(Topic::Capability, "metadata").await;
        let found = next.as_ref().is_some_and(is_statement);
        if found {
            // It lies here: what was said at the base is no fault.
            desk.findings.clear();
        }
        if found || heard.is_none() {
            heard = next;
        }
        if found || !desk.answers() {
            break;
        }
        first.get_or_insert_with(|| desk.findings.clone());
    }
    let given = supplier.dialect.map(Dialect::version);
    let statement = heard.as_ref().filter(|heard| is_statement(heard)).and_then(|heard| heard.bundle()?.entries.first()?.resource.as_ref());
    let Some(tree) = statement else {
        // What was wrong at the base itself is what is told.
        desk.findings = first.unwrap_or_else(|| desk.findings.clone());
        desk.below = supplier.dialect.map(|dialect| below(dialect.card().fhir_below)).unwrap_or_default();
        let place = heard.map(|heard| heard.question);
        desk.find(
            Finding::new(
                Topic::Capability,
                "no-statement",
                Severity::Broken,
                "It does not answer metadata with a CapabilityStatement.",
                "Serve GET metadata without credentials; until then say the dialect by --dialect.",
            )
            .at(place),
        );
        desk.version = given.unwrap_or(Version::R4);
        got.seen.version = given;
        return given;
    };
    let said = read(tree);
    let version = version_of(&said.version, tree.resource_type().as_deref()).or(given);
    desk.version = version.unwrap_or(Version::R4);
    got.seen.version = version;
    got.seen.software = software(tree);
    got.seen.operations.clone_from(&said.operations);
    judge(desk, &said, version);
    got.statement = said;
    version
}

/// Where FHIR may lie: at the base, else where a dialect has it.
fn places(supplier: &Supplier) -> Vec<&'static str> {
    let all: Vec<&'static str> = match supplier.dialect {
        Some(dialect) => vec![dialect.card().fhir_below],
        None => std::iter::once("").chain(Dialect::all().map(|dialect| dialect.card().fhir_below)).collect(),
    };
    let mut places: Vec<&'static str> = Vec::new();
    all.into_iter().for_each(|one| {
        if !places.contains(&one) {
            places.push(one)
        }
    });
    places
}

fn below(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}/") }
}

fn is_statement(heard: &Heard) -> bool {
    heard.status() == 200 && (heard.body.is("CapabilityStatement") || heard.body.is("Conformance"))
}

fn version_of(number: &str, kind: Option<&str>) -> Option<Version> {
    match (number.get(..2), kind) {
        (Some("4."), _) => Some(Version::R4),
        (Some("3."), _) => Some(Version::Stu3),
        (Some("1."), _) | (None, Some("Conformance")) => Some(Version::Dstu2),
        _ => None,
    }
}

fn software(tree: &Tree) -> String {
    let root = tree.root();
    let parts = ["software.name", "software.version", "publisher", "implementation.description", "name", "title"];
    parts.iter().filter_map(|part| root.text(part)).collect::<Vec<_>>().join("; ")
}

fn read(tree: &Tree) -> Statement {
    let root = tree.root();
    let texts = |from: Ref<'_>, path: &str| -> BTreeSet<String> {
        from.all(path).into_iter().filter_map(|one| Some(one.value()?.into_owned())).collect()
    };
    let plain = |name: String| name.trim_start_matches('$').to_owned();
    let mut said = Statement {
        version: root.text("fhirVersion").unwrap_or_default().into_owned(),
        software: [root.text("software.name"), root.text("software.version")].into_iter().flatten().collect::<Vec<_>>().join(" "),
        formats: texts(root, "format"),
        ..Statement::default()
    };
    for rest in root.all("rest").into_iter().filter(|rest| !rest.is("mode", "client")) {
        said.operations.extend(texts(rest, "operation.name").into_iter().map(plain));
        said.security.extend(texts(rest, "security.service.coding.code"));
        for resource in rest.all("resource") {
            let Some(kind) = resource.text("type") else { continue };
            said.operations.extend(texts(resource, "operation.name").into_iter().map(plain));
            let own = said.types.entry(kind.into_owned()).or_default();
            own.extend(texts(resource, "interaction.code"));
            own.extend(texts(resource, "searchParam.name").into_iter().map(|name| format!("?{name}")));
        }
    }
    said
}

fn judge(desk: &mut Desk<'_>, said: &Statement, version: Option<Version>) {
    let topic = Topic::Capability;
    match version {
        None => desk.find(Finding::new(
            topic,
            "unknown-version",
            Severity::Broken,
            format!("Its fhirVersion is \u{201c}{}\u{201d}, which is not spoken here.", said.version),
            "Offer an endpoint that speaks FHIR R4 (4.0.1), STU3 (3.0) or DSTU2 (1.0.2), and say so in fhirVersion.",
        )),
        Some(version) => {
            desk.find(Finding::fine(topic, "version", format!("It says that it speaks {} ({}).", version.name(), said.version)))
        }
    }
    if said.types.is_empty() {
        return desk.find(Finding::new(
            topic,
            "no-types",
            Severity::Wrong,
            "Its statement lists no resource types, so every type has to be tried.",
            "List each type with its interactions and search parameters under rest.resource.",
        ));
    }
    let missing: Vec<&str> = EXPECTED.into_iter().filter(|kind| !said.types.contains_key(*kind)).collect();
    if !missing.is_empty() {
        let todo =
            "If it holds such facts, offer them; if not, nothing is to be done: its record says \u{201c}unsupported\u{201d} for them.";
        desk.find(
            Finding::new(topic, "types-missing", Severity::Advice, "Its statement does not list types that most records need.", todo)
                .at(missing),
        );
    }
    let unsearchable: Vec<&String> = said
        .types
        .iter()
        .filter(|(kind, params)| {
            let by_patient = ["Condition", "Observation", "AllergyIntolerance", "Procedure", "Encounter"].contains(&kind.as_str());
            by_patient && params.iter().any(|param| param.starts_with('?')) && !params.contains("?patient") && !params.contains("?subject")
        })
        .map(|(kind, _)| kind)
        .collect();
    if !unsearchable.is_empty() {
        let todo = "Offer the search parameter patient for every type that is about one.";
        desk.find(
            Finding::new(topic, "not-by-patient", Severity::Wrong, "Types cannot be searched by patient, says its statement.", todo)
                .at(unsearchable.into_iter().cloned()),
        );
    }
}

/// Says which dialect is taken, and what speaks for another.
pub(crate) fn judge_dialect(desk: &mut Desk<'_>, supplier: &Supplier, fits: &[Fit], taken: Option<Dialect>) {
    let Some(taken) = taken else { return };
    for (key, what) in taken.mistakes(&supplier.settings) {
        let said = format!("As {}, it wants {key} to be said: {what}.", taken.name());
        desk.find(Finding::new(Topic::Capability, "settings", Severity::Broken, said, format!("Say it by --option {key}=VALUE.")));
    }
    let best = fits.first();
    match best {
        Some(best) if best.dialect != taken => desk.find(
            Finding::new(
                Topic::Capability,
                "another-dialect",
                Severity::Advice,
                format!("{} was given, but {} fits better.", taken.name(), best.dialect.name()),
                "Try again without --dialect, and keep what reads more.",
            )
            .at(best.why.clone()),
        ),
        _ => {
            let how = if supplier.dialect.is_some() { "as given" } else { "by its signs" };
            let finding = Finding::fine(Topic::Capability, "dialect", format!("It is spoken with as {} ({how}).", taken.name()));
            desk.find(finding.at(best.into_iter().flat_map(|fit| fit.why.clone())));
        }
    }
}
