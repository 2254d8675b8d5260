//! SMART scopes: what a token was granted. They narrow what its bearer's role shows, and widen nothing.
//!
//! Both spellings are read: `user/Observation.read` and `user/Observation.rs`. What is spelt otherwise grants nothing; nor does a scope
//! that narrows by search parameters (`?category=…`), since to leave the parameters out would widen it.

use fhir::Kind;
use record::{Caller, Need, Question};

/// A scope taken apart: whose, of which types, by which deeds. With none of the deeds it grants nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// `patient`, `system`, `user`, or whatever else stands there.
    pub context: &'a str,
    /// The type; of all where there is none.
    pub kind: Option<Kind>,
    /// Whether it narrows by search parameters, and so grants nothing.
    pub filtered: bool,
    /// Whether one resource is read by its id.
    pub read: bool,
    /// Whether whatever there is, is searched.
    pub search: bool,
    /// Whether a resource is written, new or in a further version.
    pub write: bool,
}

impl<'a> Scope<'a> {
    /// Reads either spelling. `None` where it is of no type, or of one that nobody knows.
    pub fn parse(text: &'a str) -> Option<Scope<'a>> {
        let (context, rest) = text.split_once('/')?;
        let (kind, verbs) = rest.split_once('.')?;
        let kind = if kind == "*" { None } else { Some(Kind::parse(kind)?) };
        // The second version's verbs stand in this order, each once.
        let mut order = "cruds".chars();
        let ordered = !verbs.is_empty() && verbs.chars().all(|verb| order.any(|own| own == verb));
        let of = |first: &[&str], second: &[char]| first.contains(&verbs) || ordered && second.iter().all(|verb| verbs.contains(*verb));
        Some(Scope {
            context,
            kind,
            filtered: verbs.contains('?'),
            read: of(&["read", "*"], &['r']),
            search: of(&["read", "*"], &['s']),
            write: of(&["write", "*"], &['c', 'u']),
        })
    }

    fn lets(&self, deed: Deed) -> bool {
        match deed {
            Deed::Read => self.read,
            Deed::Search => self.search,
            Deed::Write => self.write,
        }
    }
}

/// The types that scopes cover.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cover {
    all: bool,
    kinds: Vec<Kind>,
}

impl Cover {
    /// Whether a type is covered.
    pub fn covers(&self, kind: Kind) -> bool {
        self.all || self.kinds.contains(&kind)
    }

    /// Whether every type is.
    pub fn is_whole(&self) -> bool {
        self.all
    }

    /// Whether nothing is.
    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.kinds.is_empty()
    }

    /// With what another covers.
    pub(crate) fn with(&self, other: &Cover) -> Cover {
        Cover { all: self.all || other.all, kinds: self.kinds.iter().chain(&other.kinds).copied().collect() }
    }
}

/// What is done with what is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// One resource is read by its id.
    Read,
    /// Whatever there is, is searched.
    Search,
    /// A resource is written, new or in a further version.
    Write,
}

impl Deed {
    pub fn of(question: &Question) -> Deed {
        match question {
            Question::Read { need: Need { by_id: true, .. }, .. } => Deed::Read,
            Question::Find(_) | Question::Read { .. } | Question::Trace(_) => Deed::Search,
        }
    }
}

/// What a caller's scopes grant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Granted {
    /// Of everybody whom the caller has to do with: `user/` where a person asks, `system/` where nobody does.
    pub anybody: Cover,
    /// Of whom the token was launched for: `patient/`.
    pub launched: Cover,
    /// Whether a scope was left out for its search parameters.
    pub filtered: bool,
}

impl Granted {
    pub fn of(caller: &Caller, deed: Deed) -> Granted {
        let mut granted = Granted::default();
        for scope in &caller.scopes {
            let Some(scope) = Scope::parse(scope) else { continue };
            // A system's scope in the name of a person would show that person what a system may see; and the other way round.
            let cover = match scope.context {
                "patient" if caller.human => &mut granted.launched,
                "system" if !caller.human && caller.sds_user_id.is_none() => &mut granted.anybody,
                "user" if caller.human => &mut granted.anybody,
                _ => continue,
            };
            granted.filtered |= scope.filtered;
            match scope.kind {
                _ if !scope.lets(deed) => {}
                Some(kind) => cover.kinds.push(kind),
                None => cover.all = true,
            }
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Organisation, UserId};

    fn caller(scopes: &str, human: bool, named: bool) -> Caller {
        Caller {
            user: UserId { issuer: "i".into(), subject: "s".into() },
            name: String::new(),
            sds_user_id: named.then(|| "999999999999".into()),
            sds_role_profile_id: None,
            human,
            organisation: Organisation { code: "RRK".parse().unwrap(), name: String::new() },
            roles: Vec::new(),
            activities: Vec::new(),
            purposes: Vec::new(),
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            launch_patient: None,
            device: None,
            client: None,
            token_id: None,
        }
    }

    /// What two types get by each deed: `*` for all, `o` for Observation, `c` for Condition, `-` for none.
    fn shown(cover: &Cover) -> &'static str {
        match (cover.is_whole(), cover.covers(Kind::OBSERVATION), cover.covers(Kind::CONDITION)) {
            (true, ..) => "*",
            (_, true, true) => "oc",
            (_, true, false) => "o",
            (_, false, true) => "c",
            (_, false, false) => "-",
        }
    }

