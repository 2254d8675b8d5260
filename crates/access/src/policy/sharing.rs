//! The sharing matrix: which source's organisation shares which category with whom, in which role, for what, and when. One row a decision,
//! taken by the source's organisation; Severn executes it.
//!
//! Where there is a matrix, what no row shares is withheld. A row narrows nothing that a view shows not: both have to show it.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::civil::Date;

use super::load::{Fault, Text};
use super::{Site, words};

/// The columns, in any order. All but the first two may be empty, which is any.
const COLUMNS: [&str; 7] = ["source_organisation", "consumer_organisation", "category", "role", "purpose", "from", "until"];

/// A matrix as rules, and what is wrong with it.
pub(crate) fn rules(matrix: &Text, site: &Site) -> (Text, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut shared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(matrix.text.as_bytes());
    let fault = |line: usize, words: String| Fault { file: matrix.file.clone(), line, rule: None, words };
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return (Text { file: matrix.file.clone(), text: String::new() }, vec![fault(1, format!("is not CSV: {error}"))]),
    };
    faults.extend(
        COLUMNS.iter().filter(|name| !header.iter().any(|own| own == **name)).map(|name| fault(1, format!("the column {name} is missing"))),
    );
    faults.extend(
        header.iter().filter(|own| !COLUMNS.contains(own)).map(|own| fault(1, format!("the column {own} is not one of a sharing matrix"))),
    );
    if faults.is_empty() {
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, |position| position.line() as usize);
                    let cell = |name: &str| header.iter().position(|own| own == name).and_then(|at| record.get(at)).unwrap_or_default();
                    match row(&cell, site) {
                        Ok((source, condition)) => shared.entry(source).or_default().push(condition),
                        Err(wrong) => faults.extend(wrong.into_iter().map(|words| fault(line, words))),
                    }
                }
                Err(error) => {
                    let line = error.position().map_or(0, |position| position.line() as usize);
                    faults.push(fault(line, format!("is not CSV: {error}")));
                }
            }
        }
        if shared.is_empty() && faults.is_empty() {
            faults.push(fault(1, "an empty matrix: nobody shares anything with anybody".to_owned()));
        }
    }
    (Text { file: matrix.file.clone(), text: text(&shared) }, faults)
}

fn row<'a>(cell: &impl Fn(&str) -> &'a str, site: &Site) -> Result<(String, String), Vec<String>> {
    let mut wrong = Vec::new();
    let mut conditions = Vec::new();
    let none = Default::default();
    let mut known = |attribute: &str, word: &str| wrong.extend(words::unknown(attribute, word, site, &none));
    let source = cell("source_organisation");
    known("source_organisation", source);
    let mut compare = |name: &str, attribute: &str, condition: &dyn Fn(&str) -> String| {
        let word = cell(name);
        if !matches!(word, "" | "*") {
            known(attribute, word);
            conditions.push(condition(word));
        }
    };
    compare("consumer_organisation", "organisation", &|word| format!("principal.organisation == {word:?}"));
    compare("category", "category", &|word| format!("resource.category == {word:?}"));
    compare("role", "roles", &|word| format!("principal.roles.contains({word:?})"));
    compare("purpose", "purposes", &|word| format!("principal.purposes.contains({word:?})"));
    let mut day = |name: &str| match cell(name) {
        "" => None,
        text => text.parse::<Date>().map_err(|_| wrong.push(format!("{name} is \"{text}\", which is no date (YYYY-MM-DD)"))).ok(),
    };
    let (from, until) = (day("from"), day("until"));
    if let (Some(from), Some(until)) = (from, until)
        && until < from
    {
        wrong.push(format!("begins on {from} and ends before that, on {until}"));
    }
    if let Some(until) = until.filter(|until| site.today.is_some_and(|today| *until < today)) {
        wrong.push(format!("can never apply: its time was over on {until}"));
    }
    conditions.extend(from.map(|day| format!("context.today >= datetime(\"{day}\")")));
    conditions.extend(until.map(|day| format!("context.today <= datetime(\"{day}\")")));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok((source.to_owned(), if conditions.is_empty() { "true".to_owned() } else { conditions.join(" && ") }))
}

/// One rule an organisation that shares, and one for those that do not.
fn text(shared: &BTreeMap<String, Vec<String>>) -> String {
    let mut text = String::new();
    if shared.is_empty() {
        return text;
    }
    let all: Vec<String> = shared.keys().map(|code| format!("{code:?}")).collect();
    let _ = write!(
        text,
        "@id(\"sharing.matrix\")\nforbid (principal, action == Action::\"see\", resource)\nunless {{ [{}].contains(resource.source_organisation) }};\n",
        all.join(", ")
    );
    for (code, rows) in shared {
        if rows.iter().any(|row| row == "true") {
            continue;
        }
        let rows: Vec<String> = rows.iter().map(|row| format!("({row})")).collect();
        let _ = write!(
            text,
            "@id(\"sharing.matrix.{code}\")\nforbid (principal, action == Action::\"see\", resource)\n\
             when {{ resource.source_organisation == {code:?} }}\nunless {{ {} }};\n",
            rows.join(" ||\n  ")
        );
    }
    text
}
