//! Generates `crates/fhir/src/generated` from the published definitions of DSTU2, STU3 and R4, and the assurance pack of a release.
//!
//! ```sh
//! cargo run -p xtask -- tables DEFINITIONS_DIR
//! cargo run -p xtask -- assurance FOLDER [VERSION]
//! ```
//!
//! The folder of definitions holds `dstu2/` and `stu3/` with one StructureDefinition a file, and R4's bundles
//! (`profiles-resources.json`, `profiles-types.json`, `search-parameters.json`) somewhere below `r4/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tables", definitions] => generate(Path::new(definitions)),
        ["assurance", folder] => pack(Path::new(folder), env!("CARGO_PKG_VERSION")),
        ["assurance", folder, version] => pack(Path::new(folder), version),
        _ => bail!("usage: cargo run -p xtask -- tables DEFINITIONS_DIR | assurance FOLDER [VERSION]"),
    }
}

/// The assurance pack of the commit that is checked out: the same for the same commit.
fn pack(folder: &Path, version: &str) -> anyhow::Result<()> {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let git = |arguments: &[&str]| -> anyhow::Result<String> {
        let told = std::process::Command::new("git").current_dir(&tree).args(arguments).output().context("running git")?;
        Ok(String::from_utf8(told.stdout)?.trim().to_owned())
    };
    // What is not committed is of no release.
    let changed = if git(&["status", "--porcelain"])?.is_empty() { "" } else { " with changes that are not committed" };
    let commit = git(&["rev-parse", "HEAD"])? + changed;
    let release = assurance::Release { version: version.to_owned(), commit, date: git(&["log", "-1", "--format=%cs"])? };
    let pack = assurance::Pack::of(&tree, &release)?;
    pack.write(folder)?;
    println!("{} documents of {} ({}) are in {}", pack.documents.len(), release.version, release.commit, folder.display());
    Ok(())
}

fn generate(folder: &Path) -> anyhow::Result<()> {
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/fhir/src/generated");
    for version in ["dstu2", "stu3", "r4"] {
        let definitions = definitions(&folder.join(version))?;
        let types = types(&definitions);
        std::fs::write(out.join(format!("{version}.rs")), tables(version, &types))?;
    }
    let parameters = search_parameters(&folder.join("r4"))?;
    std::fs::write(out.join("search.rs"), parameters)?;
    Ok(())
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            json_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

/// Every StructureDefinition of a base type: no profiles.
fn definitions(folder: &Path) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut files = Vec::new();
    json_files(folder, &mut files)?;
    let mut found = BTreeMap::new();
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !(name.starts_with("StructureDefinition") || name.starts_with("profiles-")) {
            continue;
        }
        let value: Value = serde_json::from_slice(&std::fs::read(&file)?).with_context(|| file.display().to_string())?;
        let all = match value["entry"].as_array() {
            Some(entries) => entries.iter().map(|entry| entry["resource"].clone()).collect(),
            None => vec![value],
        };
        for definition in all.into_iter().filter(is_base_type) {
            let name = definition["snapshot"]["element"][0]["path"].as_str().unwrap_or_default().to_owned();
            found.insert(name, definition);
        }
    }
    Ok(found)
}

fn is_base_type(definition: &Value) -> bool {
    let own = definition["snapshot"]["element"][0]["path"].as_str().unwrap_or_default();
    let url = definition["url"].as_str().unwrap_or_default();
    definition["resourceType"] == "StructureDefinition" && url == format!("http://hl7.org/fhir/StructureDefinition/{own}")
}

struct Type {
    resource: bool,
    elements: Vec<Element>,
}

struct Element {
    name: String,
    type_name: String,
    list: bool,
    min: u64,
    choice: String,
    modifier: bool,
    targets: BTreeSet<String>,
}

/// Types by name; backbone elements are types named by their path.
fn types(definitions: &BTreeMap<String, Value>) -> BTreeMap<String, Type> {
    let mut types = BTreeMap::new();
    for (name, definition) in definitions {
        let kind = definition["kind"].as_str().unwrap_or_default();
        let elements = definition["snapshot"]["element"].as_array().cloned().unwrap_or_default();
        let parents: BTreeSet<&str> =
            elements.iter().filter_map(|element| element["path"].as_str()?.rsplit_once('.').map(|(above, _)| above)).collect();
        // DSTU2 refers to elements by the names it gives them.
        let named: BTreeMap<&str, &str> =
            elements.iter().filter_map(|element| Some((element["name"].as_str()?, element["path"].as_str()?))).collect();
        types.entry(name.clone()).or_insert(Type { resource: kind == "resource", elements: Vec::new() });
        for element in &elements {
            let path = element["path"].as_str().unwrap_or_default();
            let Some((above, own)) = path.rsplit_once('.') else { continue };
            let expanded = expand(element, path, own, &parents, &named);
            types.entry(above.to_owned()).or_insert(Type { resource: false, elements: Vec::new() }).elements.extend(expanded);
        }
    }
    types
}

