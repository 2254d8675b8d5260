//! What stands in the ledger. No clinical payload, no NHS number, no secrets or parts of them.

use serde::{Deserialize, Serialize};

/// One entry: what happened, and its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The run of the writer: one chain for each.
    pub run: String,
    /// Number within the run, from 1.
    pub sequence: u64,
    /// When, UTC.
    pub at: String,
    /// The request, for all entries it causes.
    pub trace: String,
    /// What happened, as JSON.
    pub event: String,
    /// Hash of the line before, hex; of nothing for the first.
    pub previous: String,
    /// Hash over all the above, hex.
    pub hash: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each field is what it is called; as the ledger needs it")]
pub enum Event {
    /// A claim of a relationship or an emergency.
    Claimed { by: Who, patient: String, kind: String, reason: String, text: String, until: Option<String> },
    /// The request was answered, or failed after it was opened.
    Closed { outcome: String, policy: Vec<String>, legs: Vec<LegLine>, shown: Vec<Shown> },
    /// A further page was shown.
    Disclosed { by: Who, patient: String, answer: String, from_piece: u64 },
    /// A request was let in.
    Opened { by: Who, interaction: String, patient: String, hops: Vec<String> },
    /// A request was refused.
    Refused { by: Option<Who>, patient: String, why: String },
}

/// Who did it, as shown at the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is the claim of the token of that name")]
pub struct Who {
    pub issuer: String,
    pub subject: String,
    pub name: String,
    pub sds_user_id: Option<String>,
    pub role_profile: Option<String>,
    pub roles: Vec<String>,
    pub organisation: String,
    pub organisation_name: String,
    pub device: Option<String>,
    pub client: Option<String>,
    pub purposes: Vec<String>,
    pub token: Option<String>,
}

impl Who {
    /// From the verified caller.
    pub fn of(caller: &record::Caller) -> Who {
        Who {
            issuer: caller.user.issuer.clone(),
            subject: caller.user.subject.clone(),
            name: caller.name.clone(),
            sds_user_id: caller.sds_user_id.clone(),
            role_profile: caller.sds_role_profile_id.clone(),
            roles: caller.roles.clone(),
            organisation: caller.organisation.code.to_string(),
            organisation_name: caller.organisation.name.clone(),
            device: caller.device.clone(),
            client: caller.client.clone(),
            purposes: caller.purposes.clone(),
            token: caller.token_id.clone(),
        }
    }
}

/// How one source's leg went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegLine {
    /// The source.
    pub source: String,
    /// Types by status: `ok` → `Condition, Flag`.
    pub statuses: std::collections::BTreeMap<String, Vec<String>>,
    /// Resources it returned.
    pub returned: u64,
    /// Of those, withheld.
    pub withheld: u64,
    /// Of those, in quarantine.
    pub quarantined: u64,
}

/// What was shown of one source: ids, versions and digests, as one digest over all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The source.
    pub source: String,
    /// Resources shown: type, minted id, the source's version.
    pub resources: Vec<(String, String, Option<String>)>,
    /// SHA-256 over the shown resources' bytes, in the order of `resources`, hex.
    pub digest: String,
}
