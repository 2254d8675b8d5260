//! What people say about the sharing of their record: recorded here as FHIR Consents, minded on every read, and shown beside the Consents
//! that sources hold.

use access::Permit;
use access::consent::{Directive, Directives, Stated, told};
use async_trait::async_trait;
use audit::{Audited, Ending, Event, Who};
use fhir::{Kind, Ref, Tree};
use jiff::Timestamp;
use record::{
    Ask, Caller, Chart, Item, Need, ODS_SYSTEM, OdsCode, Origin, PersonId, Question, RequestId, Row, SUPPORTING, SharedRecord, SourceId,
    Status, Tier, Traits,
};
use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use crate::{Exchange, Met, Refused, StoreDown};

/// The exchange itself, among the sources of a record. No source has this id.
pub(crate) const OWN: &str = "severn";

/// Consents that were recorded here. Versions are added; none is changed, and none goes.
#[async_trait]
pub trait Consents: Send + Sync {
    /// The last version of each Consent of a person.
    async fn consents(&self, person: &PersonId) -> Result<Vec<KeptConsent>, StoreDown>;
    /// Adds a version, durably; false where it is not the next one. One that stands there as this very one was added by a try of which
    /// the word was lost: it is in force, and true.
    async fn keep_consent(&self, kept: &KeptConsent) -> Result<bool, StoreDown>;
}

/// One version of a Consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptConsent {
    /// Whose.
    pub person: PersonId,
    /// Its id, the same for all versions.
    pub id: String,
    /// Counted from 1.
    pub version: u32,
    /// When it was recorded.
    pub at: Timestamp,
    /// The resource, as JSON.
    pub body: String,
}

/// What became of a Consent that somebody wanted recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It stands, as this.
    Kept(KeptConsent),
    /// Somebody else recorded a version meanwhile, or the one that was to be replaced is not the last.
    Overtaken,
    /// There is none of this id.
    Unknown,
}

/// What sources said of the sharing of what they hold.
#[derive(Default)]
pub(crate) struct Unshared {
    /// What the person objects to there.
    pub(crate) held: Vec<Directive>,
    /// Sources that did not say what the person objects to there.
    pub(crate) unsaid: Vec<SourceId>,
    /// What sources refused to tell of.
    pub(crate) refused: Vec<(SourceId, Kind)>,
}

/// What is to be recorded, and in place of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The Consent that it is a version of; none for a new one.
    pub of: Option<String>,
    /// The version that it replaces, where its writer said which.
    pub replaces: Option<u32>,
    /// What it says.
    pub stated: Stated,
}

impl Exchange {
    /// Whether an organisation is one that somebody may object to.
    pub fn knows(&self, organisation: &OdsCode) -> bool {
        self.parts.settings.organisations.contains(organisation)
    }

    /// What is recorded of a person. What was said of somebody who turned out to be them is theirs.
    async fn recorded(&self, person: &PersonId, merged: &[PersonId]) -> Result<Vec<KeptConsent>, StoreDown> {
        let asked = std::iter::once(person).chain(merged).map(|whose| self.parts.consents.consents(whose));
        Ok(futures::future::try_join_all(asked).await?.into_iter().flatten().collect())
    }

    /// What a person said, and when something of it last changed, or began.
    pub(crate) async fn directives(&self, person: &PersonId, merged: &[PersonId]) -> (Directives, Option<Timestamp>) {
        let kept = match self.recorded(person, merged).await {
            Ok(kept) => kept,
            Err(down) => {
                tracing::error!(error = %down, "what people object to could not be read: nobody reads");
                return (Directives::Unreachable, None);
            }
        };
        let known: Option<Vec<Option<Directive>>> = kept.iter().map(KeptConsent::directive).collect();
        let now = self.parts.clock.now();
        let begun = known.iter().flatten().flatten().filter_map(|directive| directive.from).filter(|from| *from <= now);
        let changed = kept.iter().map(|kept| kept.at).chain(begun).max();
        // What was recorded and cannot be read any more is not known.
        let known = known.map(|all| Directives::Known(all.into_iter().flatten().collect()));
        (known.unwrap_or(Directives::Unreachable), changed)
    }