fn expand(element: &Value, path: &str, own: &str, parents: &BTreeSet<&str>, named: &BTreeMap<&str, &str>) -> Vec<Element> {
    let make = |name: String, type_name: String, choice: &str, targets| Element {
        name,
        type_name,
        list: element["max"].as_str().is_some_and(|max| max != "1" && max != "0"),
        min: element["min"].as_u64().unwrap_or(0),
        choice: choice.to_owned(),
        modifier: element["isModifier"].as_bool().unwrap_or(false),
        targets,
    };
    if parents.contains(path) {
        return vec![make(own.to_owned(), path.to_owned(), "", BTreeSet::new())];
    }
    if let Some(reference) = element["contentReference"].as_str() {
        return vec![make(own.to_owned(), reference.rsplit('#').next().unwrap_or_default().to_owned(), "", BTreeSet::new())];
    }
    if let Some(reference) = element["nameReference"].as_str() {
        return vec![make(own.to_owned(), named.get(reference).copied().unwrap_or(reference).to_owned(), "", BTreeSet::new())];
    }
    let listed = element["type"].as_array().cloned().unwrap_or_default();
    let mut by_code: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for one in &listed {
        let code = one["code"].as_str().unwrap_or_default();
        // Primitive values and ids are of types named in FHIRPath's own way.
        let code = match code.rsplit_once("System.") {
            Some((_, "String")) | None if code.is_empty() => "string",
            Some((_, "String")) => "string",
            _ => code,
        };
        let code = if code == "*" { return choice_of_all(&make) } else { code.to_owned() };
        let profiles = ["targetProfile", "profile"].iter().flat_map(|key| match &one[*key] {
            Value::String(text) => vec![text.clone()],
            Value::Array(list) => list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        });
        let targets: Vec<String> =
            if code == "Reference" { profiles.filter_map(|url| url.rsplit('/').next().map(str::to_owned)).collect() } else { Vec::new() };
        if !by_code.contains_key(&code) {
            order.push(code.clone());
        }
        by_code.entry(code).or_default().extend(targets);
    }
    match own.strip_suffix("[x]") {
        Some(stem) => {
            order.iter().map(|code| make(format!("{stem}{}", capital(code)), code.clone(), stem, by_code[code].clone())).collect()
        }
        None => {
            let code = order.first().cloned().unwrap_or_else(|| "string".to_owned());
            let targets = by_code.get(&code).cloned().unwrap_or_default();
            vec![make(own.to_owned(), code, "", targets)]
        }
    }
}

/// DSTU2 writes `*` for "any type" in `Extension.value[x]` and Parameters.
fn choice_of_all(make: &impl Fn(String, String, &str, BTreeSet<String>) -> Element) -> Vec<Element> {
    const ALL: &[&str] = &[
        "boolean",
        "integer",
        "decimal",
        "base64Binary",
        "instant",
        "string",
        "uri",
        "date",
        "dateTime",
        "time",
        "code",
        "oid",
        "id",
        "unsignedInt",
        "positiveInt",
        "markdown",
        "Annotation",
        "Attachment",
        "Identifier",
        "CodeableConcept",
        "Coding",
        "Quantity",
        "Range",
        "Period",
        "Ratio",
        "SampledData",
        "Signature",
        "HumanName",
        "Address",
        "ContactPoint",
        "Timing",
        "Reference",
        "Meta",
        "Age",
        "Distance",
        "Duration",
        "Count",
        "Money",
    ];
    ALL.iter().map(|code| make(format!("value{}", capital(code)), (*code).to_owned(), "value", BTreeSet::new())).collect()
}

fn capital(code: &str) -> String {
    let mut chars = code.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

fn tables(version: &str, types: &BTreeMap<String, Type>) -> String {
    let mut out = format!(
        "//! Element tables of {}, made by `cargo run -p xtask -- tables` from its published StructureDefinitions (CC0). Not to be edited.\n\nuse crate::tables::{{Element, Type}};\n\n#[rustfmt::skip]\npub(crate) const TYPES: &[Type] = &[\n",
        version.to_uppercase()
    );
    for (name, one) in types {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "Type{{name:{name:?},resource:{},elements:&[", one.resource);
        for element in &one.elements {
            let targets: Vec<String> = element.targets.iter().map(|target| format!("{target:?}")).collect();
            let _ = writeln!(
                out,
                "Element{{name:{:?},type_name:{:?},list:{},min:{},choice:{:?},modifier:{},targets:&[{}]}},",
                element.name,
                element.type_name,
                element.list,
                element.min,
                element.choice,
                element.modifier,
                targets.join(",")
            );
        }
        out.push_str("]},\n");
    }
    out.push_str("];\n");
    out
}

