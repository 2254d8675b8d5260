//! From an operator's files to a [`Terminology`]. Opening them is left to the caller: everything here reads what it is given.

mod concept_map;
mod dmd;
mod rf2;

use crate::Terminology;
use crate::terminology::{Maps, Medicines, Snomed, maps, medicines, snomed};

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {what}", if *.line == 0 { String::new() } else { format!(", line {line}") })]
pub struct LoadError {
    /// The file, as the caller named it.
    pub file: String,
    /// Line, from 1; 0 where it is about the whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Called now and then with a file's name and how many lines or elements of it have been read.
pub type Progress<'a> = dyn FnMut(&str, usize) + 'a;

/// Lines or elements between two words on progress.
const PROGRESS_EVERY: usize = 100_000;

/// Takes files in any order, and makes a [`Terminology`] of them.
///
/// ```
/// let mut loader = terms::Loader::new();
/// let concepts = "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n44054006\t20020131\t1\t0\t0\n";
/// loader.concepts("sct2_Concept", concepts.as_bytes(), &mut |_, _| {}).unwrap();
/// let terminology = loader.finish();
/// assert_eq!(terminology.canonical(terms::Space::Sctid, "44054006").unwrap().concept, 44054006);
/// ```
#[derive(Debug, Default)]
pub struct Loader {
    snomed: snomed::Said,
    medicines: medicines::Said,
    maps: maps::Said,
}

impl Loader {
    /// With nothing loaded.
    pub fn new() -> Loader {
        Loader::default()
    }

    /// All that was loaded, in order.
    pub fn finish(self) -> Terminology {
        Terminology { snomed: Snomed::new(self.snomed), medicines: Medicines::new(self.medicines), maps: Maps::new(self.maps) }
    }
}