    /// Records what a person says about sharing. Who may: somebody who looks after them, by more than an emergency, with leave to write
    /// Consents. An objection keeps nobody from recording that it is withdrawn.
    pub async fn record_consent(
        &self,
        request: &RequestId,
        caller: &Caller,
        person: &PersonId,
        recording: Recording,
    ) -> Result<Audited<Recorded>, Refused> {
        let question = Question::Read { person: person.clone(), need: Need::of(&[Kind::CONSENT]) };
        let ask = Ask { request: request.clone(), caller: caller.clone(), question, hops: Vec::new(), wait: None };
        let entry =
            self.parts.ledger.open(request, crate::told::opened(&ask)).await.map_err(|down| Refused::Unavailable(down.to_string()))?;
        let (permitted, about) = self.decide_unminded(&ask, person, self.until(&ask)).await?;
        let leave = permitted.and_then(|permit| access::consent::may_record(&permit));
        if let Err(refusal) = leave {
            return Err(self.refused(entry, &ask, refusal).await);
        }
        let kept = self.recorded(person, &about.merged).await?;
        let last = recording.of.as_ref().map(|id| kept.iter().find(|kept| kept.id == *id));
        // A further version stands where those before it do.
        let whose = last.flatten().map_or(person, |last| &last.person);
        let (id, version) = match last {
            Some(None) => return Ok(entry.close(Recorded::Unknown, Event::closed(Ending::NoSuchConsent)).await),
            Some(Some(last)) if recording.replaces.is_some_and(|replaced| replaced != last.version) => {
                return Ok(entry.close(Recorded::Overtaken, Event::closed(Ending::Overtaken)).await);
            }
            Some(Some(last)) => (last.id.clone(), last.version + 1),
            None => (uuid::Uuid::new_v4().to_string(), 1),
        };
        let at = self.parts.clock.now();
        let body = body(whose, (&id, version), at, caller, &recording.stated).to_string();
        let new = KeptConsent { person: whose.clone(), id, version, at, body };
        // The way by which it is found is there before it is.
        let own: SourceId = OWN.parse().expect("letters are a source id");
        let met = Met { kind: Kind::CONSENT, id: &new.id, source: &own, source_kind: Kind::CONSENT.name(), source_id: Some(&new.id) };
        self.parts.minted.keep_ids(person, &[met]).await?;
        if !self.parts.consents.keep_consent(&new).await? {
            return Ok(entry.close(Recorded::Overtaken, Event::closed(Ending::Overtaken)).await);
        }
        let event = Event::ConsentRecorded {
            by: Who::of(caller),
            patient: person.to_string(),
            consent: new.id.clone(),
            version: new.version,
            active: recording.stated.active,
            denies: recording.stated.denies,
        };
        Ok(entry.close(Recorded::Kept(new), event).await)
    }

    /// The Consents recorded here, as one more chart of the record. Where they cannot be read any more, it says so.
    pub(crate) async fn own_consents(&self, person: &PersonId, merged: &[PersonId], need: &Need) -> Option<Chart> {
        if !need.wants(Kind::CONSENT) {
            return None;
        }
        let source: SourceId = OWN.parse().expect("letters are a source id");
        let (mut rows, mut items) = (Vec::new(), Vec::new());
        match self.recorded(person, merged).await {
            Ok(kept) if kept.is_empty() => return None,
            Ok(kept) => items.extend(kept.into_iter().filter_map(|kept| kept.item(&source))),
            Err(down) => {
                tracing::error!(error = %down, "the Consents recorded here could not be read: the answer lacks them");
                rows.push(Row { status: Some(Status::FailedInternal), ..Row::new(source.clone(), Kind::CONSENT) });
            }
        }
        let (patients, quarantined, findings) = Default::default();
        let version = fhir::Version::R4;
        Some(Chart { source, version, patients, items, quarantined, rows, about_one_patient: false, findings })
    }

