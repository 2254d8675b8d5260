//! From R4, which the joined record speaks, to STU3 for readers who speak that: the mirror of the way up.

mod care;
mod datatypes;
mod findings;
mod medicines;
mod named;
mod others;
mod papers;
mod requests;
mod rules;

use fhir::tables;
use fhir::{Kind, NodeId, Ref, Tree, Version};
use record::{Finding, FindingCode};

use super::draft::Draft;
use super::rule::{Rule, Shape};
use super::{carry, translate};

pub(super) use requests::{REFERRAL, is_called_referral, is_referral};
pub(super) use rules::{code, denied, extended, narrow, words};

/// Every shape from R4 to STU3.
pub(super) fn shapes() -> impl Iterator<Item = &'static Shape> {
    [care::SHAPES, datatypes::SHAPES, findings::SHAPES, medicines::SHAPES, others::SHAPES, papers::SHAPES, requests::SHAPES]
        .into_iter()
        .flatten()
}

/// What a translation must know of the answer that a resource stands in.
pub struct Telling<'a> {
    /// The exchange's FHIR base for R4, as addresses in the record begin.
    pub r4_base: &'a str,
    /// And for STU3.
    pub stu3_base: &'a str,
    /// Whether the ServiceRequest of an id is a referral: what leads to it must name its type.
    pub is_referral: &'a dyn Fn(&str) -> bool,
    /// The STU3 type asked for, where a ServiceRequest was read by that name.
    pub asked: Option<&'a str>,
}

/// Makes an STU3 resource of one of R4. What STU3 cannot say as R4 does is named, in the names of R4. It always comes out as
/// something: a type that STU3 does not know travels as a Basic.
///
/// ```
/// let mut tree = fhir::Tree::from_json(r#"{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]}}"#.into()).unwrap();
/// let telling = dialect::Telling { r4_base: "", stu3_base: "", is_referral: &|_| false, asked: None };
/// dialect::to_stu3(&mut tree, &telling);
/// assert!(tree.root().is("clinicalStatus", "active"));
/// ```
pub fn to_stu3(tree: &mut Tree, telling: &Telling<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let asked = telling.asked.filter(|_| tree.root().is("resourceType", Kind::SERVICE_REQUEST.name()));
    let to = tables::of(Version::Stu3).type_of(asked.unwrap_or_else(|| stu3_type(tree.root()))).map_or("Basic", |one| one.name);
    let mut draft = Draft::new(Version::R4, Version::Stu3, tree, &mut findings);
    translate(&mut draft, to);
    let root = draft.tree.root().id();
    draft.tree.set_string(root, "resourceType", to);
    named::all(&mut draft, root, telling);
    findings
}

/// The STU3 type that a resource of R4 becomes.
pub fn stu3_type(resource: Ref<'_>) -> &'static str {
    let named = resource.text("resourceType").unwrap_or_default();
    let kind = Kind::parse(&named);
    match kind {
        Some(Kind::SERVICE_REQUEST) if is_referral(resource) => "ReferralRequest",
        Some(kind) => stu3_name(kind),
        None => "Basic",
    }
}

/// What STU3 calls a type; of a ServiceRequest, what it calls one that is no referral.
pub fn stu3_name(kind: Kind) -> &'static str {
    match super::shape(Version::R4, Version::Stu3, kind.name()) {
        Some(shape) => shape.to,
        None if tables::of(Version::Stu3).is_resource(kind.name()) => kind.name(),
        None => "Basic",
    }
}

/// The R4 type that holds what STU3 calls so.
pub fn stu3_kinds(name: &str) -> Option<Kind> {
    if !tables::of(Version::Stu3).is_resource(name) {
        return None;
    }
    match name {
        "ProcedureRequest" | "ReferralRequest" => Some(Kind::SERVICE_REQUEST),
        name => Kind::all().find(|kind| stu3_name(*kind) == name && (name == "Basic") == (*kind == Kind::BASIC)),
    }
}

/// The name of a filter to what STU3 has as a type of its own, and R4 has not: no search parameter of FHIR's.
pub const STU3_TYPE: &str = "_stu3-type";

/// A code that a search of an STU3 type asks for, as R4 has it.
pub fn stu3_code<'a>(named: &str, element: &str, code: &'a str) -> &'a str {
    let rules = super::shape(Version::Stu3, Version::R4, named).map(|shape| shape.rules).unwrap_or_default();
    let codes = rules.iter().filter_map(|rule| match rule {
        Rule::Codes(key, codes) if *key == element => Some(*codes),
        _ => None,
    });
    codes.flatten().find(|(old, new)| *old == code && !new.is_empty()).map_or(code, |(_, new)| new)
}

/// A token of a search (`system|code`) as STU3 spells it, in R4's spelling.
pub fn stu3_token(value: &str) -> String {
    match value.split_once('|') {
        Some((system, code)) => match super::systems::r4_name(system, code) {
            Some(system) => format!("{system}|{code}"),
            None => value.to_owned(),
        },
        None => value.to_owned(),
    }
}

/// Whether an object is a resource of a type that STU3 has not.
pub(super) fn homeless(draft: &Draft<'_>, object: NodeId) -> bool {
    draft.has(object, "resourceType")
        && draft
            .text(object, "resourceType")
            .is_some_and(|name| Kind::parse(&name).is_none_or(|kind| stu3_name(kind) == "Basic" && kind != Kind::BASIC))
}

/// What every resource may have, and a Basic can be about.
const COMMON: &[&str] = &[
    "contained",
    "extension",
    "id",
    "identifier",
    "implicitRules",
    "language",
    "meta",
    "modifierExtension",
    "resourceType",
    "subject",
    "text",
];

/// Makes a Basic of it: FHIR's own way for what a version has no type for. Its elements are carried.
pub(super) fn shelter(draft: &mut Draft<'_>, object: NodeId) {
    let named = draft.text(object, "resourceType").unwrap_or_default();
    draft.note(FindingCode::Converted, object, format!("STU3 has no {named}: a Basic, its elements carried in extensions"));
    if draft.at(object, "patient").is_some_and(|patient| draft.is_object(patient)) {
        draft.rename(object, "patient", "subject");
    }
    for key in draft.keys(object) {
        let plain = key.strip_prefix('_').unwrap_or(&key);
        if !COMMON.contains(&plain) && draft.has(object, &key) {
            carry::key(draft, object, plain);
        }
    }
    draft.tree.set_string(object, "resourceType", "Basic");
    let code = draft.concept("http://hl7.org/fhir/resource-types", &named);
    draft.tree.set(object, "code", code);
}
