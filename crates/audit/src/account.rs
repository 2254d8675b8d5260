//! What the lines of requests say, request by request: who asked what about whom, what came of it, and what was shown.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::chain::writer;
use crate::lookup::{By, Found, entered};
use crate::{Ending, Event, Line, Shown, Who};

/// One request, as its lines tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// When it began.
    pub at: String,
    /// Its name, chosen by the client.
    pub trace: String,
    /// Who asked; none where nobody is known, or where nobody asked.
    pub by: Option<Who>,
    /// What was asked for, in the ledger's words: `read everything`, `find`, `privacy: show`, `relationship` …
    pub what: String,
    /// Whom it was about, or who was named by its answer.
    pub patients: BTreeSet<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// The rules that decided.
    pub policy: Vec<String>,
    /// What was shown of each source: types with their counts.
    pub shown: BTreeMap<String, BTreeMap<String, u64>>,
    /// What was claimed, where a claim was granted.
    pub claim: Option<Claimed>,
    /// Whether somebody else used the same name for a request of theirs at that time: which line is whose can then not be told surely.
    pub mixed: bool,
    /// Its lines, with what each says as far as this program knows it.
    pub lines: Vec<(Line, Option<Event>)>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// It was refused, and why.
    Refused(String),
    /// What happened needed no answer: a thing that was done, or found out.
    Told,
    /// It was begun, and no line says how it ended: something may have been shown.
    Unfinished,
}

/// A claim that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// `emergency` or `relationship`.
    pub kind: String,
    /// The coded reason.
    pub reason: String,
    /// The reason in their words.
    pub text: String,
    /// When it ends.
    pub until: Option<String>,
    /// When it ended, where that is on record.
    pub ended: Option<String>,
}

/// Tells requests apart, the earliest first. Lines may come in any order of requests; those of one request in theirs.
pub fn accounts(lines: &[Line]) -> Vec<Account> {
    let mut by_trace: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        by_trace.entry(line.trace.as_str()).or_default().push(line);
    }
    let mut accounts: Vec<Account> = by_trace.into_values().flat_map(told_apart).collect();
    accounts.sort_by(|a, b| (&a.at, &a.trace).cmp(&(&b.at, &b.trace)));
    accounts
}

/// The requests of one name. A client may use it more than once.
fn told_apart(mut lines: Vec<&Line>) -> Vec<Account> {
    lines.sort_by(|a, b| (time(a), &a.run, a.sequence).cmp(&(time(b), &b.run, b.sequence)));
    let (mut accounts, mut open) = (Vec::<Account>::new(), Open::default());
    for line in lines {
        let event = serde_json::from_str::<Event>(&line.event).ok();
        let place = event.as_ref().and_then(|event| open.belongs(line, event));
        let place = match place {
            Some(place) => {
                accounts[place].add(line, event);
                place
            }
            None => {
                accounts.push(Account::begun(line, event));
                accounts.len() - 1
            }
        };
        open.mind(&mut accounts, place, line);
    }
    let askers: BTreeSet<_> = accounts.iter().filter_map(|account| account.by.as_ref()).map(|who| (&who.issuer, &who.subject)).collect();
    if askers.len() > 1 {
        accounts.iter_mut().for_each(|account| account.mixed = true);
    }
    accounts
}

fn time(line: &Line) -> Option<jiff::Timestamp> {
    line.at.parse().ok()
}

/// What later lines may belong to, among the requests of one name: in the order these began. A client may give one name to all it asks,
/// so that each line is placed without looking at all the others.
#[derive(Default)]
struct Open<'a> {
    /// Requests without an end yet, by who writes them; and by who asked, too.
    unfinished: HashMap<&'a str, BTreeSet<usize>>,
    asked_by: HashMap<(&'a str, User), BTreeSet<usize>>,
    /// Emergencies without an end yet, by whose they are.
    emergencies: HashMap<User, BTreeSet<usize>>,
}

/// Who signed somebody in, and by which name.
type User = (String, String);

