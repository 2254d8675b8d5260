//! What a joined record should say, known without asking the code under test.

use crate::bundles;
use crate::kinds::{Key, Kind};
use crate::person::{Fact, Holding, KnownAs, Person, people};
use crate::supplier::{Codes, Habits, SUPPLIERS, Verification, habits};
use crate::terms;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The system of identifiers that trusts share: it tells nobody whose a value is.
const NO_OWNER: &str = "urn:ietf:rfc:3986";

/// How one holding of a fact stands to those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nature {
    /// The same in life, but said so that no rule may bring them together; why.
    Apart(String),
    /// An independent statement that cannot be true beside the first: a conflict.
    Contradicts,
    /// An independent statement of the same.
    Duplicate,
    /// The first, or only, holding.
    First,
    /// A copy of what another holding says at first hand, under the same business identifier.
    Relayed {
        /// The owner: a supplier, or an organisation that is not connected, by ODS code.
        from: String,
        /// The copy differs in something that matters from what the owner says now.
        lags: bool,
    },
    /// The same medicine, as another kind of fact (an order beside a statement).
    SameLine,
}

/// One supplier's holding, as it can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The supplier.
    pub supplier: &'static str,
    /// The type at the supplier, in its own version.
    pub resource_type: &'static str,
    /// The id at the supplier; of a record in a bundle, with the bundle's name before it.
    pub id: String,
    /// The identifier that goes with it wherever it is passed on: system and value.
    pub identifier: (String, String),
    /// How it stands to those before it.
    pub nature: Nature,
    /// Holdings of one group belong in one cluster.
    pub group: usize,
}

/// A fact, with everyone who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Key of the fact.
    pub key: String,
    /// Kind of fact.
    pub kind: Kind,
    /// Its holdings.
    pub held: Vec<Held>,
}

impl Expected {
    /// The holdings that belong together. A group of one stands alone; a larger one is a cluster.
    pub fn groups(&self) -> Vec<Vec<&Held>> {
        let mut groups: BTreeMap<usize, Vec<&Held>> = BTreeMap::new();
        for held in &self.held {
            groups.entry(held.group).or_default().push(held);
        }
        groups.into_values().collect()
    }

    /// The holdings that belong with the first one, the first included.
    pub fn together(&self) -> Vec<&Held> {
        self.groups().into_iter().next().unwrap_or_default()
    }

    /// How many clusters of two or more the fact should give.
    pub fn clusters(&self) -> usize {
        self.groups().iter().filter(|group| group.len() > 1).count()
    }

    /// Whether independent holders contradict each other.
    pub fn is_in_conflict(&self) -> bool {
        self.held.iter().any(|held| held.nature == Nature::Contradicts)
    }
}

impl Person {
    /// Every fact, with what each supplier holds of it.
    pub fn facts(&self) -> Vec<Expected> {
        self.facts.iter().map(|fact| self.expected(fact)).collect()
    }

    /// Suppliers whose file may be somebody else's: the number in it was never verified, or the given name is neither the
    /// present nor a former one. Nothing of theirs may be shown before a person has decided.
    pub fn doubtful(&self) -> BTreeSet<&str> {
        let unverified = |id: &str, known: &KnownAs| {
            let says_so = habits(id).is_some_and(|habits| habits.verification != Verification::ByContract);
            says_so && known.verification.as_deref().is_some_and(|code| code != "01")
        };
        let misnamed = |known: &KnownAs| {
            let fits = |given: &Vec<String>| *given == self.about.given || self.about.previous_given.as_ref() == Some(given);
            known.given.as_ref().is_some_and(|given| !fits(given))
        };
        let doubtful = self.known_to.iter().filter(|(id, known)| unverified(id, known) || misnamed(known));
        doubtful.map(|(id, _)| id.as_str()).collect()
    }

