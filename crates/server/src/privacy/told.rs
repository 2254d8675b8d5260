//! Requests, tasks and reviews as JSON: who looked, and nothing of what they saw.

use std::borrow::Cow;
use std::collections::BTreeSet;

use audit::{Account, Outcome, Who};
use exchange::{PrivacyTask, Review};
use serde_json::{Value, json};

use super::room::Context;

/// Whether what would tell somebody's place is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is nobody's secret.
    Told,
    /// Whoever it is about must not be found by it: nobody who looked, no organisations, no sources by name, no devices.
    Hidden,
}

impl Place {
    /// Of what a request was about.
    pub fn of(account: &Account, hidden: &BTreeSet<String>) -> Place {
        if account.is_hidden(hidden) { Place::Hidden } else { Place::Told }
    }

    /// As much of somebody as is told.
    pub fn told(self, who: &Who) -> Cow<'_, Who> {
        match self {
            Place::Told => Cow::Borrowed(who),
            Place::Hidden => Cow::Owned(who.without_place()),
        }
    }
}

/// Somebody, as they were called at the time.
fn who(who: &Who, place: Place) -> Value {
    let who = place.told(who);
    let mut told = json!({"roles": who.roles, "purposes": who.purposes});
    if place == Place::Told {
        told["user"] = json!(who.subject);
        told["name"] = json!(who.name);
        told["sds_user_id"] = json!(who.sds_user_id);
        told["issuer"] = json!(who.issuer);
        told["organisation"] = json!(who.organisation);
        told["organisation_name"] = json!(who.organisation_name);
        told["role_profile"] = json!(who.role_profile);
        told["device"] = json!(who.device);
        told["client"] = json!(who.client);
    }
    told
}

/// What came of a request, in a word, and why.
pub fn outcome(outcome: &Outcome) -> (&'static str, Option<&str>) {
    match outcome {
        Outcome::Answered => ("answered", None),
        Outcome::Refused(why) => ("refused", Some(why)),
        Outcome::Told => ("told", None),
        Outcome::Unfinished => ("unfinished", None),
    }
}

/// A request: sources with how many of each type were shown, never which.
pub fn account(account: &Account, hidden: &BTreeSet<String>) -> Value {
    let place = Place::of(account, hidden);
    let (outcome, why) = outcome(&account.outcome);
    let shown: Vec<Value> = match place {
        Place::Told => account.shown.iter().map(|(source, kinds)| json!({"source": source, "types": kinds})).collect(),
        Place::Hidden => {
            (1..).zip(account.shown.values()).map(|(n, kinds)| json!({"source": format!("Source {n}"), "types": kinds})).collect()
        }
    };
    let claim = account.claim.as_ref().map(|claim| {
        // The words of a reason may say where.
        let text = (place == Place::Told).then_some(&claim.text);
        json!({"kind": claim.kind, "reason": claim.reason, "text": text, "until": claim.until})
    });
    json!({
        "at": account.at, "request": account.trace, "by": account.by.as_ref().map(|by| who(by, place)), "what": account.what,
        "patients": account.patients, "outcome": outcome, "why": why, "policy": account.policy, "shown": shown, "claim": claim,
        "mixed": account.mixed,
        "lines": account.lines.iter().map(|(line, _)| format!("{}.{}", line.run, line.sequence)).collect::<Vec<_>>(),
    })
}

/// A task.
pub fn task(task: &PrivacyTask) -> Value {
    json!({
        "id": task.id, "raised": task.raised.to_string(), "kind": task.kind.name(), "rule": task.rule, "reason": task.reason,
        "state": task.state.name(),
    })
}

fn review(review: &Review) -> Value {
    json!({
        "at": review.at.to_string(), "state": review.state.name(), "note": review.note, "by": review.name,
        "reviewer": {"issuer": review.reviewer.issuer, "user": review.reviewer.subject},
    })
}

/// One access in context.
pub fn context(context: &Context) -> Value {
    let told = |accounts: &[Account]| accounts.iter().map(|one| account(one, &context.hidden)).collect::<Vec<_>>();
    json!({
        "task": task(&context.task), "reviews": context.reviews.iter().map(review).collect::<Vec<_>>(),
        "access": told(&context.accounts), "afterwards": told(&context.since),
    })
}
