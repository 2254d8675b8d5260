//! What the suppliers serve is legal FHIR of their version: every element known, in order, as often
//! as allowed. Read against HL7's own definitions, which are not part of the project: the test says
//! so and does nothing where `SEVERN_DATA` is not set.

use crate::ask::everything;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use testbed::{Node, Region, SUPPLIERS, Version, people};

/// Children of each path, in order.
type Definitions = BTreeMap<String, Vec<Element>>;

#[derive(Clone, Debug)]
struct Element {
    name: String,
    required: bool,
    many: bool,
    types: Vec<String>,
    same_as: Option<String>,
}

fn data() -> Option<PathBuf> {
    std::env::var_os("SEVERN_DATA").map(|data| PathBuf::from(data).join("definitions"))
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

fn definitions(folder: &Path, version: Version) -> Definitions {
    let mut all = Definitions::new();
    if version == Version::R4 {
        for file in ["profiles-resources.json", "profiles-types.json"] {
            let bundle = read(&folder.join("r4/dist/fhir/r4").join(file));
            for entry in bundle["entry"].as_array().expect("entries") {
                add(&mut all, &entry["resource"]);
            }
        }
        return all;
    }
    let folder = folder.join(if version == Version::Stu3 { "stu3" } else { "dstu2" });
    for file in std::fs::read_dir(&folder).expect("a folder").filter_map(Result::ok) {
        let name = file.file_name().into_string().unwrap_or_default();
        if name.starts_with("StructureDefinition-") {
            add(&mut all, &read(&file.path()));
        }
    }
    all
}

fn add(all: &mut Definitions, definition: &Value) {
    let constrains = definition["derivation"] == "constraint" || definition["constrainedType"].is_string();
    if definition["resourceType"] != "StructureDefinition" || constrains {
        return;
    }
    // The oldest version points at an element by its name.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for element in definition["snapshot"]["element"].as_array().into_iter().flatten() {
        let path = element["path"].as_str().unwrap_or_default().to_owned();
        if let Some(name) = element["name"].as_str() {
            names.insert(name.to_owned(), path.clone());
        }
        let Some((parent, name)) = path.rsplit_once('.') else { continue };
        let type_of = |t: &Value| {
            let code = t["code"].as_str().unwrap_or_default();
            // A quantity's profiles are names of their own in JSON, but not in every version.
            code.rsplit('/').next().unwrap_or_default().to_owned()
        };
        let same_as = element["contentReference"]
            .as_str()
            .map(|reference| reference.trim_start_matches('#').to_owned())
            .or_else(|| element["nameReference"].as_str().and_then(|n| names.get(n).cloned()));
        all.entry(parent.to_owned()).or_default().push(Element {
            name: name.to_owned(),
            required: element["min"] == 1,
            many: element["max"] != "1",
            types: element["type"].as_array().into_iter().flatten().map(type_of).collect(),
            same_as,
        });
    }
}

struct Judge<'a> {
    definitions: &'a Definitions,
    complaints: Vec<String>,
}

impl Judge<'_> {
    fn object(&mut self, node: &Node, path: &str, shown: &str) {
        let Some(elements) = self.definitions.get(path) else {
            self.complaints.push(format!("{shown}: no definition of {path}"));
            return;
        };
        let mut last = 0;
        for (key, value) in node.members() {
            if key == "resourceType" {
                continue;
            }
            let name = key.strip_prefix('_').unwrap_or(key);
            let Some((at, element, kind)) = find(elements, name) else {
                self.complaints.push(format!("{shown}.{key} is not known"));
                continue;
            };
            if at < last {
                self.complaints.push(format!("{shown}.{key} is out of order"));
            }
            last = at;
            if element.many != matches!(value, Node::List(_)) {
                self.complaints.push(format!("{shown}.{key}: a list, or not"));
            }
            let below = match &element.same_as {
                Some(path) => path.clone(),
                None if self.definitions.contains_key(&format!("{path}.{name}")) => format!("{path}.{name}"),
                None => kind,
            };
            let items = match value {
                Node::List(items) => items.as_slice(),
                value => std::slice::from_ref(value),
            };
            for item in items.iter().filter(|item| matches!(item, Node::Object(_))) {
                let below = item.text_at("resourceType").unwrap_or(&below).to_owned();
                self.object(item, &below, &format!("{shown}.{key}"));
            }
        }
        for element in elements.iter().filter(|element| element.required) {
            let stem = element.name.trim_end_matches("[x]");
            let said = |key: &str| key == stem || (stem != element.name && key.starts_with(stem));
            if !node.members().iter().any(|(key, _)| said(key)) {
                self.complaints.push(format!("{shown}.{} is missing", element.name));
            }
        }
    }
}

/// The element of a name, with its place and type.
fn find<'a>(elements: &'a [Element], name: &str) -> Option<(usize, &'a Element, String)> {
    for (at, element) in elements.iter().enumerate() {
        if element.name == name {
            return Some((at, element, element.types.first().cloned().unwrap_or_default()));
        }
        let Some(stem) = element.name.strip_suffix("[x]") else { continue };
        let Some(rest) = name.strip_prefix(stem) else { continue };
        let suits = |kind: &&String| kind.eq_ignore_ascii_case(rest) || kind.as_str() == "*";
        if let Some(kind) = element.types.iter().find(suits) {
            let kind = if kind == "*" { rest.to_owned() } else { kind.clone() };
            return Some((at, element, kind));
        }
    }
    None
}

#[tokio::test]
async fn every_resource_is_legal_in_its_version() {
    let Some(folder) = data() else {
        println!("third-party: definitions skipped, SEVERN_DATA is not set");
        return;
    };
    let region = Region::in_memory();
    for version in Version::ALL {
        let definitions = definitions(&folder, version);
        let mut complaints = BTreeMap::new();
        let mut judged = 0;
        for supplier in SUPPLIERS.iter().filter(|supplier| supplier.version == version) {
            for person in people() {
                for node in everything(&region, supplier, person).await {
                    let kind = node.text_at("resourceType").unwrap_or_default().to_owned();
                    let mut judge = Judge { definitions: &definitions, complaints: Vec::new() };
                    judge.object(&node, &kind, &kind);
                    judged += 1;
                    for complaint in judge.complaints {
                        complaints.entry(complaint).or_insert_with(|| format!("{} {} {}", supplier.id, person.slug, node.to_json()));
                    }
                }
            }
        }
        println!("third-party: definitions {version:?} resources={judged}");
        let told: Vec<String> = complaints.keys().cloned().collect();
        assert!(told.is_empty(), "{version:?}:\n{}", told.join("\n"));
    }
}
