//! FHIR ConceptMaps in JSON, of R4 and R5: from other systems to SNOMED CT.

use serde::Deserialize;

use super::{LoadError, Loader, Progress};
use crate::terminology::sctid;
use crate::{Space, space};

#[derive(Deserialize)]
struct ConceptMap {
    #[serde(rename = "resourceType")]
    resource_type: String,
    #[serde(default)]
    group: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    source: Option<String>,
    target: Option<String>,
    #[serde(default)]
    element: Vec<Element>,
}

#[derive(Deserialize)]
struct Element {
    code: Option<String>,
    #[serde(default)]
    target: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    code: Option<String>,
    /// R4's word.
    equivalence: Option<String>,
    /// R5's word.
    relationship: Option<String>,
}

impl Target {
    /// Whether it means the same. What is wider or narrower is another concept.
    fn is_equivalent(&self) -> bool {
        matches!(self.equivalence.as_deref().or(self.relationship.as_deref()), Some("equal" | "equivalent"))
    }
}

impl Loader {
    /// One ConceptMap. Groups that do not lead to SNOMED CT are passed over; a map that has no other is a mistake.
    pub fn concept_map(&mut self, file: &str, bytes: &[u8], progress: &mut Progress<'_>) -> Result<(), LoadError> {
        let fault = |line: usize, what: String| LoadError { file: file.to_owned(), line, what };
        let map: ConceptMap = serde_json::from_slice(bytes).map_err(|error| fault(error.line(), error.to_string()))?;
        if map.resource_type != "ConceptMap" {
            return Err(fault(0, "is JSON, but no ConceptMap".to_owned()));
        }
        let mut count = 0;
        for group in map.group {
            let (Some(source), Some(target)) = (group.source, group.target) else { continue };
            if space(&target) != Space::Sctid {
                continue;
            }
            let from = space(&source);
            let mut codes: Vec<(Box<str>, u64)> = Vec::new();
            for element in &group.element {
                let Some(code) = &element.code else { continue };
                for concept in element.target.iter().filter(|target| target.is_equivalent()).filter_map(|target| target.code.as_deref()) {
                    let concept = sctid(concept).ok_or_else(|| fault(0, "leads to what is no SNOMED CT identifier".to_owned()))?;
                    codes.push((from.plain(code).into(), concept));
                }
            }
            count += codes.len();
            self.maps.push((source, codes));
        }
        if count == 0 {
            return Err(fault(0, "leads from nothing to SNOMED CT: no group with both systems and an equivalent target".to_owned()));
        }
        progress(file, count);
        Ok(())
    }
}
