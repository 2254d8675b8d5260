//! What stands in the ledger. No clinical payload, no NHS number, no secrets or parts of them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::View;

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
    /// The national demographics service was asked who a person is. It counts as shown to nobody: what it says decides who may read.
    Asked { patient: String, leg: LegLine },
    /// A claim of a relationship or an emergency.
    Claimed { by: Who, patient: String, kind: String, reason: String, text: String, until: Option<String> },
    /// The request was answered, or failed after it was opened.
    Closed { outcome: Ending, policy: Vec<String>, legs: Vec<LegLine>, shown: Vec<Shown> },
    /// What a person says about sharing was recorded: which version of which Consent, and whether it forbids and is in force.
    ConsentRecorded { by: Who, patient: String, consent: String, version: u32, active: bool, denies: bool },
    /// A further page was shown, or somebody was named.
    Disclosed {
        by: Who,
        patient: String,
        answer: String,
        from_piece: u64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shown: Vec<Shown>,
    },
    /// An emergency is over: whose claim it was, and how it ended. Entered once, beside the claim.
    EmergencyEnded {
        patient: String,
        claim: String,
        issuer: String,
        subject: String,
        organisation: String,
        began: String,
        ended: String,
        how: String,
    },
    /// Somebody was given a token of this exchange's own: a `client` that showed who it is, or a user who was sent here by another
    /// organisation's system (`launch`), with one person open.
    Issued { by: Who, patient: String, kind: String, scopes: Vec<String>, until: String },
    /// A request was let in.
    Opened { by: Who, interaction: String, patient: String, hops: Vec<String> },
    /// What became of a person's pointer in the National Record Locator.
    Published { outcome: String, made: u32, changed: u32, deleted: u32 },
    /// The National Record Locator is told whether a record of a person is here: their pointer is to be `present` or `absent`.
    Publishing { patient: String, pointer: String },
    /// A request was refused; where the rules refused it, by which set of them.
    Refused {
        by: Option<Who>,
        patient: String,
        why: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        policy: Vec<String>,
    },
    /// An access was judged by a privacy officer: which, and what they found. Why stands with the task, sealed.
    Reviewed { by: Who, task: String, request: String, state: String },
    /// The rules of who may see what were read anew: which set of them decided before, and which does from then on. Where what was read is
    /// not to be used they are one, and it is said why those before were kept.
    RulesChanged { before: String, after: String, kept: Option<String> },
    /// A person's entries changed, and their record had shown since then what is not theirs, or had lacked what is: by whose word, what
    /// was done, and who saw it meanwhile (G8). Where the ledger could not be read back there is no list.
    SeenMeanwhile { patient: String, since: String, author: String, what: String, seen: Option<Vec<View>> },
    /// The person index was changed by somebody's word: what was done, why, whose entries changed, and how many views of a record that
    /// held what is not theirs were found and told.
    Stewarded { by: Who, what: String, reason: String, touched: Vec<String>, seen: u64 },
    /// What became of a person's evidence: what an answer showed was `not kept`; an opening of what a request showed was `asked` for or
    /// `approved`; it is `held`, its `hold lifted`; or the key to it is about to be destroyed (`shredding`), or after all is `not shredded`.
    Vault { by: Option<Who>, patient: String, step: String, of: String, why: String },
}

/// How a request ended that was let in. It stands in the ledger as its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Ending {
    /// It was answered.
    Answered,
    /// What a further page was asked of is not kept any more.
    AnswerOver,
    /// An emergency was ended by whoever claimed it.
    EmergencyEnded,
    /// A token was given.
    Given,
    /// They had no emergency that could be ended.
    NoEmergency,
    /// There is no such Consent.
    NoSuchConsent,
    /// Somebody else wrote first.
    Overtaken,
    /// Too little was said to look for anybody.
    TooLittle,
    /// Too many fit to show anybody.
    TooMany,
    /// In the words of another program.
    Other(String),
}

impl Ending {
    const ALL: [Ending; 9] = [
        Ending::Answered,
        Ending::AnswerOver,
        Ending::EmergencyEnded,
        Ending::Given,
        Ending::NoEmergency,
        Ending::NoSuchConsent,
        Ending::Overtaken,
        Ending::TooLittle,
        Ending::TooMany,
    ];

    /// Its words.
    pub fn words(&self) -> &str {
        match self {
            Ending::Answered => "answered",
            Ending::AnswerOver => "the answer is over",
            Ending::EmergencyEnded => "the emergency was ended",
            Ending::Given => "given",
            Ending::NoEmergency => "there was no emergency to end",
            Ending::NoSuchConsent => "no such consent",
            Ending::Overtaken => "another version was recorded meanwhile",
            Ending::TooLittle => "too little to look for anybody",
            Ending::TooMany => "too many to show anybody",
            Ending::Other(words) => words,
        }
    }
}

impl From<String> for Ending {
    fn from(words: String) -> Ending {
        Ending::ALL.into_iter().find(|known| known.words() == words).unwrap_or(Ending::Other(words))
    }
}

