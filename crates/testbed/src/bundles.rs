//! What a CareCentric holds beside FHIR: records of its own, in JSON bundles.
//!
//! Only the style of the real bundles is public (names in capitals, `…Collection`, `TotalItemCount`); the fields are ours.

use crate::kinds::Kind;
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::person::{Fact, Holding, KnownAs, Person};
use crate::region;
use crate::supplier::{Habits, Maker, habits};
use jiff::civil::DateTime;

/// The bundles that the subscription covers: path, and the name that leads the ids of their records.
pub(crate) const BUNDLES: &[(&str, &str)] = &[
    ("AcuteBundle", "acute"),
    ("AdtBundle", "adt"),
    ("AlertsBundle", "alerts"),
    ("CommunityBundle", "community"),
    ("DemographicsBundle", "demographics"),
    ("GpBundle", "gp"),
    ("MentalHealthBundle", "mh"),
];

/// Where a holding is kept: bundle, collection, and the name of its id. None: in the FHIR part.
pub(crate) fn place(kind: Kind, holding: &Holding) -> Option<(&'static str, &'static str, &'static str)> {
    if habits(holding.supplier)?.maker != Maker::CareCentric {
        return None;
    }
    let said = |name: &str| holding.said.get(name).and_then(toml::Value::as_str).unwrap_or_default();
    let from = holding.from.as_deref().unwrap_or_default();
    Some(match kind {
        Kind::Appointment => ("adt", "AppointmentsCollection", "AppointmentId"),
        // The mental health trust sends its clinics with the rest of what it sends.
        Kind::Encounter if from == "RRE" && said("class") == "outpatient" => ("mh", "ContactsCollection", "ContactId"),
        Kind::Encounter => ("adt", "EncountersCollection", "EncounterId"),
        Kind::Episode => ("community", "CaseloadCollection", "EpisodeId"),
        Kind::Family => ("gp", "FamilyHistoryCollection", "FamilyHistoryId"),
        Kind::Flag => ("alerts", "AlertsCollection", "AlertId"),
        Kind::Goal => ("community", "GoalsCollection", "GoalId"),
        Kind::Message => ("acute", "MessagesCollection", "MessageId"),
        Kind::Plan if said("what").contains("crisis") => ("mh", "CrisisPlansCollection", "CrisisPlanId"),
        Kind::Plan => ("community", "CarePlansCollection", "CarePlanId"),
        Kind::Problem if from == "gp" => ("gp", "ProblemsCollection", "ProblemId"),
        Kind::Referral => ("acute", "ReferralsCollection", "ReferralId"),
        Kind::Relation => ("demographics", "ContactsCollection", "ContactId"),
        Kind::Team => ("community", "CareTeamsCollection", "CareTeamId"),
        _ => return None,
    })
}

