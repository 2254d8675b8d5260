//! Ready people of the demo, one in every role that sees something else. None of them is real.

use serde_json::{Value, json};

use crate::oauth::scopes;

/// Somebody to sign in as.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is what it is called; as the token has it")]
pub struct Ready {
    pub id: &'static str,
    pub name: &'static str,
    /// What they do, in words.
    pub job: &'static str,
    pub role: &'static str,
    pub activities: &'static [&'static str],
    /// ODS code and name.
    pub organisation: (&'static str, &'static str),
    pub sds_user_id: &'static str,
    /// The most that they are granted.
    pub scopes: &'static [&'static str],
}

const CARE: &[&str] = &["user/*.rs", "patient/*.rs"];
const HOSPITAL: (&str, &str) = ("RRK", "Queen Elizabeth Hospital");
const PRACTICE: (&str, &str) = ("A81001", "The Medical Centre");

/// All of them. Activities beside the view: B0264 finds, B0168 may claim an emergency.
pub const PEOPLE: &[Ready] = &[
    Ready {
        id: "doctor",
        name: "Dr A Example",
        job: "Hospital doctor",
        role: "R8000",
        activities: &["B0264", "B0360", "B0370", "B0401", "B0168"],
        organisation: HOSPITAL,
        sds_user_id: "999999999901",
        scopes: CARE,
    },
    Ready {
        id: "consultant",
        name: "Miss B Example",
        job: "Consultant",
        role: "R0050",
        activities: &["B0264", "B0360", "B0370", "B0401", "B0168"],
        organisation: HOSPITAL,
        sds_user_id: "999999999902",
        scopes: CARE,
    },
    Ready {
        id: "general-practitioner",
        name: "Dr C Example",
        job: "General practitioner",
        role: "R0260",
        activities: &["B0264", "B0360", "B0370", "B0401"],
        organisation: PRACTICE,
        sds_user_id: "999999999903",
        scopes: CARE,
    },
    Ready {
        id: "nurse",
        name: "Sister D Example",
        job: "Ward nurse",
        role: "R8001",
        activities: &["B0264", "B0360", "B0401"],
        organisation: HOSPITAL,
        sds_user_id: "999999999904",
        scopes: CARE,
    },
    Ready {
        id: "pharmacist",
        name: "E Example",
        job: "Community pharmacist",
        role: "R8003",
        activities: &["B0264", "B0401"],
        organisation: ("FA123", "The Pharmacy"),
        sds_user_id: "999999999905",
        scopes: CARE,
    },
    Ready {
        id: "paramedic",
        name: "F Example",
        job: "Paramedic",
        role: "R8003",
        activities: &["B0264", "B0370", "B0401", "B0168"],
        organisation: ("RYA", "The Ambulance Service"),
        sds_user_id: "999999999906",
        scopes: CARE,
    },
    Ready {
        id: "social-worker",
        name: "G Example",
        job: "Social worker",
        role: "R8003",
        activities: &["B0264", "B0370"],
        organisation: ("109", "The Council"),
        sds_user_id: "999999999907",
        scopes: CARE,
    },
    Ready {
        id: "student",
        name: "H Example",
        job: "Healthcare student",
        role: "R8004",
        activities: &["B0370"],
        organisation: HOSPITAL,
        sds_user_id: "999999999908",
        scopes: CARE,
    },
    Ready {
        id: "receptionist",
        name: "I Example",
        job: "Receptionist",
        role: "R8008",
        activities: &["B0264"],
        organisation: PRACTICE,
        sds_user_id: "999999999909",
        scopes: CARE,
    },
    Ready {
        id: "privacy-officer",
        name: "J Example",
        job: "Privacy officer",
        role: "R0001",
        activities: &["B0015", "B0016"],
        organisation: HOSPITAL,
        sds_user_id: "999999999910",
        scopes: &["severn.privacy"],
    },
    Ready {
        id: "caldicott-guardian",
        name: "Dr K Example",
        job: "Caldicott Guardian",
        role: "R5105",
        activities: &["B0015", "B0016"],
        organisation: HOSPITAL,
        sds_user_id: "999999999911",
        scopes: &["severn.privacy"],
    },
    Ready {
        id: "steward",
        name: "L Example",
        job: "Steward of the person index",
        role: "R8008",
        activities: &["B0264"],
        organisation: ("QHL", "The Exchange"),
        sds_user_id: "999999999912",
        scopes: &["severn.operator"],
    },
    Ready {
        id: "operator",
        name: "M Example",
        job: "Operator of the exchange",
        role: "R8008",
        activities: &[],
        organisation: ("QHL", "The Exchange"),
        sds_user_id: "999999999913",
        scopes: &["severn.operator"],
    },
];

impl Ready {
    /// What of the scopes asked for they are granted: never another's desk, never more than their own.
    pub(super) fn granted(&self, asked: &str) -> Vec<String> {
        let own: Vec<String> = self.scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let plain =
            |scope: &&str| matches!(*scope, "openid" | "fhirUser" | "launch") || !scope.contains('/') && self.scopes.contains(scope);
        let plain = asked.split_ascii_whitespace().filter(plain).map(str::to_owned);
        let mut granted: Vec<String> = plain.chain(scopes::narrowed(asked, &own)).collect();
        granted.sort_unstable();
        granted.dedup();
        granted
    }

    /// The claims that say who they are.
    pub(super) fn claims(&self, scope: &str) -> Value {
        let (code, organisation) = self.organisation;
        json!({
            "sub": self.id, "scope": scope,
            "extensions": {"ihe_iua": {
                "subject_name": self.name,
                "subject_organization": organisation,
                "subject_organization_id": format!("{}|{code}", record::ODS_SYSTEM),
                "subject_sds_user_id": self.sds_user_id,
                "subject_role_profile_id": "UNK",
                "device": "demo",
                "subject_role": [{"system": "https://fhir.nhs.uk/Id/sds-role-code", "code": self.role}],
                "purpose_of_use": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}],
                "activities": self.activities,
            }},
        })
    }
}