fn user(who: &Who) -> User {
    (who.issuer.clone(), who.subject.clone())
}

impl<'a> Open<'a> {
    /// The request whose next line this is; none where it begins one.
    fn belongs(&self, line: &'a Line, event: &Event) -> Option<usize> {
        let run = writer(&line.run);
        match event {
            Event::Opened { .. }
            | Event::Issued { .. }
            | Event::Refused { by: None, .. }
            | Event::RulesChanged { .. }
            | Event::SeenMeanwhile { .. }
            | Event::Vault { by: None, .. } => None,
            Event::Claimed { by, .. }
            | Event::ConsentRecorded { by, .. }
            | Event::Disclosed { by, .. }
            | Event::Refused { by: Some(by), .. }
            | Event::Reviewed { by, .. }
            | Event::Stewarded { by, .. }
            | Event::Vault { by: Some(by), .. } => self.asked_by.get(&(run, user(by)))?.first().copied(),
            // It ends a claim, whenever that was.
            Event::EmergencyEnded { issuer, subject, .. } => self.emergencies.get(&(issuer.clone(), subject.clone()))?.first().copied(),
            Event::Asked { .. } | Event::Closed { .. } | Event::Published { .. } | Event::Publishing { .. } => {
                self.unfinished.get(run)?.first().copied()
            }
        }
    }

    /// A line was added to a request: what may follow it now. Of two that are open at once, which line is whose cannot be told surely.
    fn mind(&mut self, accounts: &mut [Account], place: usize, line: &'a Line) {
        let run = writer(&line.run);
        let open = self.unfinished.entry(run).or_default();
        let by = accounts[place].by.as_ref().map(user);
        let is_open = accounts[place].outcome == Outcome::Unfinished;
        // Where there are more than two, those before were open at once already.
        if stands(open, place, is_open) && open.len() > 1 {
            accounts[place].mixed = true;
            open.iter().take(2).for_each(|own| accounts[*own].mixed = true);
        }
        let Some(by) = by else { return };
        stands(self.asked_by.entry((run, by.clone())).or_default(), place, is_open);
        let emergency = accounts[place].claim.as_ref().filter(|claim| claim.kind == "emergency");
        if let Some(claim) = emergency {
            stands(self.emergencies.entry(by).or_default(), place, claim.ended.is_none());
        }
    }
}

/// Whether a place is among these from now on; and whether it is new there.
fn stands(places: &mut BTreeSet<usize>, place: usize, stands: bool) -> bool {
    if stands {
        return places.insert(place);
    }
    places.remove(&place);
    false
}

impl Account {
    fn begun(line: &Line, event: Option<Event>) -> Account {
        let mut account = Account {
            at: line.at.clone(),
            trace: line.trace.clone(),
            by: None,
            what: String::new(),
            patients: BTreeSet::new(),
            outcome: Outcome::Told,
            policy: Vec::new(),
            shown: BTreeMap::new(),
            claim: None,
            mixed: false,
            lines: Vec::new(),
        };
        account.add(line, event);
        account
    }

    /// Whether something of a person's record may have been seen: it was answered, or may have been.
    pub fn may_have_shown(&self) -> bool {
        matches!(self.outcome, Outcome::Answered | Outcome::Unfinished)
    }

    /// Whether where it is about somebody tells a place that is a secret: it is about one of these, or it shows what sources hold and no
    /// line says of whom.
    pub fn is_hidden(&self, hidden: &BTreeSet<String>) -> bool {
        !self.patients.is_disjoint(hidden) || (self.patients.is_empty() && !self.shown.is_empty())
    }

    /// All that was shown, by type.
    pub fn kinds(&self) -> BTreeMap<&str, u64> {
        let mut kinds = BTreeMap::new();
        for (kind, count) in self.shown.values().flatten() {
            *kinds.entry(kind.as_str()).or_default() += count;
        }
        kinds
    }

    fn names(&mut self, patient: &str) {
        if !patient.is_empty() {
            self.patients.insert(patient.to_owned());
        }
    }

