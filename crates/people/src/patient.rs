//! A FHIR Patient as demographics: R4, STU3 and DSTU2 differ in little of it, and are read as they come.

use fhir::Ref;
use record::{NHS_NUMBER_SYSTEM, ODS_SYSTEM, OdsCode, Sex};

use crate::{Address, BirthDate, ClaimedNumber, Demographics, Name, NameUse, NumberStatus};

/// What a Patient says of who somebody is. Reading cannot fail: what is not understood is not there.
pub fn demographics(patient: Ref<'_>) -> Demographics {
    let texts = |of: Ref<'_>, path: &str| -> Vec<String> {
        of.all(path).into_iter().filter_map(|one| one.value().map(|text| text.trim().to_owned())).filter(|text| !text.is_empty()).collect()
    };
    let phone = |telecom: &Ref<'_>| !telecom.is("system", "email") && !telecom.is("system", "url");
    let telecom = |wanted: &dyn Fn(&Ref<'_>) -> bool| -> Vec<String> {
        patient.all("telecom").into_iter().filter(|one| wanted(one)).flat_map(|one| texts(one, "value")).collect()
    };
    Demographics {
        number: number(patient),
        names: patient.all("name").into_iter().map(|name| said_name(name, &texts)).filter(|name| *name != Name::default()).collect(),
        birth_date: patient.text("birthDate").and_then(|date| date.parse::<BirthDate>().ok()),
        sex: patient.text("gender").and_then(|code| Sex::of_code(&code)),
        addresses: patient.all("address").into_iter().map(|address| said_address(address, &texts)).collect(),
        phones: telecom(&phone),
        emails: telecom(&|one| one.is("system", "email")),
        practice: practice(patient),
    }
}

/// ODS code of the organisation whose Patient it is, if the resource says.
pub fn provider(patient: Ref<'_>) -> Option<OdsCode> {
    patient.at("managingOrganization").and_then(organisation)
}

/// Whether the Patient is labelled as anything but plainly unrestricted.
pub fn restricted(patient: Ref<'_>) -> bool {
    let confidentiality = |label: &Ref<'_>| label.text("system").is_some_and(|system| system.contains("Confidentiality"));
    let plain = |label: Ref<'_>| label.is("code", "U") || label.is("code", "N") || label.is("code", "L") || label.is("code", "M");
    patient.all("meta.security").into_iter().filter(confidentiality).any(|label| !plain(label))
}

/// The number in use, the official one first.
fn number(patient: Ref<'_>) -> Option<ClaimedNumber> {
    let theirs = |identifier: &Ref<'_>| identifier.is("system", NHS_NUMBER_SYSTEM) && !identifier.is("use", "old");
    let mut numbers: Vec<Ref<'_>> = patient.all("identifier").into_iter().filter(theirs).collect();
    numbers.sort_by_key(|identifier| !identifier.is("use", "official"));
    let number = numbers.into_iter().find(|identifier| identifier.text("value").is_some())?;
    let status = number
        .all("extension")
        .into_iter()
        .filter(|extension| extension.text("url").is_some_and(|url| url.contains("NHSNumberVerificationStatus")));
    let codes = status.flat_map(|extension| extension.all("valueCodeableConcept.coding.code"));
    let verified = codes.filter_map(|code| code.value()).any(|code| NumberStatus::of_code(&code) == NumberStatus::Verified);
    Some(ClaimedNumber {
        value: number.text("value")?.trim().to_owned(),
        status: if verified { NumberStatus::Verified } else { NumberStatus::Unverified },
    })
}

fn said_name(name: Ref<'_>, texts: &dyn Fn(Ref<'_>, &str) -> Vec<String>) -> Name {
    let mut said = Name { family: texts(name, "family").join(" "), given: texts(name, "given"), used: used(name) };
    if said.family.is_empty() && said.given.is_empty() {
        // A name as one text: the last word is the family's, unless a comma says otherwise.
        let text = name.text("text").unwrap_or_default();
        let (family, given) = match text.split_once(',') {
            Some((family, given)) => (family, given),
            None => text.trim().rsplit_once(' ').map(|(given, family)| (family, given)).unwrap_or((&text, "")),
        };
        family.trim().clone_into(&mut said.family);
        said.given = given.split_whitespace().map(str::to_owned).collect();
    }
    said
}

