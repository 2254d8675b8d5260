//! XML in and out: tables, laws over every third-party file, and bytes nobody meant as XML.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::path::{Path, PathBuf};

use fhir::{Bundle, Malformed, Tree, Version};
use serde_json::Value;

const PATIENT: &str = "<Patient xmlns=\"http://hl7.org/fhir\">";

/// What is inside a Patient, and what its JSON holds beside `resourceType`; or why it is refused.
fn check(inside: &str, expected: Result<&str, &str>) {
    check_document(&format!("{PATIENT}{inside}</Patient>"), expected.map(|json| format!(r#"{{"resourceType":"Patient"{json}}}"#)));
}

fn check_document(xml: &str, expected: Result<impl Into<String>, &str>) {
    let read = Tree::from_xml(Version::R4, xml.to_owned().into());
    let read = read.map(|tree| tree.to_json()).map_err(|error| error.what.to_owned());
    assert_eq!(read, expected.map(Into::into).map_err(str::to_owned), "{xml}");
}

#[test]
fn elements_become_what_their_json_is() {
    check("", Ok(""));
    check("<active value=\"true\"/>", Ok(r#","active":true"#));
    check("<active value=\"yes\"/>", Ok(r#","active":"yes""#));
    check("<multipleBirthInteger value=\"2\"/>", Ok(r#","multipleBirthInteger":2"#));
    check("<multipleBirthInteger value=\"02\"/>", Ok(r#","multipleBirthInteger":"02""#));
    check("<gender value='male'></gender>", Ok(r#","gender":"male""#));
    check("<name><given value=\"A\"/></name>", Ok(r#","name":[{"given":["A"]}]"#));
    check("<name id=\"n\"><family value=\"B\"/></name>", Ok(r#","name":[{"id":"n","family":"B"}]"#));
    check("<extension url=\"u\"><valueDecimal value=\"1.50\"/></extension>", Ok(r#","extension":[{"url":"u","valueDecimal":1.50}]"#));
    check("<contained><Flag><id value=\"f\"/></Flag></contained>", Ok(r#","contained":[{"resourceType":"Flag","id":"f"}]"#));
    check("<managingOrganization/>", Ok(r#","managingOrganization":{}"#));
}

#[test]
fn what_stands_beside_a_primitive_is_kept_under_its_underscore() {
    check("<birthDate id=\"b\" value=\"2001\"/>", Ok(r#","birthDate":"2001","_birthDate":{"id":"b"}"#));
    check(
        "<birthDate><extension url=\"u\"><valueCode value=\"c\"/></extension></birthDate>",
        Ok(r#","_birthDate":{"extension":[{"url":"u","valueCode":"c"}]}"#),
    );
    check(
        "<name><given value=\"A\"/><given id=\"2\"/><given value=\"C\"/></name>",
        Ok(r#","name":[{"given":["A",null,"C"],"_given":[null,{"id":"2"},null]}]"#),
    );
    check("<name><given id=\"1\"/></name>", Ok(r#","name":[{"_given":[{"id":"1"}]}]"#));
    check("<gender/>", Ok(""));
}

#[test]
fn what_the_definitions_do_not_know_is_kept() {
    check("<colour value=\"red\"/>", Ok(r#","colour":"red""#));
    check("<colour value=\"1\"/><colour value=\"2\"/>", Ok(r#","colour":["1","2"]"#));
    check("<colour><of value=\"1\"/><extension url=\"u\"/></colour>", Ok(r#","colour":{"of":"1","extension":[{"url":"u"}]}"#));
    check("<colour shade=\"dark\"><Flag/></colour>", Ok(r#","colour":[{"shade":"dark"},{"resourceType":"Flag"}]"#));
    check("<colour><Flag/></colour>", Ok(r#","colour":{"resourceType":"Flag"}"#));
    // Said twice though it may be said once: two values, and none is for us to drop.
    check("<gender value=\"male\"/><gender value=\"other\"/>", Ok(r#","gender":["male","other"]"#));
    // A slip of the pen beside what is meant.
    check("<name><family value=\"A\"/>&gt;</name>", Ok(r#","name":[{"family":"A","strayText":">"}]"#));
    // A primitive where an object belongs, and the other way round.
    check("<maritalStatus value=\"M\"/>", Ok(r#","maritalStatus":"M""#));
    check("<gender><coding><code value=\"M\"/></coding></gender>", Ok(r#","gender":{"coding":{"code":"M"}}"#));
    check_document("<Rota xmlns=\"http://hl7.org/fhir\"><a value=\"1\"/></Rota>", Ok(r#"{"resourceType":"Rota","a":"1"}"#));
}

#[test]
fn text_is_what_xml_says_it_is() {
    check("<gender value=\"a&#10;b&#x9;&amp;lt; &lt;&quot;&apos;&gt;\"/>", Ok(r#","gender":"a\nb\t&lt; <\"'>""#));
    check("<gender value=\"a\nb\tc\r\nd\"/>", Ok(r#","gender":"a b c d""#));
    check("<!-- a --><?b c?> \n<gender value=\"d\"><!-- e --></gender>", Ok(r#","gender":"d""#));
    check("<gender value=\"\u{e9}\u{1f600}\\\"/>", Ok(",\"gender\":\"\u{e9}\u{1f600}\\\\\""));
    check_document(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<f:Flag xmlns:f=\"http://hl7.org/fhir\"><f:id value=\"1\"/></f:Flag>\n",
        Ok(r#"{"resourceType":"Flag","id":"1"}"#),
    );
}

#[test]
fn a_narrative_is_one_string() {
    let text = |div: &str| format!(r#","text":{{"status":"generated","div":"{div}"}}"#);
    let check = |div: &str, json: &str| check(&format!("<text><status value=\"generated\"/>{div}</text>"), Ok(&text(json)));
    check(
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class='x'>a &lt;&#160;<br />b</p><!-- c --></div>",
        "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><p class='x'>a &lt;&#160;<br />b</p><!-- c --></div>",
    );
    check("<div><p>a<br/></p></div>", "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><p>a<br/></p></div>");
    check(
        "<h:div xmlns:h=\"http://www.w3.org/1999/xhtml\"><h:p>a: b<h:br/></h:p></h:div>",
        "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\" xmlns:h=\\\"http://www.w3.org/1999/xhtml\\\"><p>a: b<br/></p></div>",
    );
    check("<div xmlns=\"http://www.w3.org/1999/xhtml\"/>", "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"/>");
}

#[test]
fn what_is_no_fhir_xml_is_refused_with_words() {
    let document = |xml: &str, why| check_document(xml, Err::<String, _>(why));
    document("", "the document ends too soon");
    document("<Patient/>", "the root element is not in FHIR's namespace");
    document("<ClinicalDocument xmlns=\"urn:hl7-org:v3\"/>", "the root element is not in FHIR's namespace");
    document("<html xmlns=\"http://www.w3.org/1999/xhtml\"/>", "the root element is not in FHIR's namespace");
    document("<!DOCTYPE Patient [<!ENTITY a \"b\">]><Patient/>", "a document type declaration is not allowed");
    document("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Patient/>", "the encoding is not UTF-8");
    document("<Patient xmlns=\"http://hl7.org/fhir\"><active", "the document ends too soon");
    document(PATIENT, "the document ends too soon");
    document(&format!("{PATIENT}</Patient><a/>"), "something follows the end of the document");
    document(&format!("{PATIENT}</Patient>a"), "something follows the end of the document");
    document(&format!("{PATIENT}{}", "<link>".repeat(5000)), "nested deeper than 100 levels");
    check("<gender value=\"&nbsp;\"/>", Err("an entity is not defined"));
    check("<text><div>&nbsp;</div></text>", Err("an entity is not defined"));
    check("<gender>male</gender>", Err("text stands where only elements may"));
    check("<gender value=\"a\" value=\"b\"/>", Err("an attribute stands twice in one tag"));
    check("<gender value=a/>", Err("an attribute is malformed"));
    check("<gender value=\"a\"id=\"b\"/>", Err("an attribute is malformed"));
    check("<gender></name>", Err("an end tag has no start tag"));
    check("<x:gender/>", Err("a namespace prefix is not declared"));
    check("<gender xmlns=\"urn:other\"/>", Err("an element is not in FHIR's namespace"));
    check("<resourceType value=\"Flag\"/>", Err("resourceType is no element of a resource"));
    let latin = Tree::from_xml(Version::R4, b"<Patient>\xe9</Patient>".to_vec().into());
    assert_eq!(latin.unwrap_err().to_string(), "the body is not UTF-8 at byte 9");
    let entity = Tree::from_xml(Version::R4, format!("{PATIENT}<a><b value=\"&x;\"/></a></Patient>").into());
    assert_eq!(entity.unwrap_err().to_string(), "an entity is not defined at byte 40");
}

#[test]
fn a_bundle_is_its_entries_and_a_bare_resource_a_bundle_of_one() {
    let xml = "<Bundle xmlns=\"http://hl7.org/fhir\"><id value=\"b\"/><link><relation value=\"next\"/><url value=\"http://x/p?2&amp;a\"/></link>\
        <entry><fullUrl value=\"urn:uuid:1\"/><resource><Flag><id value=\"f\"/></Flag></resource><search><mode value=\"match\"/></search></entry>\
        <entry id=\"e\"><request><method value=\"GET\"/><url value=\"x\"/></request></entry></Bundle>";
    let bundle = Bundle::from_xml(Version::R4, xml.into()).unwrap();
    assert_eq!((bundle.resource_type.as_str(), bundle.entries.len()), ("Bundle", 2));
    assert_eq!(bundle.link("next").unwrap(), "http://x/p?2&a");
    assert!(bundle.head.as_ref().unwrap().root().is("id", "b"));
    let [first, second] = bundle.entries.as_slice() else { panic!("two entries") };
    assert_eq!(first.full_url.as_deref(), Some("urn:uuid:1"));
    assert_eq!(first.resource.as_ref().unwrap().to_json(), r#"{"resourceType":"Flag","id":"f"}"#);
    assert!(first.rest.is_none());
    assert!(second.resource.is_none());
    assert_eq!(second.rest.as_ref().unwrap().to_json(), r#"{"id":"e","request":{"method":"GET","url":"x"}}"#);
    let bare = Bundle::from_xml(Version::R4, format!("{PATIENT}</Patient>").into()).unwrap();
    assert_eq!((bare.resource_type.as_str(), bare.entries.len()), ("Patient", 1));
    assert!(matches!(Bundle::from_xml(Version::R4, "{}".into()), Err(Malformed::NotXml(_))));
}

fn check_written(json: &str, inside: &str) {
    let tree = Tree::from_json(format!(r#"{{"resourceType":"Patient"{json}}}"#).into()).unwrap();
    let expected = if inside.is_empty() { PATIENT.replace('>', "/>") } else { format!("{PATIENT}{inside}</Patient>") };
    assert_eq!(tree.to_xml(Version::R4), expected);
}

#[test]
fn elements_are_written_in_the_order_of_the_definition() {
    check_written("", "");
    check_written(
        r#","colour":"red","gender":"male","active":true,"id":"p","identifier":[{"value":"v","system":"s"}]"#,
        "<id value=\"p\"/><identifier><system value=\"s\"/><value value=\"v\"/></identifier><active value=\"true\"/>\
         <gender value=\"male\"/><colour value=\"red\"/>",
    );
    check_written(
        r#","contained":[{"resourceType":"Flag","id":"f"}],"extension":[{"valueString":"x","url":"u","id":"e"}]"#,
        "<contained><Flag><id value=\"f\"/></Flag></contained><extension id=\"e\" url=\"u\"><valueString value=\"x\"/></extension>",
    );
    check_written(
        r#","name":[{"_given":[null,{"id":"g"}],"given":["A",null,"C"]}],"_birthDate":{"id":"b"}"#,
        "<name><given value=\"A\"/><given id=\"g\"/><given value=\"C\"/></name><birthDate id=\"b\"/>",
    );
    check_written(r#","gender":"<\"&'>\n\r\t\u0001\ufffe""#, "<gender value=\"&lt;&quot;&amp;'&gt;&#10;&#13;&#9;\u{fffd}\u{fffd}\"/>");
}

#[test]
fn odd_shapes_are_written_as_well_as_may_be() {
    check_written(
        r#","gender":{"a":[[1],[]]},"name":"x","_name":3,"active":null,"1 b":"c","__proto":true,"link":[[{"id":"l"}]],"contained":{"id":"c"}"#,
        "<contained id=\"c\"/><name value=\"x\"/><gender><a value=\"1\"/></gender><link id=\"l\"/><x1-b value=\"c\"/>",
    );
    for odd in ["[]", "1", "null", "{}", r#"{"resourceType":3}"#, r#"{"resourceType":"a b"}"#] {
        let tree = Tree::from_json(odd.to_owned().into()).unwrap();
        assert_eq!(tree.to_xml(Version::R4), "<Resource xmlns=\"http://hl7.org/fhir\"/>");
    }
}

#[test]
fn a_narrative_is_written_as_it_is_or_as_text() {
    let check = |div: &str, xml: &str| {
        let div = Value::from(div).to_string();
        check_written(&format!(r#","text":{{"div":{div}}}"#), &format!("<text>{xml}</text>"));
    };
    let xhtml = "xmlns=\"http://www.w3.org/1999/xhtml\"";
    let whole = format!("<div {xhtml}>a<br/> &amp; &#160;</div>");
    check(&whole, &whole);
    check("<div>a</div>", &format!("<div {xhtml}>a</div>"));
    check("<div/>", &format!("<div {xhtml}/>"));
    for broken in ["<div>a<br></div>", "<div>&nbsp;</div>", "<div>a</div><b/>", "a", "", "<p>a</p>", "<div a=b/>", "<div><x:y/></div>"] {
        let text = broken.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        check(broken, &format!("<div {xhtml}>{text}</div>"));
    }
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    fn json() -> impl Strategy<Value = Value> {
        let key = prop_oneof![
            "[a-z_]{1,6}",
            ".{0,3}",
            prop::sample::select(vec![
                "id",
                "url",
                "value",
                "_id",
                "text",
                "div",
                "name",
                "_name",
                "given",
                "_given",
                "contained",
                "extension",
                "resourceType",
            ])
            .prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            prop::sample::select(vec!["<div>a</div>", "<div>", "Patient", "<div xmlns='http://www.w3.org/1999/xhtml'><a b='&lt;'/></div>"])
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    const DOCUMENT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Bundle xmlns=\"http://hl7.org/fhir\"><!-- c --><entry><resource>\
        <Patient><text><div xmlns=\"http://www.w3.org/1999/xhtml\">a&amp;<b/></div></text><contained><Flag/></contained>\
        <name><given value=\"a&#10;\" id=\"1\"/><given/></name><f:x xmlns:f=\"http://hl7.org/fhir\"/></Patient></resource></entry></Bundle>";

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[<>a/!?&;\"'= \\[\\]-]{0,60}") {
            for version in [Version::Dstu2, Version::Stu3, Version::R4] {
                let _ = Bundle::from_xml(version, bytes.clone().into());
                let _ = Bundle::from_xml(version, format!("{PATIENT}{text}</Patient>").into());
            }
        }

        #[test]
        fn a_document_changed_anywhere_is_read_or_refused(at in any::<prop::sample::Index>(), put in "[<>a/!?&;\"'= \\[\\]-]{0,3}", cut in 0..4_usize) {
            let at = at.index(DOCUMENT.len());
            let changed = format!("{}{put}{}", &DOCUMENT[..at], &DOCUMENT[(at + cut).min(DOCUMENT.len())..]);
            for entry in Bundle::from_xml(Version::R4, changed.into()).map(|bundle| bundle.entries).unwrap_or_default() {
                if let Some(tree) = entry.resource {
                    prop_assert!(serde_json::from_str::<Value>(&tree.to_json()).is_ok());
                    prop_assert!(Tree::from_xml(Version::R4, tree.to_xml(Version::R4).into()).is_ok());
                }
            }
        }

        #[test]
        fn cutting_a_document_short_is_noticed(at in any::<prop::sample::Index>()) {
            prop_assert!(Bundle::from_xml(Version::R4, DOCUMENT[..at.index(DOCUMENT.len())].to_owned().into()).is_err());
        }

        #[test]
        fn whatever_is_written_is_well_formed(value in json(), kind in prop::sample::select(vec!["Patient", "Bundle", "Observation", "Rota"])) {
            let mut value = value;
            for wrapped in [false, true] {
                if wrapped && let Some(object) = value.as_object_mut() {
                    object.insert("resourceType".to_owned(), kind.into());
                }
                let tree = Tree::from_json(value.to_string().into());
                // Keys with escapes are none that JSON reading takes.
                if let Ok(tree) = tree {
                    let xml = tree.to_xml(Version::R4);
                    let again = Tree::from_xml(Version::R4, xml.clone().into());
                    prop_assert!(again.is_ok(), "{:?}: {}", again, xml);
                }
            }
        }
    }
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

fn data() -> Option<PathBuf> {
    let data = std::env::var_os("SEVERN_DATA").map(PathBuf::from).filter(|data| data.is_dir());
    if data.is_none() {
        println!("skipped: no third-party data; set SEVERN_DATA to where it is unpacked");
    }
    data
}

/// The value without what XML cannot tell apart: white space around a `div`, one that leaves out its namespace,
/// a list of nothing but nulls.
fn settled(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map = map.into_iter().map(|(key, value)| match (key.as_str(), value) {
                ("div", Value::String(div)) => {
                    let xhtml = div.trim().replacen("<div>", "<div xmlns=\"http://www.w3.org/1999/xhtml\">", 1);
                    (key, Value::from(xhtml))
                }
                (_, value) => (key, settled(value)),
            });
            Value::Object(map.filter(|(_, value)| !value.as_array().is_some_and(|list| list.iter().all(Value::is_null))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(settled).collect()),
        value => value,
    }
}

/// `settled`, and without what only JSON gets wrong: a list where one belongs, text where a number belongs, a `div`
/// that is no XHTML, and DSTU2's comments.
fn loosened(value: Value) -> Value {
    match settled(value) {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(key, _)| key != "div" && key != "fhir_comments")
                .map(|(key, value)| (key, loosened(value)))
                .filter(|(_, value)| !value.as_object().is_some_and(serde_json::Map::is_empty))
                .collect(),
        ),
        Value::Array(list) if list.len() == 1 => loosened(list.into_iter().next().unwrap()),
        Value::Array(list) => Value::Array(list.into_iter().map(loosened).collect()),
        Value::String(text) => text.parse::<f64>().map_or(Value::from(text), Value::from),
        Value::Number(number) => Value::from(number.as_f64()),
        Value::Bool(value) => Value::from(value.to_string()),
        value => value,
    }
}

fn assert_same(file: &Path, left: &Tree, right: &Tree, settle: fn(Value) -> Value) {
    let [left, right] = [left, right].map(|tree| settle(serde_json::from_str(&tree.to_json()).unwrap()));
    assert!(left == right, "{}: {}", file.display(), difference(&left, &right, ""));
}

#[test]
fn json_written_as_xml_and_read_again_is_the_same() {
    let Some(data) = data() else { return };
    type Settle = fn(Value) -> Value;
    for (set, version, settle) in [
        ("fhir-r4-examples", Version::R4, settled as Settle),
        ("fhir-stu3-examples", Version::Stu3, settled),
        ("gpconnect-stu3", Version::Stu3, loosened),
        ("synthea/smart-dstu2-stu3-pairs/dstu2", Version::Dstu2, loosened),
        ("synthea/smart-dstu2-stu3-pairs/stu3", Version::Stu3, loosened),
        ("vendor-cerner/fhir.cerner.com/dstu2", Version::Dstu2, loosened),
        ("vendor-cerner/fhir.cerner.com/r4", Version::R4, loosened),
    ] {
        let mut found = Vec::new();
        files(&data.join(set), "json", &mut found);
        let mut refused = 0;
        for file in &found {
            let tree = Tree::from_json(std::fs::read(file).unwrap().into());
            let Some(tree) = tree.ok().filter(|tree| tree.resource_type().is_some()) else {
                refused += 1;
                continue;
            };
            let again = Tree::from_xml(version, tree.to_xml(version).into());
            let again = again.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_same(file, &tree, &again, settle);
        }
        println!("third-party: {set} as XML files={} refused={refused}", found.len());
    }
}

/// Files that came as XML: each is read or refused as no FHIR XML, and written again it is what it was.
#[test]
fn xml_read_and_written_is_the_same() {
    let Some(data) = data() else { return };
    for (set, version) in [
        ("careconnect-stu3", Version::Stu3),
        ("cda", Version::R4),
        ("edge", Version::Stu3),
        ("gpconnect-html-dstu2", Version::Dstu2),
        ("gpconnect-stu3", Version::Stu3),
        ("invalid", Version::R4),
        ("nhs-stu3", Version::Stu3),
        ("pharmacy-stu3", Version::Stu3),
        ("smart-patients/smart-dstu2-xml", Version::Dstu2),
        ("uk-core-r4", Version::R4),
    ] {
        let mut found = Vec::new();
        files(&data.join(set), "xml", &mut found);
        let mut refused = 0;
        for file in &found {
            match Tree::from_xml(version, std::fs::read(file).unwrap().into()) {
                Ok(tree) => {
                    let again = Tree::from_xml(version, tree.to_xml(version).into());
                    assert_same(file, &tree, &again.unwrap_or_else(|error| panic!("{}: {error}", file.display())), settled);
                }
                Err(error) => {
                    refused += 1;
                    println!("{}: {error}", file.display());
                }
            }
        }
        println!("third-party: {set} from XML files={} refused={refused}", found.len());
    }
}

/// Where somebody gives an example both ways, both become the same tree; save where they say different things, by hand.
#[test]
fn xml_becomes_the_json_that_others_make_of_it() {
    let Some(data) = data() else { return };
    for (set, version, differing) in [("edge", Version::Stu3, 1), ("invalid", Version::R4, 0), ("nhs-stu3", Version::Stu3, 2)] {
        let mut found = Vec::new();
        files(&data.join(set), "xml", &mut found);
        let (mut same, mut differ) = (0, 0);
        for file in &found {
            let [Ok(xml), Ok(json)] = [file.clone(), file.with_extension("json")].map(std::fs::read) else { continue };
            let (Ok(xml), Ok(json)) = (Tree::from_xml(version, xml.into()), Tree::from_json(json.into())) else { continue };
            let [json, xml] = [json, xml].map(|tree| loosened(serde_json::from_str(&tree.to_json()).unwrap()));
            if json == xml {
                same += 1;
            } else {
                differ += 1;
                println!("{}: {:.300}", file.display(), difference(&json, &xml, ""));
            }
        }
        println!("third-party: {set} both ways files={} differ={differ}", same + differ);
        assert_eq!(differ, differing, "{set}");
    }
}

/// The first difference, by its path.
fn difference(left: &Value, right: &Value, path: &str) -> String {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys());
            let differs = keys.into_iter().find(|key| a.get(*key) != b.get(*key)).map(String::as_str).unwrap_or_default();
            difference(a.get(differs).unwrap_or(&Value::Null), b.get(differs).unwrap_or(&Value::Null), &format!("{path}.{differs}"))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let index = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or_default();
            difference(&a[index], &b[index], &format!("{path}[{index}]"))
        }
        _ => format!("{path}: {left} became {right}"),
    }
}