/// R4's search parameters by type, their FHIRPath reduced to dotted element paths.
fn search_parameters(folder: &Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    json_files(folder, &mut files)?;
    let file = files.iter().find(|file| file.ends_with("search-parameters.json")).context("no search-parameters.json")?;
    let bundle: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let mut by_type: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for parameter in bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]) {
        let (Some(code), Some(kind), Some(expression)) =
            (parameter["code"].as_str(), parameter["type"].as_str(), parameter["expression"].as_str())
        else {
            continue;
        };
        if code.starts_with('_') {
            continue;
        }
        let targets: Vec<String> =
            parameter["target"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|target| format!("{target:?}")).collect();
        for base in parameter["base"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let paths: Vec<String> = expression.split('|').flat_map(|part| paths(part, base)).map(|path| format!("{path:?}")).collect();
            if paths.is_empty() {
                continue;
            }
            let line = format!(
                "SearchParam{{name:{code:?},kind:SearchKind::{},paths:&[{}],targets:&[{}]}}",
                capital(kind),
                paths.join(","),
                targets.join(",")
            );
            by_type.entry(base.to_owned()).or_default().insert(code.to_owned(), line);
        }
    }
    let mut out = String::from(
        "//! Search parameters of R4, made by `cargo run -p xtask -- tables` from the published SearchParameters (CC0). Not to be edited.\n\nuse crate::tables::{SearchKind, SearchParam};\n\n#[rustfmt::skip]\npub(crate) const PARAMS: &[(&str, &[SearchParam])] = &[\n",
    );
    for (base, parameters) in by_type {
        let _ = writeln!(out, "({base:?},&[\n{}\n]),", parameters.into_values().collect::<Vec<_>>().join(",\n"));
    }
    out.push_str("];\n");
    Ok(out)
}

/// `(Observation.value as Quantity)` to `valueQuantity`; `Condition.onset.as(dateTime)`; `.where(…)` is dropped.
fn paths(part: &str, base: &str) -> Vec<String> {
    let part = part.trim().trim_start_matches('(').trim_end_matches(')').trim();
    let Some(path) = part.strip_prefix(&format!("{base}.")) else { return Vec::new() };
    let (path, cast) = match path.split_once(" as ") {
        Some((path, cast)) => (path.to_owned(), Some(cast.trim().to_owned())),
        None => (path.to_owned(), None),
    };
    let mut steps: Vec<String> = Vec::new();
    let mut cast = cast;
    for step in split_steps(&path) {
        if let Some(inner) = step.strip_prefix("as(").or_else(|| step.strip_prefix("ofType(")) {
            cast = Some(inner.trim_end_matches(')').to_owned());
        } else if step.starts_with("where(") || step.starts_with("exists(") {
            continue;
        } else if !step.contains('(') {
            steps.push(step);
        }
    }
    let Some(last) = steps.last_mut() else { return Vec::new() };
    match cast {
        Some(cast) => last.push_str(&capital(&cast)),
        // A choice without a cast: any of its types.
        None if CHOICES.contains(&format!("{base}.{last}").as_str()) => {
            let stem = last.clone();
            let head = steps[..steps.len() - 1].join(".");
            let join = |name: String| if head.is_empty() { name } else { format!("{head}.{name}") };
            return CASTS.iter().map(|cast| join(format!("{stem}{cast}"))).collect();
        }
        None => {}
    }
    vec![steps.join(".")]
}

const CASTS: &[&str] = &["DateTime", "Period", "Timing", "Instant", "Age", "Range", "String", "Date"];
const CHOICES: &[&str] = &[
    "Observation.effective",
    "Procedure.performed",
    "Immunization.occurrence",
    "MedicationAdministration.effective",
    "MedicationStatement.effective",
    "DiagnosticReport.effective",
    "ServiceRequest.occurrence",
    "Goal.start",
    "DeviceRequest.occurrence",
    "ChargeItem.occurrence",
    "Specimen.collection.collected",
    "ClinicalImpression.effective",
    "RiskAssessment.occurrence",
    "Media.created",
    "SupplyDelivery.occurrence",
    "CommunicationRequest.occurrence",
    "Provenance.occurred",
];

fn split_steps(path: &str) -> Vec<String> {
    let (mut steps, mut depth) = (vec![String::new()], 0);
    for c in path.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if c == '.' && depth == 0 {
            steps.push(String::new());
        } else if let Some(last) = steps.last_mut() {
            last.push(c);
        }
    }
    steps
}
