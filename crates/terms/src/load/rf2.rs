//! SNOMED CT's release files (RF2, snapshot): tables of tabs, the first line naming the columns.

use std::io::BufRead;

use super::{LoadError, Loader, PROGRESS_EVERY, Progress};
use crate::terminology::sctid;
use crate::{Space, space};

const IS_A: &str = "116680003";
const FULL_NAME: &str = "900000000000003001";
/// Associations that name one concept in place of another: "same as" and "replaced by". What is only possibly equivalent is none.
const IN_ITS_PLACE: &[&str] = &["900000000000526001", "900000000000527005"];

impl Loader {
    /// `sct2_Concept_Snapshot`.
    pub fn concepts(&mut self, file: &str, read: impl BufRead, progress: &mut Progress<'_>) -> Result<(), LoadError> {
        let concepts = &mut self.snomed.concepts;
        rows(file, read, progress, ["id", "effectiveTime", "active"], |[id, day, active]| {
            concepts.push((concept(id)?, day.parse().map_err(|_| format!("`{day}` is no day"))?, active == "1"));
            Ok(())
        })
    }

    /// `sct2_Description_Snapshot`: full names of concepts, for people to read beside a mapped code.
    pub fn descriptions(&mut self, file: &str, read: impl BufRead, progress: &mut Progress<'_>) -> Result<(), LoadError> {
        let names = &mut self.snomed.names;
        rows(file, read, progress, ["conceptId", "active", "typeId", "term"], |[id, active, kind, term]| {
            if active == "1" && kind == FULL_NAME {
                names.push((concept(id)?, term.into()));
            }
            Ok(())
        })
    }

    /// `sct2_Relationship_Snapshot`: what each concept is a kind of.
    pub fn relationships(&mut self, file: &str, read: impl BufRead, progress: &mut Progress<'_>) -> Result<(), LoadError> {
        let is_a = &mut self.snomed.is_a;
        rows(file, read, progress, ["sourceId", "destinationId", "active", "typeId"], |[child, parent, active, kind]| {
            if active == "1" && kind == IS_A {
                is_a.push((concept(child)?, concept(parent)?));
            }
            Ok(())
        })
    }

    /// `der2_cRefset_Association…Snapshot`: what took the place of what was retired.
    pub fn associations(&mut self, file: &str, read: impl BufRead, progress: &mut Progress<'_>) -> Result<(), LoadError> {
        let replaced = &mut self.snomed.replaced;
        let columns = ["refsetId", "active", "referencedComponentId", "targetComponentId"];
        rows(file, read, progress, columns, |[refset, active, old, new]| {
            // Descriptions are associated too; their identifiers are no concepts, and are not found later.
            if active == "1" && IN_ITS_PLACE.contains(&refset) {
                replaced.push((concept(old)?, concept(new)?));
            }
            Ok(())
        })
    }

    /// `der2_sRefset_SimpleMapSnapshot`, `der2_iisssc…Refset_ExtendedMapSnapshot`: codes of another system for concepts, read the
    /// other way round. `systems` says which reference set is of which system; others are passed over.
    pub fn maps(
        &mut self,
        file: &str,
        read: impl BufRead,
        systems: &[(String, String)],
        progress: &mut Progress<'_>,
    ) -> Result<(), LoadError> {
        let mut found: Vec<Vec<(Box<str>, u64)>> = vec![Vec::new(); systems.len()];
        let spaces: Vec<Space<'_>> = systems.iter().map(|(_, system)| space(system)).collect();
        let columns = ["refsetId", "active", "referencedComponentId", "mapTarget"];
        rows(file, read, progress, columns, |[refset, active, from, target]| {
            let of = systems.iter().position(|(wanted, _)| wanted == refset);
            if let Some(of) = of.filter(|_| active == "1" && !target.is_empty() && !target.starts_with('#')) {
                found[of].push((spaces[of].plain(target).into(), concept(from)?));
            }
            Ok(())
        })?;
        self.maps.extend(systems.iter().map(|(_, system)| system.clone()).zip(found).filter(|(_, codes)| !codes.is_empty()));
        Ok(())
    }
}

fn concept(text: &str) -> Result<u64, String> {
    sctid(text).ok_or_else(|| format!("`{}` is no SNOMED CT identifier", text.chars().take(24).collect::<String>()))
}

/// Hands every row's wanted columns on.
fn rows<const N: usize>(
    file: &str,
    mut read: impl BufRead,
    progress: &mut Progress<'_>,
    columns: [&str; N],
    mut row: impl FnMut([&str; N]) -> Result<(), String>,
) -> Result<(), LoadError> {
    let fault = |line: usize, what: String| LoadError { file: file.to_owned(), line, what };
    let mut text = String::new();
    let mut next = |text: &mut String, line: usize| {
        text.clear();
        read.read_line(text).map_err(|error| fault(line, error.to_string()))
    };
    next(&mut text, 1)?;
    let heads: Vec<&str> = text.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}').split('\t').collect();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        *place = heads
            .iter()
            .position(|head| *head == column)
            .ok_or_else(|| fault(1, format!("there is no column {column}: not the release file that its name says")))?;
    }
    let count = heads.len();
    for line in 2.. {
        if next(&mut text, line)? == 0 {
            progress(file, line - 2);
            break;
        }
        if line % PROGRESS_EVERY == 0 {
            progress(file, line);
        }
        let own = text.trim_end_matches(['\r', '\n']);
        if own.is_empty() {
            continue;
        }
        let mut values = [""; N];
        let mut said = 0;
        for (at, value) in own.split('\t').enumerate() {
            said += 1;
            places.iter().zip(&mut values).filter(|(place, _)| **place == at).for_each(|(_, slot)| *slot = value);
        }
        if said != count {
            return Err(fault(line, format!("{said} columns, and the first line names {count}")));
        }
        row(values).map_err(|what| fault(line, what))?;
    }
    Ok(())
}