impl From<Ending> for String {
    fn from(ending: Ending) -> String {
        ending.words().to_owned()
    }
}

impl Event {
    /// A request that was let in ended so, and nothing of a record was shown.
    pub fn closed(outcome: Ending) -> Event {
        Event::Closed { outcome, policy: Vec::new(), legs: Vec::new(), shown: Vec::new() }
    }

    /// Somebody was named, or something told of them that is no part of a record.
    pub fn disclosed(by: Who, patient: impl Into<String>, answer: impl Into<String>) -> Event {
        Event::Disclosed { by, patient: patient.into(), answer: answer.into(), from_piece: 0, shown: Vec::new() }
    }

    /// A request was refused by something else than the rules.
    pub fn refused(by: Option<Who>, patient: impl Into<String>, why: impl Into<String>) -> Event {
        Event::Refused { by, patient: patient.into(), why: why.into(), policy: Vec::new() }
    }
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

    /// The same, where it must not be told where somebody was looked at: in which roles, and what for. Who signs people in, what they
    /// are called there, their national id and their name each lead by some directory to where they work, as their device does.
    pub fn without_place(&self) -> Who {
        Who {
            issuer: String::new(),
            subject: String::new(),
            name: String::new(),
            sds_user_id: None,
            role_profile: None,
            roles: self.roles.clone(),
            organisation: String::new(),
            organisation_name: String::new(),
            device: None,
            client: None,
            purposes: self.purposes.clone(),
            token: None,
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
    /// Resources shown.
    pub resources: Manifest,
    /// SHA-256 over the shown resources' bytes, in the order of `resources`, hex.
    pub digest: String,
}

/// Resources by type, minted id and the source's version, as a JSON array of such triples. There are many, so they are written once
/// and stay text until somebody reads them.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Manifest(Box<RawValue>);

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Manifest, D::Error> {
        // Not as raw text, which an event that is told by a tag inside it cannot hold.
        let resources: Vec<(String, String, Option<String>)> = Deserialize::deserialize(deserializer)?;
        let mut writer = ManifestWriter::default();
        resources.iter().for_each(|(kind, id, version)| writer.add(kind, id, version.as_deref()));
        Ok(writer.finish())
    }
}

impl PartialEq for Manifest {
    fn eq(&self, other: &Manifest) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Manifest {}

impl Manifest {
    /// The resources: type, id and version.
    pub fn resources(&self) -> Vec<(String, String, Option<String>)> {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

/// Writes a [`Manifest`], one resource after the other.
#[derive(Debug, Default)]
pub struct ManifestWriter(String);

impl ManifestWriter {
    /// Adds a resource. Types and minted ids are of letters, digits, `-` and `.`.
    pub fn add(&mut self, kind: &str, id: &str, version: Option<&str>) {
        self.0.push(if self.0.is_empty() { '[' } else { ',' });
        for part in ["[\"", kind, "\",\"", id, "\","] {
            self.0.push_str(part);
        }
        match version {
            Some(version) if version.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                self.0.extend(["\"", version, "\""]);
            }
            Some(version) => self.0.push_str(&serde_json::Value::from(version).to_string()),
            None => self.0.push_str("null"),
        }
        self.0.push(']');
    }

    /// The manifest of all that was added.
    pub fn finish(mut self) -> Manifest {
        self.0.push_str(if self.0.is_empty() { "[]" } else { "]" });
        Manifest(RawValue::from_string(self.0).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_can_be_read_again() {
        let mut writer = ManifestWriter::default();
        writer.add("Condition", "gp-1", Some("a \"b\""));
        writer.add("Flag", "gp.h.x", None);
        let shown = Shown { source: "gp".into(), resources: writer.finish(), digest: "00".into() };
        let event = Event::Closed { outcome: Ending::Answered, policy: Vec::new(), legs: Vec::new(), shown: vec![shown] };
        let text = serde_json::to_string(&event).unwrap();
        assert!(text.contains(r#"[["Condition","gp-1","a \"b\""],["Flag","gp.h.x",null]]"#), "{text}");
        let read: Event = serde_json::from_str(&text).unwrap();
        assert_eq!(read, event);
        let Event::Closed { shown, .. } = read else { panic!("another event") };
        let expected =
            [("Condition".to_owned(), "gp-1".to_owned(), Some("a \"b\"".to_owned())), ("Flag".to_owned(), "gp.h.x".to_owned(), None)];
        assert_eq!(shown[0].resources.resources(), expected);
    }

    /// Lines stay as they were written, so words may be added and none may change.
    #[test]
    fn an_ending_stands_as_its_words_whoever_wrote_them() {
        for ending in Ending::ALL.into_iter().chain([Ending::Other("of a later program".to_owned())]) {
            let text = serde_json::to_string(&Event::closed(ending.clone())).unwrap();
            let words = serde_json::to_string(ending.words()).unwrap();
            assert_eq!(text, format!(r#"{{"event":"closed","outcome":{words},"policy":[],"legs":[],"shown":[]}}"#));
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), Event::closed(ending));
        }
    }
}