/// One bundle of a person, as it is answered.
pub(crate) fn bundle(habits: &Habits, base: &str, person: &Person, name: &str, asked: &str) -> Node {
    let mut collections: Vec<(&'static str, Vec<Node>)> = Vec::new();
    if name == "demographics" {
        collections.push(("PatientsCollection", patients(habits, person)));
    }
    for fact in &person.facts {
        for holding in fact.holdings.iter().filter(|holding| holding.supplier == habits.id) {
            let Some((bundle, collection, id)) = place(fact.kind, holding) else { continue };
            if bundle != name {
                continue;
            }
            let record = record(habits, base, person, fact, holding, id);
            match collections.iter_mut().find(|(own, _)| *own == collection) {
                Some((_, records)) => records.push(record),
                None => collections.push((collection, vec![record])),
            }
        }
    }
    let count: usize = collections.iter().map(|(_, records)| records.len()).sum();
    let mut node = object! { "PatientDetailId": asked };
    for (name, records) in collections {
        node.set(name, Node::List(records));
    }
    node.set("TotalItemCount", count);
    node
}

/// One record for each system that sends about the person, linked to the others.
pub(crate) fn patients(habits: &Habits, person: &Person) -> Vec<Node> {
    let Some(known) = person.known_to.get(habits.id) else { return Vec::new() };
    let ids = person.ids_at(habits);
    ids.iter().map(|id| patient(person, known, id, &ids)).collect()
}

fn patient(person: &Person, known: &KnownAs, id: &str, all: &[String]) -> Node {
    let about = &person.about;
    let given = known.given.as_ref().unwrap_or(&about.given);
    let family = known.family.as_ref().unwrap_or(&about.family);
    let renamed = known.family.is_none() && known.given.is_none();
    let former = (renamed && (about.previous_family.is_some() || about.previous_given.is_some())).then(|| {
        let given = about.previous_given.as_ref().unwrap_or(given);
        object! { "Forename": given.first(), "Surname": about.previous_family.as_ref().unwrap_or(family) }
    });
    let sex = match known.gender.as_ref().unwrap_or(&about.gender).as_str() {
        "female" => "F",
        "male" => "M",
        "other" => "I",
        _ => "U",
    };
    let lines = known.address.as_ref().unwrap_or(&about.address);
    let address = lines.split_last().map(|(postcode, lines)| {
        let (town, lines) = lines.split_last().map_or((None, lines), |(town, rest)| (Some(town), rest));
        object! { "Line": lines.iter().map(Node::from).collect::<Vec<_>>(), "Town": town, "Postcode": postcode }
    });
    object! {
        "PatientDetailId": id,
        "LastUpdated": "2026-10-30T04:15:00",
        "Active": true,
        "NhsNumber": object! { "Value": &about.nhs_number, "Status": known.verification.as_deref().unwrap_or("01") },
        "Title": about.title.as_deref(),
        "Forename": given.first(),
        "MiddleNames": given.iter().skip(1).map(Node::from).collect::<Vec<_>>(),
        "Surname": family,
        "FormerNames": list![former],
        "DateOfBirth": day(known.birth_date.as_ref().unwrap_or(&about.birth_date)),
        "DateOfDeath": about.died.as_deref().map(day),
        "Sex": sex,
        "Address": address,
        "Telephone": about.phone.as_deref().map(|number| object! { "Number": number }),
        "RegisteredPractice": about.practice.as_deref().map(organisation),
        "LinkedPatientDetailIds": all.iter().filter(|other| *other != id).map(Node::from).collect::<Vec<_>>(),
    }
}

fn record(habits: &Habits, base: &str, person: &Person, fact: &Fact, holding: &Holding, id: &'static str) -> Node {
    let pen = Pen::new(habits, base, person, &fact.key, holding);
    let common = &holding.common;
    let ids = person.ids_at(habits);
    let identifier = pen.identifier();
    let mut node = Node::Object(vec![(id.into(), holding.id.as_str().into())]);
    node.append(object! {
        "PatientDetailId": ids.get(common.patient).or(ids.first()),
        "LastUpdated": day_or_time(common.recorded.as_deref().unwrap_or("2026-11-01T06:30")),
        "Version": common.version.unwrap_or(1).to_string(),
        "Identifier": object! { "System": identifier.text_at("system"), "Value": identifier.text_at("value") },
        "Confidentiality": common.confidential.then_some("Confidential"),
        "TenancyDescription": region::organisation(person.owner(holding)).map(|own| own.name.as_str()),
    });
    node.append(Writer { pen: &pen, holding }.fields(fact.kind));
    node
}

/// Writes what a record says beside what all say.
struct Writer<'a> {
    pen: &'a Pen<'a>,
    holding: &'a Holding,
}

