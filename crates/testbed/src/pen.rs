//! How a supplier writes: its version, codes, references, times and names.

use crate::bundles;
use crate::ident;
use crate::node::{Node, list, object};
use crate::person::{Common, Holding, Person};
use crate::region;
use crate::supplier::{Auth, Codes, Habits, Medicines, Refs, Version, Zone};
use crate::terms;
use jiff::civil::{Date, DateTime};
use std::cell::RefCell;

/// Writes one holding as a resource, the way its supplier does.
pub(crate) struct Pen<'a> {
    pub(crate) habits: &'a Habits,
    pub(crate) base: &'a str,
    pub(crate) person: &'a Person,
    pub(crate) key: &'a str,
    pub(crate) holding: &'a Holding,
    contained: RefCell<Vec<Node>>,
    beside: RefCell<Vec<Node>>,
}

impl<'a> Pen<'a> {
    pub(crate) fn new(habits: &'a Habits, base: &'a str, person: &'a Person, key: &'a str, holding: &'a Holding) -> Self {
        let (contained, beside) = (RefCell::default(), RefCell::default());
        Pen { habits, base, person, key, holding, contained, beside }
    }

    pub(crate) fn version(&self) -> Version {
        self.habits.version
    }

    pub(crate) fn common(&self) -> &Common {
        &self.holding.common
    }

    /// The resource of this holding, and those that go with it.
    pub(crate) fn resources(&self) -> Vec<Node> {
        let Some(kind) = self.holding.detail.resource_type(self.version()) else {
            return Vec::new();
        };
        let body = self.holding.detail.write(self);
        let mut resource = self.head(kind, &self.holding.id);
        if self.habits.narrative {
            resource.append(object! { "text": narrative(kind, &body) });
        }
        resource.append(object! { "contained": self.contained.take() });
        if let Some(qualifier) = &self.common().qualifier {
            resource.append(object! { "modifierExtension": list![object! {
                "url": "https://fhir.example.nhs.uk/StructureDefinition/Extension-Qualifier",
                "valueString": qualifier,
            }] });
        }
        resource.append(body);
        let mut all = vec![resource];
        all.extend(self.beside.take());
        all
    }

    /// `resourceType`, `id` and `meta`.
    pub(crate) fn head(&self, kind: &str, id: &str) -> Node {
        let common = self.common();
        let security = common.confidential.then(|| {
            let system = match self.version() {
                Version::R4 => "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                Version::Stu3 | Version::Dstu2 => "http://hl7.org/fhir/v3/ActCode",
            };
            list![coding(system, "NOPAT", "no disclosure to patient, family or caregivers")]
        });
        let changed = common.recorded.as_deref().unwrap_or("2026-11-01T06:30");
        object! {
            "resourceType": kind,
            "id": id,
            "meta": object! {
                "versionId": common.version.unwrap_or(1).to_string(),
                "lastUpdated": self.instant(changed),
                "security": security,
            },
        }
    }

    /// A resource that travels with this one under its own id.
    pub(crate) fn also(&self, resource: Node) {
        self.beside.borrow_mut().push(resource);
    }

    /// The identifiers of the resource.
    pub(crate) fn identifiers(&self) -> Node {
        let (system, value) = self.person.business_identifier(self.key, self.holding);
        list![object! { "system": system, "value": value }]
    }

    /// The one identifier, where the version allows no more.
    pub(crate) fn identifier(&self) -> Node {
        self.identifiers().items().first().cloned().unwrap_or_default()
    }

    /// A CodeableConcept of the thing itself: coded and worded as the supplier does it.
    pub(crate) fn what(&self, term: &str) -> Node {
        let common = self.common();
        let text = common.worded.as_deref().unwrap_or(term);
        object! { "coding": self.codings(term, common.coded.as_deref()), "text": text }
    }

    /// A CodeableConcept of anything else that is said.
    pub(crate) fn concept(&self, term: &str) -> Node {
        object! { "coding": self.codings(term, None), "text": term }
    }

    fn codings(&self, name: &str, only: Option<&str>) -> Vec<Node> {
        let none = terms::Term::default();
        let term = terms::term(name).unwrap_or(&none);
        let display = term.display.as_deref().unwrap_or(name);
        let plain = |system: &str, code: &Option<String>| match code {
            Some(code) => coding(system, code, display),
            None => Node::Nothing,
        };
        // These systems have displays of their own, which are not ours to make up.
        let bare = |system: &str, code: &Option<String>| match code {
            Some(code) => object! { "system": system, "code": code },
            None => Node::Nothing,
        };
        let one = |codes: &Codes| {
            let (label, node) = match codes {
                Codes::Dmd(system) => ("dmd", plain(system, &term.dmd)),
                Codes::Emis(system) => ("emis", plain(system, &term.emis)),
                Codes::Icd10(system) => ("icd10", bare(system, &term.icd10)),
                Codes::Local(system) => ("local", local_coding(system, name)),
                Codes::Loinc(system) => ("loinc", bare(system, &term.loinc)),
                Codes::Read(system) => ("read", plain(system, &term.read)),
                Codes::Snomed(system) => ("snomed", plain(system, &term.snomed)),
            };
            if only.is_none_or(|only| only == label) { node } else { Node::Nothing }
        };
        let mut codings: Vec<Node> = self.habits.codes.iter().map(one).collect();
        codings.retain(|node| *node != Node::Nothing);
        codings
    }

