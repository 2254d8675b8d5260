//! `$everything`, searches by type, and reads by id: one way through all of them.

use audit::Audited;
use axum::http::StatusCode;
use exchange::{Answering, Digests, Joined, Mark};
use fhir::Kind;
use record::{Counts, Need, PersonId, Question, Status};

use super::super::search::{Complete, PatientRef, Search};
use super::super::snapshots::{Kept, Marks};
use super::super::{App, Asked, Face, Fault, Written};
use super::fault;
use crate::answer::{Head, Pieces, Style, minted, only_page, page, parts};

/// Only who asks matters where an id is looked up.
fn whom_to_ask() -> Question {
    Question::Read { person: unknown(), need: Need::everything() }
}

/// A person that nobody is: an id never minted takes the same way as any other, to the same refusal.
pub(crate) fn unknown() -> PersonId {
    "unknown".parse().expect("letters are a person id")
}

/// Whether a source that may hold a type did not say. What is withheld was said, and is as if it were not there.
fn unheard(read: &Joined, kind: Kind) -> bool {
    let said = |status: Status| status.complete() || status == Status::Withheld;
    read.record.plan.rows.iter().filter(|row| row.kind == kind).any(|row| !row.status.is_some_and(said))
}

/// Whether any of a type that the reader is shown is withheld: then what is not there may be.
fn withholds(read: &Joined, kind: Kind) -> bool {
    let mut own = read.record.plan.rows.iter().filter(|row| row.kind == kind);
    own.any(|row| row.counts.withheld > 0 && row.status != Some(Status::Withheld))
}

/// Ids of the referrals in a record, which STU3 has a type for.
fn referrals(read: &Joined) -> Vec<String> {
    let requests = read.record.items.iter().filter(|item| item.kind == Kind::SERVICE_REQUEST);
    requests.filter(|item| dialect::stu3_type(item.tree.root()) == "ReferralRequest").map(|item| item.id.clone()).collect()
}

impl App {
    pub(in super::super) async fn everything(&self, asked: Asked, id: String) -> Result<Audited<Written>, Fault> {
        let mut search = Search::everything(&asked.params, asked.strict)?;
        search.need.filters.extend(asked.narrowing.clone());
        let person = self.person(&PatientRef::Id(id)).await?;
        let read = self.joined(&asked, &search, person).await?;
        self.bundle(asked, search, None, read).await
    }

    pub(in super::super) async fn search(&self, asked: Asked, kind: Kind) -> Result<Audited<Written>, Fault> {
        if kind == Kind::PATIENT && asked.params.0.iter().any(|param| param.name == "identifier") {
            return self.find(asked).await;
        }
        if kind == Kind::PATIENT && super::trace::seeks(&asked.params) {
            return self.seek(asked).await;
        }
        let mut search = Search::of_type(kind, &asked.params, asked.strict)?;
        search.need.filters.extend(asked.narrowing.clone());
        let Some(patient) = &search.patient else {
            let why = format!(
                "is missing: {kind} is searched by patient, as {kind}?patient=ID or {kind}?patient.identifier={}|NUMBER",
                record::NHS_NUMBER_SYSTEM
            );
            return Err(Fault::parameter("patient", why));
        };
        let person = self.person(patient).await?;
        let read = self.joined(&asked, &search, person).await?;
        self.bundle(asked, search, Some(kind), read).await
    }

    pub(in super::super) async fn read(&self, asked: Asked, kind: Kind, id: String) -> Result<Audited<Written>, Fault> {
        let person = if kind == Kind::PATIENT {
            self.person(&PatientRef::Id(id.clone())).await?
        } else {
            self.exchange.person_of_minted(kind, &id, Some(&asked.ask(whom_to_ask()))).await.map_err(fault)?
        };
        let mut need = Need::of(&[kind]);
        need.by_id = true;
        need.attachment = (kind == Kind::BINARY).then(|| id.clone());
        let search = Search { need, patient: None, count: None, provenance: false, complete: None, count_only: false };
        let read = self.joined(&asked, &search, person).await?;
        match self.one(&read, kind, &id) {
            Ok((written, shown)) => Ok(read.close(written, shown).await),
            Err(fault) => {
                read.close((), Digests::default()).await;
                Err(fault)
            }
        }
    }

