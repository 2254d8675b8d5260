//! Who looked, in plain English: for the person whose record it is, and for whoever answers them.
//!
//! A report says who, from which organisation, in which role, when, why, and what kind of information; which accesses were emergencies,
//! and what became of their review. It says nothing of what the record says. Where a member of staff has to be protected their name is
//! left out; of a person whose place is a secret, everything that would tell it, and so everybody's name.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::{Account, Outcome, Who};

/// What a report knows beside the ledger.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Names of sources, by id.
    pub sources: BTreeMap<String, String>,
    /// Staff whose names are left out: national user ids, or `issuer|subject`.
    pub withheld: BTreeSet<String>,
    /// People whose place is a secret.
    pub hidden: BTreeSet<String>,
    /// What became of an access that was looked at afterwards, by the name of its request: `emergency`, `self-claimed` …, and the state.
    pub reviews: BTreeMap<String, Vec<(String, String)>>,
    /// Whether it is told to the person themselves: `you`.
    pub to_the_person: bool,
}

/// One access, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When, in British time.
    pub when: String,
    /// Who.
    pub who: String,
    /// Why they were let in, or said that they should be.
    pub why: String,
    /// What was shown, or that nothing was.
    pub what: String,
    /// What is to be known beside: an emergency, and its review.
    pub notes: Vec<String>,
    /// Whom it was about, by the exchange's ids; empty where it is told to the person.
    pub patients: Vec<String>,
}

/// Accesses in words, in the order they come. What nobody did (an errand of the exchange's own) is left out.
pub fn told(accounts: &[Account], about: &About) -> Vec<Told> {
    accounts.iter().filter(|account| account.by.is_some()).map(|account| one(account, about)).collect()
}

fn one(account: &Account, about: &About) -> Told {
    let hidden = account.is_hidden(&about.hidden);
    let patients = if about.to_the_person { Vec::new() } else { account.patients.iter().cloned().collect() };
    Told {
        when: when(&account.at),
        who: account.by.as_ref().map(|who| somebody(who, hidden, about)).unwrap_or_default(),
        why: why(account, about),
        what: what(account, hidden, about),
        notes: notes(account, about),
        patients,
    }
}

/// A time as people in Britain read it; as it stands where it is none.
fn when(at: &str) -> String {
    let Ok(instant) = at.parse::<jiff::Timestamp>() else { return at.to_owned() };
    let (zone, name) = match TimeZone::get("Europe/London") {
        Ok(zone) => (zone, ""),
        Err(_) => (TimeZone::UTC, " UTC"),
    };
    format!("{}{name}", instant.to_zoned(zone).strftime("%-d %B %Y at %H:%M"))
}

fn somebody(who: &Who, hidden: bool, about: &About) -> String {
    let keys = [who.sds_user_id.clone().unwrap_or_default(), format!("{}|{}", who.issuer, who.subject)];
    let withheld = keys.iter().any(|key| about.withheld.contains(key));
    let told = if hidden { who.without_place() } else { who.clone() };
    let name = match (withheld, told.name.trim()) {
        (true, _) => "A member of staff, whose name is left out for their safety",
        (false, "") if hidden => "A member of staff who is not named here",
        (false, "") => "Somebody without a name on record",
        (false, name) => name,
    };
    let roles = words::roles(&told.roles);
    let organisation = match (told.organisation_name.trim(), told.organisation.as_str()) {
        ("", "") => "an organisation that is not named here".to_owned(),
        ("", code) => format!("the organisation {code}"),
        (name, code) => format!("{name} ({code})"),
    };
    format!("{name}, {roles}, of {organisation}")
}

fn why(account: &Account, about: &About) -> String {
    let (you, your) = person(about);
    let purposes = account.by.as_ref().map(|who| words::purposes(&who.purposes)).unwrap_or_default();
    let relationship = account.policy.iter().find_map(|rule| words::relationship(rule, you, your));
    match (purposes.is_empty(), relationship) {
        (false, Some(relationship)) => format!("{purposes}; {relationship}"),
        (false, None) => purposes,
        (true, Some(relationship)) => relationship,
        (true, None) => "no purpose was given".to_owned(),
    }
}

