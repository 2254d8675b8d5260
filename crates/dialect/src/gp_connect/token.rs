//! The token that goes with each question: who asks, for whom and why. Unsigned, as the interface has it
//! (GP Connect, cross-organisation audit and provenance): whoever carries it must be trusted, so it goes towards the configured
//! proxy only, and is never printed.

use data_encoding::BASE64URL_NOPAD;
use fhir::{NodeId, Tree};
use jiff::Timestamp;
use record::{Caller, ODS_SYSTEM};

use super::request::Spine;

/// How long it is good for, as the interface demands, in seconds.
const LIFE_S: i64 = 300;
/// What stands for a national id that the person does not have.
const UNKNOWN: &str = "UNK";
/// Words before a name that are no part of it.
const TITLES: &[&str] = &["dr", "dr.", "miss", "mr", "mr.", "mrs", "mrs.", "ms", "ms.", "nurse", "prof", "prof.", "professor", "sister"];
/// Purposes of use (v3-ActReason) that are direct care, the one reason for which a practice may be asked.
const DIRECT_CARE: &[&str] = &["BTG", "CAREMGT", "COC", "ETREAT", "TREAT"];

/// Why nobody may be asked in this caller's name; the code that goes on the row.
pub(super) fn unfit(caller: Option<&Caller>) -> Option<&'static str> {
    let named = |caller: &&Caller| {
        let name = caller.name.trim();
        caller.human && !name.is_empty() && (caller.sds_user_id.is_some() || name != caller.user.subject)
    };
    let Some(caller) = caller.filter(named) else { return Some("no-end-user") };
    let cares = caller.purposes.iter().any(|purpose| DIRECT_CARE.contains(&purpose.as_str()));
    (!cares).then_some("not-direct-care")
}

/// The value of `Authorization`.
pub(super) fn bearer(spine: &Spine, caller: &Caller, now: Timestamp) -> String {
    let encode = |tree: &Tree| BASE64URL_NOPAD.encode(tree.to_json().as_bytes());
    format!("Bearer {}.{}.", encode(&header()), encode(&claims(spine, caller, now)))
}

fn header() -> Tree {
    let mut tree = Tree::object();
    let root = tree.root().id();
    tree.set_string(root, "alg", "none");
    tree.set_string(root, "typ", "JWT");
    tree
}

fn claims(spine: &Spine, caller: &Caller, now: Timestamp) -> Tree {
    let mut tree = Tree::object();
    let root = tree.root().id();
    tree.set_string(root, "iss", &spine.issuer);
    tree.set_string(root, "sub", &caller.user.subject);
    tree.set_string(root, "aud", &spine.audience);
    for (name, at) in [("iat", now.as_second()), ("exp", now.as_second() + LIFE_S)] {
        if let Some(number) = tree.new_number(&at.to_string()) {
            tree.set(root, name, number);
        }
    }
    tree.set_string(root, "reason_for_request", "directcare");
    tree.set_string(root, "requested_scope", "patient/*.read");
    device(&mut tree, root, caller);
    organisation(&mut tree, root, caller);
    practitioner(&mut tree, root, caller);
    tree
}

fn device(tree: &mut Tree, root: NodeId, caller: &Caller) {
    let device = resource(tree, root, "requesting_device", "Device");
    let value = caller.device.as_deref().or(caller.client.as_deref()).unwrap_or("severn");
    identifiers(tree, device, &[("urn:severn:device", value)]);
    tree.set_string(device, "model", "Severn");
    tree.set_string(device, "version", env!("CARGO_PKG_VERSION"));
}

/// The organisation from which the question comes, not the one that runs the exchange.
fn organisation(tree: &mut Tree, root: NodeId, caller: &Caller) {
    let organisation = resource(tree, root, "requesting_organization", "Organization");
    identifiers(tree, organisation, &[(ODS_SYSTEM, caller.organisation.code.as_str())]);
    tree.set_string(organisation, "name", &caller.organisation.name);
}

fn practitioner(tree: &mut Tree, root: NodeId, caller: &Caller) {
    let practitioner = resource(tree, root, "requesting_practitioner", "Practitioner");
    tree.set_string(practitioner, "id", &caller.user.subject);
    let user = caller.sds_user_id.as_deref().unwrap_or(UNKNOWN);
    let profile = caller.sds_role_profile_id.as_deref().unwrap_or(UNKNOWN);
    let mut all = vec![("https://fhir.nhs.uk/Id/sds-user-id", user), ("https://fhir.nhs.uk/Id/sds-role-profile-id", profile)];
    all.push((caller.user.issuer.as_str(), caller.user.subject.as_str()));
    // The job role in which they ask, where the role profile does not say it.
    all.extend(caller.roles.iter().map(|role| ("https://fhir.nhs.uk/Id/sds-role-code", role.as_str())));
    identifiers(tree, practitioner, &all);
    let (name, names) = (tree.new_object(), tree.new_array());
    tree.set(practitioner, "name", names);
    tree.push(names, name);
    let Parts { prefix, given, family } = parts(&caller.name);
    tree.set_string(name, "family", family);
    for (key, words) in [("given", given), ("prefix", prefix)] {
        if words.is_empty() {
            continue;
        }
        let list = tree.new_array();
        tree.set(name, key, list);
        for word in words {
            let word = tree.new_string(word);
            tree.push(list, word);
        }
    }
}

fn resource(tree: &mut Tree, root: NodeId, key: &str, kind: &str) -> NodeId {
    let made = tree.new_object();
    tree.set(root, key, made);
    tree.set_string(made, "resourceType", kind);
    made
}

fn identifiers(tree: &mut Tree, holder: NodeId, all: &[(&str, &str)]) {
    let list = tree.new_array();
    tree.set(holder, "identifier", list);
    for (system, value) in all {
        let one = tree.new_object();
        tree.push(list, one);
        tree.set_string(one, "system", system);
        tree.set_string(one, "value", value);
    }
}

/// A name as the interface wants it.
struct Parts<'a> {
    prefix: Vec<&'a str>,
    given: Vec<&'a str>,
    family: &'a str,
}

/// `Dr Anita Rao`; a name with a comma has its family name first (`RAO, Anita (Dr)`).
fn parts(name: &str) -> Parts<'_> {
    let bare = |word: &str| word.trim_matches(['(', ')']).to_ascii_lowercase();
    if let Some((family, rest)) = name.split_once(',') {
        let (prefix, given) = rest.split_whitespace().partition(|word| TITLES.contains(&bare(word).as_str()));
        return Parts { prefix, given, family: family.trim() };
    }
    let mut words: Vec<&str> = name.split_whitespace().collect();
    let family = words.pop().unwrap_or_default();
    let (prefix, given) = words.into_iter().partition(|word| TITLES.contains(&bare(word).as_str()));
    Parts { prefix, given, family }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart() {
        let check = |name: &str, prefix: &[&str], given: &[&str], family: &str| {
            let parts = parts(name);
            assert_eq!((parts.prefix.as_slice(), parts.given.as_slice(), parts.family), (prefix, given, family), "{name}");
        };
        check("Dr Anita Rao", &["Dr"], &["Anita"], "Rao");
        check("Anita Maria Rao", &[], &["Anita", "Maria"], "Rao");
        check("RAO, Anita (Dr)", &["(Dr)"], &["Anita"], "RAO");
        check("Rao", &[], &[], "Rao");
        check("", &[], &[], "");
    }
}