    /// One resource of a record, or why there is none.
    fn one(&self, read: &Joined, kind: Kind, id: &str) -> Result<(Written, Digests), Fault> {
        self.unanswered(read)?;
        let own = kind == Kind::PATIENT && id == read.record.person.as_str() && read.scopes.covers(Kind::PATIENT);
        let found = read.record.items.iter().find(|item| item.kind == kind && item.id == id);
        let (status, json) = match (own, found) {
            (true, _) => (StatusCode::OK, minted(&read.record, &read.number).to_string()),
            (false, Some(item)) => (StatusCode::OK, item.tree.to_json()),
            // Whoever holds it may be among those who did not answer: then nobody knows that it is not there.
            (false, None) if unheard(read, kind) => return Err(self.gateway(read)),
            // What is withheld is as an id never minted; so is a Binary that nothing leads to: its document may be withheld.
            (false, None) if kind == Kind::BINARY || withholds(read, kind) => {
                let (status, outcome) = Fault::Denied.parts();
                (status, outcome.to_string())
            }
            (false, None) => {
                let text = format!(
                    "{kind}/{} is not in the record now; the outcome of a search says which sources did not answer.",
                    super::super::params::clipped(id)
                );
                let (status, outcome) = Fault::NotFound(text).parts();
                (status, outcome.to_string())
            }
        };
        let shown = found.filter(|_| !own).map(Digests::of_item).unwrap_or_default();
        Ok((Written { emergency: read.claimed.emergency, ..Written::new(status, json.into_bytes()) }, shown))
    }

    /// The person a request is about. Nobody is told whether an id exists before it is decided that they may know.
    pub(in super::super) async fn person(&self, patient: &PatientRef) -> Result<Option<PersonId>, Fault> {
        match patient {
            PatientRef::Id(id) => self.exchange.person_of_patient(id).await.map_err(fault),
            PatientRef::Number(number) => self.exchange.person_of_number(number).await.map_err(fault),
        }
    }

    async fn joined(&self, asked: &Asked, search: &Search, person: Option<PersonId>) -> Result<Answering, Fault> {
        let person = person.unwrap_or_else(unknown);
        let question = Question::Read { person, need: search.need.clone() };
        self.exchange.read(asked.ask(question)).await.map_err(fault)
    }

    /// Nobody answered: never an empty 200, unless each said that it knows nothing.
    fn unanswered(&self, read: &Joined) -> Result<(), Fault> {
        let rows = &read.record.plan.rows;
        // A neighbour answers though a source behind it did not: its rows say what is lacking, and what came is shown.
        let shows = |counts: &Counts| counts.came > counts.filtered + counts.quarantined + counts.withheld;
        let answered = rows.iter().any(|row| row.status.is_some_and(Status::answered) || shows(&row.counts));
        let all_know_nothing = rows.iter().all(|row| row.status.is_none_or(|status| status.complete()));
        if answered || all_know_nothing {
            return Ok(());
        }
        Err(self.gateway(read))
    }

    fn gateway(&self, read: &Joined) -> Fault {
        let timeout = read.record.plan.rows.iter().any(|row| row.status == Some(Status::FailedTimeout));
        Fault::Gateway { timeout, outcome: self.outcome_of_plan(read) }
    }

    async fn bundle(&self, asked: Asked, search: Search, main: Option<Kind>, read: Answering) -> Result<Audited<Written>, Fault> {
        let fit = self.unanswered(&read).and_then(|()| self.whole_enough(&asked, &search, &read));
        match fit.and_then(|()| self.laid_out(&asked, &search, main, &read)) {
            Ok((written, shown)) => Ok(read.close(written, shown).await),
            Err(fault) => {
                read.close((), Digests::default()).await;
                Err(fault)
            }
        }
    }

