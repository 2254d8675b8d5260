//! Labels of sensitivity, and what a source's own security labels say.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use fhir::{Ref, Tree};

/// What makes something sensitive: a name of lower-case words with hyphens between.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Cow<'static, str>);

/// What is no label's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a label is one to 40 lower-case letters, digits and single hyphens, and begins with a letter")]
pub struct NoLabel;

impl Label {
    /// In vitro fertilisation and the like, and gender recognition: what the law lets nobody be shown here, whatever a rule says.
    pub const LEGALLY_RESTRICTED: Label = Label::of("legally-restricted");
    /// `v3-Confidentiality` R.
    pub const RESTRICTED: Label = Label::of("restricted");
    /// `v3-Confidentiality` V.
    pub const VERY_RESTRICTED: Label = Label::of("very-restricted");
    /// A security label that nobody here knows. It restricts, since it was meant to.
    pub const UNRECOGNISED: Label = Label::of("unrecognised");
    /// Not to be told to the patient, nor to whoever acts for them.
    pub const NO_DISCLOSURE_TO_PATIENT: Label = Label::of("no-disclosure-to-patient");
    /// What a practice keeps to itself.
    pub const PRACTICE_CONFIDENTIAL: Label = Label::of("practice-confidential");

    const fn of(name: &'static str) -> Label {
        Label(Cow::Borrowed(name))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = NoLabel;
    fn from_str(name: &str) -> Result<Label, NoLabel> {
        let words = name.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        let fine = words && name.len() <= 40 && name.starts_with(|first: char| first.is_ascii_lowercase());
        if fine { Ok(Label(Cow::Owned(name.to_owned()))) } else { Err(NoLabel) }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Codes of `v3-Confidentiality`, and what each says; none: nothing that keeps it from anybody who may read the record.
const CONFIDENTIALITY: &[(&str, Option<Label>)] =
    &[("U", None), ("L", None), ("M", None), ("N", None), ("R", Some(Label::RESTRICTED)), ("V", Some(Label::VERY_RESTRICTED))];

/// Codes of sensitivity in `v3-ActCode`, and what each is called here.
const SENSITIVITY: &[(&str, Label)] = &[
    ("BH", Label::of("mental-health")),
    ("COGN", Label::of("mental-health")),
    ("DVD", Label::of("mental-health")),
    ("EMOTDIS", Label::of("mental-health")),
    ("ETH", Label::of("substance-misuse")),
    ("ETHUD", Label::of("substance-misuse")),
    ("GDIS", Label::of("genetics")),
    ("HIV", Label::of("hiv")),
    ("MH", Label::of("mental-health")),
    ("NOPAT", Label::NO_DISCLOSURE_TO_PATIENT),
    ("OPIOIDUD", Label::of("substance-misuse")),
    ("PHY", Label::of("clinician-requested")),
    ("PREGNANT", Label::of("sexual-health")),
    ("PRS", Label::of("patient-requested")),
    ("PSY", Label::of("mental-health")),
    ("PSYTHPN", Label::of("mental-health")),
    ("SCA", Label::of("genetics")),
    ("SDV", Label::of("domestic-violence")),
    ("SEX", Label::of("sexual-health")),
    ("SEXWM", Label::of("sexual-health")),
    ("SICKLE", Label::of("genetics")),
    ("STD", Label::of("sexual-health")),
    ("SUD", Label::of("substance-misuse")),
    ("VIO", Label::of("domestic-violence")),
];

/// Codes of `v3-ActCode` that oblige whoever has the data, and keep it from nobody who may read it.
const OBLIGATIONS: &[&str] = &[
    "AUDIT",
    "AUDTR",
    "CPLYCC",
    "CPLYCD",
    "CPLYJPP",
    "CPLYOPP",
    "CPLYOSP",
    "CPLYPOL",
    "DEID",
    "DELAU",
    "ENCRYPT",
    "ENCRYPTR",
    "ENCRYPTT",
    "NODSCLCD",
    "NODSCLCDS",
    "NOINTEGRATE",
    "NOLIST",
    "NOMOU",
    "NOORGPOL",
    "NORDSCLCD",
    "NORDSCLCDS",
    "NORDSLCD",
    "NOREUSE",
    "PERSISTLABEL",
    "PRIVMARK",
];

/// The value set that a label's system names, by whatever way it is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    ActCode,
    Confidentiality,
    /// None is named: either is meant.
    Either,
    /// Another's: what its codes mean is for a list to say.
    Other,
}

fn scheme(system: &str) -> Scheme {
    let system = system.trim().trim_end_matches('/');
    let names = |name: &str, oid: &str| {
        let by_uri = system.rsplit('/').next().unwrap_or_default();
        by_uri.eq_ignore_ascii_case(name)
            || by_uri.get(..3).is_some_and(|v3| v3.eq_ignore_ascii_case("v3-")) && by_uri[3..].eq_ignore_ascii_case(name)
            || system == oid
    };
    if system.is_empty() {
        Scheme::Either
    } else if names("Confidentiality", "urn:oid:2.16.840.1.113883.5.25") {
        Scheme::Confidentiality
    } else if names("ActCode", "urn:oid:2.16.840.1.113883.5.4") {
        Scheme::ActCode
    } else {
        Scheme::Other
    }
}

/// What one security label (a Coding) says. A code of these two systems that nobody knows restricts.
fn meant(coding: Ref<'_>) -> Option<Label> {
    let system = coding.text("system").unwrap_or_default();
    let code = coding.text("code").unwrap_or_default();
    let code = code.trim().to_ascii_uppercase();
    let scheme = scheme(&system);
    let confidential = CONFIDENTIALITY.iter().find(|(own, _)| *own == code).map(|(_, label)| label.clone());
    let act = SENSITIVITY.iter().find(|(own, _)| *own == code).map(|(_, label)| Some(label.clone()));
    let act = act.or_else(|| OBLIGATIONS.contains(&code.as_str()).then_some(None));
    let known = match scheme {
        Scheme::ActCode => act,
        Scheme::Confidentiality => confidential,
        Scheme::Either => confidential.or(act),
        Scheme::Other => Some(None),
    };
    known.unwrap_or(Some(Label::UNRECOGNISED))
}

/// Where resources have labels of their own beside `meta.security`.
const BESIDE: [&str; 2] = ["securityLabel.coding", "confidentiality"];
/// A label inside a resource (Data Segmentation for Privacy).
const INLINE: &str = "extension-inline-sec-label";

/// Whether a resource can have no label on the whole of it: most have none, and this is quick.
fn is_bare(root: Ref<'_>) -> bool {
    root.get("meta").is_some_and(|meta| meta.is_object() && meta.get("security").is_none())
        && root.get("securityLabel").is_none()
        && root.get("confidentiality").is_none()
        && root.get("contained").is_none()
}

/// Whether any label can stand inside it.
fn may_be_inline(tree: &Tree) -> bool {
    tree.is_hiding() || tree.texts().into_iter().any(|text| text.contains(INLINE))
}

/// What a source's own labels say of a resource, of whatever it contains, and of its elements: the whole goes by the worst of it.
pub(crate) fn own(tree: &Tree, labels: &mut BTreeSet<Label>) {
    if !is_bare(tree.root()) {
        of_resource(tree.root(), labels);
    }
    if may_be_inline(tree) {
        inline(tree.root(), labels);
    }
}

fn of_resource(root: Ref<'_>, labels: &mut BTreeSet<Label>) {
    labels.extend(root.all("meta.security").into_iter().filter_map(meant));
    // `DocumentReference.securityLabel`; `Composition.confidentiality` is a code and no Coding.
    labels.extend(root.all(BESIDE[0]).into_iter().filter_map(meant));
    if let Some(code) = root.text(BESIDE[1]) {
        let known = CONFIDENTIALITY.iter().find(|(own, _)| code.eq_ignore_ascii_case(own));
        labels.extend(known.map_or(Some(Label::UNRECOGNISED), |(_, label)| label.clone()));
    }
    root.all("contained").into_iter().for_each(|inner| of_resource(inner, labels));
}

/// Labels of elements, at whatever depth.
fn inline(node: Ref<'_>, labels: &mut BTreeSet<Label>) {
    if node.is_object() && node.text("url").is_some_and(|url| url.ends_with(INLINE)) {
        labels.extend(node.all("valueCoding").into_iter().filter_map(meant));
    }
    node.items().filter(|child| !child.is_primitive()).for_each(|child| inline(child, labels));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(json: &str) -> Vec<String> {
        let tree = fhir::Tree::from_json(json.to_owned().into()).unwrap();
        let mut found = BTreeSet::new();
        own(&tree, &mut found);
        found.iter().map(Label::to_string).collect()
    }

    #[test]
    fn a_sources_own_labels_are_read_however_they_are_spelt() {
        let check = |system: &str, code: &str, expected: &[&str]| {
            let json = format!(r#"{{"meta":{{"security":[{{"system":"{system}","code":"{code}"}}]}}}}"#);
            assert_eq!(labels(&json), expected, "{system}|{code}");
            let inner = format!(r#"{{"meta":{{}},"contained":[{json}]}}"#);
            assert_eq!(labels(&inner), expected, "contained {system}|{code}");
            let extension = format!(
                r#"{{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{{"system":"{system}","code":"{code}"}}}}"#
            );
            for inside in [
                format!(r#"{{"meta":{{}},"extension":[{extension}]}}"#),
                format!(r#"{{"meta":{{}},"note":[{{"text":"x","extension":[{extension}]}}]}}"#),
                format!(r#"{{"meta":{{}},"_birthDate":{{"extension":[{extension}]}}}}"#),
                format!(r#"{{"meta":{{}},"contained":[{{"code":{{"extension":[{extension}]}}}}]}}"#),
                format!(r#"{{"meta":{{}},"note":[{{"extension":[{}]}}]}}"#, extension.replace("inline-sec", "inline\\u002dsec")),
            ] {
                assert_eq!(labels(&inside), expected, "{inside}");
            }
            let document = format!(r#"{{"meta":{{}},"securityLabel":[{{"coding":[{{"system":"{system}","code":"{code}"}}]}}]}}"#);
            assert_eq!(labels(&document), expected, "a document's {system}|{code}");
        };
        for system in [
            "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
            "http://hl7.org/fhir/v3/Confidentiality",
            "https://hl7.org/fhir/v3-Confidentiality/",
            "urn:oid:2.16.840.1.113883.5.25",
            "",
        ] {
            check(system, "R", &["restricted"]);
            check(system, "V", &["very-restricted"]);
            check(system, "v", &["very-restricted"]);
            check(system, " R ", &["restricted"]);
            check(system, "N", &[]);
            check(system, "U", &[]);
            check(system, "X", &["unrecognised"]);
        }
        for system in
            ["http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://hl7.org/fhir/v3/ActCode", "urn:oid:2.16.840.1.113883.5.4", ""]
        {
            check(system, "HIV", &["hiv"]);
            check(system, "PSY", &["mental-health"]);
            check(system, "STD", &["sexual-health"]);
            check(system, "SDV", &["domestic-violence"]);
            check(system, "ETH", &["substance-misuse"]);
            // Whoever asked for it meant it to be kept.
            check(system, "PRS", &["patient-requested"]);
            check(system, "PHY", &["clinician-requested"]);
            check(system, "NOPAT", &["no-disclosure-to-patient"]);
            check(system, "NORDSCLCD", &[]);
            check(system, "CEL", &["unrecognised"]);
        }
        // One system's code in the other is nobody's.
        check("http://hl7.org/fhir/v3/Confidentiality", "HIV", &["unrecognised"]);
        check("http://hl7.org/fhir/v3/ActCode", "R", &["unrecognised"]);
        // A supplier's own labels are for a list to read.
        check("https://supplier.example/label", "R", &[]);
        // Nor is every coding in an extension a label.
        let other = r#"{"url":"https://x/extension-inline-sec-label-of-another","valueCoding":{"code":"R"}}"#;
        assert!(labels(&format!(r#"{{"meta":{{}},"extension":[{other}]}}"#)).is_empty());
        check("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST", &[]);
        assert_eq!(labels(r#"{"meta":{},"confidentiality":"R"}"#), ["restricted"]);
        assert_eq!(labels(r#"{"meta":{},"confidentiality":"?"}"#), ["unrecognised"]);
        assert_eq!(labels(r#"{"meta":{"security":[{"display":"Secret"}]}}"#), ["unrecognised"], "said, and not how");
        assert!(labels("{}").is_empty());
    }

    #[test]
    fn a_label_is_a_name() {
        let check = |name: &str, fine: bool| {
            let told = name.parse::<Label>().map(|label| (label.as_str().to_owned(), label.to_string()));
            assert_eq!(told.ok(), fine.then(|| (name.to_owned(), name.to_owned())), "{name}");
        };
        check("hiv", true);
        check("termination-of-pregnancy", true);
        check("clinic-7", true);
        check(&"a".repeat(40), true);
        for name in ["", "HIV", "a--b", "-a", "a-", "7a", "a b", "a_b", &"a".repeat(41)] {
            check(name, false);
        }
    }
}
