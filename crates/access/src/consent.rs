//! What a person, or whoever speaks for them, says about the sharing of their record: recorded objections, and the FHIR Consents that
//! carry them.
//!
//! Nothing recorded permits direct care. What is recorded forbids, whatever else permits; what cannot be read forbids everything. The
//! national data opt-out is about research and planning: care is not touched by it, and no fact here says anything of it.

use fhir::date::Partial;
use fhir::{Kind, Ref, Tree};
use jiff::Timestamp;
use record::{Caller, ODS_SYSTEM, OdsCode};

use crate::category::Category;
use crate::scope::{Deed, Granted};
use crate::{Permit, Refusal};

/// What is known of a person's objections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directives {
    /// These are recorded; maybe none.
    Known(Vec<Directive>),
    /// They cannot be read now. It is not known that nothing is recorded, so nobody reads.
    Unreachable,
}

/// An objection to sharing. An empty list means all: whoever writes one says so by leaving the whole list out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directive {
    /// To whom nothing is to be shown.
    pub recipients: Vec<OdsCode>,
    /// Whose data is not to be shown.
    pub custodians: Vec<OdsCode>,
    /// What is not to be shown.
    pub categories: Vec<Category>,
    /// From when.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
}

impl Directive {
    /// Whether it stands now against showing anything to this caller.
    pub fn stands(&self, caller: &Caller, now: Timestamp) -> bool {
        let named = self.recipients.is_empty() || self.recipients.contains(&caller.organisation.code);
        named && self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// Whether it is against showing anything at all.
    pub fn is_whole(&self) -> bool {
        self.custodians.is_empty() && self.categories.is_empty()
    }

    /// Whether it is against showing anything of what this organisation holds.
    pub fn closes(&self, custodian: &OdsCode) -> bool {
        self.categories.is_empty() && (self.custodians.is_empty() || self.custodians.contains(custodian))
    }

    /// Whether it is against showing this resource, held by this organisation.
    pub fn covers(&self, kind: Kind, tree: &Tree, custodian: &OdsCode) -> bool {
        let held = self.custodians.is_empty() || self.custodians.contains(custodian);
        held && (self.categories.is_empty() || self.categories.contains(&Category::of(kind, tree)))
    }
}

/// A permit with what the person objects to: of a record that they closed to the caller there is none, unless a law overrides that. Until it is minded, a permit
/// shows nothing that anybody might object to.
///
/// # Errors
///
/// The person objects to the whole, or whether they do cannot be known.
pub fn minded(permit: Permit, directives: &Directives, now: Timestamp) -> Result<Permit, Refusal> {
    let Directives::Known(all) = directives else { return Err(Refusal::ObjectionsUnknown) };
    let standing: Vec<Directive> = all.iter().filter(|directive| directive.stands(permit.caller(), now)).cloned().collect();
    if standing.iter().any(Directive::is_whole) && !permit.overrides() {
        return Err(Refusal::Objected);
    }
    Ok(permit.with(standing))
}

/// May whoever holds this permit record what the person says? A person may, who looks after them by more than an emergency, and whose
/// token was given leave to write Consents.
///
/// # Errors
///
/// Why not.
pub fn may_record(permit: &Permit) -> Result<(), Refusal> {
    let caller = permit.caller();
    if !caller.human {
        return Err(Refusal::NoActivity);
    }
    if permit.is_emergency() {
        return Err(Refusal::NoRelationship);
    }
    let scopes = Granted::of(caller, Deed::Write);
    // Leave to write of one person is none to write of another whom the caller looks after, too.
    let launched = permit.is_launched() && scopes.launched.covers(Kind::CONSENT);
    if scopes.anybody.covers(Kind::CONSENT) || launched { Ok(()) } else { Err(Refusal::Scope) }
}

/// The system of the codes that a Consent names categories by.
pub const CATEGORY_SYSTEM: &str = "urn:severn:category";
const SCOPE: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy");
const KINDS_OF_CONSENT: &[(&str, &str)] = &[("http://loinc.org", "59284-0"), ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IDSCL")];
/// The system of the roles of those whom a Consent names.
pub const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
/// Information recipient.
pub const RECIPIENT: &str = "IRCP";
/// Custodian.
pub const CUSTODIAN: &str = "CST";

/// A Consent as it is recorded here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// Whether it is in force; one that is withdrawn stays, inactive.
    pub active: bool,
    /// Whether it forbids. What permits records that somebody agreed, and opens nothing that another forbids.
    pub denies: bool,
    /// To whom, whose, what and when.
    pub directive: Directive,
}

/// What is wrong with a Consent: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {why}")]
pub struct Unfit {
    /// The element.
    pub at: String,
    /// Why it cannot be taken.
    pub why: String,
}

fn unfit(at: &str, why: impl Into<String>) -> Unfit {
    Unfit { at: format!("Consent.{at}"), why: why.into() }
}

/// Reads a Consent that somebody wants recorded. Whatever would be overlooked is refused: what is not read here would say something else.
///
/// # Errors
///
/// What is wrong with it.
pub fn stated(consent: Ref<'_>, known: &dyn Fn(&OdsCode) -> bool) -> Result<Stated, Unfit> {
    let taken = [
        "resourceType",
        "id",
        "meta",
        "text",
        "status",
        "scope",
        "category",
        "patient",
        "dateTime",
        "organization",
        "policyRule",
        "provision",
    ];
    only(consent, "", &taken)?;
    let active = match consent.text("status").as_deref() {
        Some("active") => true,
        Some("inactive") => false,
        _ => return Err(unfit("status", "must be active, or inactive for one that is withdrawn")),
    };
    if !codings(consent, "scope.coding").contains(&(SCOPE.0.to_owned(), SCOPE.1.to_owned())) {
        return Err(unfit("scope", format!("must be {}|{}", SCOPE.0, SCOPE.1)));
    }
    let kinds = codings(consent, "category.coding");
    let fits = |(system, code): &(String, String)| KINDS_OF_CONSENT.contains(&(system.as_str(), code.as_str()));
    if kinds.is_empty() || !kinds.iter().all(fits) {
        let all: Vec<String> = KINDS_OF_CONSENT.iter().map(|(system, code)| format!("{system}|{code}")).collect();
        return Err(unfit("category", format!("must be one of {}", all.join(", "))));
    }
    let provision = consent.get("provision").filter(|provision| provision.is_object());
    let provision = provision.ok_or_else(|| unfit("provision", "is missing: it says what is permitted or denied"))?;
    only(provision, "provision.", &["type", "period", "actor", "class"])?;
    let denies = match provision.text("type").as_deref() {
        Some("deny") => true,
        Some("permit") => false,
        _ => return Err(unfit("provision.type", "must be deny or permit")),
    };
    let mut directive = Directive { from: date(provision, "period.start")?, until: date(provision, "period.end")?, ..Directive::default() };
    if let (Some(from), Some(until)) = (directive.from, directive.until)
        && until <= from
    {
        return Err(unfit("provision.period", "ends before it begins"));
    }
    for actor in group(provision, "actor")? {
        let (role, organisation) = actor_of(actor, known)?;
        let list = if role == RECIPIENT { &mut directive.recipients } else { &mut directive.custodians };
        list.push(organisation);
    }
    for class in group(provision, "class")? {
        let category = class.text("code").filter(|_| class.is("system", CATEGORY_SYSTEM)).and_then(|code| Category::parse(&code));
        directive.categories.push(category.ok_or_else(|| {
            let all: Vec<&str> = Category::all().map(Category::name).collect();
            unfit("provision.class", format!("must be of {CATEGORY_SYSTEM}: {}", all.join(", ")))
        })?);
    }
    Ok(Stated { active, denies, directive })
}

/// A list whose items all count. An empty one is refused: read as none at all, it would say the opposite of what its writer meant.
fn group<'a>(provision: Ref<'a>, name: &str) -> Result<Vec<Ref<'a>>, Unfit> {
    match provision.get(name) {
        None => Ok(Vec::new()),
        Some(list) if list.is_array() && !list.is_empty() => Ok(list.items().collect()),
        Some(_) => Err(unfit(&format!("provision.{name}"), "is an empty group: leave it out for all, or name whom or what is meant")),
    }
}

