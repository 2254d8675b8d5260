//! JSON in and out: laws against `serde_json`, edits against a model, and every third-party file.

use std::path::{Path, PathBuf};

use fhir::{Bundle, Malformed, Tree};
use serde_json::Value;

fn check(json: &str, expected: Result<&str, &str>) {
    let read = Tree::from_json(json.to_owned().into()).map(|tree| tree.to_json()).map_err(|error| error.what.to_owned());
    assert_eq!(read, expected.map(str::to_owned).map_err(str::to_owned), "{json}");
}

#[test]
fn what_is_written_is_what_was_read() {
    check(r#"{"value":1.50}"#, Ok(r#"{"value":1.50}"#));
    check(" { \"a\" : [ 1e3 , -0.0 , true , null ] } ", Ok(r#"{"a":[1e3,-0.0,true,null]}"#));
    check(r#"{"text":"a \"quoted\" \u00e9\n"}"#, Ok(r#"{"text":"a \"quoted\" \u00e9\n"}"#));
    check("[]", Ok("[]"));
    check("\u{feff}{}", Ok("{}"));
}

#[test]
fn what_is_no_json_is_refused_with_words() {
    check("", Err("the document ends too soon"));
    check(r#"{"a":1"#, Err("the document ends too soon"));
    check(r#"{"a":1,"a":2}"#, Err("a key stands twice in one object"));
    check(r#"{"a":01}"#, Err("a comma or } was expected"));
    check(r#"{"a":1.}"#, Err("a number is malformed"));
    check("{\"a\":\"\u{1}\"}", Err("a control character stands unescaped in a string"));
    check(r#"{"a":"\x"}"#, Err("an escape is malformed"));
    check("{} {}", Err("something follows the end of the document"));
    check("<html>", Err("a value was expected"));
    check(&"[".repeat(5000), Err("nested deeper than 100 levels"));
}

#[test]
fn text_is_unescaped_only_when_asked_for() {
    let tree = Tree::from_json(r#"{"a":"\ud83d\ude00 \u00e9 \/ \ud800","b":"plain"}"#.into()).unwrap();
    assert_eq!(tree.root().text("a").unwrap(), "😀 é / \u{FFFD}");
    assert_eq!(tree.root().at("a").unwrap().raw(), r"\ud83d\ude00 \u00e9 \/ \ud800");
    assert_eq!(tree.root().text("b").unwrap(), "plain");
}

#[test]
fn edits_keep_the_order_of_elements_and_the_digits_of_the_rest() {
    let mut tree = Tree::from_json(r#"{"a":{"n":2.0},"b":"x","c":[1,2]}"#.into()).unwrap();
    let root = tree.root().id();
    assert!(tree.rename(root, "b", "bee"));
    assert!(!tree.rename(root, "a", "c"));
    let text = tree.new_string("new \"x\"");
    tree.set(root, "a", text);
    let list = tree.root().get("c").unwrap().id();
    let number = tree.new_number("3.00").unwrap();
    tree.push(list, number);
    let first = tree.root().get("c").unwrap().items().next().unwrap().id();
    tree.detach(first);
    assert_eq!(tree.to_json(), r#"{"a":"new \"x\"","bee":"x","c":[2,3.00]}"#);
    tree.listed(root, "bee").unwrap();
    tree.remove(root, "a");
    assert_eq!(tree.to_json(), r#"{"bee":["x"],"c":[2,3.00]}"#);
    assert_eq!(tree.root().get("c").unwrap().items().last().unwrap().path(), "c[1]");
    assert!(tree.new_number("1.").is_none());
}

#[test]
fn a_bundle_is_read_in_one_pass_and_a_bare_resource_is_a_bundle_of_one() {
    let bundle = Bundle::from_json(
        r#"{"resourceType":"Bundle","link":[{"relation":"next","url":"http:\/\/x\/p?2"}],"entry":[
            {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Flag","id":"f"},"search":{"mode":"match"}},
            {"request":{"method":"GET","url":"x"}}]}"#
            .into(),
    )
    .unwrap();
    assert_eq!(bundle.link("next").unwrap(), "http://x/p?2");
    assert_eq!(bundle.entries.len(), 2);
    assert_eq!(bundle.entries[0].full_url.as_deref(), Some("urn:uuid:1"));
    assert_eq!(bundle.entries[0].resource.as_ref().unwrap().to_json(), r#"{"resourceType":"Flag","id":"f"}"#);
    assert!(bundle.entries[1].resource.is_none() && bundle.entries[1].rest.is_some());
    let bare = Bundle::from_json(r#"{"resourceType":"Patient","id":"p"}"#.into()).unwrap();
    assert_eq!((bare.resource_type.as_str(), bare.entries.len()), ("Patient", 1));
    assert_eq!(Bundle::from_json("[1]".into()).unwrap_err(), Malformed::NotFhir);
    assert_eq!(Bundle::from_json("{}".into()).unwrap_err(), Malformed::NotFhir);
    for twice in
        [r#"{"resourceType":"Bundle","type":"a","type":"b"}"#, r#"{"resourceType":"Bundle","entry":[{"fullUrl":"a","fullUrl":"b"}]}"#]
    {
        assert!(matches!(Bundle::from_json(twice.into()), Err(Malformed::NotJson(_))));
    }
    assert!(matches!(Bundle::from_json(r#"{"resourceType":"Bundle","entry":[{"#.into()), Err(Malformed::NotJson(_))));
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no infinities", |number| number.is_finite()).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{1,6}", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_and_writing_changes_nothing(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            let tree = Tree::from_json(text.into()).unwrap();
            prop_assert_eq!(tree.to_json(), value.to_string());
            // A copy is written node by node, not by copying bytes.
            prop_assert_eq!(tree.root().to_tree().to_json(), value.to_string());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let ours = Tree::from_json(bytes.clone().into());
            if serde_json::from_slice::<Value>(&bytes).is_err() {
                prop_assert!(ours.is_err());
            }
            let _ = Bundle::from_json(bytes.into());
        }

        #[test]
        fn cutting_a_document_short_is_noticed(value in json(), at in any::<prop::sample::Index>()) {
            let text = serde_json::json!({"resourceType": "Bundle", "entry": [{"resource": value}]}).to_string();
            let cut = at.index(text.len());
            if let Some(part) = text.get(..cut) {
                prop_assert!(Bundle::from_json(part.to_owned().into()).is_err());
            }
        }
    }
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

/// Every third-party file reads as `serde_json` reads it, or is refused where that refuses it too (or a key stands twice).
#[test]
fn third_party_files_read_as_others_read_them() {
    let Some(data) = std::env::var_os("SEVERN_DATA").map(PathBuf::from).filter(|data| data.is_dir()) else {
        println!("skipped: no third-party data; set SEVERN_DATA to where it is unpacked");
        return;
    };
    for set in [
        "fhir-r4-examples",
        "fhir-stu3-examples",
        "gpconnect-stu3",
        "careconnect-stu3",
        "vendor-cerner",
        "smart-patients",
        "invalid",
        "edge",
        "synthea",
    ] {
        let mut files = Vec::new();
        json_files(&data.join(set), &mut files);
        let mut refused = 0;
        for file in &files {
            let body = std::fs::read(file).unwrap();
            let body = body.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(body);
            let theirs = serde_json::from_slice::<Box<serde_json::value::RawValue>>(&body);
            match Tree::from_json(body.clone().into()) {
                Ok(tree) => {
                    let ours: Value = serde_json::from_str(&tree.root().to_tree().to_json()).unwrap();
                    assert_eq!(ours, serde_json::from_slice::<Value>(&body).unwrap(), "{}", file.display());
                }
                Err(error) => {
                    refused += 1;
                    assert!(theirs.is_err() || error.what == "a key stands twice in one object", "{}: {error}", file.display());
                }
            }
        }
        println!("third-party: {set} files={} refused={refused}", files.len());
    }
}
