use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fhir::{Bundle, NodeId, NodeKind, Ref, Tree, Version};
use proptest::prelude::*;
use record::{Cause, Finding, FindingCode};

use super::{Draft, to_r4};

mod down;
mod leaves;
mod shape;
mod third_party;

const CASES: &[(&str, Version)] = &[("fhir-dstu2", Version::Dstu2), ("fhir-stu3", Version::Stu3)];

fn folders(dialect: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(dialect);
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn resources(case: &Path) -> Vec<Tree> {
    let body = std::fs::read(case.join("in.json")).unwrap();
    Bundle::from_json(body.into()).unwrap().entries.into_iter().filter_map(|entry| entry.resource).collect()
}

/// Every folder of `fixtures/<dialect>/` is translated and compared with what it holds. `BLESS=1` writes that anew.
#[test]
fn every_fixture_comes_out_as_it_says() {
    for (dialect, version) in CASES {
        for case in folders(dialect) {
            let (mut out, mut said) = (String::from("[\n"), String::new());
            for mut tree in resources(&case) {
                let before = tree.clone();
                let named = format!("{}/{}", tree.resource_type().unwrap(), tree.root().text("id").unwrap());
                let mut findings = Vec::new();
                match to_r4(*version, &mut tree, &mut findings) {
                    Ok(kind) => {
                        assert_eq!(tree.resource_type().unwrap(), kind.name());
                        assert_eq!(leaves::lost(&before, &tree, &findings), Vec::<String>::new(), "{case:?} {named}");
                        assert_eq!(shape::faults(&tree), Vec::<String>::new(), "{case:?} {named}");
                        if out.len() > 2 {
                            out.push_str(",\n");
                        }
                        pretty(tree.root(), 0, &mut out);
                    }
                    Err((cause, why)) => writeln!(said, "{named}: {} {why}", cause.code()).unwrap(),
                }
                for finding in findings {
                    writeln!(said, "{named}: {} {}: {}", finding.code.code(), finding.path, finding.detail).unwrap();
                }
            }
            out.push_str("\n]\n");
            compare(&case.join("out.json"), &out);
            compare(&case.join("findings.txt"), &said);
        }
    }
}

/// JSON that can be read and compared by lines, digits as written.
fn pretty(node: Ref<'_>, depth: usize, out: &mut String) {
    let (open, close) = match node.kind() {
        NodeKind::Array => ('[', ']'),
        NodeKind::Object => ('{', '}'),
        NodeKind::String | NodeKind::StringEscaped => return write!(out, "\"{}\"", node.raw()).unwrap(),
        _ => return out.push_str(node.raw()),
    };
    out.push(open);
    for (place, child) in node.items().enumerate() {
        out.push_str(if place == 0 { "\n" } else { ",\n" });
        out.push_str(&" ".repeat(depth + 1));
        if node.is_object() {
            write!(out, "\"{}\": ", child.key()).unwrap();
        }
        pretty(child, depth + 1, out);
    }
    write!(out, "\n{}{close}", " ".repeat(depth)).unwrap();
}

fn compare(file: &Path, now: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, now).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert!(expected == now, "{} differs; look at it with BLESS=1 and git diff", file.display());
}

/// What a resource becomes, and what is said of it beside that it was converted.
fn translated(version: Version, json: &str) -> (String, Vec<Finding>) {
    let mut tree = Tree::from_json(json.to_owned().into()).unwrap();
    let mut findings = Vec::new();
    to_r4(version, &mut tree, &mut findings).unwrap();
    (tree.to_json(), findings.into_iter().skip(1).collect())
}

#[test]
fn a_path_names_where_a_value_stood_before_it_moved() {
    let check = |version, json, code, path| {
        let (_, findings) = translated(version, json);
        let found = findings.iter().any(|finding| finding.code == code && finding.path == path);
        assert!(found, "{path} is not among {findings:?}");
    };
    let order = r#"{"resourceType":"MedicationOrder","dispenseRequest":{"medicationReference":{"reference":"Medication/1"}}}"#;
    check(Version::Dstu2, order, FindingCode::Lossy, "MedicationOrder.dispenseRequest.medicationReference");
    let contained = r#"{"resourceType":"List","contained":[{"resourceType":"Immunization","notGiven":true,"status":"completed"}]}"#;
    check(Version::Stu3, contained, FindingCode::Converted, "List.contained[0].status");
    let second = r#"{"resourceType":"Patient","link":[{"type":"refer"},{"type":"replace"}]}"#;
    check(Version::Dstu2, second, FindingCode::Converted, "Patient.link[1].type");
    let comment =
        r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"related":[{"type":"replaces","target":{"display":"x"}}]}"#;
    check(Version::Stu3, comment, FindingCode::Lossy, "Observation.related[0]");
}

