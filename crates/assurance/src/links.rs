//! Claims in documents: `[test: crates/…rs::name]` leads to a test, `[words](other.md#section)` to a section, `[open: …]` says what is not
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{Error, Tests};

/// One document, by its name in the pack.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its file's name.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Document {
    /// Every Markdown file of a folder, in order of names.
    pub fn all(folder: &Path) -> Result<Vec<Document>, Error> {
        let mut documents = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
            let path = entry.map_err(Error::file(folder))?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                documents.push(Document { name, text });
            }
        }
        documents.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(documents)
    }

    /// What it says is not there yet.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        bracketed(&self.text, "[open: ")
    }
}

/// What follows each opening up to its closing bracket.
fn bracketed<'a>(text: &'a str, opening: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(opening).skip(1).filter_map(|rest| rest.split(']').next())
}

/// Every claim of these documents that leads nowhere; one sentence each. In the pack they lie in one folder, so no two have one name.
pub fn faults(documents: &[Document], tests: &Tests) -> Vec<String> {
    let sections: BTreeMap<&str, BTreeSet<String>> =
        documents.iter().map(|document| (document.name.as_str(), headings(&document.text).collect())).collect();
    let mut faults = Vec::new();
    for Document { name, text } in documents {
        let dead = bracketed(text, "[test: ").filter_map(|test| tests.fault(test));
        faults.extend(dead.map(|what| format!("{name}: {what}")));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { name } else { file.rsplit('/').next().unwrap_or(file) };
            match sections.get(file) {
                // What lies elsewhere in the source is not in the pack either.
                None => faults.push(format!("{name}: there is no document {file}")),
                Some(known) if !section.is_empty() && !known.contains(section) => {
                    faults.push(format!("{name}: {file} has no section {section}"));
                }
                Some(_) => {}
            }
        }
    }
    faults
}

/// Sections as they are led to: lower case, letters and digits, blanks as hyphens.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let heading = |line: &str| {
        let words = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        Some(kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect())
    };
    text.lines().filter_map(heading).collect::<Vec<String>>().into_iter()
}