    /// What the person objects to at the sources that hold it, as those tell it to this reader.
    pub(crate) fn held<'a>(&self, permit: &Permit, items: impl IntoIterator<Item = &'a Item>) -> Vec<Directive> {
        let consents = items.into_iter().filter(|item| item.kind == Kind::CONSENT && item.origin.source.as_str() != OWN);
        let told = consents.filter_map(|item| told(item.tree.root(), &self.custodian(&item.origin.source)?));
        told.filter(|directive| directive.stands(permit.caller(), self.parts.clock.now())).collect()
    }

    /// Marks what may not be shared with this reader: what the person objects to, here or at the source that holds it, or of which the
    /// source did not say whether they do; and what its owner refuses, by whatever way it came.
    pub(crate) fn mark(&self, permit: &Permit, record: &mut SharedRecord, Unshared { held, unsaid, refused }: &Unshared) {
        for item in record.items.iter_mut().filter(|item| unsaid.contains(&item.origin.source)) {
            item.traits.unsaid = true;
        }
        if !(permit.objects_to_nothing() && held.is_empty()) {
            let objected: Vec<bool> = record.items.iter().map(|item| self.is_objected_to(permit, held, item)).collect();
            record.items.iter_mut().zip(objected).for_each(|(item, objected)| item.traits.objected = objected);
        }
        if !refused.is_empty() {
            let refused: Vec<bool> = self.refused_by_owners(record, refused);
            record.items.iter_mut().zip(refused).for_each(|(item, refused)| item.traits.refused = refused);
        }
    }

    /// Which items their owners refuse to share: copies of what it told itself are no part of that.
    fn refused_by_owners(&self, record: &SharedRecord, refused: &[(SourceId, Kind)]) -> Vec<bool> {
        let mut shown: FxHashSet<(usize, SourceId)> = FxHashSet::default();
        for cluster in record.clusters.iter().filter(|cluster| cluster.tier <= Tier::T2) {
            let sources: Vec<SourceId> = cluster.members.iter().map(|member| record.items[*member].origin.source.clone()).collect();
            cluster.members.iter().for_each(|member| shown.extend(sources.iter().map(|source| (*member, source.clone()))));
        }
        let is_refused = |(place, item): (usize, &Item)| {
            let owner = self.owner(item).filter(|owner| *owner != item.origin.source);
            owner.is_some_and(|owner| refused.contains(&(owner.clone(), item.kind)) && !shown.contains(&(place, owner)))
        };
        record.items.iter().enumerate().map(is_refused).collect()
    }

    fn is_objected_to(&self, permit: &Permit, held: &[Directive], item: &Item) -> bool {
        // What somebody recorded here of their own wish is theirs to be told.
        if item.origin.source.as_str() == OWN {
            return false;
        }
        let tree = &item.tree;
        let objected = |custodian: &OdsCode| {
            permit.objects(item.kind, tree, custodian) || held.iter().any(|directive| directive.covers(item.kind, tree, custodian))
        };
        let owner = self.owner(item).and_then(|owner| self.custodian(&owner));
        let unknown = owner.is_none();
        self.custodian(&item.origin.source).into_iter().chain(owner).any(|custodian| objected(&custodian))
            || unknown && self.may_be_of_objected(permit, held, item)
    }

    /// Whether what a source passes on may be whose the person objects to: nobody knows whose it is, and nothing says that it is another's.
    fn may_be_of_objected(&self, permit: &Permit, held: &[Directive], item: &Item) -> bool {
        let entry = self.parts.entries.iter().find(|entry| entry.id == item.origin.source);
        let passes_on = entry.is_some_and(|entry| entry.exchange.is_some() || !entry.vouches_for.is_empty());
        // Who they are, and who looks after them, is nobody's data.
        if !passes_on || item.kind == Kind::PATIENT || SUPPORTING.contains(&item.kind) {
            return false;
        }
        let held = held.iter().flat_map(|directive| &directive.custodians);
        let mut custodians = permit.objected_custodians(item.kind, &item.tree).chain(held).peekable();
        if custodians.peek().is_none() {
            return false;
        }
        let mut named = Vec::new();
        organisations(item.tree.root(), &mut named);
        let provider = |custodian: &OdsCode| {
            let mut theirs = self.parts.entries.iter().filter(|entry| entry.organisation == *custodian).peekable();
            // All that they have here is known by its name, and this is not.
            item.traits.original.is_some() && theirs.peek().is_some() && theirs.all(|entry| entry.settings.data_provider.is_some())
        };
        custodians.any(|custodian| if named.is_empty() { !provider(custodian) } else { named.contains(custodian) })
    }

    fn custodian(&self, source: &SourceId) -> Option<OdsCode> {
        self.parts.entries.iter().find(|entry| entry.id == *source).map(|entry| entry.organisation.clone())
    }

    /// The source whose statement it is, by the identifiers that it mints or the name that every exchange knows it by; none where neither
    /// says so.
    fn owner(&self, item: &Item) -> Option<SourceId> {
        let original = item.traits.original.as_ref().and_then(|original| {
            let named = |provider: &dialect::DataProvider| provider.id == original.provider;
            self.parts.entries.iter().find(|entry| entry.settings.data_provider.as_ref().is_some_and(named)).map(|entry| entry.id.clone())
        });
        original.or_else(|| {
            let owners = &self.parts.rules.owners;
            let systems = item.tree.root().all("identifier.system");
            systems
                .iter()
                .filter_map(|system| system.value())
                .find_map(|system| owners.iter().find(|(prefix, _)| system.starts_with(prefix.as_str())).map(|(_, source)| source.clone()))
        })
    }
}