fn actor_of(actor: Ref<'_>, known: &dyn Fn(&OdsCode) -> bool) -> Result<(&'static str, OdsCode), Unfit> {
    only(actor, "provision.actor.", &["role", "reference"])?;
    let roles = codings(actor, "role.coding");
    let role = match roles.as_slice() {
        [(system, code)] if system == PARTICIPATION && code == RECIPIENT => RECIPIENT,
        [(system, code)] if system == PARTICIPATION && code == CUSTODIAN => CUSTODIAN,
        _ => {
            let why = format!("must be {PARTICIPATION}|{RECIPIENT}, to whom nothing is shown, or {CUSTODIAN}, whose data is not shown");
            return Err(unfit("provision.actor.role", why));
        }
    };
    let identifier = actor.at("reference.identifier").filter(|identifier| identifier.is("system", ODS_SYSTEM));
    let code = identifier.and_then(|identifier| identifier.text("value")?.parse::<OdsCode>().ok());
    let code = code.ok_or_else(|| unfit("provision.actor.reference", format!("must have an identifier of {ODS_SYSTEM}")))?;
    // One that nobody has would forbid nothing, and its writer would believe that it does.
    if known(&code) {
        Ok((role, code))
    } else {
        Err(unfit("provision.actor.reference", format!("{code} is no organisation that is known here")))
    }
}