    fn laid_out(&self, asked: &Asked, search: &Search, main: Option<Kind>, read: &Joined) -> Result<(Written, Digests), Fault> {
        let base = self.base(Face::R4);
        let now = self.clock.now();
        let count = search.count.unwrap_or(self.config.limits.page_size).min(self.config.limits.page_size_max);
        let complete = read.record.plan.rows.iter().all(|row| row.status.is_some_and(Status::complete));
        // A count of what is shown is no count of what there is.
        let withheld = read.record.plan.rows.iter().any(|row| row.counts.withholds());
        let outcome = self.outcome(read);
        let tags =
            read.states.iter().map(|(name, state)| (format!("urn:severn:{name}"), state.code().to_owned())).chain(self.marks()).collect();
        let style = Style {
            base: &base,
            main,
            patient: read.scopes.covers(Kind::PATIENT),
            provenance: search.provenance && read.scopes.covers(Kind::PROVENANCE),
            assembler: &self.assembler,
            names: &self.exchange,
            request: asked.request.as_str(),
            now,
        };
        let (pieces, written) = parts(&read.record, &read.number, &style);
        let head = Head {
            id: asked.request.as_str().to_owned(),
            kind: "searchset".to_owned(),
            timestamp: now.to_string(),
            tags,
            total: (complete && !withheld).then(|| pieces.matches()),
            self_url: format!("{}{}", self.config.exchange.public_url, asked.target),
            outcome,
        };
        let referrals = if asked.face == Face::Stu3 { referrals(read) } else { Vec::new() };
        // A count shows nothing of anything.
        if search.count_only {
            return Ok((
                self.first_page(asked, head, (read, referrals), (Pieces::default(), Marks::default()), count)?,
                Digests::default(),
            ));
        }
        let mut marks = Marks::default();
        written.into_iter().for_each(|one| marks.add(Mark::of(&read.record.items[one.item]), one.piece, one.bytes));
        let shown = marks.shown(&pieces, 0, count);
        Ok((self.first_page(asked, head, (read, referrals), (pieces, marks), count)?, shown))
    }

    fn first_page(
        &self,
        asked: &Asked,
        head: Head,
        (read, referrals): (&Joined, Vec<String>),
        (pieces, marks): (Pieces, Marks),
        count: usize,
    ) -> Result<Written, Fault> {
        let emergency = read.claimed.emergency;
        if pieces.len() <= count {
            return Ok(Written { status: StatusCode::OK, json: only_page(&head, pieces), referrals, emergency });
        }
        let kept = Kept {
            head: head.clone(),
            person: read.record.person.as_str().to_owned(),
            referrals: referrals.clone(),
            emergency: emergency.map(|until| until.to_string()),
            overridden: read.claimed.overridden.map(|until| until.to_string()),
            rules: read.rules.clone(),
            xml: asked.xml,
            marks,
        };
        let cursor = self.snapshots.seal(&asked.user(), &kept, &pieces).map_err(|_| Fault::Unavailable)?;
        let (json, _) = page(&head, &pieces, 0, count, |from| self.page_url(asked.face, &cursor.at(from, count), asked.xml));
        Ok(Written { status: StatusCode::OK, json, referrals, emergency })
    }

    pub(super) fn page_url(&self, face: Face, cursor: &super::super::snapshots::Cursor, xml: bool) -> String {
        let format = if xml { "&_format=xml" } else { "" };
        format!("{}?_page={}{format}", self.base(face), cursor.encode())
    }

    /// `_complete=required` is the default for callers without a human user, who would read "absent" as "none".
    fn whole_enough(&self, asked: &Asked, search: &Search, read: &Joined) -> Result<(), Fault> {
        let client = asked.caller.client.as_ref().unwrap_or(&asked.caller.user.subject);
        let accepted = self.config.consumers.iter().any(|consumer| consumer.client == *client && consumer.face == asked.face);
        let complete = match search.complete {
            Some(Complete::Partial) if !asked.caller.human && !accepted => {
                let why = "partial is for systems whose configuration names who accepted that their screen shows an incomplete read";
                return Err(Fault::parameter("_complete", why));
            }
            Some(given) => given,
            None if asked.caller.human => Complete::Partial,
            None => Complete::Required,
        };
        let failed = read.record.plan.rows.iter().any(|row| row.status.is_none_or(Status::failed));
        if complete == Complete::Required && failed {
            return Err(Fault::Gateway { timeout: true, outcome: self.outcome_of_plan(read) });
        }
        Ok(())
    }
}