    #[test]
    fn a_scope_grants_what_it_says_and_nothing_else() {
        let check = |scope: &str, read: &str, search: &str| {
            for (context, human) in [("user", true), ("system", false), ("patient", true)] {
                let scopes = scope.split(' ').map(|one| format!("{context}/{one} ")).collect::<String>();
                let of = |deed| {
                    let granted = Granted::of(&caller(&scopes, human, false), deed);
                    let (own, other) =
                        if context == "patient" { (granted.launched, granted.anybody) } else { (granted.anybody, granted.launched) };
                    assert!(other.is_empty(), "{scopes}");
                    shown(&own)
                };
                assert_eq!((of(Deed::Read), of(Deed::Search)), (read, search), "{scopes}");
            }
        };
        // The first version.
        check("*.read", "*", "*");
        check("*.*", "*", "*");
        check("Observation.read", "o", "o");
        check("Observation.*", "o", "o");
        check("Observation.read Condition.read", "oc", "oc");
        check("*.write", "-", "-");
        check("Observation.write", "-", "-");
        check("Observation.write Condition.read", "c", "c");
        // The second.
        check("*.rs", "*", "*");
        check("*.cruds", "*", "*");
        check("*.r", "*", "-");
        check("*.s", "-", "*");
        check("Observation.rs", "o", "o");
        check("Observation.r Condition.s", "o", "c");
        check("Observation.cud", "-", "-");
        check("*.c", "-", "-");
        check("*.u", "-", "-");
        check("*.d", "-", "-");
        check("*.cu Observation.rs", "o", "o");
        // Neither.
        for nonsense in [
            "*.sr",
            "*.rr",
            "*.rsx",
            "*.R",
            "*.READ",
            "*.reads",
            "*.",
            "*",
            "observation.rs",
            "OBSERVATION.read",
            "Nothing.rs",
            "*Observation.rs",
            "Observation*.rs",
            ".rs",
            "*.rs.rs",
            "**.rs",
            "Observation.rs/x",
            "*.rs,user/*.rs",
            "*.-rs",
            "/*.rs",
        ] {
            check(nonsense, "-", "-");
        }
        // Parameters are not left out: that would widen.
        for filter in
            ["?category=laboratory", "?", "?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", "?_id=1&x=2"]
        {
            check(&format!("Observation.rs{filter}"), "-", "-");
            check(&format!("*.read{filter}"), "-", "-");
            check(&format!("Observation.rs{filter} Condition.rs"), "c", "c");
        }
    }

    #[test]
    fn a_persons_scope_is_a_persons_and_a_systems_a_systems() {
        let check = |scopes: &str, human: bool, named: bool, anybody: &str, launched: &str| {
            let granted = Granted::of(&caller(scopes, human, named), Deed::Search);
            assert_eq!((shown(&granted.anybody), shown(&granted.launched)), (anybody, launched), "{scopes} {human} {named}");
        };
        check("user/*.rs", true, true, "*", "-");
        check("user/*.rs", true, false, "*", "-");
        check("user/*.rs", false, false, "-", "-");
        check("system/*.rs", false, false, "*", "-");
        check("system/*.rs", false, true, "-", "-");
        check("system/*.rs", true, true, "-", "-");
        check("system/Observation.rs user/*.rs patient/*.rs", false, false, "o", "-");
        check("patient/*.rs", true, true, "-", "*");
        check("patient/*.rs user/Observation.rs", true, true, "o", "*");
        check("launch launch/patient openid fhirUser profile offline_access severn.operator", true, true, "-", "-");
        check("*/*.rs", true, true, "-", "-");
        check("User/*.rs", true, true, "-", "-");
        check("users/*.rs", true, true, "-", "-");
        check("", true, true, "-", "-");
    }
}
