//! Terminologies from files in the right formats. What is in them is made up: no release is ours to pass on.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use terms::{Canonical, How, Loader, Space, Terminology};

const CONCEPTS: &str = "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\r
138875005\t20020131\t1\t900000000000207008\t900000000000074008\r
64572001\t20020131\t1\t900000000000207008\t900000000000074008\r
73211009\t20020131\t1\t900000000000207008\t900000000000074008\r
44054006\t20020131\t1\t900000000000207008\t900000000000074008\r
111111112\t20240401\t0\t900000000000207008\t900000000000074008\r
111111112\t20020131\t1\t900000000000207008\t900000000000074008\r
222222223\t20240401\t0\t900000000000207008\t900000000000074008\r
333333334\t20240401\t0\t900000000000207008\t900000000000074008\r
444444445\t20240401\t0\t900000000000207008\t900000000000074008\r
555555556\t20240401\t0\t900000000000207008\t900000000000074008\r
";

const DESCRIPTIONS: &str = "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId
1\t20020131\t1\t0\t44054006\ten\t900000000000003001\tDiabetes of the second type (disorder)\t0
2\t20020131\t1\t0\t44054006\ten\t900000000000013009\tA synonym\t0
3\t20020131\t0\t0\t73211009\ten\t900000000000003001\tAn old name\t0
";

const RELATIONSHIPS: &str =
    "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId
1\t20020131\t1\t0\t64572001\t138875005\t0\t116680003\t0\t0
2\t20020131\t1\t0\t73211009\t64572001\t0\t116680003\t0\t0
3\t20020131\t1\t0\t44054006\t73211009\t0\t116680003\t0\t0
4\t20020131\t0\t0\t64572001\t44054006\t0\t116680003\t0\t0
5\t20020131\t1\t0\t44054006\t138875005\t0\t363698007\t0\t0
";

/// 111111112 is replaced by 222222223, which is the same as 44054006. 333333334 may be either of two; 444444445 was
/// only possibly the same; 555555556 leads back to itself.
const ASSOCIATIONS: &str = "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\ttargetComponentId
a\t20240401\t1\t0\t900000000000526001\t111111112\t222222223
b\t20240401\t1\t0\t900000000000527005\t222222223\t44054006
c\t20240401\t1\t0\t900000000000527005\t333333334\t44054006
d\t20240401\t1\t0\t900000000000527005\t333333334\t73211009
e\t20240401\t1\t0\t900000000000523009\t444444445\t44054006
f\t20240401\t1\t0\t900000000000526001\t555555556\t555555556
g\t20240401\t0\t0\t900000000000526001\t444444445\t73211009
";

const CTV3: &str = "900000000000497000";
const MAPS: &str = "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tmapTarget
a\t20240401\t1\t0\t900000000000497000\t44054006\tX40J5
b\t20240401\t1\t0\t900000000000497000\t73211009\tC10..
c\t20240401\t1\t0\t900000000000497000\t64572001\tC10..
d\t20240401\t1\t0\t999999999999999999\t64572001\tA....
";

const MOIETIES: &str = r#"<?xml version="1.0" encoding="utf-8"?><VIRTUAL_THERAPEUTIC_MOIETIES>
 <VTM><VTMID>9000001</VTMID><NM>Madeupol</NM></VTM></VIRTUAL_THERAPEUTIC_MOIETIES>"#;
const VIRTUAL: &str = r#"<VIRTUAL_MED_PRODUCTS><VMPS>
 <VMP><VPID>9000002</VPID><VPIDDT>2020-01-01</VPIDDT><VPIDPREV>8000002</VPIDPREV><VTMID>9000001</VTMID><NM>Madeupol 5mg tablets &amp; water</NM></VMP>
 <VMP><VPID>9000003</VPID><VTMID>9000001</VTMID><NM>Madeupol 10mg tablets</NM></VMP></VMPS>
 <VIRTUAL_PRODUCT_INGREDIENT><VPI><VPID>9000002</VPID><ISID>7777777</ISID></VPI></VIRTUAL_PRODUCT_INGREDIENT></VIRTUAL_MED_PRODUCTS>"#;
const ACTUAL: &str = "<ACTUAL_MEDICINAL_PRODUCTS><AMPS><AMP><APID>9000004</APID><VPID>9000002</VPID><NM>Brandol 5mg tablets</NM><DESC>Brandol (Maker)</DESC></AMP></AMPS></ACTUAL_MEDICINAL_PRODUCTS>";
const VIRTUAL_PACKS: &str = "<VIRTUAL_MED_PRODUCT_PACK><VMPPS><VMPP><VPPID>9000005</VPPID><NM>28</NM><VPID>9000002</VPID></VMPP></VMPPS></VIRTUAL_MED_PRODUCT_PACK>";
const ACTUAL_PACKS: &str = "<ACTUAL_MEDICINAL_PROD_PACKS><AMPPS><AMPP><APPID>9000006</APPID><NM>28</NM><VPPID>9000005</VPPID><APID>9000004</APID></AMPP></AMPPS></ACTUAL_MEDICINAL_PROD_PACKS>";
const HISTORY: &str = "<HISTORY><AMPS><AMP><IDCURRENT>9000004</IDCURRENT><IDPREVIOUS>8000004</IDPREVIOUS><STARTDT>2020-01-01</STARTDT></AMP></AMPS></HISTORY>";

