//! The `[[source]]` block to paste: it works as it is, or says that nobody was read with it.

use std::collections::BTreeMap;
use std::fmt::Write;

use record::NHS_NUMBER_SYSTEM;

use crate::visit::Visit;

/// An organisation code that is nobody's, until somebody says whose the supplier is.
const NOBODYS: &str = "XXX";

/// Spellings of the NHS number's system that must be configured: those that find, where the right one does not.
pub(crate) fn other_spellings(spellings: &BTreeMap<String, bool>) -> Vec<String> {
    if spellings.get(NHS_NUMBER_SYSTEM) == Some(&true) {
        return Vec::new();
    }
    spellings.iter().filter(|(_, finds)| **finds).map(|(spelling, _)| spelling.clone()).take(1).collect()
}

/// The block as TOML. `None` where no dialect fits and none was given.
pub fn toml(visit: &Visit) -> Option<String> {
    let supplier = &visit.supplier;
    let organisation = supplier.organisation.as_ref().or(visit.organisation_seen.as_ref());
    let mut out = String::new();
    if visit.read == 0 {
        out.push_str("# Not proven: no test patient was read with it.\n");
    }
    out.push_str("[[source]]\n");
    let mut line = |key: &str, value: &str, why: &str| {
        let why = if why.is_empty() { String::new() } else { format!("  # {why}") };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{key} = {value}{why}");
    };
    line("id", &quoted(supplier.id.as_str()), "");
    line("name", &quoted(&supplier.name), "");
    match organisation {
        Some(code) => {
            line("organisation", &quoted(code.as_str()), if supplier.organisation.is_some() { "" } else { "as its patients say; check it" })
        }
        None => line("organisation", &quoted(NOBODYS), "whose is it? Say the ODS code"),
    }
    line("dialect", &quoted(visit.dialect?.name()), "");
    line("url", &quoted(supplier.settings.source_base.as_str()), "");
    if supplier.verified {
        line("nhs_number", &quoted("verified"), "by contract");
    }
    let options: Vec<String> = supplier.settings.options.iter().map(|(key, value)| format!("{key} = {}", quoted(value))).collect();
    if !options.is_empty() {
        line("options", &format!("{{ {} }}", options.join(", ")), "");
    }
    let systems = other_spellings(&visit.spellings);
    if !systems.is_empty() {
        line("nhs_number_systems", &format!("[{}]", systems.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", ")), "");
    }
    if let Some(file) = &supplier.ca_file {
        line("ca_file", &quoted(file), "");
    }
    line("auth", &supplier.auth, "");
    Some(out)
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
