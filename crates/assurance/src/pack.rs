//! The pack: one folder of documents for a release, the same for the same source.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::{Document, Error, Log, Tests, faults, report};

/// Of what a pack is.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub commit: String,
    /// That commit's date.
    pub date: String,
}

/// The documents of a release, by file name.
#[derive(Debug, Clone)]
pub struct Pack {
    /// The documents.
    pub documents: BTreeMap<String, String>,
}

impl Pack {
    /// Puts the pack of a source tree together. Where a claim leads nowhere there is none.
    pub fn of(tree: &Path, release: &Release) -> Result<Pack, Error> {
        let (log, tests) = (Log::own()?, Tests::of(tree)?);
        let mut documents = Document::all(&tree.join("docs/assurance"))?;
        documents.extend(Document::all(&tree.join("docs/security"))?);
        // Notes on two folders have one name.
        let notes = Document::all(&tree.join("docs/safety"))?.into_iter();
        documents.extend(notes.map(|document| Document { name: format!("hazard-log-{}", document.name.to_lowercase()), ..document }));
        documents.push(Document { name: "hazard-log.md".to_owned(), text: report(&log, &release.version) });
        let faults: Vec<String> = log.faults(&tests).into_iter().chain(faults(&documents, &tests)).collect();
        if !faults.is_empty() {
            return Err(Error::Faults(faults));
        }
        let open = open_items(&log, &documents);
        documents.push(Document { name: "open-items.md".to_owned(), text: open });
        documents.push(Document { name: "tests.md".to_owned(), text: listed(&tests) });
        let head = format!(
            "> Severn {}, commit {} of {}. Not signed: a signature is a line of its own beside this file, over its digest.\n\n",
            release.version, release.commit, release.date
        );
        let flat = |text: &str| {
            ["assurance", "safety", "security"].iter().fold(text.to_owned(), |text, folder| text.replace(&format!("](../{folder}/"), "]("))
        };
        let documents = documents.into_iter().map(|Document { name, text }| (name, format!("{head}{}", flat(&text)))).collect();
        Ok(Pack { documents })
    }

    /// Writes it into a folder, which is made.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        for (name, text) in &self.documents {
            let file = folder.join(name);
            std::fs::write(&file, text).map_err(Error::file(&file))?;
        }
        Ok(())
    }
}

/// Everything that hazards and documents say is not there.
fn open_items(log: &Log, documents: &[Document]) -> String {
    let mut out = String::from("# What is open\n\n## Of the hazards\n\n");
    for hazard in &log.hazards {
        for (control, open) in hazard.open() {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "- {} ({}): {} Control: {}", hazard.id, hazard.name, open, control.text);
        }
    }
    out.push_str("\n## Of the documents\n\n");
    for document in documents {
        for open in document.open() {
            let _ = writeln!(out, "- {}: {open}", document.name);
        }
    }
    out
}

fn listed(tests: &Tests) -> String {
    let mut out = String::from(
        "# Every test of this release\n\nThat each of them passed is what `make test` said of this commit, and not this list.\n\n",
    );
    for name in tests.names() {
        let _ = writeln!(out, "- `{name}`");
    }
    out
}