    /// How many clinical resources a supplier holds, by type; lists and Binaries are not counted.
    pub fn counts(&self, supplier: &str) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        let held = self.facts.iter().flat_map(|fact| &fact.holdings);
        for holding in held.filter(|holding| holding.supplier == supplier) {
            *counts.entry(resource_type(holding)).or_default() += 1;
        }
        counts
    }

    /// The same, of what a supplier serves as FHIR.
    pub fn counts_in_fhir(&self, supplier: &str) -> BTreeMap<&'static str, usize> {
        let mut counts = self.counts(supplier);
        let held = self.facts.iter().flat_map(|fact| fact.holdings.iter().map(|holding| (fact.kind, holding)));
        for (_, holding) in held.filter(|(kind, holding)| holding.supplier == supplier && bundles::place(*kind, holding).is_some()) {
            if let Some(count) = counts.get_mut(resource_type(holding)) {
                *count -= 1;
            }
        }
        counts.retain(|_, count| *count > 0);
        counts
    }

    fn expected(&self, fact: &Fact) -> Expected {
        let units = self.units(fact);
        let mut held: Vec<Option<Held>> = vec![None; fact.holdings.len()];
        // Units that have joined the first, and the next free group.
        let mut joined: Vec<&Unit> = Vec::new();
        let mut next_group = units.len();
        for (group, unit) in units.iter().enumerate() {
            let verdict = compare(fact, &joined, unit);
            let group = if verdict == Nature::Duplicate { 0 } else { group };
            if matches!(verdict, Nature::Duplicate | Nature::First) {
                joined.push(unit);
            }
            for (at, index) in unit.holdings.iter().enumerate() {
                let holding = &fact.holdings[*index];
                let mut group = group;
                let nature = match at {
                    0 => verdict.clone(),
                    _ => relayed(fact, unit, holding),
                };
                if nature == Nature::Contradicts && at > 0 {
                    group = next_group;
                    next_group += 1;
                }
                held[*index] = Some(Held {
                    supplier: holding.supplier,
                    resource_type: resource_type(holding),
                    id: id_of(fact.kind, holding),
                    identifier: self.business_identifier(&fact.key, holding),
                    nature,
                    group,
                });
            }
        }
        let held = held.into_iter().flatten().collect();
        Expected { key: fact.key.clone(), kind: fact.kind, held }
    }

    /// Holdings under one business identifier, in one type, unless they are to stand apart.
    fn units(&self, fact: &Fact) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        for (index, holding) in fact.holdings.iter().enumerate() {
            let identifier = self.business_identifier(&fact.key, holding);
            let apart = holding.common.apart.is_some();
            let fits = |unit: &&mut Unit| {
                let first = &fact.holdings[unit.holdings[0]];
                !apart && unit.identifier == identifier && same_type(first, holding)
            };
            match units.iter_mut().find(fits) {
                Some(unit) => unit.holdings.push(index),
                None => units.push(Unit { identifier, holdings: vec![index] }),
            }
        }
        units
    }
}

/// What one owner says, with its copies.
struct Unit {
    identifier: (String, String),
    holdings: Vec<usize>,
}

impl Unit {
    /// The owner's own holding, or the first copy where the owner is not connected.
    fn owner<'a>(&self, fact: &'a Fact) -> &'a Holding {
        let all = || self.holdings.iter().map(|index| &fact.holdings[*index]);
        let first_hand = all().find(|holding| holding.from.is_none());
        first_hand.unwrap_or(&fact.holdings[self.holdings[0]])
    }

    fn shares_a_source(&self, other: &Unit, fact: &Fact) -> bool {
        let source = |index: &usize| fact.holdings[*index].supplier;
        self.holdings.iter().any(|a| other.holdings.iter().any(|b| source(a) == source(b)))
    }
}

/// A copy that differs lags behind its owner, where the identifier tells who that is; otherwise nobody's word counts for more.
fn relayed(fact: &Fact, unit: &Unit, holding: &Holding) -> Nature {
    let from = holding.from.clone().unwrap_or_else(|| holding.supplier.to_owned());
    let lags = clash(fact.kind, unit.owner(fact), holding);
    if lags && unit.identifier.0 == NO_OWNER {
        return Nature::Contradicts;
    }
    Nature::Relayed { from, lags }
}