const READ: &str = r#"{"resourceType":"ConceptMap","group":[
 {"source":"http://read.info/readv2","target":"http://snomed.info/sct","element":[
  {"code":"C10F.00","target":[{"code":"111111112","equivalence":"equivalent"}]},
  {"code":"C10..","target":[{"code":"73211009","equivalence":"wider"}]},
  {"code":"C108.","target":[{"code":"73211009","equivalence":"equal"},{"code":"64572001","equivalence":"equivalent"}]},
  {"code":"bd3j.","target":[{"code":"9000004","relationship":"equivalent"}]}]},
 {"source":"http://read.info/readv2","target":"http://hl7.org/fhir/sid/icd-10","element":[{"code":"C10..","target":[{"code":"E14","equivalence":"equivalent"}]}]},
 {"source":"http://hl7.org/fhir/sid/icd-10","target":"http://snomed.info/sct","element":[{"code":"E11.9","target":[{"code":"44054006","equivalence":"equivalent"}]}]}]}"#;

fn loaded() -> Terminology {
    let (mut loader, quiet) = (Loader::new(), &mut |_: &str, _: usize| {});
    loader.concepts("concepts", CONCEPTS.as_bytes(), quiet).unwrap();
    loader.descriptions("descriptions", DESCRIPTIONS.as_bytes(), quiet).unwrap();
    loader.relationships("relationships", RELATIONSHIPS.as_bytes(), quiet).unwrap();
    loader.associations("associations", ASSOCIATIONS.as_bytes(), quiet).unwrap();
    loader.maps("maps", MAPS.as_bytes(), &[(CTV3.to_owned(), "http://read.info/ctv3".to_owned())], quiet).unwrap();
    for (name, xml) in
        [("vtm", MOIETIES), ("vmp", VIRTUAL), ("amp", ACTUAL), ("vmpp", VIRTUAL_PACKS), ("ampp", ACTUAL_PACKS), ("history", HISTORY)]
    {
        loader.dmd(name, xml.as_bytes(), quiet).unwrap();
    }
    loader.concept_map("read", READ.as_bytes(), quiet).unwrap();
    loader.finish()
}

#[test]
fn a_code_leads_to_the_concept_that_is_in_use_for_it() {
    let terminology = loaded();
    let check = |system: &str, code: &str, expected: Option<(u64, How)>| {
        let found = terminology.canonical(terms::space(system), code);
        assert_eq!(found, expected.map(|(concept, how)| Canonical { concept, how }), "{system} {code}");
    };
    const SNOMED: &str = "http://snomed.info/sct";
    check(SNOMED, "44054006", Some((44054006, How::Same)));
    check("http://snomed.info/sct/83821000000107", "222222223", Some((44054006, How::Replaced)));
    check(SNOMED, "111111112", Some((44054006, How::Replaced)));
    check(SNOMED, "333333334", Some((333333334, How::Same)));
    check(SNOMED, "444444445", Some((444444445, How::Same)));
    check(SNOMED, "555555556", Some((555555556, How::Same)));
    check(SNOMED, "666666667", None);
    check(SNOMED, "not a code", None);
    check("https://dmd.nhs.uk", "9000002", Some((9000002, How::Same)));
    check("https://dmd.nhs.uk", "8000002", Some((9000002, How::Replaced)));
    check("https://dmd.nhs.uk", "9000004", Some((9000002, How::Product)));
    check("https://dmd.nhs.uk", "8000004", Some((9000002, How::Product)));
    check("https://dmd.nhs.uk", "9000005", Some((9000002, How::Product)));
    check("https://dmd.nhs.uk", "9000006", Some((9000002, How::Product)));
    check("https://dmd.nhs.uk", "9000001", Some((9000001, How::Same)));
    check("http://read.info/readv2", "C10F.", Some((44054006, How::Mapped)));
    check("http://read.info/readv2", "C10F.11", Some((44054006, How::Mapped)));
    check("http://read.info/readv2", "bd3j.", Some((9000002, How::Mapped)));
    check("http://read.info/readv2", "C10..", None);
    check("http://read.info/readv2", "C108.", None);
    check("http://read.info/ctv3", "X40J5", Some((44054006, How::Mapped)));
    check("http://read.info/ctv3", "C10..", None);
    check("http://hl7.org/fhir/sid/icd-10", "E119", Some((44054006, How::Mapped)));
    check("http://hl7.org/fhir/sid/icd-10", "E11", None);
    check("urn:local", "C10F.", None);
}

