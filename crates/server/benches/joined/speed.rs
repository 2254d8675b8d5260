//! Join speed: R4 bytes in memory to Bundle bytes, on one thread.

use access::{Evidence, Permit, PersonFacts, Restriction};
use bytes::Bytes;
use dialect::{Dialect, Everything, Known, Opening, Settings, Told};
use identity::{Facts, Leg, Trust, guard, release};
use record::{Ask, Caller, Holder, Join, Need, Organisation, PersonId, Question, Reply, Response, SourceId, UserId};
use server::answer::{Assembler, Head, Style, only_page, outcome, parts};

use crate::said::{self, NUMBER, SOURCES};

/// Everything that stands ready before the replies are in.
pub struct Joining {
    bodies: Vec<Bytes>,
    known: Vec<Known>,
    permit: Permit,
    rules: join::Rules,
}

impl Joining {
    pub fn new(bodies: Vec<Bytes>) -> Joining {
        let known = (0..SOURCES.len()).map(|at| converse(at, &Known::default(), &bodies[at]).learnt).collect();
        Joining { bodies, known, permit: permit(), rules: join::Rules { key: [7; 32], owners: Vec::new() } }
    }

    /// Read, guarded, joined, withheld from, laid out: what lies between the last reply and the answer, but for the ledger and the store.
    pub fn bundle(&self) -> Vec<u8> {
        let charts: Vec<_> = (0..SOURCES.len()).map(|at| converse(at, &self.known[at], &self.bodies[at]).chart).collect();
        let number = NUMBER.parse().expect("a number");
        let facts = Facts::of(number);
        let legs: Vec<Leg<'_>> = charts.iter().map(|chart| Leg { chart, trust: Trust::Verified }).collect();
        let verdicts = guard(&facts, &legs);
        let charts = charts.into_iter().zip(verdicts).map(|(chart, verdict)| release(&verdict, chart)).collect();
        let mut record = join::charts(self.permit.person().clone(), charts, &self.rules);
        record.plan.finalise();
        access::withhold(&self.permit, &access::Lists::default(), &mut record);
        join::settle(&mut record, Join::Group);
        let states = join::states(&record, &Need::everything());
        let assembler = Assembler { name: "Severn".into(), organisation: "QHL".into(), rules: join::RULES.into() };
        let now = jiff::Timestamp::UNIX_EPOCH;
        let style = Style {
            base: "http://severn.bench",
            main: None,
            patient: true,
            provenance: false,
            assembler: &assembler,
            names: &Names,
            request: "r",
            now,
        };
        let head = Head {
            id: "r".into(),
            kind: "searchset".into(),
            timestamp: now.to_string(),
            tags: states.iter().map(|(name, state)| ((*name).to_owned(), state.code().to_owned())).collect(),
            total: None,
            self_url: String::new(),
            outcome: outcome::of_record(&record, &Names),
        };
        only_page(&head, parts(&record, &number, &style).0)
    }
}

struct Names;

impl exchange::Names for Names {
    fn of(&self, source: &SourceId) -> (String, String) {
        (source.to_string(), "RRK".to_owned())
    }
}

/// Where a source lives; none of what it says names its host.
pub fn base(source: usize) -> String {
    format!("https://fhir.{}.example/r4", SOURCES[source])
}

/// One source's conversation, answered with its body, to its chart.
fn converse(source: usize, known: &Known, body: &Bytes) -> Told {
    let base = base(source);
    let settings = Settings { everything: Everything::Always, ..Settings::new(base.parse().expect("a URL"), "http://severn.bench") };
    let holder = Holder {
        source: SOURCES[source].parse().expect("a source id"),
        number: NUMBER.parse().expect("a number"),
        former: Vec::new(),
        local_ids: vec![said::PATIENT.to_owned()],
    };
    let opening = Opening { holder: &holder, settings: &settings, known, reader: None, now: jiff::Timestamp::UNIX_EPOCH };
    let (mut conversation, mut calls) = Dialect::FHIR_R4.start(&opening, &Need::everything());
    while let Some(call) = calls.pop() {
        let body = match call.target.as_str() {
            "metadata" => Bytes::from_static(br#"{"resourceType":"CapabilityStatement"}"#),
            target if target.contains("everything") => body.clone(),
            _ => said::patient().to_string().into(),
        };
        let url = format!("{base}/{}", call.target);
        let response = Response { status: 200, content_type: String::new(), headers: Vec::new(), body, url };
        calls.extend(conversation.reply(Reply { id: call.id, tried: jiff::Timestamp::UNIX_EPOCH, outcome: Ok(response) }));
    }
    conversation.finish()
}

/// A doctor's permit for the person they have open.
fn permit() -> Permit {
    let person: PersonId = "person".parse().expect("a person id");
    let caller = Caller {
        user: UserId { issuer: "i".into(), subject: "u".into() },
        name: "Dr A Example".into(),
        sds_user_id: Some("999999999999".into()),
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().expect("a code"), name: "Queen Elizabeth Hospital".into() },
        roles: vec!["R8000".into()],
        activities: ["B0264", "B0360", "B0370", "B0401"].map(str::to_owned).to_vec(),
        purposes: vec!["TREAT".into()],
        scopes: vec!["user/*.rs".into()],
        launch_patient: Some(person.clone()),
        device: None,
        client: None,
        token_id: None,
    };
    let question = Question::Read { person: person.clone(), need: Need::everything() };
    let ask = Ask { request: "r".parse().expect("a request id"), caller, question, hops: Vec::new(), wait: None };
    let facts = PersonFacts { person: Some(person.clone()), restriction: Restriction::Unrestricted };
    let admission = access::admit(&access::Rules::shipped(), &ask, jiff::Timestamp::UNIX_EPOCH).expect("leave to ask");
    access::decide(admission, &facts, &[Evidence::Launch(person)], jiff::Timestamp::UNIX_EPOCH).expect("a permit")
}