    fn shows(&mut self, shown: &[Shown]) {
        for one in shown {
            let kinds = self.shown.entry(one.source.clone()).or_default();
            for (kind, ..) in one.resources.resources() {
                *kinds.entry(kind).or_default() += 1;
            }
        }
    }

    fn add(&mut self, line: &Line, event: Option<Event>) {
        if let Some(event) = &event {
            self.hear(event);
        }
        self.lines.push((line.clone(), event));
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Opened { by, interaction, patient, .. } => {
                (self.by, self.what, self.outcome) = (Some(by.clone()), interaction.clone(), Outcome::Unfinished);
                self.names(patient);
            }
            Event::Claimed { by, patient, kind, reason, text, until, .. } => {
                self.by.get_or_insert_with(|| by.clone());
                self.names(patient);
                self.what.clone_from(kind);
                let (kind, reason, text, until) = (kind.clone(), reason.clone(), text.clone(), until.clone());
                self.claim = Some(Claimed { kind, reason, text, until, ended: None });
                self.outcome = Outcome::Answered;
            }
            Event::Closed { outcome, policy, shown, .. } => {
                self.policy.clone_from(policy);
                self.shows(shown);
                self.outcome = match outcome {
                    Ending::Answered => Outcome::Answered,
                    Ending::EmergencyEnded | Ending::Given | Ending::NoEmergency => Outcome::Told,
                    // What was shown was shown, whatever another program calls that.
                    Ending::Other(_) if !shown.is_empty() => Outcome::Answered,
                    not => Outcome::Refused(not.words().to_owned()),
                };
                if matches!(outcome, Ending::EmergencyEnded | Ending::NoEmergency) {
                    "end of an emergency".clone_into(&mut self.what);
                }
            }
            Event::ConsentRecorded { by, patient, .. } => {
                self.by.get_or_insert_with(|| by.clone());
                self.names(patient);
                "consent recorded".clone_into(&mut self.what);
                self.outcome = Outcome::Answered;
            }
            Event::Disclosed { by, patient, answer, shown, .. } => {
                self.by.get_or_insert_with(|| by.clone());
                self.names(patient);
                self.shows(shown);
                // A search names people one by one, and then closes; a page is all that is disclosed, and closes with it.
                if matches!(self.what.as_str(), "" | "read everything") {
                    self.outcome = Outcome::Answered;
                    self.what = if answer.starts_with("plan of ") { "plan" } else { "page" }.to_owned();
                }
            }
            Event::EmergencyEnded { patient, ended, .. } => {
                self.names(patient);
                match &mut self.claim {
                    Some(claim) => claim.ended = Some(ended.clone()),
                    None => "the end of an emergency".clone_into(&mut self.what),
                }
            }
            Event::Issued { by, patient, kind, .. } => {
                (self.by, self.what, self.outcome) = (Some(by.clone()), format!("token: {kind}"), Outcome::Unfinished);
                self.names(patient);
            }
            Event::Refused { by, patient, why, .. } => {
                if self.by.is_none() {
                    self.by.clone_from(by);
                }
                self.names(patient);
                self.outcome = Outcome::Refused(why.clone());
            }
            Event::Reviewed { by, .. } => {
                self.by.get_or_insert_with(|| by.clone());
                self.outcome = Outcome::Answered;
            }
            Event::Stewarded { by, what, touched, .. } => {
                self.by.get_or_insert_with(|| by.clone());
                touched.iter().for_each(|person| self.names(person));
                self.what.clone_from(what);
                self.outcome = Outcome::Answered;
            }
            Event::SeenMeanwhile { patient, what, .. } => {
                self.names(patient);
                self.what.clone_from(what);
            }
            Event::Asked { patient, .. } => self.names(patient),
            Event::Publishing { patient, .. } => {
                self.names(patient);
                if self.what.is_empty() {
                    self.what = "a pointer in the National Record Locator".to_owned();
                }
            }
            Event::Vault { by, patient, step, .. } => {
                self.names(patient);
                match by {
                    Some(by) => {
                        self.by.get_or_insert_with(|| by.clone());
                        self.outcome = Outcome::Answered;
                    }
                    None => self.what = format!("evidence: {step}"),
                }
            }
            Event::RulesChanged { .. } => "the rules read anew".clone_into(&mut self.what),
            Event::Published { .. } => {}
        }
    }
}