/// Whatever is not read is refused, and elements whose presence changes the meaning above all.
fn only(node: Ref<'_>, at: &str, taken: &[&str]) -> Result<(), Unfit> {
    match node.entries().find(|(name, _)| !taken.contains(name)) {
        None => Ok(()),
        Some((name, _)) => Err(unfit(&format!("{at}{name}"), "is not taken here: it would be overlooked")),
    }
}

fn codings(node: Ref<'_>, path: &str) -> Vec<(String, String)> {
    let text = |coding: &Ref<'_>, key: &str| coding.text(key).unwrap_or_default().into_owned();
    node.all(path).iter().map(|coding| (text(coding, "system"), text(coding, "code"))).collect()
}

fn date(provision: Ref<'_>, path: &str) -> Result<Option<Timestamp>, Unfit> {
    let Some(node) = provision.at(path) else { return Ok(None) };
    let date = node.value().and_then(|text| Partial::parse(&text));
    let date = date.ok_or_else(|| unfit(&format!("provision.{path}"), "is no date"))?;
    let nanos = if path.ends_with("end") { date.range().1 } else { date.range().0 };
    Timestamp::from_nanosecond(nanos).map(Some).map_err(|_| unfit(&format!("provision.{path}"), "is no date"))
}

/// What a Consent that a source holds forbids, as far as it is understood: of that source's own data, since of more it is no judge. One
/// that forbids in a way that is not understood forbids all of it: also one that permits, and somewhere within says what it does not.
pub fn told(consent: Ref<'_>, custodian: &OdsCode) -> Option<Directive> {
    let privacy = codings(consent, "scope.coding").iter().any(|(_, code)| code == SCOPE.1);
    if !privacy || !consent.is("status", "active") || !consent.all("provision").into_iter().any(denies) {
        return None;
    }
    let whole = Directive { custodians: vec![custodian.clone()], ..Directive::default() };
    // What is no object, where a Consent has one, is not understood: least of all a list of several, each with its own time.
    let Some(provision) = consent.get("provision").filter(|provision| provision.is_object() && provision.is("type", "deny")) else {
        return Some(whole);
    };
    let (Ok(from), Ok(until)) = (date(provision, "period.start"), date(provision, "period.end")) else {
        return Some(whole);
    };
    Some(Directive { from, until, ..whole })
}

