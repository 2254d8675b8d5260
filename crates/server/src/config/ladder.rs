//! `[go_live]`: how far the exchange has come, and who signed for it.

use std::path::PathBuf;

use access::{Named, NamedBy, Step};

use super::reader::Section;
use super::{Reader, SignIn};

/// `[go_live]`
#[derive(Debug, Clone)]
pub struct GoLive {
    /// Where the exchange stands; a demonstration unless said.
    pub step: Step,
    /// Who is named for it.
    pub named: Vec<Named>,
    /// The folder of the documents that are signed, as the pack of a release has them.
    pub documents: Option<PathBuf>,
    /// The signatures: one JWS a line.
    pub signatures: Option<PathBuf>,
    /// Who may sign, and as what.
    pub signers: Vec<Signer>,
}

/// `[[go_live.signer]]`
#[derive(Debug, Clone)]
pub struct Signer {
    /// For people.
    pub name: String,
    /// As what they sign.
    pub role: String,
    /// Their public key, a JWKS.
    pub keys: PathBuf,
}

impl<'a> Reader<'a> {
    /// `None` only where a mistake was noted.
    pub(super) fn go_live(&self, section: Section<'a>, sign_in: &[Option<SignIn>]) -> Option<GoLive> {
        let steps = [Step::Demo, Step::Shadow, Step::Pilot, Step::Live].map(|step| (step.word(), step));
        let step = section.choice("step", &steps, Step::Demo);
        let file = |key| section.text(key).map(|path| self.path(&path));
        let (documents, signatures) = (file("documents"), file("signatures"));
        let signers = section.sections("signer").into_iter().map(|signer| self.signer(signer)).collect::<Option<_>>();
        let named: Option<Vec<Named>> = section.sections("named").into_iter().map(|one| named(one, sign_in)).collect();
        if step != Step::Demo {
            for (key, file) in [("documents", &documents), ("signatures", &signatures)] {
                if file.is_none() {
                    section.mistake(key, format!("is missing: the step `{}` stands on what was signed", step.word()));
                }
            }
        }
        let names = named.as_ref().is_none_or(|named| !named.is_empty());
        if step.names() && !names {
            section.mistake(
                "named",
                format!("is missing: on the step `{}` only who is named is answered, and that would be nobody", step.word()),
            );
        }
        if !step.names() && names && section.has("named") {
            section.mistake("named", format!("names people, but on the step `{}` it narrows nothing: take it out", step.word()));
        }
        section.finish();
        Some(GoLive { step, named: named?, documents, signatures, signers: signers? })
    }

    fn signer(&self, section: Section<'a>) -> Option<Signer> {
        let (name, role) = (section.required("name"), section.required::<String>("role"));
        let known = crate::ladder::roles();
        if let Some(role) = role.as_ref().filter(|role| !known.contains(role.as_str())) {
            let known: Vec<&str> = known.into_iter().collect();
            section.mistake("role", format!("`{role}` is not known; use one of {}", known.join(", ")));
        }
        let keys = section.required::<String>("keys").map(|path| self.path(&path));
        match keys.as_ref().map(std::fs::read) {
            Some(Err(error)) => section.mistake("keys", error),
            Some(Ok(text)) if !crate::token::is_key_set(&text) => {
                section.mistake("keys", "holds no JWKS with a public key for ES256 or RS256")
            }
            _ => {}
        }
        section.finish();
        Some(Signer { name: name?, role: role?, keys: keys? })
    }
}

/// `[[go_live.named]]`: by the provider that vouches for them, and their subject or national user id there.
fn named(section: Section<'_>, sign_in: &[Option<SignIn>]) -> Option<Named> {
    let issuer: Option<String> = section.required("issuer");
    if let Some(issuer) = &issuer
        && !sign_in.iter().flatten().any(|provider| provider.issuer == *issuer)
    {
        section.mistake("issuer", format!("`{issuer}` is no [[sign_in]]'s: nobody could be who is meant"));
    }
    let filled = |key| section.text(key).filter(|text| !text.trim().is_empty());
    let who = match (filled("subject"), filled("sds_user_id")) {
        (Some(subject), None) => Some(NamedBy::Subject(subject)),
        (None, Some(id)) => Some(NamedBy::SdsUser(id)),
        _ => {
            section.mistake("subject", "give either subject or sds_user_id, and not both");
            None
        }
    };
    section.finish();
    Some(Named { issuer: issuer?, who: who? })
}
