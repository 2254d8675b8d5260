//! The facts that rules decide by, and what they are to Cedar.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{Entity, EntityUid, RestrictedExpression};
use fhir::Kind;
use jiff::civil::Date;
use record::{Caller, SourceId};

use super::load::Mentions;
use super::{Rules, Site, uid};
use crate::{Category, Restriction};

/// What is known of a caller: codes only, so that callers of one kind share what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CallerFacts {
    roles: BTreeSet<String>,
    activities: BTreeSet<String>,
    purposes: BTreeSet<String>,
    scopes: BTreeSet<String>,
    organisation: String,
    kinds: BTreeSet<String>,
    human: bool,
    pub today: Date,
}

impl CallerFacts {
    pub fn of(rules: &Rules, caller: &Caller, today: Date) -> CallerFacts {
        let set = |codes: &[String]| codes.iter().cloned().collect();
        let code = caller.organisation.code.to_string();
        let kinds = rules.site().organisations.get(&code).filter(|_| rules.mentions().organisation_kinds).cloned().unwrap_or_default();
        // Facts that no rule looks at tell no two callers apart.
        let organisation = if rules.mentions().organisation { code } else { String::new() };
        CallerFacts {
            roles: set(&caller.roles),
            activities: set(&caller.activities),
            purposes: set(&caller.purposes),
            // The scopes of SMART narrow beside the rules; they are not asked here.
            scopes: caller.scopes.iter().filter(|scope| scope.starts_with("severn.")).cloned().collect(),
            organisation,
            kinds,
            human: caller.human,
            today,
        }
    }

    /// The same on another day.
    pub fn on(&self, today: Date) -> CallerFacts {
        CallerFacts { today, ..self.clone() }
    }

    pub fn roles(&self) -> &BTreeSet<String> {
        &self.roles
    }
}

/// What a site gives leave to, by somebody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Leave {
    /// What tells of a place is taken out, instead of refusing.
    pub hides_place: bool,
    /// What is recorded as an objection is overridden by law.
    pub legal_override: bool,
}

impl Leave {
    pub fn of(site: &Site) -> Leave {
        Leave { hides_place: site.restricted_in_emergency, legal_override: site.legal_override }
    }
}

/// A caller before one person's record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Situation {
    pub caller: CallerFacts,
    /// Named only where a rule names them.
    pub person: String,
    pub restriction: &'static str,
    /// What the site gives leave to.
    pub leave: Leave,
    pub relationships: BTreeSet<&'static str>,
}

impl Situation {
    pub fn restriction(restriction: Restriction) -> &'static str {
        match restriction {
            Restriction::Restricted => "restricted",
            Restriction::Unknown => "unknown",
            Restriction::Unrestricted => "unrestricted",
        }
    }

    /// The same without what no rule about sections looks at.
    pub fn as_seen(&self, mentions: &Mentions) -> Situation {
        let seen = mentions.seen;
        let mut own = self.clone();
        let caller = &mut own.caller;
        for (looked_at, set) in [
            (seen.activities, &mut caller.activities),
            (seen.purposes, &mut caller.purposes),
            (seen.roles, &mut caller.roles),
            (seen.scopes, &mut caller.scopes),
        ] {
            if !looked_at {
                set.clear();
            }
        }
        caller.human &= seen.human;
        if !seen.organisation {
            caller.organisation.clear();
        }
        if !seen.organisation_kinds {
            caller.kinds.clear();
        }
        if !seen.relationships {
            own.relationships.clear();
        }
        own
    }

    pub fn record(&self) -> Result<Entity, String> {
        let relationships: Vec<&str> = self.relationships.iter().copied().collect();
        record(&self.person, self.restriction, &self.leave, &relationships)
    }
}

/// A part of a record, as the rules are asked about it.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    /// What it is about.
    pub category: Category,
    /// Its type.
    pub kind: Kind,
    /// The source that it came from.
    pub source: &'a SourceId,
    /// Its labels of sensitivity, each once.
    pub labels: &'a [&'a str],
    /// Whether the person objects to its being shared with the caller's organisation.
    pub objected: bool,
    /// Whether its owner refuses to share it.
    pub source_refused: bool,
}

/// The same, without what no rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SectionFacts {
    category: Category,
    kind: Option<Kind>,
    source: String,
    organisation: String,
    kinds: BTreeSet<String>,
    labels: BTreeSet<String>,
    objected: bool,
    source_refused: bool,
}

impl SectionFacts {
    pub fn of(section: &Section<'_>, site: &Site, mentions: &Mentions) -> SectionFacts {
        let owner = || site.sources.iter().find(|(id, _)| id == section.source).map(|(_, code)| code.to_string());
        let organisation = if mentions.source_organisation { owner().unwrap_or_default() } else { String::new() };
        SectionFacts {
            category: section.category,
            kind: mentions.resource_type.then_some(section.kind),
            source: if mentions.source { section.source.to_string() } else { String::new() },
            kinds: site.organisations.get(&organisation).cloned().unwrap_or_default(),
            organisation,
            labels: section.labels.iter().map(|label| (*label).to_owned()).collect(),
            objected: section.objected,
            source_refused: section.source_refused,
        }
    }
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.into_iter().map(|value| text(value.as_ref())))
}

fn entity<const N: usize>(
    uid: EntityUid,
    attributes: [(&str, RestrictedExpression); N],
    parents: HashSet<EntityUid>,
) -> Result<Entity, String> {
    let attributes: HashMap<String, RestrictedExpression> = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(uid, attributes, parents).map_err(|error| error.to_string())
}

pub(crate) fn caller(facts: &CallerFacts, views: &[String]) -> Result<Entity, String> {
    let attributes = [
        ("roles", texts(&facts.roles)),
        ("activities", texts(&facts.activities)),
        ("purposes", texts(&facts.purposes)),
        ("organisation", text(&facts.organisation)),
        ("organisation_kinds", texts(&facts.kinds)),
        ("human", RestrictedExpression::new_bool(facts.human)),
        ("scopes", texts(&facts.scopes)),
        ("views", texts(views)),
    ];
    entity(uid("Caller", "caller")?, attributes, HashSet::new())
}

pub(crate) fn record(person: &str, restriction: &str, leave: &Leave, relationships: &[&str]) -> Result<Entity, String> {
    let attributes = [
        ("restriction", text(restriction)),
        ("hides_place", RestrictedExpression::new_bool(leave.hides_place)),
        ("legal_override", RestrictedExpression::new_bool(leave.legal_override)),
        ("relationships", texts(relationships)),
    ];
    entity(uid("Record", person)?, attributes, HashSet::new())
}

pub(crate) fn section(situation: &Situation, facts: &SectionFacts, record: EntityUid) -> Result<Entity, String> {
    let attributes = [
        ("category", text(facts.category.name())),
        ("resource_type", text(facts.kind.map_or("", Kind::name))),
        ("source", text(&facts.source)),
        ("source_organisation", text(&facts.organisation)),
        ("source_kinds", texts(&facts.kinds)),
        ("labels", texts(&facts.labels)),
        ("objected", RestrictedExpression::new_bool(facts.objected)),
        ("source_refused", RestrictedExpression::new_bool(facts.source_refused)),
        ("relationships", texts(&situation.relationships)),
    ];
    entity(uid("Section", "section")?, attributes, HashSet::from([record]))
}