    /// A status that is a plain code before R4 and a concept in it.
    pub(crate) fn status(&self, system: &str, code: &str) -> Node {
        match self.version() {
            Version::R4 => object! { "coding": list![object! { "system": system, "code": code }] },
            Version::Dstu2 | Version::Stu3 => code.into(),
        }
    }

    /// `medicationCodeableConcept` or `medicationReference`, as a member of one object.
    pub(crate) fn medicine(&self, term: &str) -> Node {
        match self.habits.medicines {
            Medicines::Inline => object! { "medicationCodeableConcept": self.what(term) },
            Medicines::Contained => {
                let medication = object! {
                    "resourceType": "Medication", "id": "med", "code": self.what(term),
                };
                self.contained.borrow_mut().push(medication);
                object! { "medicationReference": object! { "reference": "#med", "display": term } }
            }
            Medicines::Referenced => {
                let id = medication_id(self.habits, term);
                object! { "medicationReference": self.reference("Medication", &id, Some(term)) }
            }
        }
    }

    /// A reference to a resource of this supplier.
    pub(crate) fn reference(&self, kind: &str, id: &str, display: Option<&str>) -> Node {
        object! { "reference": pointer(self.habits, self.base, kind, id), "display": display }
    }

    /// The person this is about.
    pub(crate) fn subject(&self) -> Node {
        let number = &self.person.about.nhs_number;
        let identifier = object! { "system": self.habits.nhs_system, "value": number };
        match self.common().subject.as_deref() {
            Some("absent") => Node::Nothing,
            Some("identifier") => object! { "identifier": identifier },
            Some("contained") => {
                let about = &self.person.about;
                self.contained.borrow_mut().push(object! {
                    "resourceType": "Patient",
                    "id": "pat",
                    "identifier": list![identifier],
                    "name": list![object! {
                        "family": about.family.as_str(),
                        "given": about.given.iter().map(Node::from).collect::<Vec<_>>(),
                    }],
                    "birthDate": &about.birth_date,
                });
                object! { "reference": "#pat" }
            }
            _ => {
                let ids = self.person.ids_at(self.habits);
                let id = ids.get(self.common().patient).or(ids.first());
                id.map_or(Node::Nothing, |id| self.reference("Patient", id, None))
            }
        }
    }

    /// The member of staff who said or did this.
    pub(crate) fn author(&self) -> Node {
        self.common().by.as_deref().map_or(Node::Nothing, |by| self.staff(by))
    }

    /// A member of staff.
    pub(crate) fn staff(&self, name: &str) -> Node {
        if self.habits.contains_staff {
            let mut contained = self.contained.borrow_mut();
            let id = format!("staff-{}", contained.len() + 1);
            contained.push(object! {
                "resourceType": "Practitioner",
                "id": &id,
                "name": human_name(self.version(), name),
            });
            return object! { "reference": format!("#{id}"), "display": name };
        }
        self.reference("Practitioner", &staff_id(self.habits, name), Some(name))
    }

    /// The organisation this happened at.
    pub(crate) fn organisation(&self) -> Node {
        let ods = self.common().at.as_deref();
        self.organisation_of(ods.unwrap_or_else(|| self.person.owner(self.holding)))
    }

    /// An organisation by its ODS code.
    pub(crate) fn organisation_of(&self, ods: &str) -> Node {
        let name = region::organisation(ods).map_or(ods, |o| o.name.as_str());
        self.reference("Organization", &organisation_id(self.habits, ods), Some(name))
    }

    /// The place this happened at.
    pub(crate) fn place(&self) -> Node {
        let place = |name: &str| {
            let id = place_id(self.habits, name);
            self.reference("Location", &id, Some(name))
        };
        self.common().place.as_deref().map_or(Node::Nothing, place)
    }

    /// Another fact of the same person, if this supplier holds it.
    pub(crate) fn fact(&self, key: &str) -> Node {
        let Some(fact) = self.person.fact(key) else {
            return Node::Nothing;
        };
        // What lies beside FHIR cannot be pointed at from there.
        let held = fact.holdings.iter().find(|h| h.supplier == self.habits.id && bundles::place(fact.kind, h).is_none());
        let found = held.and_then(|h| Some((self.habits.carries(h.detail.resource_type(self.version())?), &h.id)));
        found.map_or(Node::Nothing, |(kind, id)| self.reference(kind, id, None))
    }

    /// The encounter it belongs to.
    pub(crate) fn encounter(&self) -> Node {
        self.common().encounter.as_deref().map_or(Node::Nothing, |key| self.fact(key))
    }

    /// Notes, as a list of annotations.
    pub(crate) fn notes(&self) -> Node {
        list![self.annotation()]
    }