/// The requests that were found by a name, in the order they were found, the latest first. Each stands where its first line under that
/// name was found, and only there: so nobody's request hides behind another of the same name, and none stands on two pages.
pub fn found(by: &By, found: &[Found], lines: &[Line]) -> Vec<(Found, Account)> {
    let name = by.name();
    let place = |account: &Account| {
        let first = account.lines.iter().find_map(|(line, _)| entered(line).filter(|entered| entered.names.contains(&name)))?;
        Some((first.at, account.trace.clone()))
    };
    let found: BTreeSet<&Found> = found.iter().collect();
    let placed = accounts(lines).into_iter().filter_map(|account| Some((place(&account)?, account)));
    let mut wanted: Vec<(Found, Account)> = placed.filter(|(place, _)| found.contains(place)).collect();
    wanted.sort_by(|(a, one), (b, other)| (b, &other.at).cmp(&(a, &one.at)));
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::{Lookup, among};

    fn line(sequence: u64, trace: &str, second: u64, event: serde_json::Value) -> Line {
        let (run, at, event) = ("r".into(), format!("2026-11-23T09:00:{second:02}Z"), event.to_string());
        Line { run, sequence, at, trace: trace.into(), event, previous: String::new(), hash: String::new() }
    }

    fn who(subject: &str) -> serde_json::Value {
        serde_json::json!({"issuer": "i", "subject": subject, "name": subject, "sds_user_id": null, "role_profile": null, "roles": [],
            "organisation": "RRK", "organisation_name": "", "device": null, "client": null, "purposes": [], "token": null})
    }

    fn opened(subject: &str, interaction: &str, patient: &str) -> serde_json::Value {
        serde_json::json!({"event": "opened", "by": who(subject), "interaction": interaction, "patient": patient, "hops": []})
    }

    fn closed(shown: serde_json::Value) -> serde_json::Value {
        serde_json::json!({"event": "closed", "outcome": "answered", "policy": ["relationship.launch"], "legs": [], "shown": shown})
    }

    fn told(account: &Account) -> (&str, &str, Vec<&str>, &Outcome) {
        let by = account.by.as_ref().map_or("", |who| who.subject.as_str());
        (by, &account.what, account.patients.iter().map(String::as_str).collect(), &account.outcome)
    }

    #[test]
    fn each_request_is_told_from_its_own_lines() {
        let shown = serde_json::json!([{"source": "gp", "resources": [["Flag", "1", null], ["Flag", "2", null]], "digest": "00"}]);
        let disclosed = |subject: &str, patient: &str, answer: &str| serde_json::json!({"event": "disclosed", "by": who(subject), "patient": patient, "answer": answer, "from_piece": 0});
        let claimed = serde_json::json!({"event": "claimed", "by": who("c"), "patient": "p", "kind": "emergency", "reason": "TREAT",
            "text": "found on the floor", "until": null});
        let lines = [
            line(1, "1", 1, opened("a", "read everything", "p")),
            line(2, "1", 2, closed(shown)),
            line(3, "2", 3, opened("b", "find", "")),
            line(4, "2", 4, disclosed("b", "p", "2")),
            line(5, "2", 5, disclosed("b", "q", "2")),
            line(6, "2", 6, closed(serde_json::json!([]))),
            line(7, "3", 7, opened("a", "read everything", "p")),
            line(8, "3", 8, disclosed("a", "p", "1")),
            line(9, "4", 9, opened("c", "read everything", "p")),
            line(10, "4", 10, claimed),
            line(11, "5", 11, opened("d", "read Flag", "p")),
            line(12, "5", 12, serde_json::json!({"event": "refused", "by": who("d"), "patient": "p", "why": "no"})),
            line(13, "6", 13, serde_json::json!({"event": "refused", "by": null, "patient": "", "why": "no token"})),
            line(14, "7", 14, opened("e", "read everything", "p")),
            line(15, "8", 15, serde_json::json!({"event": "of a later program"})),
        ];
        let accounts = accounts(&lines);
        let refused = |why: &str| Outcome::Refused(why.to_owned());
        let expected = [
            ("a", "read everything", vec!["p"], &Outcome::Answered),
            ("b", "find", vec!["p", "q"], &Outcome::Answered),
            ("a", "page", vec!["p"], &Outcome::Answered),
            ("c", "emergency", vec!["p"], &Outcome::Answered),
            ("d", "read Flag", vec!["p"], &refused("no")),
            ("", "", vec![], &refused("no token")),
            ("e", "read everything", vec!["p"], &Outcome::Unfinished),
            ("", "", vec![], &Outcome::Told),
        ];
        assert_eq!(accounts.iter().map(told).collect::<Vec<_>>(), expected);
        assert_eq!(accounts[0].kinds(), BTreeMap::from([("Flag", 2)]));
        assert_eq!(accounts[3].claim.as_ref().unwrap().text, "found on the floor");
        assert!(accounts.iter().all(|account| !account.mixed));
        assert_eq!(accounts.iter().map(|account| account.lines.len()).sum::<usize>(), lines.len());
    }

    /// What a line of each kind does to a request that is open, and to nobody's: who asked, what for, and how that stands.
    #[test]
    fn every_event_opens_or_closes_a_request_as_it_should() {
        let (by, leg) = (who("a"), serde_json::json!({"source": "gp", "statuses": {}, "returned": 0, "withheld": 0, "quarantined": 0}));
        let emergency = |what: &str| {
            serde_json::json!({"event": "emergency-ended", "patient": "p", "claim": "c", "issuer": "i", "subject": what,
            "organisation": "RRK", "began": "", "ended": "2026-11-23T13:00:00Z", "how": "by its time"})
        };
        let closed = |outcome: &str| serde_json::json!({"event": "closed", "outcome": outcome, "policy": [], "legs": [], "shown": []});
        let (open, everything) = (Outcome::Unfinished, "read everything");
        let refused = |why: &str| Outcome::Refused(why.to_owned());
        let cases = [
            (serde_json::json!({"event": "asked", "patient": "p", "leg": leg}), 1, everything, open.clone()),
            (
                serde_json::json!({"event": "claimed", "by": by, "patient": "p", "kind": "relationship", "reason": "r", "text": "t", "until": null}),
                1,
                "relationship",
                Outcome::Answered,
            ),
            (closed("answered"), 1, everything, Outcome::Answered),
            (closed("given"), 1, everything, Outcome::Told),
            (closed("the emergency was ended"), 1, "end of an emergency", Outcome::Told),
            (closed("there was no emergency to end"), 1, "end of an emergency", Outcome::Told),
            (closed("the answer is over"), 1, everything, refused("the answer is over")),
            (closed("no such consent"), 1, everything, refused("no such consent")),
            (closed("another version was recorded meanwhile"), 1, everything, refused("another version was recorded meanwhile")),
            (closed("too little to look for anybody"), 1, everything, refused("too little to look for anybody")),
            (closed("too many to show anybody"), 1, everything, refused("too many to show anybody")),
            (closed("in other words"), 1, everything, refused("in other words")),
            (
                serde_json::json!({"event": "consent-recorded", "by": by, "patient": "p", "consent": "c", "version": 1, "active": true, "denies": true}),
                1,
                "consent recorded",
                Outcome::Answered,
            ),
            (
                serde_json::json!({"event": "disclosed", "by": by, "patient": "p", "answer": "1", "from_piece": 0}),
                1,
                "page",
                Outcome::Answered,
            ),
            (emergency("a"), 2, "the end of an emergency", Outcome::Told),
            (
                serde_json::json!({"event": "issued", "by": by, "patient": "p", "kind": "launch", "scopes": [], "until": ""}),
                2,
                "token: launch",
                open.clone(),
            ),
            (opened("a", "find", ""), 2, "find", open.clone()),
            (
                serde_json::json!({"event": "published", "outcome": "made", "made": 1, "changed": 0, "deleted": 0}),
                1,
                everything,
                open.clone(),
            ),
            (serde_json::json!({"event": "publishing", "patient": "p", "pointer": "present"}), 1, everything, open),
            (serde_json::json!({"event": "refused", "by": by, "patient": "p", "why": "no"}), 1, everything, refused("no")),
            (serde_json::json!({"event": "refused", "by": null, "patient": "", "why": "no"}), 2, "", refused("no")),
            (
                serde_json::json!({"event": "vault", "by": by, "patient": "p", "step": "asked", "of": "o", "why": "w"}),
                1,
                everything,
                Outcome::Answered,
            ),
            (
                serde_json::json!({"event": "vault", "by": null, "patient": "p", "step": "not kept", "of": "o", "why": "w"}),
                2,
                "evidence: not kept",
                Outcome::Told,
            ),
            (
                serde_json::json!({"event": "reviewed", "by": by, "task": "t", "request": "r", "state": "justified"}),
                1,
                everything,
                Outcome::Answered,
            ),
            (
                serde_json::json!({"event": "rules-changed", "before": "rules:1", "after": "rules:2", "kept": null}),
                2,
                "the rules read anew",
                Outcome::Told,
            ),
            (
                serde_json::json!({"event": "seen-meanwhile", "patient": "p", "since": "", "author": "", "what": "linked", "seen": null}),
                2,
                "linked",
                Outcome::Told,
            ),
            (
                serde_json::json!({"event": "stewarded", "by": by, "what": "link", "reason": "", "touched": ["p"], "seen": 0}),
                1,
                "link",
                Outcome::Answered,
            ),
        ];
        for (event, requests, what, outcome) in &cases {
            let lines = [line(1, "x", 1, opened("a", "read everything", "p")), line(2, "x", 2, event.clone())];
            let accounts = accounts(&lines);
            let last = accounts.last().unwrap();
            assert_eq!((accounts.len(), last.what.as_str(), &last.outcome), (*requests, *what, outcome), "{event}");
            // A stranger's is none of it.
            let other = [line(1, "x", 1, opened("b", "read everything", "p")), line(2, "x", 2, event.clone())];
            let theirs = !event["by"].is_null() || event["event"] == "emergency-ended";
            assert!(!theirs || super::accounts(&other).len() == 2, "{event}");
        }
        // Every one there is: a new one does not compile here before it has its number, and fails before it has its line above.
        let number = |event: &Event| match event {
            Event::Asked { .. } => 0,
            Event::Claimed { .. } => 1,
            Event::Closed { .. } => 2,
            Event::ConsentRecorded { .. } => 3,
            Event::Disclosed { .. } => 4,
            Event::EmergencyEnded { .. } => 5,
            Event::Issued { .. } => 6,
            Event::Opened { .. } => 7,
            Event::Published { .. } => 8,
            Event::Publishing { .. } => 9,
            Event::Refused { .. } => 10,
            Event::Reviewed { .. } => 11,
            Event::RulesChanged { .. } => 12,
            Event::SeenMeanwhile { .. } => 13,
            Event::Stewarded { .. } => 14,
            Event::Vault { .. } => 15,
        };
        let numbers: BTreeSet<i32> = cases.iter().map(|(event, ..)| number(&serde_json::from_value(event.clone()).unwrap())).collect();
        assert_eq!(numbers, (0..16).collect());
    }

    /// A chain that could not be written is given up between two lines of a request: they are one request all the same.
    #[test]
    fn a_request_goes_on_in_the_chain_that_its_writer_went_on_with() {
        let shown = serde_json::json!([{"source": "gp", "resources": [["Flag", "1", null]], "digest": "00"}]);
        let on = |run: &str, line: Line| Line { run: run.to_owned(), ..line };
        let (opening, closing) = (line(1, "1", 1, opened("a", "read everything", "p")), line(1, "1", 2, closed(shown)));
        for (begun, ended, requests) in [("r", "r.1", 1), ("r.1", "r.2", 1), ("r.1", "s", 2), ("r", "rr", 2)] {
            let lines = [on(begun, opening.clone()), on(ended, closing.clone())];
            let accounts = accounts(&lines);
            assert_eq!(accounts.len(), requests, "{begun} {ended}");
            assert_eq!(accounts[0].shown.contains_key("gp"), requests == 1);
            // What is nobody's may be anybody's: it tells no source.
            let hidden = BTreeSet::from(["p".to_owned()]);
            assert!(accounts.last().unwrap().is_hidden(&hidden));
            assert_eq!(accounts.last().unwrap().is_hidden(&BTreeSet::new()), requests == 2);
        }
    }

    /// By the time of a test of some lines: a million of one name took hours.
    #[test]
    fn many_requests_of_one_name_are_told_apart_in_the_time_of_as_many_others() {
        let many = |step: usize| -> Vec<Line> {
            let one =
                |n: u64| Line { at: format!("2026-11-23T09:00:00.{n:06}Z"), ..line(n, "x", 0, opened(&format!("u{}", n % 7), "find", "")) };
            (0..20_000).step_by(step).map(one).collect()
        };
        for lines in [many(1), many(2)] {
            let accounts = accounts(&lines);
            assert!(accounts.len() == lines.len() && accounts.iter().all(|account| account.mixed));
        }
    }

    #[test]
    fn requests_of_one_name_that_are_open_at_once_are_mixed() {
        let lines = [
            line(1, "x", 1, opened("a", "read everything", "p")),
            line(2, "x", 2, opened("a", "read everything", "q")),
            line(3, "x", 3, closed(serde_json::json!([]))),
            line(4, "x", 4, closed(serde_json::json!([]))),
            line(5, "x", 5, opened("a", "read everything", "p")),
        ];
        let accounts = accounts(&lines);
        assert_eq!(accounts.iter().map(|account| account.mixed).collect::<Vec<_>>(), [true, true, false]);
    }

    /// A client chooses what its request is called: by one name for all, none of them is hidden, and none is another's.
    #[test]
    fn requests_of_one_name_are_each_found_once() {
        let lines = [
            line(1, "x", 1, opened("a", "read everything", "p")),
            line(2, "x", 2, closed(serde_json::json!([]))),
            line(3, "x", 11, opened("a", "read everything", "q")),
            line(4, "x", 12, opened("b", "read everything", "p")),
            line(5, "x", 13, serde_json::json!({"event": "refused", "by": who("b"), "patient": "p", "why": "no"})),
            line(6, "x", 14, closed(serde_json::json!([]))),
            line(7, "x", 21, opened("a", "read everything", "p")),
        ];
        let at = |second: u64| format!("2026-11-23T09:00:{second:02}Z").parse().unwrap();
        let ask = |by: By, since: u64, until: u64| -> Vec<String> {
            let lookup = Lookup { by: by.clone(), since: at(since), until: at(until), from: None, count_max: 100 };
            let places = among(&lines, &lookup);
            found(&by, &places, &lines).into_iter().map(|(_, account)| format!("{} {:?}", &account.at[17..19], account.outcome)).collect()
        };
        let user = |subject: &str| By::User { issuer: "i".into(), subject: subject.into() };
        assert_eq!(ask(user("a"), 0, 59), ["21 Unfinished", "11 Answered", "01 Answered"]);
        assert_eq!(ask(user("a"), 5, 20), ["11 Answered"]);
        assert_eq!(ask(By::Patient("p".into()), 0, 20), ["12 Refused(\"no\")", "01 Answered"]);
        assert_eq!(ask(By::Patient("q".into()), 0, 59), ["11 Answered"]);
        assert_eq!(ask(By::Anything, 0, 59).len(), 4);
        assert!(accounts(&lines).iter().all(|account| account.mixed));
    }
}