/// How what one owner says stands to what the first, and those who agree with it, say.
fn compare(fact: &Fact, joined: &[&Unit], unit: &Unit) -> Nature {
    let Some(first) = joined.first() else {
        return Nature::First;
    };
    let (first, here) = (first.owner(fact), unit.owner(fact));
    if let Some(why) = &here.common.apart {
        return Nature::Apart(why.clone());
    }
    if !same_type(first, here) {
        // Taken by one, on another's plan: two facts, that must not disagree unseen.
        let course = tells_of_a_course(first) && tells_of_a_course(here) && apart(fact.kind, first, here).is_none();
        return if course && clash(fact.kind, first, here) { Nature::Contradicts } else { Nature::SameLine };
    }
    let why = joined.iter().find_map(|other| apart(fact.kind, other.owner(fact), here));
    if let Some(why) = why {
        return Nature::Apart(why);
    }
    if clash(fact.kind, first, here) {
        return Nature::Contradicts;
    }
    match joined.iter().any(|other| other.shares_a_source(unit, fact)) {
        true => Nature::Apart("one source never says a thing twice".into()),
        false => Nature::Duplicate,
    }
}

/// The id under which a holding can be asked for: a record in a bundle has the bundle's name before its own.
fn id_of(kind: Kind, holding: &Holding) -> String {
    bundles::place(kind, holding).map_or(holding.id.clone(), |(bundle, ..)| format!("{bundle}-{}", holding.id))
}

fn resource_type(holding: &Holding) -> &'static str {
    let carried = |habits: &Habits| Some(habits.carries(holding.detail.resource_type(habits.version)?));
    habits(holding.supplier).and_then(carried).unwrap_or("nothing")
}

/// A statement that a medicine is taken, or a request that was only reported.
fn tells_of_a_course(holding: &Holding) -> bool {
    said(holding, "as").and_then(|role| role.as_str()) == Some("statement")
}

/// An order is an order in every version; so is a referral.
fn same_type(a: &Holding, b: &Holding) -> bool {
    let one_name = |holding: &Holding| match resource_type(holding) {
        "MedicationOrder" => "MedicationRequest",
        "ReferralRequest" => "ServiceRequest",
        kind => kind,
    };
    one_name(a) == one_name(b)
}

fn said<'a>(holding: &'a Holding, name: &str) -> Option<&'a toml::Value> {
    holding.said.get(name)
}

/// Whether two holdings say what cannot both be so. What one of them leaves out is no difference,
/// but for what is always said.
fn clash(kind: Kind, a: &Holding, b: &Holding) -> bool {
    let differs = |name: &&str| match (said(a, name), said(b, name)) {
        (Some(a), Some(b)) => a != b,
        (None, None) => false,
        _ => matches!(*name, "certainty" | "decision" | "status"),
    };
    kind.clashes().iter().any(differs)
}

/// Why no rule brings two independent holdings together, when none does.
fn apart(kind: Kind, a: &Holding, b: &Holding) -> Option<String> {
    let key = kind.key();
    if key == Key::None {
        // Plans and decisions are never joined, but they can contradict.
        let contradicts = kind == Kind::Plan && clash(kind, a, b);
        return (!contradicts).then(|| "there is no clinical key for this kind".into());
    }
    if !share_a_code(a, b) && !share_words(kind, a, b) {
        return Some("they share no code".into());
    }
    let text = |holding, name: &str| said(holding, name).and_then(|v| v.as_str()).map(str::to_owned);
    if kind == Kind::Problem && text(a, "as") != text(b, "as") {
        return Some("a problem and a diagnosis".into());
    }
    if kind == Kind::Observation && text(a, "when").is_some_and(|when| !when.contains('T')) {
        return Some("a day is no exact time".into());
    }
    match key {
        Key::Code | Key::None => None,
        Key::Exact(names) => {
            let differs = |name: &&&str| text(a, name) != text(b, name);
            names.iter().find(differs).map(|name| format!("another {name}"))
        }
        Key::Onset(name) => match (text(a, name), text(b, name)) {
            (Some(a), Some(b)) if a.starts_with(&b) || b.starts_with(&a) => None,
            (Some(_), Some(_)) => Some("another onset".into()),
            // Confirmed and dated against refuted and undated is a conflict all the same.
            _ if clash(kind, a, b) => None,
            _ => Some("an absent onset matches nothing".into()),
        },
        Key::Day(name) => {
            let day = |holding| text(holding, name).map(|at| at.chars().take(10).collect::<String>());
            (day(a) != day(b)).then(|| "another day".into())
        }
    }
}

