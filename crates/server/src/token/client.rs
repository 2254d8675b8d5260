//! Clients that are registered here, and how each shows who it is: by a signed assertion (`private_key_jwt`), by its certificate
//! (`tls_client_auth`), or by both where both are registered.

use exchange::Spent;
use jiff::{SignedDuration, Timestamp};
use record::{Caller, UserId};
use serde_json::Value;

use super::Tokens;
use super::once::{OnceFault, Terms};
use super::parts::{Parts, Sort};
use super::provider::KeySet;
use crate::config::oauth::Client;
use crate::tls::Certificate;

/// A client, and its keys where it has any.
pub(super) struct Registered {
    pub config: Client,
    pub keys: Option<KeySet>,
}

/// What somebody at the token endpoint shows of who they are.
pub struct Shown<'a> {
    /// `client_assertion`
    pub assertion: Option<&'a str>,
    /// `client_id`
    pub id: Option<&'a str>,
    /// Of the connection.
    pub certificate: Option<&'a Certificate>,
}

impl Client {
    /// Who it is, as one who asks.
    pub fn caller(&self, issuer: &str, scopes: Vec<String>) -> Caller {
        Caller {
            user: UserId { issuer: issuer.to_owned(), subject: self.id.clone() },
            name: self.name.clone(),
            sds_user_id: None,
            sds_role_profile_id: None,
            human: false,
            organisation: self.organisation.clone(),
            roles: self.roles.clone(),
            activities: self.activities.clone(),
            purposes: self.purposes.clone(),
            scopes,
            launch_patient: None,
            device: None,
            client: Some(self.id.clone()),
            token_id: None,
        }
    }
}

impl Tokens {
    /// The client that somebody is. With the fault, the registered one that they say they are: so much may stand on the ledger, and
    /// nothing else that a stranger says.
    pub async fn client(&self, shown: &Shown<'_>, endpoint: &str) -> Result<&Client, (OnceFault, Option<&Client>)> {
        let Some(assertion) = shown.assertion else { return self.by_certificate(shown) };
        let strange = |fault: OnceFault| (fault, None);
        if assertion.len() > self.bytes_max {
            return Err(strange(OnceFault::TooLarge));
        }
        let parts = Parts::read(Sort::Assertion, assertion).map_err(|fault| strange(fault.into()))?;
        let text = |name: &str| parts.claims.get(name).and_then(Value::as_str);
        let (Some(issuer), Some(subject)) = (text("iss"), text("sub")) else { return Err(strange(OnceFault::Malformed)) };
        let client = self.clients.iter().find(|client| client.config.id == issuer).ok_or(strange(OnceFault::Stranger))?;
        let said = |fault: OnceFault| (fault, Some(&client.config));
        if subject != issuer || shown.id.is_some_and(|id| id != issuer) {
            return Err(said(OnceFault::Stranger));
        }
        let keys = client.keys.as_ref().ok_or(said(OnceFault::Stranger))?;
        // Where a client says that its keys are is believed as little as whatever else it brings.
        if parts.jku.as_deref().is_some_and(|jku| keys.url().is_none_or(|url| url.as_str() != jku)) {
            return Err(said(OnceFault::Stranger));
        }
        if parts.kid.is_none() {
            return Err(said(OnceFault::Malformed));
        }
        certified(&client.config, shown.certificate).map_err(said)?;
        spend(keys, &parts, endpoint, self.spent.as_ref(), self.clock.now()).await.map_err(said)?;
        Ok(&client.config)
    }

    /// Who has no keys shows its certificate, and says who it is.
    fn by_certificate(&self, shown: &Shown<'_>) -> Result<&Client, (OnceFault, Option<&Client>)> {
        let client = self.clients.iter().find(|client| shown.id == Some(client.config.id.as_str()));
        let client = client.ok_or((OnceFault::Stranger, None))?;
        let said = |fault: OnceFault| (fault, Some(&client.config));
        if client.config.certificate.is_none() || client.keys.is_some() {
            return Err(said(OnceFault::Malformed));
        }
        certified(&client.config, shown.certificate).map_err(said)?;
        Ok(&client.config)
    }
}

/// Whether the connection is the client's, where it has to be.
fn certified(client: &Client, shown: Option<&Certificate>) -> Result<(), OnceFault> {
    match &client.certificate {
        Some(own) if shown.is_some_and(|shown| own.is(shown)) => Ok(()),
        Some(_) => Err(OnceFault::Uncertified),
        None => Ok(()),
    }
}

/// The longest that SMART lets an assertion live.
const LIVES: SignedDuration = SignedDuration::from_mins(5);

async fn spend(keys: &KeySet, parts: &Parts<'_>, endpoint: &str, spent: &dyn Spent, now: Timestamp) -> Result<(), OnceFault> {
    let terms = Terms { keys, audience: endpoint.to_owned(), lives: LIVES, kind: "assertion" };
    terms.judge(parts, now).await?.spend(spent, now).await
}