/// The organisations that a resource names by their codes.
fn organisations(node: Ref<'_>, named: &mut Vec<OdsCode>) {
    if node.is_object() && node.is("system", ODS_SYSTEM) {
        named.extend(node.text("value").and_then(|code| code.trim().parse().ok()));
    }
    node.items().filter(|child| !child.is_primitive()).for_each(|child| organisations(child, named));
}

impl KeptConsent {
    /// Whether another is this very one; a store keeps its time to the microsecond.
    pub fn is(&self, other: &KeptConsent) -> bool {
        let key = |kept: &KeptConsent| (kept.version, kept.at.as_microsecond());
        key(self) == key(other) && (&self.person, &self.id, &self.body) == (&other.person, &other.id, &other.body)
    }

    /// What it forbids, if anything; none where it cannot be read.
    fn directive(&self) -> Option<Option<Directive>> {
        let tree = Tree::from_json(self.body.clone().into()).ok()?;
        // Whom it names was known when it was recorded.
        let stated = access::consent::stated(tree.root(), &|_| true).ok()?;
        Some((stated.active && stated.denies).then_some(stated.directive))
    }

    fn item(self, source: &SourceId) -> Option<Item> {
        Some(Item {
            kind: Kind::CONSENT,
            origin: Origin { source: source.clone(), kind: Kind::CONSENT.name().into(), id: Some(self.id.clone()) },
            id: self.id,
            tree: Tree::from_json(self.body.into()).ok()?,
            findings: Vec::new(),
            traits: Traits { subjects: vec![self.person.to_string()], generated_narrative: true, ..Traits::default() },
        })
    }
}

/// The resource as it is kept: made of what was understood, and nothing else.
fn body(person: &PersonId, (id, version): (&str, u32), at: Timestamp, caller: &Caller, stated: &Stated) -> Value {
    let organisation = |code: &OdsCode| json!({"identifier": {"system": ODS_SYSTEM, "value": code.as_str()}});
    let directive = &stated.directive;
    let mut provision = json!({"type": if stated.denies { "deny" } else { "permit" }});
    if directive.from.is_some() || directive.until.is_some() {
        provision["period"] = json!({});
    }
    if let Some(from) = directive.from {
        provision["period"]["start"] = json!(from.to_string());
    }
    if let Some(until) = directive.until {
        provision["period"]["end"] = json!(until.to_string());
    }
    let actor = |role: &str, code: &OdsCode| json!({"role": {"coding": [{"system": access::consent::PARTICIPATION, "code": role}]}, "reference": organisation(code)});
    let recipients = directive.recipients.iter().map(|code| actor(access::consent::RECIPIENT, code));
    let actors: Vec<Value> = recipients.chain(directive.custodians.iter().map(|code| actor(access::consent::CUSTODIAN, code))).collect();
    if !actors.is_empty() {
        provision["actor"] = Value::Array(actors);
    }
    if !directive.categories.is_empty() {
        let class = |name: &str| json!({"system": access::consent::CATEGORY_SYSTEM, "code": name});
        provision["class"] = directive.categories.iter().map(|category| class(category.name())).collect();
    }
    json!({
        "resourceType": "Consent",
        "id": id,
        "meta": {"versionId": version.to_string(), "lastUpdated": at.to_string()},
        "status": if stated.active { "active" } else { "inactive" },
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": format!("Patient/{person}")},
        "dateTime": at.to_string(),
        "organization": [organisation(&caller.organisation.code)],
        "provision": provision,
    })
}