impl Writer<'_> {
    fn fields(&self, kind: Kind) -> Node {
        let (by, note) = (self.holding.common.by.as_deref(), self.holding.common.note.as_deref());
        let provider = self.holding.common.at.as_deref().unwrap_or_else(|| self.pen.person.owner(self.holding));
        let place = self.holding.common.place.as_deref();
        match kind {
            Kind::Appointment => object! {
                "Status": self.word("status", "booked"), "Description": self.text("what"), "Service": self.concept("service"),
                "StartDateTime": self.date("when"), "EndDateTime": self.date("until"), "Notes": note,
                "Clinician": by.map(|name| object! { "Name": name }), "Location": place.map(|name| object! { "Name": name }),
            },
            Kind::Encounter => {
                let mh = self.holding.from.as_deref() == Some("RRE") && self.text("class") == Some("outpatient");
                let (from, until, who, ward) = match mh {
                    true => ("StartDateTime", "EndDateTime", "Clinician", "Location"),
                    false => ("AdmissionDateTime", "DischargeDateTime", "Consultant", "Ward"),
                };
                let own = [(from, self.date("since")), (until, self.date("until")), (who, by.into()), (ward, place.into())];
                let mut node = Node::object(own.map(|(name, value)| (name.into(), value)));
                node.append(object! {
                    "Type": self.what(), "Class": self.word("class", "outpatient"), "Status": self.word("status", "finished"),
                    "Reason": self.concept("for"), "Provider": organisation(provider), "Notes": note,
                    "DischargeDestination": self.concept("discharged_to"),
                });
                node
            }
            Kind::Episode => object! {
                "Service": self.what(), "Status": self.word("status", "active"), "StartDate": self.date("since"),
                "EndDate": self.date("until"), "CareManager": by, "Notes": note,
            },
            Kind::Family => object! {
                "Condition": self.what(), "Relative": self.word("relation", ""), "Date": self.date("when"), "Notes": note,
                "AgeAtOnset": self.holding.said.get("at_age").and_then(toml::Value::as_integer)
                    .map(|age| object! { "Years": Node::number(age.to_string()) }),
            },
            Kind::Flag => object! {
                "Alert": self.what(), "Category": self.word("category", "").map(|word| match word.as_str() {
                    "Admin" => "Administrative".to_owned(),
                    "Advance-directive" => "Advance directive".to_owned(),
                    "Behavioral" => "Behaviour".to_owned(),
                    _ => word,
                }),
                "Status": self.word("status", "active"), "StartDate": self.date("since"), "EndDate": self.date("until"),
                "RaisedBy": by, "Notes": note, "EncounterId": self.encounter(),
            },
            Kind::Goal => object! {
                "Goal": self.text("what"), "Status": self.word("status", "active"), "StartDate": self.date("since"),
                "TargetDate": self.date("until"), "Notes": note,
            },
            Kind::Message => object! {
                "Status": self.word("status", "completed"), "SentDateTime": self.date("when"), "SentBy": by,
                "SentTo": self.text("to").map(organisation), "Text": self.text("what"), "Notes": note, "EncounterId": self.encounter(),
            },
            Kind::Plan => object! {
                "Type": self.what(), "Title": self.text("title"), "Summary": self.text("summary"), "Author": by, "Notes": note,
                "Status": self.word("status", "active"), "StartDate": self.date("since"), "EndDate": self.date("until"),
                "CreatedDate": self.holding.common.recorded.as_deref().map(day_or_time), "EncounterId": self.encounter(),
                "Actions": self.texts("actions").map(|action| object! { "Action": coded(&self.pen.concept(action)) }).collect::<Vec<_>>(),
            },
            Kind::Problem => object! {
                "Problem": self.what(), "Type": if self.text("as") == Some("diagnosis") { "Diagnosis" } else { "Problem" },
                "Status": (self.text("certainty") != Some("entered-in-error")).then(|| self.word("status", "active")).flatten(),
                "Certainty": self.word("certainty", "confirmed"), "Severity": self.text("severity").and_then(severity),
                "Site": self.concept("site"), "OnsetDate": self.date("since"), "EndDate": self.date("until"), "Notes": note,
                "RecordedDate": self.holding.common.recorded.as_deref().map(day_or_time), "RecordedBy": by,
            },
            Kind::Referral => object! {
                "Service": self.what(), "Status": self.word("status", "active"), "Reason": self.concept("for"),
                "Priority": self.text("priority").map(|word| match word {
                    "asap" => "Soon",
                    "stat" => "Immediate",
                    "urgent" => "Urgent",
                    _ => "Routine",
                }),
                "ReferredOn": self.date("when"), "ReferredBy": by, "ReferredTo": self.text("to").map(organisation),
                "Summary": self.text("summary"), "EncounterId": self.encounter(),
            },
            Kind::Relation => object! {
                "Active": true, "Name": self.text("name"), "RelationshipCode": self.word("relation", ""),
                "Telephone": self.text("phone").map(|number| object! { "Number": number }), "Note": note,
            },
            Kind::Team => object! {
                "Name": self.text("what"), "Status": self.word("status", "active"), "StartDate": self.date("since"), "Notes": note,
                "Members": self.texts("members").map(|said| {
                    let (role, name) = said.split_once(": ").unwrap_or(("Member", said));
                    object! { "Role": role, "Name": name }
                }).collect::<Vec<_>>(),
            },
            _ => Node::Nothing,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.holding.said.get(name).and_then(toml::Value::as_str)
    }

    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.holding.said.get(name).and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str)
    }

    fn date(&self, name: &str) -> Node {
        self.text(name).map(day_or_time).into()
    }

    fn what(&self) -> Node {
        coded(&self.pen.what(self.text("what").unwrap_or_default()))
    }

    fn concept(&self, name: &str) -> Node {
        self.text(name).map(|term| coded(&self.pen.concept(term))).into()
    }

    /// A code as a person would pick it from a list: `in-progress` is "In progress", `revoked` is "Cancelled".
    fn word(&self, name: &str, otherwise: &str) -> Option<String> {
        let word = match self.text(name).unwrap_or(otherwise) {
            "" => return None,
            "ambulatory" => "outpatient",
            "fulfilled" => "attended",
            "noshow" => "did not attend",
            "onhold" => "on hold",
            "revoked" => "cancelled",
            "entered-in-error" => "entered in error",
            "in-progress" => "in progress",
            "on-hold" => "on hold",
            "waitlist" => "waiting",
            word => word,
        };
        let (first, rest) = word.split_at(1);
        Some(first.to_uppercase() + rest)
    }

    /// The id of the stay it belongs to, where that is in the same system.
    fn encounter(&self) -> Option<&str> {
        let fact = self.pen.person.fact(self.holding.common.encounter.as_deref()?)?;
        let held = fact.holdings.iter().find(|holding| holding.supplier == self.holding.supplier)?;
        (place(fact.kind, held)?.0 == "adt").then_some(held.id.as_str())
    }
}