/// Whether a provision denies anything, itself or in what it excepts, however deep.
fn denies(provision: Ref<'_>) -> bool {
    provision.is("type", "deny") || provision.all("provision").into_iter().any(denies)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODS: &str = ODS_SYSTEM;

    fn read(json: &str) -> Result<Stated, Unfit> {
        let tree = Tree::from_json(json.to_owned().into()).unwrap();
        stated(tree.root(), &|code| ["RRK", "QWU", "RXK"].contains(&code.as_str()))
    }

    fn consent(provision: &str) -> String {
        format!(
            r#"{{"resourceType":"Consent","status":"active","scope":{{"coding":[{{"system":"{}","code":"{}"}}]}},
            "category":[{{"coding":[{{"system":"http://loinc.org","code":"59284-0"}}]}}],"patient":{{"reference":"Patient/p"}},
            "provision":{provision}}}"#,
            SCOPE.0, SCOPE.1
        )
    }

    fn actor(role: &str, code: &str) -> String {
        format!(
            r#"{{"role":{{"coding":[{{"system":"{PARTICIPATION}","code":"{role}"}}]}},"reference":{{"identifier":{{"system":"{ODS}","value":"{code}"}}}}}}"#
        )
    }

    #[test]
    fn an_objection_says_to_whom_whose_what_and_when() {
        let whole = read(&consent(r#"{"type":"deny"}"#)).unwrap();
        assert!(whole.active && whole.denies && whole.directive.is_whole());
        let withdrawn = read(&consent(r#"{"type":"deny"}"#).replace(r#""active""#, r#""inactive""#)).unwrap();
        assert!(!withdrawn.active && withdrawn.denies);
        let permits = read(&consent(r#"{"type":"permit"}"#)).unwrap();
        assert!(permits.active && !permits.denies);
        let class = format!(r#"{{"system":"{CATEGORY_SYSTEM}","code":"medicines"}}"#);
        let provision = format!(
            r#"{{"type":"deny","period":{{"start":"2026-11-01","end":"2026-11-30"}},"actor":[{},{}],"class":[{class}]}}"#,
            actor("IRCP", "RRK"),
            actor("CST", "QWU")
        );
        let stated = read(&consent(&provision)).unwrap().directive;
        assert_eq!((stated.recipients[0].as_str(), stated.custodians[0].as_str()), ("RRK", "QWU"));
        assert_eq!(stated.categories, [Category::MEDICINES]);
        assert_eq!(stated.from.unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(stated.until.unwrap().to_string(), "2026-11-30T23:59:59.999999999Z");
        let (empty, qwu, rxk) = (Tree::object(), "QWU".parse().unwrap(), "RXK".parse().unwrap());
        assert!(stated.covers(Kind::MEDICATION_REQUEST, &empty, &qwu));
        assert!(!stated.covers(Kind::MEDICATION_REQUEST, &empty, &rxk) && !stated.covers(Kind::CONDITION, &empty, &qwu));
        assert!(!stated.closes(&qwu) && !stated.is_whole());
    }

    /// InterSystems published the fault: an empty group turned a rule into its opposite.
    #[test]
    fn golden_11_an_empty_group_is_refused_on_save() {
        let check = |provision: &str, at: &str| {
            assert_eq!(read(&consent(provision)).unwrap_err().at, format!("Consent.provision.{at}"), "{provision}")
        };
        check(r#"{"type":"deny","actor":[]}"#, "actor");
        check(r#"{"type":"deny","class":[]}"#, "class");
        check(r#"{"type":"deny","actor":{}}"#, "actor");
        check(r#"{"type":"deny","actor":null}"#, "actor");
        check(r#"{"type":"deny","actor":[{}]}"#, "actor.role");
        check(r#"{"type":"deny","class":[{}]}"#, "class");
    }

    #[test]
    fn what_would_be_overlooked_or_forbid_nothing_is_refused() {
        let check =
            |json: String, at: &str| assert_eq!(read(&json).map_err(|unfit| unfit.at).unwrap_err(), format!("Consent.{at}"), "{json}");
        check(consent(&format!(r#"{{"type":"deny","actor":[{}]}}"#, actor("IRCP", "RRK1"))), "provision.actor.reference");
        check(consent(&format!(r#"{{"type":"deny","actor":[{}]}}"#, actor("IRCP", "rrk"))), "provision.actor.reference");
        check(consent(&format!(r#"{{"type":"deny","actor":[{}]}}"#, actor("PRCP", "RRK"))), "provision.actor.role");
        check(consent(r#"{"type":"deny","class":[{"system":"urn:severn:category","code":"secrets"}]}"#), "provision.class");
        check(consent(r#"{"type":"deny","class":[{"system":"urn:x","code":"medicines"}]}"#), "provision.class");
        check(consent(r#"{"type":"deny","provision":[{"type":"permit"}]}"#), "provision.provision");
        check(consent(r#"{"type":"deny","purpose":[{"code":"HRESCH"}]}"#), "provision.purpose");
        check(consent(r#"{"type":"deny","period":{"start":"soon"}}"#), "provision.period.start");
        check(consent(r#"{"type":"deny","period":{"start":"2026-11-02","end":"2026-11-01"}}"#), "provision.period");
        check(consent(r#"{"type":"forbid"}"#), "provision.type");
        check(consent(r#"{}"#), "provision.type");
        check(consent(r#"{"type":"deny"}"#).replace("active", "draft"), "status");
        check(consent(r#"{"type":"deny"}"#).replace("patient-privacy", "research"), "scope");
        check(consent(r#"{"type":"deny"}"#).replace("59284-0", "1-1"), "category");
        check(consent(r#"{"type":"deny"}"#).replace(r#""provision":"#, r#""modifierExtension":[{}],"provision":"#), "modifierExtension");
        check(consent(r#"{"type":"deny"}"#).replace(r#""provision":{"type":"deny"}"#, r#""dateTime":"2026""#), "provision");
    }

    #[test]
    fn what_a_source_forbids_is_its_own_data() {
        let custodian: OdsCode = "X26".parse().unwrap();
        let of = |json: &str| told(Tree::from_json(json.to_owned().into()).unwrap().root(), &custodian);
        let denied = of(&consent(r#"{"type":"deny","period":{"start":"2026-11-01","end":"2026-12-31"},"actor":[{"strange":1}]}"#)).unwrap();
        assert!(denied.closes(&custodian) && !denied.closes(&"RRK".parse().unwrap()) && !denied.is_whole());
        assert_eq!(denied.from.unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(denied.until.unwrap().to_string(), "2026-12-31T23:59:59.999999999Z");
        assert_eq!(of(&consent(r#"{"type":"permit"}"#)), None);
        // All but somebody, or something: who that is stands deeper than is read here, so nobody is shown any.
        for but in [r#"{"type":"deny","actor":[{"strange":1}]}"#, r#"{"type":"permit","provision":[{"type":"deny"}]}"#] {
            let denied = of(&consent(&format!(r#"{{"type":"permit","period":{{"end":"2020"}},"provision":[{but}]}}"#)));
            assert_eq!(denied.map(|denied| (denied.closes(&custodian), denied.until)), Some((true, None)), "{but}");
        }
        // Where one thing belongs there are several, or the whole is in a list: found by fuzzing.
        let several = consent(r#"[{"type":"permit","period":{"end":"2020"}},{"type":"deny"}]"#);
        for strange in [several, format!("[{}]", consent(r#"{"type":"deny","period":{"end":"2020"}}"#))] {
            let denied = of(&strange);
            assert_eq!(denied.map(|denied| (denied.closes(&custodian), denied.until)), Some((true, None)), "{strange}");
        }
        assert_eq!(of(&consent(r#"{"type":"permit","provision":[{"type":"permit"}]}"#)), None);
        assert_eq!(of(&consent(r#"{"type":"deny"}"#).replace("\"active\"", "\"inactive\"")), None);
        assert_eq!(of(&consent(r#"{"type":"deny"}"#).replace("patient-privacy", "research")), None, "care is not touched by it");
    }
}