#[test]
fn what_is_a_kind_of_what_is_the_terminologys_own_word() {
    let terminology = loaded();
    let check = |ancestor: u64, descendant: u64, expected: bool| {
        assert_eq!(terminology.subsumes(ancestor, descendant), expected, "{ancestor} over {descendant}");
    };
    check(73211009, 44054006, true);
    check(138875005, 44054006, true);
    check(44054006, 73211009, false);
    check(44054006, 44054006, false);
    // A relationship that was withdrawn, and one of another type.
    check(44054006, 64572001, false);
    check(9000001, 9000004, true);
    check(9000003, 9000004, false);
    check(1, 2, false);
}

#[test]
fn names_are_for_people_to_read() {
    let terminology = loaded();
    assert_eq!(terminology.name(44054006), Some("Diabetes of the second type (disorder)"));
    assert_eq!(terminology.name(73211009), None);
    assert_eq!(terminology.name(9000002), Some("Madeupol 5mg tablets & water"));
    assert_eq!(terminology.name(9000004), Some("Brandol 5mg tablets"));
}

#[test]
fn without_files_every_code_is_only_itself() {
    let empty = Terminology::default();
    assert!(empty.is_empty());
    assert_eq!(empty.canonical(Space::Sctid, "44054006"), None);
    assert!(!empty.subsumes(73211009, 44054006));
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_refused_with_its_line() {
    type Load = fn(&mut Loader, &str) -> Result<(), terms::LoadError>;
    let check = |load: Load, text: &str, expected: &str| {
        assert_eq!(load(&mut Loader::new(), text).unwrap_err().to_string(), expected);
    };
    let concepts: Load = |loader, text| loader.concepts("c", text.as_bytes(), &mut |_, _| {});
    check(concepts, "", "c, line 1: there is no column id: not the release file that its name says");
    check(concepts, "id\teffectiveTime\n", "c, line 1: there is no column active: not the release file that its name says");
    check(concepts, "id\teffectiveTime\tactive\n44054006\t20020131\n", "c, line 2: 2 columns, and the first line names 3");
    check(concepts, "id\teffectiveTime\tactive\n44\t20020131\t1\n", "c, line 2: `44` is no SNOMED CT identifier");
    check(concepts, "id\teffectiveTime\tactive\n44054006\tnow\t1\n", "c, line 2: `now` is no day");
    let dmd: Load = |loader, text| loader.dmd("d", text.as_bytes(), &mut |_, _| {});
    check(dmd, "<A/>", "d: holds no product of dm+d: no VTM, VMP, VMPP, AMP or AMPP");
    check(dmd, "<A><VTM><VTMID>x</VTMID></VTM></A>", "d: byte 24: `x` is no identifier of dm+d");
    assert!(dmd(&mut Loader::new(), "<A><VTM>").is_err(), "cut off");
    let map: Load = |loader, text| loader.concept_map("m", text.as_bytes(), &mut |_, _| {});
    check(map, r#"{"resourceType":"ValueSet"}"#, "m: is JSON, but no ConceptMap");
    check(
        map,
        r#"{"resourceType":"ConceptMap"}"#,
        "m: leads from nothing to SNOMED CT: no group with both systems and an equivalent target",
    );
    assert_eq!(map(&mut Loader::new(), "{\n]").unwrap_err().line, 2);
}

/// Prints what a large terminology takes. Run with `--nocapture` to see it.
#[test]
fn a_large_edition_takes_few_bytes_a_concept() {
    const COUNT: u64 = 50_000;
    let id = |number: u64| 100_000_000 + number * 37;
    let mut concepts = "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n".to_owned();
    let mut names = "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n".to_owned();
    let mut is_a = "id\teffectiveTime\tactive\tsourceId\tdestinationId\ttypeId\n".to_owned();
    for number in 0..COUNT {
        concepts.push_str(&format!("{}\t20020131\t1\t0\t0\n", id(number)));
        names.push_str(&format!(
            "1\t20020131\t1\t0\t{}\ten\t900000000000003001\tA made-up finding of some length, number {number} (finding)\t0\n",
            id(number)
        ));
        for parent in [number / 3, number / 7].into_iter().filter(|parent| *parent < number) {
            is_a.push_str(&format!("1\t20020131\t1\t{}\t{}\t116680003\n", id(number), id(parent)));
        }
    }
    let size = |with_names: bool| {
        let (mut loader, mut last) = (Loader::new(), 0);
        loader.concepts("c", concepts.as_bytes(), &mut |_, count| last = count).unwrap();
        assert_eq!(last as u64, COUNT);
        loader.relationships("r", is_a.as_bytes(), &mut |_, _| {}).unwrap();
        if with_names {
            loader.descriptions("d", names.as_bytes(), &mut |_, _| {}).unwrap();
        }
        let terminology = loader.finish();
        assert!(terminology.subsumes(id(0), id(COUNT - 1)));
        terminology.size()
    };
    let (bare, named) = (size(false), size(true));
    let each = |bytes: usize| bytes as f64 / COUNT as f64;
    println!("terminology: {:.1} bytes a concept with its parents, {:.1} with its name", each(bare.bytes), each(named.bytes));
    assert!(each(bare.bytes) < 24.0 && each(named.bytes) < 100.0);
}
