//! Findings: what is odd or lossy in a source's data. Reading never fails for them.

/// Something about one resource that its reader may need to know. Carries no patient data, only places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What kind of thing.
    pub code: FindingCode,
    /// Element path in the names of the version it came in: `MedicationOrder.dispenseRequest.medicationReference`,
    /// with `[n]` for repeats. A path covers all leaves below it. Just the type when it is about the whole.
    pub path: String,
    /// What happened, in words, without values.
    pub detail: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingCode {
    /// A value was translated to the code or shape R4 has for it.
    Converted,
    /// An attachment, Binary or other URL was rewritten to the exchange, or blanked as it pointed at a source's host.
    Hidden,
    /// Members with one business identifier differ in code, value, dose or date.
    IdentifierReuse,
    /// The resource came with no id; one was made from its content.
    IdMade,
    /// An element that R4 has no place for: carried in an extension, or not carried.
    Lossy,
    /// An element is not of the shape its version defines.
    Malformed,
    /// A code of another system or version was added beside what the source sent, which stays.
    MappedCode,
    /// Markup that a page must not run was taken out of a narrative.
    NarrativeCleaned,
    /// The source warned that its answer may lack something.
    SourceWarning,
    /// A resource of the person's own answer said no subject; the answer's person is taken.
    SubjectAssumed,
    /// A code or code system we do not know.
    UnknownCode,
    /// A qualifier that changes meaning and that we cannot read.
    UnknownModifier,
    /// A reference leads to nothing in the answer.
    UnresolvedReference,
}

impl FindingCode {
    /// The code on the wire, of system `urn:severn:finding`.
    pub fn code(self) -> &'static str {
        match self {
            FindingCode::Converted => "converted",
            FindingCode::Hidden => "hidden",
            FindingCode::IdentifierReuse => "identifier-reuse",
            FindingCode::IdMade => "id-made",
            FindingCode::Lossy => "lossy-conversion",
            FindingCode::Malformed => "malformed",
            FindingCode::MappedCode => "mapped-code",
            FindingCode::NarrativeCleaned => "narrative-cleaned",
            FindingCode::SourceWarning => "source-warning",
            FindingCode::SubjectAssumed => "subject-assumed",
            FindingCode::UnknownCode => "unknown-code",
            FindingCode::UnknownModifier => "unknown-modifier",
            FindingCode::UnresolvedReference => "unresolved-reference",
        }
    }
}
