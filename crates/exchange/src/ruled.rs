//! Rules that take the place of those that decide.

use audit::Event;

use crate::aftermath::own_request;
use crate::{Exchange, Refused};

impl Exchange {
    /// Puts these rules in the place of those that decide, once the ledger has it. What was read and is not to be used changes nothing:
    /// that, and in a few words why, is entered too.
    pub async fn rule_by(&self, read: Result<access::Rules, String>) -> Result<(), Refused> {
        let named = |rules: &access::Rules| format!("rules:{}", rules.version());
        let before = named(&self.parts.policy.rules());
        let (after, kept) = match &read {
            Ok(rules) => (named(rules), None),
            Err(why) => (before.clone(), Some(why.clone())),
        };
        let event = Event::RulesChanged { before, after, kept };
        self.parts.ledger.note(&own_request(), &event).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        if let Ok(rules) = read {
            self.parts.policy.replace(rules);
        }
        Ok(())
    }
}