    /// The note, as one annotation.
    pub(crate) fn annotation(&self) -> Node {
        object! { "text": self.note_text() }
    }

    /// The note, as a string.
    pub(crate) fn note_text(&self) -> Node {
        self.common().note.as_deref().into()
    }

    /// When it was written down.
    pub(crate) fn recorded(&self) -> Node {
        self.common().recorded.as_deref().map_or(Node::Nothing, |at| self.when(at))
    }

    /// A date, or a time of day in this supplier's way.
    pub(crate) fn when(&self, at: &str) -> Node {
        match at.parse::<DateTime>() {
            Ok(time) if at.contains('T') => self.time(time).into(),
            _ => at.into(),
        }
    }

    /// A date or time that may be absent.
    pub(crate) fn maybe_when(&self, at: Option<&String>) -> Node {
        at.map_or(Node::Nothing, |at| self.when(at))
    }

    /// A whole instant: a date alone becomes its morning.
    pub(crate) fn instant(&self, at: &str) -> Node {
        if at.contains('T') {
            return self.when(at);
        }
        let day = format!("{at}{}", &"0000-01-01"[at.len().min(10)..]);
        match day.parse::<Date>() {
            Ok(day) => self.time(day.at(9, 0, 0, 0)).into(),
            Err(_) => Node::Nothing,
        }
    }

    /// A period.
    pub(crate) fn period(&self, start: Option<&String>, end: Option<&String>) -> Node {
        object! { "start": self.maybe_when(start), "end": self.maybe_when(end) }
    }

    fn time(&self, local: DateTime) -> String {
        let zone = match self.habits.zone {
            Zone::Offset | Zone::Utc => "Europe/London",
        };
        let zoned = local.in_tz(zone).expect("London is in the bundled time zones");
        match self.habits.zone {
            Zone::Offset => zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            Zone::Utc => zoned.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

/// A Coding.
pub(crate) fn coding(system: &str, code: &str, display: &str) -> Node {
    object! { "system": system, "code": code, "display": display }
}

/// A CodeableConcept of one coding.
pub(crate) fn codeable(system: &str, code: &str, display: &str) -> Node {
    object! { "coding": list![coding(system, code, display)] }
}

fn local_coding(system: &str, name: &str) -> Node {
    let code = ident::local(ident::Ids::Digits, name);
    object! { "system": system, "code": code, "display": name, "userSelected": true }
}

/// A reference as this supplier writes it.
pub(crate) fn pointer(habits: &Habits, base: &str, kind: &str, id: &str) -> String {
    match habits.refs {
        Refs::Absolute => format!("{base}/{kind}/{id}"),
        Refs::Relative => format!("{kind}/{id}"),
        Refs::Urn => format!("urn:uuid:{id}"),
        Refs::Versioned => format!("{base}/{kind}/{id}/_history/1"),
    }
}

pub(crate) fn medication_id(habits: &Habits, term: &str) -> String {
    ident::local(habits.ids, &format!("{}/medication/{term}", habits.id))
}

pub(crate) fn organisation_id(habits: &Habits, ods: &str) -> String {
    ident::local(habits.ids, &format!("{}/organisation/{ods}", habits.id))
}

pub(crate) fn place_id(habits: &Habits, name: &str) -> String {
    ident::local(habits.ids, &format!("{}/place/{name}", habits.id))
}

pub(crate) fn staff_id(habits: &Habits, name: &str) -> String {
    ident::local(habits.ids, &format!("{}/staff/{name}", habits.id))
}

/// `Dr Anita Rao`, as a HumanName; a list of one where the version wants a list.
pub(crate) fn human_name(version: Version, name: &str) -> Node {
    let mut parts: Vec<&str> = name.split_whitespace().collect();
    let family = parts.pop().unwrap_or_default();
    let titles = ["Dr", "Mr", "Mrs", "Ms", "Miss", "Prof", "Professor", "Sister", "Nurse"];
    let prefix = match parts.first() {
        Some(first) if titles.contains(first) => list![parts.remove(0)],
        _ => Node::Nothing,
    };
    let given: Vec<Node> = parts.into_iter().map(Node::from).collect();
    match version {
        Version::Dstu2 => object! {
            "text": name, "family": list![family], "given": given, "prefix": prefix,
        },
        Version::Stu3 | Version::R4 => list![object! {
            "text": name, "family": family, "given": given, "prefix": prefix,
        }],
    }
}

fn narrative(kind: &str, body: &Node) -> Node {
    let mut said = kind.to_owned();
    for name in ["code", "substance", "vaccineCode", "medicationCodeableConcept", "type"] {
        if let Some(text) = body.at(name).and_then(|node| node.text_at("text")) {
            said = format!("{kind}: {text}");
            break;
        }
    }
    let said = said.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    object! {
        "status": "generated",
        "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{said}</p></div>"),
    }
}

/// The token to show, when one is wanted.
pub(crate) fn token(habits: &Habits) -> Option<&'static str> {
    match habits.auth {
        Auth::Bearer(token) => Some(token),
        Auth::None => None,
    }
}