fn organisation(ods: &str) -> Node {
    object! { "OdsCode": ods, "Name": region::organisation(ods).map_or(ods, |own| own.name.as_str()) }
}

/// A coded value in this system's way.
fn coded(concept: &Node) -> Node {
    let mut node = object! { "Rubric": concept.text_at("text") };
    for coding in concept.at("coding").map(Node::items).unwrap_or_default() {
        let name = match coding.text_at("system").unwrap_or_default() {
            "http://loinc.org" => "LoincCode",
            "http://read.info/readv2" => "ReadCode",
            _ => "SnomedCode",
        };
        if node.at(name).is_none() {
            node.set(name, coding.text_at("code"));
        }
    }
    node
}

fn severity(word: &str) -> Option<Node> {
    let (code, rubric) = match word {
        "mild" => ("255604002", "Mild"),
        "moderate" => ("6736007", "Moderate"),
        "severe" => ("24484000", "Severe"),
        _ => return None,
    };
    Some(object! { "Rubric": rubric, "SnomedCode": code })
}

/// A day is written as its midnight; what is known no better than by month or year, as it is.
fn day(at: &str) -> String {
    if at.len() == 10 { format!("{at}T00:00:00") } else { at.to_owned() }
}

/// London's time of day, without saying so.
fn day_or_time(at: &str) -> String {
    match at.parse::<DateTime>() {
        Ok(time) if at.contains('T') => time.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        _ => day(at),
    }
}