#[test]
fn a_qualifier_r4_has_no_element_for_may_not_be_overlooked() {
    let json = r#"{"resourceType":"FamilyMemberHistory","status":"partial","notDone":true,"patient":{},"relationship":{"text":"m"}}"#;
    let (out, _) = translated(Version::Stu3, json);
    let url = "http://hl7.org/fhir/3.0/StructureDefinition/extension-FamilyMemberHistory.notDone";
    assert!(out.contains(&format!(r#""modifierExtension":[{{"url":"{url}","valueBoolean":true}}]"#)), "{out}");
}

#[test]
fn numbers_keep_their_digits() {
    let (out, _) = translated(Version::Stu3, r#"{"resourceType":"Observation","valueQuantity":{"value":6.10}}"#);
    assert!(out.contains(r#""value":6.10"#), "{out}");
}

#[test]
fn a_mistake_is_not_revived_by_a_flag() {
    let json = r#"{"resourceType":"MedicationAdministration","status":"entered-in-error","notGiven":true}"#;
    let (out, _) = translated(Version::Stu3, json);
    assert!(out.contains(r#""status":"entered-in-error""#), "{out}");
}

#[test]
fn types_nobody_defines_are_refused_with_a_reason() {
    let check = |version, named: &str| {
        let mut tree = Tree::from_json(format!(r#"{{"resourceType":"{named}"}}"#).into()).unwrap();
        let refused = to_r4(version, &mut tree, &mut Vec::new());
        assert_eq!(refused.unwrap_err().0, Cause::UnknownType, "{named}");
    };
    check(Version::R4, "MedicationOrder");
    check(Version::Dstu2, "Order");
    check(Version::Stu3, "ImagingManifest");
    check(Version::Stu3, "Wardrobe");
    check(Version::Stu3, "");
    check(Version::Stu3, "Dosage");
}

#[test]
fn a_finding_tells_no_value() {
    for (dialect, version) in CASES {
        for mut tree in folders(dialect).iter().flat_map(|case| resources(case)) {
            let mut findings = Vec::new();
            let _ = to_r4(*version, &mut tree, &mut findings);
            for finding in findings {
                assert!(!finding.detail.contains("Example") && !finding.detail.contains("Ashby"), "{finding:?}");
            }
        }
    }
}

/// Replaces one node of a resource by a value of another kind, at a place that a number chooses.
fn spoil(tree: &mut Tree, place: usize, with: u8) {
    let ids: Vec<NodeId> = all(tree, tree.root().id());
    let node = ids[place % ids.len()];
    let Some(parent) = tree.node(node).parent().map(|parent| parent.id()) else { return };
    let key = tree.node(node).key().to_owned();
    if key == "resourceType" {
        return;
    }
    let other = match with % 7 {
        0 => tree.new_object(),
        1 => tree.new_array(),
        2 => tree.new_string("spoilt"),
        3 => tree.new_bool(true),
        4 => tree.new_null(),
        5 => {
            let array = tree.new_array();
            for _ in 0..3 {
                let item = tree.new_string("many");
                tree.push(array, item);
            }
            array
        }
        _ => {
            let object = tree.new_object();
            tree.set_string(object, "reference", "Patient/2");
            tree.set_string(object, "text", "spoilt");
            object
        }
    };
    if tree.node(parent).is_array() {
        tree.detach(node);
        tree.push(parent, other);
    } else {
        tree.set(parent, &key, other);
    }
}

fn all(tree: &Tree, node: NodeId) -> Vec<NodeId> {
    let mut found = vec![node];
    for child in tree.node(node).items() {
        found.extend(all(tree, child.id()));
    }
    found
}

mod laws {
    use super::*;

    /// 400 cases, or as many as `PROPTEST_CASES` asks for.
    fn config() -> ProptestConfig {
        let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
        ProptestConfig { cases: asked.unwrap_or(400), failure_persistence: None, ..ProptestConfig::default() }
    }

    proptest! {
        #![proptest_config(config())]

        /// Whatever a supplier puts in the wrong place: nothing panics, and nothing goes without a word.
        #[test]
        fn nothing_is_lost_of_a_spoilt_resource(
            dialect in 0..CASES.len(), case in 0usize..64, one in 0usize..64,
            spoils in prop::collection::vec((0usize..400, any::<u8>()), 1..5),
        ) {
            let (dialect, version) = CASES[dialect];
            let folders = folders(dialect);
            let mut trees = resources(&folders[case % folders.len()]);
            let mut tree = trees.swap_remove(one % trees.len());
            for (place, with) in spoils {
                spoil(&mut tree, place, with);
            }
            // As it would come: whole, from bytes.
            let mut tree = Tree::from_json(tree.to_json().into()).unwrap();
            let before = tree.clone();
            let mut findings = Vec::new();
            if to_r4(version, &mut tree, &mut findings).is_ok() {
                let lost = leaves::lost(&before, &tree, &findings);
                prop_assert_eq!(lost, Vec::<String>::new(), "{}\n{}\n{:?}", before.to_json(), tree.to_json(), findings);
                // What came out is whole, and of R4's shape.
                let again = Tree::from_json(tree.to_json().into()).unwrap();
                prop_assert_eq!(shape::faults(&again), Vec::<String>::new(), "{}\n{}", before.to_json(), again.to_json());
            }
        }

        /// A path found by a node's id is the one it had, wherever the node is now.
        #[test]
        fn a_path_does_not_move(place in 0usize..400) {
            let folders = folders("fhir-stu3");
            let mut tree = resources(&folders[place % folders.len()]).swap_remove(0);
            let ids = all(&tree, tree.root().id());
            let node = ids[place % ids.len()];
            let path = tree.node(node).path();
            let named = tree.resource_type().unwrap().into_owned();
            let mut findings = Vec::new();
            let draft = Draft::new(Version::Stu3, Version::R4, &mut tree, &mut findings);
            if tree_parent(&draft, node) {
                draft.tree.detach(node);
            }
            let expected = if path.is_empty() { named } else { format!("{named}.{path}") };
            prop_assert_eq!(draft.path(node), expected);
        }
    }

    fn tree_parent(draft: &Draft<'_>, node: NodeId) -> bool {
        draft.tree.node(node).parent().is_some()
    }
}
