//! Ids that are unique in the exchange, made from a source's own so that every read makes the same.

use aws_lc_rs::digest;
use data_encoding::BASE32_NOPAD;
use record::SourceId;

/// The longest id FHIR allows.
const ID_MAX: usize = 64;
/// How much of a hash an id carries: 30 bytes are 48 letters, which fit behind the longest source id.
const HASH_BYTES: usize = 30;

/// Older types that become the R4 type that a ReferralRequest becomes: their ids are kept apart from its by their own name.
const SHARED: [&str; 2] = ["DiagnosticOrder", "ProcedureRequest"];

/// The exchange's id for a source's resource: `<source>-<id>` where that is a FHIR id, else `<source>.h.<hash>`.
///
/// `kind` is the type as the source names it. FHIR ids are unique within a type, and so are these.
///
/// ```
/// let source = "gp".parse().unwrap();
/// assert_eq!(dialect::mint(&source, "Condition", "12"), "gp-12");
/// assert!(dialect::mint(&source, "Condition", "a/b").starts_with("gp.h."));
/// ```
pub fn mint(source: &SourceId, kind: &str, id: &str) -> String {
    let mut minted = String::with_capacity(source.as_str().len() + id.len() + 1);
    mint_into(&mut minted, source, kind, id);
    minted
}

/// [`mint`], appended to `out`.
pub(crate) fn mint_into(out: &mut String, source: &SourceId, kind: &str, id: &str) {
    let prefix = if SHARED.contains(&kind) { kind.len() + 1 } else { 0 };
    let fits = source.as_str().len() + 1 + prefix + id.len() <= ID_MAX && !id.is_empty() && id.bytes().all(legal);
    if !fits {
        let whole = if prefix > 0 { format!("{kind}.{id}") } else { id.to_owned() };
        return hashed_into(out, source, whole.as_bytes());
    }
    out.push_str(source.as_str());
    out.push('-');
    if prefix > 0 {
        out.push_str(kind);
        out.push('.');
    }
    out.push_str(id);
}

/// An id made from content, for what has none of its own.
pub(crate) fn hashed(source: &SourceId, content: &[u8]) -> String {
    let mut out = String::new();
    hashed_into(&mut out, source, content);
    out
}

fn hashed_into(out: &mut String, source: &SourceId, content: &[u8]) {
    let digest = digest::digest(&digest::SHA256, content);
    out.push_str(source.as_str());
    out.push_str(".h.");
    out.push_str(&BASE32_NOPAD.encode(&digest.as_ref()[..HASH_BYTES]).to_ascii_lowercase());
}

fn legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(text: &str) -> SourceId {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_that_fits_is_readable() {
        let check = |kind: &str, id: &str, expected: &str| assert_eq!(mint(&source("gp"), kind, id), expected);
        check("Patient", "1", "gp-1");
        check("ReferralRequest", "1", "gp-1");
        check("ProcedureRequest", "1", "gp-ProcedureRequest.1");
        check("MedicationOrder", "A.b-3", "gp-A.b-3");
    }

    #[test]
    fn an_id_that_does_not_fit_is_a_hash() {
        for id in ["", "a_b", "ä", &"x".repeat(62)] {
            let minted = mint(&source("gp"), "Patient", id);
            assert!(minted.starts_with("gp.h."), "{minted}");
            assert_eq!(minted.len(), 5 + 48);
        }
    }

    proptest! {
        #[test]
        fn every_minted_id_is_a_fhir_id(kind in "[A-Z][a-z]{2,20}", id in ".{0,80}") {
            let minted = mint(&source("abcdefghijkl"), &kind, &id);
            prop_assert!(minted.len() <= ID_MAX && minted.bytes().all(legal), "{}", minted);
        }

        #[test]
        fn different_ids_stay_different(a in "[ -~]{0,70}", b in "[ -~]{0,70}") {
            prop_assume!(a != b);
            prop_assert_ne!(mint(&source("s"), "Patient", &a), mint(&source("s"), "Patient", &b));
        }
    }
}