/// Whether two suppliers send one code of one system for what they hold.
fn share_a_code(a: &Holding, b: &Holding) -> bool {
    let theirs = codes(b);
    codes(a).iter().any(|code| theirs.contains(code))
}

/// Words count where neither side sends a code, and for the agent of an allergy always.
fn share_words(kind: Kind, a: &Holding, b: &Holding) -> bool {
    let words = |holding: &Holding| holding.common.worded.clone().or_else(|| Some(said(holding, "what")?.as_str()?.to_owned()));
    let uncoded = |holding: &Holding| codes(holding).is_empty();
    words(a).is_some() && words(a) == words(b) && (kind == Kind::Allergy || uncoded(a) && uncoded(b))
}

/// Codes that a supplier sends for what it holds: the name of the system, and the code. A code of its own is the word it stands for.
fn codes(holding: &Holding) -> Vec<(&'static str, String)> {
    let none = terms::Term::default();
    let name = said(holding, "what").and_then(|v| v.as_str()).unwrap_or_default();
    let term = terms::term(name).unwrap_or(&none);
    let only = holding.common.coded.as_deref();
    let habits: Option<&Habits> = habits(holding.supplier);
    let code = |codes: &Codes| {
        let (label, code) = match codes {
            Codes::Dmd(_) => ("dmd", term.dmd.clone()),
            Codes::Emis(_) => ("emis", term.emis.clone()),
            Codes::Icd10(_) => ("icd10", term.icd10.clone()),
            Codes::Loinc(_) => ("loinc", term.loinc.clone()),
            Codes::Read(_) => ("read", term.read.clone()),
            Codes::Snomed(_) => ("snomed", term.snomed.clone()),
            Codes::Local(_) => ("local", Some(name.to_owned())),
        };
        let sent = only.is_none_or(|only| only == label);
        code.filter(|_| sent).map(|code| (label, code))
    };
    let all = habits.map(|habits| habits.codes).unwrap_or_default();
    all.iter().filter_map(code).collect()
}

/// People by suppliers, with how many clinical resources each holds.
pub fn table() -> String {
    let mut out = format!("{:<12}{:<24}{:<12}", "NHS number", "name", "born");
    for supplier in SUPPLIERS {
        let _ = write!(out, "{:>6}", supplier.id);
    }
    let _ = writeln!(out, "{:>8}{:>10}{:>11}", "facts", "clusters", "conflicts");
    for person in people() {
        let about = &person.about;
        let name = format!("{} {}", about.given.first().map_or("", String::as_str), about.family);
        let _ = write!(out, "{:<12}{name:<24}{:<12}", about.nhs_number, about.birth_date);
        for supplier in SUPPLIERS {
            let cell = match person.known_to.contains_key(supplier.id) {
                true => person.counts(supplier.id).values().sum::<usize>().to_string(),
                false => "·".into(),
            };
            let _ = write!(out, "{cell:>6}");
        }
        let facts = person.facts();
        let clusters: usize = facts.iter().map(Expected::clusters).sum();
        let conflicts = facts.iter().filter(|fact| fact.is_in_conflict()).count();
        let _ = writeln!(out, "{:>8}{clusters:>10}{conflicts:>11}", facts.len());
    }
    out
}