fn said_address(address: Ref<'_>, texts: &dyn Fn(Ref<'_>, &str) -> Vec<String>) -> Address {
    let one = |path: &str| texts(address, path).into_iter().next().unwrap_or_default();
    let lines = texts(address, "line");
    // The town stands where it should, or is the last line.
    let (line, town) = match (one("city"), lines.as_slice()) {
        (town, [street @ .., last]) if town.is_empty() && !street.is_empty() => (street.join(" "), last.clone()),
        (town, lines) => (lines.join(" "), town),
    };
    Address { line, town, postcode: one("postalCode"), used: used(address) }
}

/// Whether a name or an address is in use: it is said to be old, or its period is over.
fn used(of: Ref<'_>) -> NameUse {
    let over = of.at("period.end").is_some();
    if of.is("use", "old") || over { NameUse::Old } else { NameUse::Current }
}

fn practice(patient: Ref<'_>) -> Option<String> {
    // `careProvider` is what DSTU2 calls it.
    let providers = patient.all("generalPractitioner").into_iter().chain(patient.all("careProvider"));
    providers.filter_map(organisation).next().map(|code| code.to_string())
}

/// The organisation that a reference names by its code, or by a local id that is one.
fn organisation(reference: Ref<'_>) -> Option<OdsCode> {
    let by_code = reference.at("identifier").filter(|identifier| {
        identifier.text("system").is_some_and(|system| system.eq_ignore_ascii_case(ODS_SYSTEM) || system.contains("ods-organization-code"))
    });
    let code = by_code.and_then(|identifier| identifier.text("value")).map(|code| code.trim().to_owned());
    let by_id = || reference.text("reference")?.strip_prefix("Organization/").map(str::to_owned);
    code.or_else(by_id)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Demographics {
        let tree = fhir::Tree::from_json(bytes::Bytes::from(json.to_owned())).unwrap();
        demographics(tree.root())
    }

    #[test]
    fn a_patient_of_each_version_says_the_same() {
        let r4 = r#"{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","use":"old","value":"9990000026"},
            {"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018","extension":[{"url":
            "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus","valueCodeableConcept":
            {"coding":[{"code":"number-present-and-verified"}]}}]}],
            "name":[{"family":"Hartley","given":["Margaret","Ann"]},{"use":"old","family":"Booth","given":["Margaret"]}],
            "birthDate":"1948-06-02","gender":"female","telecom":[{"system":"phone","value":"0121 496 0000"},{"system":"email","value":"m@example.org"}],
            "address":[{"line":["1 Mill Lane"],"city":"Dudley","postalCode":"DY1 4SE"}],
            "generalPractitioner":[{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"M85028"}}]}"#;
        let dstu2 = r#"{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018","extension":[{"url":
            "CareConnect-NHSNumberVerificationStatus-1","valueCodeableConcept":{"coding":[{"code":"01"}]}}]}],
            "name":[{"family":["Hartley"],"given":["Margaret","Ann"]},{"use":"old","family":["Booth"],"given":["Margaret"]}],
            "birthDate":"1948-06-02","gender":"female","telecom":[{"system":"phone","value":"0121 496 0000"},{"system":"email","value":"m@example.org"}],
            "address":[{"line":["1 Mill Lane","Dudley"],"postalCode":"DY1 4SE"}],"careProvider":[{"reference":"Organization/M85028"}]}"#;
        let said = read(r4);
        assert!(said == read(dstu2));
        assert_eq!(said.number.as_ref().unwrap().verified(), Some("9990000018".parse().unwrap()));
        assert_eq!(said.names[1].used, NameUse::Old);
        assert_eq!(said.practice.as_deref(), Some("M85028"));
        assert_eq!(said.addresses[0].town, "Dudley");
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        let said = read(
            r#"{"resourceType":"Patient","birthDate":"02/06/1948","gender":"unknown","name":[{"text":"HARTLEY, Margaret Ann"},{}],"address":"none"}"#,
        );
        assert_eq!((said.birth_date, said.sex, said.number.is_none()), (None, None, true));
        assert_eq!((said.names[0].family.as_str(), said.names[0].given.len(), said.names.len()), ("HARTLEY", 2, 1));
        assert!(said.addresses.is_empty() || said.addresses == [Address::default()]);
    }

    #[test]
    fn any_label_but_a_plain_one_restricts() {
        let check = |code: &str, expected: bool| {
            let json = format!(
                r#"{{"resourceType":"Patient","meta":{{"security":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"{code}"}}]}}}}"#
            );
            let tree = fhir::Tree::from_json(bytes::Bytes::from(json)).unwrap();
            assert_eq!(restricted(tree.root()), expected, "{code}");
        };
        for (code, expected) in [("U", false), ("N", false), ("R", true), ("V", true), ("REDACTED", true), ("", true)] {
            check(code, expected);
        }
    }
}
