//! Systems of connected organisations that open a person here for their own users: what they sign for one launch.

use jiff::SignedDuration;
use record::Caller;
use serde_json::{Map, Value};

use super::once::{Once, OnceFault, Terms};
use super::parts::{Parts, Sort};
use super::provider::KeySet;
use super::{Tokens, claims};
use crate::config::oauth::Launcher;

/// A system that may open people here, and its keys.
pub(super) struct Registered {
    pub config: Launcher,
    pub keys: KeySet,
}

/// Who was sent here, by whom, and with whom open.
pub struct Launched<'a> {
    /// The system that signed.
    pub launcher: &'a Launcher,
    /// Whom it signed for. Its `launch_patient` is not known yet.
    pub caller: Caller,
    /// `patient` as the link has it: the exchange's own id, or `system|number`.
    pub patient: String,
    /// `scope` of the link, if it has one.
    pub scope: Option<String>,
    /// The link's one use.
    pub once: Once,
}

/// The longest that a link lives: it is opened at once, or not at all.
const LIVES: SignedDuration = SignedDuration::from_mins(2);

impl Tokens {
    /// Whom a link is for. It is not spent by that: what it opens is looked for and entered first. With the fault, the registered system
    /// that it says that it is from.
    pub async fn launch(&self, link: &str, endpoint: &str) -> Result<Launched<'_>, (OnceFault, Option<&Launcher>)> {
        let strange = |fault: OnceFault| (fault, None);
        if link.len() > self.bytes_max {
            return Err(strange(OnceFault::TooLarge));
        }
        let parts = Parts::read(Sort::Launch, link).map_err(|fault| strange(fault.into()))?;
        let issuer = parts.claims.get("iss").and_then(Value::as_str).ok_or(strange(OnceFault::Malformed))?;
        let launcher = self.launchers.iter().find(|one| one.config.issuer == issuer).ok_or(strange(OnceFault::Stranger))?;
        let said = |fault: OnceFault| (fault, Some(&launcher.config));
        // What is bound could be read here, and no more: whoever opens it is a browser.
        super::bound(&parts.claims, None).map_err(|fault| said(fault.into()))?;
        let terms = Terms { keys: &launcher.keys, audience: endpoint.to_owned(), lives: LIVES, kind: "launch" };
        let once = terms.judge(&parts, self.clock.now()).await.map_err(said)?;
        of(&launcher.config, &parts.claims, once).map_err(said)
    }

    /// Spends what was judged to be good.
    pub async fn spend(&self, once: &Once) -> Result<(), OnceFault> {
        once.spend(self.spent.as_ref(), self.clock.now()).await
    }
}

fn of<'a>(launcher: &'a Launcher, claims: &Map<String, Value>, once: Once) -> Result<Launched<'a>, OnceFault> {
    let text = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(|text| Some(text.to_owned())).ok_or(OnceFault::Malformed),
    };
    let patient = text("patient")?.filter(|patient| !patient.trim().is_empty()).ok_or(OnceFault::Malformed)?;
    let scope = text("scope")?;
    let caller = claims::caller(claims.clone()).ok_or(OnceFault::Malformed)?;
    launcher.may_send(&caller)?;
    Ok(Launched { launcher, caller, patient, scope, once })
}

impl Launcher {
    /// Whether it may vouch for all that it says of somebody. What it says beyond that is not left out: who wrote it meant it.
    fn may_send(&self, caller: &Caller) -> Result<(), OnceFault> {
        let within = |said: &[String], own: &[String]| said.iter().all(|one| own.contains(one));
        let national = caller.sds_user_id.is_some() || caller.sds_role_profile_id.is_some();
        match () {
            () if !self.organisations.contains(&caller.organisation.code) => Err(OnceFault::Organisation),
            () if !within(&caller.roles, &self.roles) => Err(OnceFault::Roles),
            () if !within(&caller.activities, &self.activities) => Err(OnceFault::Activities),
            () if !within(&caller.purposes, &self.purposes) => Err(OnceFault::Purposes),
            () if national && !self.vouches_nationally => Err(OnceFault::National),
            () => Ok(()),
        }
    }
}