fn person(about: &About) -> (&'static str, &'static str) {
    if about.to_the_person { ("you", "your") } else { ("the person", "the person's") }
}

fn what(account: &Account, hidden: bool, about: &About) -> String {
    let (you, your) = person(about);
    let asked = words::asked(&account.what, you, your);
    match &account.outcome {
        Outcome::Refused(_) => return format!("{asked}. This was refused, and nothing was shown"),
        Outcome::Unfinished => return format!("{asked}. How that ended is not on record: something may have been shown"),
        Outcome::Answered | Outcome::Told => {}
    }
    let kinds = words::kinds(&account.kinds());
    if kinds.is_empty() {
        return asked;
    }
    let sources: Vec<&str> = account.shown.keys().map(|id| about.sources.get(id).map_or(id.as_str(), String::as_str)).collect();
    let of = match (hidden, sources.len()) {
        (true, 1) => "one system that is not named here".to_owned(),
        (true, count) => format!("{count} systems that are not named here"),
        (false, _) => words::listed(&sources),
    };
    format!("{asked}. Shown were {kinds}, from {of}")
}

fn notes(account: &Account, about: &About) -> Vec<String> {
    let mut notes = Vec::new();
    let (you, _) = person(about);
    if let Some(claim) = &account.claim {
        let until = match (&claim.ended, &claim.until) {
            (Some(ended), _) => format!(", which ended on {}", when(ended)),
            (None, Some(until)) => format!(", until {}", when(until)),
            (None, None) => String::new(),
        };
        notes.push(match claim.kind.as_str() {
            "emergency" => format!("This was an emergency access{until}."),
            _ => format!("They said that they care for {you}{until}."),
        });
    }
    for (kind, state) in about.reviews.get(&account.trace).into_iter().flatten() {
        notes.push(words::review(kind, state).to_owned());
    }
    if account.mixed {
        notes.push("Somebody else's request went by the same name, so that parts of the two may be told as each other's.".to_owned());
    }
    notes
}

/// A report as text.
pub fn text(title: &str, told: &[Told]) -> String {
    let mut out = format!("{title}\n\n");
    for one in told {
        out.push_str(&format!("{}\n  Who:  {}.\n  Why:  {}.\n  What: {}.\n", one.when, one.who, capital(&one.why), one.what));
        if !one.patients.is_empty() {
            out.push_str(&format!("  Whom: {}.\n", one.patients.join(", ")));
        }
        one.notes.iter().for_each(|note| out.push_str(&format!("  Note: {note}\n")));
        out.push('\n');
    }
    out.push_str(&format!("{}\n", counted(told.len())));
    out
}

/// A report as a page of HTML, without anything that is loaded from elsewhere.
pub fn html(title: &str, told: &[Told]) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en-GB\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n<p>{}</p>\n",
        counted(told.len()),
        title = escaped(title)
    );
    for one in told {
        out.push_str(&format!("<h2>{}</h2>\n<dl>\n", escaped(&one.when)));
        let mut row = |name: &str, value: &str| out.push_str(&format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(value)));
        row("Who", &format!("{}.", one.who));
        row("Why", &format!("{}.", capital(&one.why)));
        row("What", &format!("{}.", one.what));
        if !one.patients.is_empty() {
            row("Whom", &one.patients.join(", "));
        }
        one.notes.iter().for_each(|note| row("Note", note));
        out.push_str("</dl>\n");
    }
    out.push_str("</html>\n");
    out
}

fn counted(count: usize) -> String {
    match count {
        0 => "Nobody looked in this time.".to_owned(),
        1 => "There is one access in this time.".to_owned(),
        count => format!("There are {count} accesses in this time."),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
