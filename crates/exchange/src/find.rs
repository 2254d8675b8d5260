//! Finding a person by number. Identity only; leave to find is not leave to read.

use audit::{Audited, Ending, Event, Who};
use dialect::{Known, Opening};
use identity::{Leg, Verdict, guard, release};
use record::{Ask, Chart, Holder, Item, NhsNumber, PersonId, Plan, Question, Row, Status};

use crate::facts::{About, same_time};
use crate::{Exchange, Refused, SourceEntry, gather, told};

/// Who was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The person, if any source knows them.
    pub person: Option<PersonId>,
    /// Their number: the one that was asked for, or the one that replaced it.
    pub number: NhsNumber,
    /// The Patients that passed the guards.
    pub patients: Vec<Item>,
    /// How each source answered.
    pub plan: Plan,
}

impl Exchange {
    /// Finds the person of a number: asks every source that is not known to hold nothing of them.
    pub async fn find(&self, ask: Ask) -> Result<Audited<Found>, Refused> {
        let Question::Find(number) = ask.question else { return Err(Refused::Denied(access::Refusal::NoActivity)) };
        self.no_loop(&ask).await?;
        let entry =
            self.parts.ledger.open(&ask.request, told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let admission = match self.admit(&ask) {
            Ok(admission) => admission,
            Err(refusal) => return Err(self.refused(entry, &ask, refusal).await),
        };
        let asked = number;
        let slowest = self.slowest_look();
        let about = self.sought(&admission, asked, self.until(&ask)).await?;
        let open = about.number.filter(|_| about.restriction == access::Restriction::Unrestricted);
        let Some(number) = open else {
            let event = Event::Refused {
                by: Some(Who::of(&ask.caller)),
                patient: told::patient(&ask),
                why: access::Refusal::Restricted.to_string(),
                policy: told::policy(admission.version(), &[]),
            };
            // Of some of these the national service is not asked, or was asked before.
            same_time(slowest).await;
            return Ok(entry.close(self.nobody(&ask, asked), event).await);
        };
        let (charts, plan) = self.ask_who(&admission, &ask, number, &about).await;
        let found = self.found(number, &about, charts, plan).await?;
        let who = found.person.as_ref().map(|person| person.as_str().to_owned()).unwrap_or_default();
        // Every candidate shown is entered.
        self.parts
            .ledger
            .note(&ask.request, &Event::disclosed(Who::of(&ask.caller), who, ask.request.to_string()))
            .await
            .map_err(|down| Refused::Unavailable(down.to_string()))?;
        let closing = Event::Closed {
            outcome: Ending::Answered,
            policy: told::policy(admission.version(), admission.why()),
            legs: Vec::new(),
            shown: Vec::new(),
        };
        Ok(entry.close(found, closing).await)
    }

    /// What is found of somebody whom nobody knows. A restricted person looks the same, and no source is asked about them.
    fn nobody(&self, ask: &Ask, number: NhsNumber) -> Found {
        let mut plan = Plan::default();
        for entry in self.parts.entries.iter().filter(|entry| !entry.compare) {
            plan.rows.push(self.as_if_unknown(ask, entry, number));
        }
        plan.finalise();
        Found { person: None, number, patients: Vec::new(), plan }
    }

    /// The row by which a source would say that it does not know somebody; it is not asked.
    fn as_if_unknown(&self, ask: &Ask, entry: &SourceEntry, number: NhsNumber) -> Row {
        let row = Row::new(entry.id.clone(), fhir::Kind::PATIENT);
        if came_through(ask, entry) {
            return Row { status: Some(Status::NotAskedLoop), ..row };
        }
        let now = self.parts.clock.now();
        let holder = Holder { source: entry.id.clone(), number, former: Vec::new(), local_ids: Vec::new() };
        let known = Known::default();
        let opening = Opening { holder: &holder, settings: &entry.settings, known: &known, reader: Some(&ask.caller), now };
        // Some sources are not asked for everybody: then they are not asked about the unknown either, and their rows say why.
        let (conversation, calls) = entry.dialect.find(&opening);
        let own = calls.is_empty().then(|| conversation.finish().chart.rows.into_iter().find(|own| own.kind == row.kind)).flatten();
        own.unwrap_or(Row { status: Some(entry.dialect.unknown()), tried: Some(now), ..row })
    }

    async fn ask_who(
        &self,
        admission: &access::Admission,
        ask: &Ask,
        number: NhsNumber,
        about: &About,
    ) -> (Vec<(Chart, identity::Trust)>, Plan) {
        let until = self.until(ask);
        let asked = self.parts.entries.iter().filter(|entry| !entry.compare).map(|entry| async move {
            if came_through(ask, entry) {
                return (entry, Err((Status::NotAskedLoop, None)));
            }
            let told = gather::find(&self.parts, admission, entry, (number, &about.former), until).await;
            (entry, told.map_err(|failure| (gather::status_of(failure), gather::why(failure).map(str::to_owned))))
        });
        let (mut charts, mut plan) = (Vec::new(), Plan::default());
        for (entry, told) in futures::future::join_all(asked).await {
            match told {
                Ok(told) => {
                    plan.rows.extend(told.chart.rows.iter().filter(|row| row.kind == fhir::Kind::PATIENT).cloned());
                    charts.push((told.chart, entry.trust));
                }
                Err((status, note)) => {
                    plan.rows.push(Row { status: Some(status), note, ..Row::new(entry.id.clone(), fhir::Kind::PATIENT) });
                }
            }
        }
        plan.finalise();
        (charts, plan)
    }

    async fn found(
        &self,
        number: NhsNumber,
        about: &About,
        charts: Vec<(Chart, identity::Trust)>,
        mut plan: Plan,
    ) -> Result<Found, Refused> {
        let facts = about.facts(number, None);
        let legs: Vec<Leg<'_>> = charts.iter().map(|(chart, trust)| Leg { chart, trust: *trust }).collect();
        let verdicts = guard(&facts, &legs);
        let mut patients = Vec::new();
        let mut any = false;
        for ((chart, _), verdict) in charts.into_iter().zip(verdicts) {
            let source = chart.source.clone();
            // Held and mismatched legs show nothing, but somebody is there: the reader comes to see that on reading.
            any |= !chart.patients.is_empty() && verdict != Verdict::NoPatient;
            let chart = release(&verdict, chart);
            if let (Some(row), Some(own)) =
                (plan.row_mut(&source, fhir::Kind::PATIENT), chart.rows.iter().find(|row| row.kind == fhir::Kind::PATIENT))
            {
                *row = own.clone();
            }
            patients.extend(chart.patients);
        }
        let person = if any { Some(self.parts.people.person_of(&number).await?) } else { self.parts.people.known(&number).await? };
        Ok(Found { person, number, patients, plan })
    }
}

/// Whether the question came from this source, itself an exchange.
fn came_through(ask: &Ask, entry: &SourceEntry) -> bool {
    entry.exchange.as_ref().is_some_and(|exchange| ask.hops.contains(exchange))
}
