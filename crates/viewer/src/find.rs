//! Who was found, as candidates to be checked with the person.

use exchange::{Found, Names};
use people::{Grade, Traced};
use record::{Sex, Status};

use crate::pages::Candidate;
use crate::{banner, words};

/// Of a search by number, and what is to be known of it: who did not answer may know them.
pub fn found(found: &Found, names: &dyn Names) -> (Vec<Candidate>, Vec<String>) {
    let patients: Vec<_> = found.patients.iter().map(|item| item.tree.root()).collect();
    let candidate = found.person.as_ref().map(|person| Candidate {
        person: person.to_string(),
        name: patients.iter().find_map(|patient| banner::name_of(*patient)).unwrap_or_else(|| "Not known".to_owned()),
        born: patients
            .iter()
            .find_map(|patient| banner::text(*patient, "birthDate"))
            .map_or_else(|| "Not known".to_owned(), |born| words::date(&born)),
        gender: words::gender(patients.iter().find_map(|patient| banner::text(*patient, "gender")).as_deref().unwrap_or_default())
            .to_owned(),
        number: words::number(found.number.expose()),
        fit: String::new(),
    });
    let silent = found.plan.rows.iter().filter(|row| row.status.is_none_or(Status::failed));
    let said = silent.map(|row| {
        format!("{}: {}. It may know this person.", names.of(&row.source).0, row.status.unwrap_or(Status::FailedInternal).words())
    });
    (candidate.into_iter().collect(), said.collect())
}

/// Of a search by who somebody is; an error where nobody can be shown, and why.
///
/// # Errors
///
/// What was asked says too little, or fits too many: in words.
pub fn traced(traced: &Traced) -> Result<(Vec<Candidate>, Vec<String>), String> {
    let candidates = match traced {
        Traced::Candidates(candidates) => candidates,
        Traced::TooLittle(lacks) => return Err(format!("Say more of the person: {lacks}.")),
        Traced::TooMany => {
            return Err("More people fit this than may be shown. Say more of the person: given name, postcode, or NHS number.".to_owned());
        }
    };
    let candidate = |candidate: &people::Candidate| {
        let said = &candidate.best.demographics;
        let name = said.names.iter().find(|name| name.used == record::NameUse::Current).or(said.names.first());
        let name = name.map(|name| match (name.family.to_uppercase(), name.given.join(" ")) {
            (family, given) if family.is_empty() || given.is_empty() => family + &given,
            (family, given) => format!("{family}, {given}"),
        });
        let gender = match said.sex {
            Some(Sex::Female) => "Female",
            Some(Sex::Male) => "Male",
            Some(Sex::Other) => "Other",
            None => "Not known",
        };
        Candidate {
            person: candidate.person.to_string(),
            name: name.unwrap_or_else(|| "Not known".to_owned()),
            born: said.birth_date.map_or_else(|| "Not known".to_owned(), |born| words::date(&born.to_string())),
            gender: gender.to_owned(),
            number: candidate.number.map_or_else(|| "Not known".to_owned(), |number| words::number(number.expose())),
            fit: match candidate.grade {
                Grade::Certain => "Certain by every rule".to_owned(),
                Grade::Probable => "Probably them".to_owned(),
                Grade::Possible => "Possibly them".to_owned(),
            },
        }
    };
    Ok((candidates.iter().map(candidate).collect(), Vec::new()))
}
