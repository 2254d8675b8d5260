//! `[[sensitivity.list]]`: which code lists say what is sensitive, and the form of such a list.

use std::path::PathBuf;

use access::{Label, Listed, Sign};
use jiff::civil::Date;
use toml::de::DeTable;

use super::Reader;
use super::reader::{Mistake, Mistakes, Section};

/// `[[sensitivity.list]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensitivityList {
    /// The list.
    pub file: PathBuf,
    /// Its detached signature; the list's name with `.sig` unless named.
    pub signature: PathBuf,
    /// The public key, in PEM, of whoever answers for it.
    pub key: PathBuf,
}

/// A list as its file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeList {
    /// What it is called.
    pub name: String,
    /// Which version of it.
    pub version: String,
    /// From which day it holds.
    pub issued: Date,
    /// The last day on which it may be taken in.
    pub expires: Date,
    /// Who answers for it, in words.
    pub signer: String,
    /// What it lists.
    pub entries: Vec<Listed>,
}

impl<'a> Reader<'a> {
    pub(super) fn sensitivity(&self, section: Section<'a>) -> Vec<SensitivityList> {
        let lists = section.sections("list").into_iter().filter_map(|list| {
            let file = list.required::<String>("file").map(|file| self.path(&file));
            let signature = list.text("signature").map(|file| self.path(&file));
            let key = list.required::<String>("key").map(|file| self.path(&file));
            for (name, path) in [("file", &file), ("signature", &signature), ("key", &key)] {
                if let Some(Err(error)) = path.as_ref().map(std::fs::metadata) {
                    list.mistake(name, error);
                }
            }
            list.finish();
            let file = file?;
            let signature = signature.unwrap_or_else(|| beside(&file));
            Some(SensitivityList { file, signature, key: key? })
        });
        let lists = lists.collect();
        section.finish();
        lists
    }
}

/// Where the signature of a list is, unless it is said.
pub(crate) fn beside(file: &std::path::Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

impl CodeList {
    /// Reads a list, or says all that is wrong with it.
    pub fn parse(text: &str) -> Result<CodeList, Vec<Mistake>> {
        let (document, errors) = DeTable::parse_recoverable(text);
        let mistakes = Mistakes::of(text);
        for error in errors {
            mistakes.at(error.span().map(|span| span.start), error.message().to_owned());
        }
        let list = CodeList::read(Section::new("list", None, Some(document.get_ref()), &mistakes));
        let found = mistakes.into_sorted();
        match list {
            Some(list) if found.is_empty() => Ok(list),
            _ => Err(found),
        }
    }

    fn read(section: Section<'_>) -> Option<CodeList> {
        let (name, version) = (section.required("name"), section.required("version"));
        let (issued, expires) = (section.required::<Date>("issued"), section.required::<Date>("expires"));
        let signer = section.person("signer");
        if issued > expires {
            section.mistake("expires", "is before it was issued");
        }
        let groups = section.sections("entries");
        let entries: Vec<Listed> = groups.into_iter().flat_map(|group| listed(group).unwrap_or_default()).collect();
        if entries.is_empty() {
            section.mistake("entries", "an empty list says that nothing is sensitive: leave the list out, or fill it");
        }
        section.finish();
        Some(CodeList { name: name?, version: version?, issued: issued?, expires: expires?, signer: signer?, entries })
    }
}

/// One `[[entries]]`: values that share label, kind and system.
fn listed(group: Section<'_>) -> Option<Vec<Listed>> {
    let label = group.required::<Label>("label");
    let sign = group.required::<String>("kind").and_then(|kind| {
        let found = Sign::ALL.iter().find(|(name, _)| *name == kind).map(|(_, sign)| *sign);
        if found.is_none() {
            let known: Vec<&str> = Sign::ALL.iter().map(|(name, _)| *name).collect();
            group.mistake("kind", format!("`{kind}` is not known; use one of {}", known.join(", ")));
        }
        found
    });
    let system = group.required::<String>("system").filter(|system| {
        if system.trim().is_empty() {
            group.mistake("system", "is empty: a code without its system may be anything");
        }
        !system.trim().is_empty()
    });
    let values = group.texts("values");
    if values.is_empty() || values.iter().any(|value| value.trim().is_empty()) {
        group.mistake("values", "must be codes (or identifiers), none of them empty");
    }
    let descendants = group.flag("descendants");
    group.finish();
    let (label, sign, system) = (label?, sign?, system?);
    let entry = |value: String| Listed {
        label: label.clone(),
        sign,
        system: system.trim().to_owned(),
        value: value.trim().to_owned(),
        descendants,
    };
    Some(values.into_iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_list() {
        let list = CodeList::parse(include_str!("../../../../docs/sensitivity.example.toml")).unwrap();
        let signs: std::collections::BTreeSet<Sign> = list.entries.iter().map(|entry| entry.sign).collect();
        assert_eq!(signs.len(), Sign::ALL.len(), "each kind once, at least");
    }

    #[test]
    fn a_list_that_does_not_say_plainly_what_it_lists_is_refused_in_words() {
        let head = "name = \"n\"\nversion = \"1\"\nissued = \"2026-11-01\"\nexpires = \"2027-11-01\"\nsigner = \"Dr A Example, Caldicott Guardian\"\n";
        let entry = "[[entries]]\nlabel = \"hiv\"\nkind = \"code\"\nsystem = \"http://snomed.info/sct\"\nvalues = [\"1\"]\n";
        let check = |text: String, word: &str| {
            let found = CodeList::parse(&text).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
            match word {
                "" => assert!(found.is_ok(), "{found:?}"),
                _ => assert!(found.as_ref().is_err_and(|words| words.contains(word)), "{word}: {found:?}"),
            }
        };
        check(format!("{head}{entry}"), "");
        check(head.to_owned(), "an empty list");
        check(entry.to_owned(), "list.name: is missing");
        check(format!("{head}{}", entry.replace("hiv", "HIV!")), "a label is");
        check(format!("{head}{}", entry.replace("\"code\"", "\"colour\"")), "use one of author, code");
        check(format!("{head}{}", entry.replace("[\"1\"]", "[]")), "none of them empty");
        check(format!("{head}{}", entry.replace("[\"1\"]", "[\" \"]")), "none of them empty");
        check(format!("{head}{}", entry.replace("http://snomed.info/sct", "")), "may be anything");
        check(format!("{head}{entry}descendents = true\n"), "did you mean `descendants`");
        check(format!("{}{entry}", head.replace("2027", "2025")), "before it was issued");
        check(format!("{}{entry}", head.replace("Dr A Example, Caldicott Guardian", "me")), "who answers for it");
        check(format!("{}{entry}", head.replace("2026-11-01", "yesterday")), "issued");
    }
}
