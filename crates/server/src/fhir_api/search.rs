//! From search parameters to a need: what is asked of the sources, and what narrows the answer.

use fhir::Kind;
use record::{CARRIED, Include, Join, Need, NhsNumber};

use super::fault::Fault;
use super::filters::{filter, search_kind};
use super::params::{Params, alternatives, clipped};

/// What a read asks for, from its parameters.
#[derive(Debug, Clone)]
pub struct Search {
    /// For the exchange.
    pub need: Need,
    /// Whom it is about, unless the path says.
    pub patient: Option<PatientRef>,
    /// Pieces a page.
    pub count: Option<usize>,
    /// Whether Provenance is wanted.
    pub provenance: bool,
    /// `_complete`, if given.
    pub complete: Option<Complete>,
    /// Only the number of matches is wanted.
    pub count_only: bool,
}

/// A patient as a search names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatientRef {
    /// By an id: the exchange's or a source's minted one.
    Id(String),
    /// By NHS number.
    Number(NhsNumber),
}

/// `_complete`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complete {
    /// An incomplete answer is shown, its gaps named.
    Partial,
    /// An incomplete answer is no answer.
    Required,
}

/// Parameters every read takes. `_sort` is not among them: an answer has one order, newest first.
const GENERAL: &[&str] = &[
    "_complete",
    "_count",
    "_format",
    "_include",
    "_pretty",
    "_revinclude",
    "_since",
    "_summary",
    "_total",
    "birthdate",
    "join",
    "patient",
    "subject",
];

impl Search {
    /// Reads the parameters of `$everything`.
    pub fn everything(params: &Params, strict: bool) -> Result<Search, Fault> {
        let mut search = Search::general(params)?;
        search.need.birth_date = params.one("birthdate")?.map(birth_date).transpose()?;
        for param in params.all("_type") {
            for name in alternatives(&param.value) {
                let kind = Kind::parse(&name).filter(|kind| CARRIED.contains(kind));
                search
                    .need
                    .kinds
                    .push(kind.ok_or_else(|| Fault::parameter("_type", format!("`{}` is not a type carried here", clipped(&name))))?);
            }
        }
        if strict {
            unknown(params, |name| GENERAL.contains(&name) || name == "_type")?;
        }
        Ok(search)
    }

    /// Reads the parameters of a search of one type.
    pub fn of_type(kind: Kind, params: &Params, strict: bool) -> Result<Search, Fault> {
        let mut search = Search::general(params)?;
        search.patient = patient(params)?;
        search.need.kinds = vec![kind];
        // Some types have a birth date of their own to be searched by (a relative's); elsewhere it is the patient's, for the guards.
        let own_birth_date = search_kind(kind, "birthdate").is_some();
        if !own_birth_date {
            search.need.birth_date = params.one("birthdate")?.map(birth_date).transpose()?;
        }
        for param in &params.0 {
            if GENERAL.contains(&param.name.as_str()) && !(own_birth_date && param.name == "birthdate")
                || (param.name == "patient" || param.name == "subject")
                || param.name.starts_with("patient.")
                || param.name.starts_with("subject.")
            {
                continue;
            }
            match (search_kind(kind, &param.name), strict) {
                (Some(search_kind), _) => search.need.filters.extend(filter(kind, search_kind, param)?),
                (None, true) => {
                    return Err(Fault::parameter(
                        &param.name,
                        format!("is not a search parameter of {kind} here; metadata lists those that are"),
                    ));
                }
                (None, false) => {}
            }
        }
        for param in params.all("_include") {
            search.include(kind, &param.value)?;
        }
        Ok(search)
    }

    fn include(&mut self, kind: Kind, value: &str) -> Result<(), Fault> {
        let mut parts = value.split(':');
        let (from, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("*"));
        let target = parts.next();
        let wrong = |why: String| Fault::parameter("_include", why);
        let from = match from {
            "*" => kind,
            from => Kind::parse(from).ok_or_else(|| wrong(format!("`{}` is no resource type", clipped(from))))?,
        };
        let params = fhir::tables::search_params(from);
        let of_name: Vec<_> = params.iter().filter(|known| name == "*" || known.name == name).collect();
        if of_name.is_empty() {
            return Err(wrong(format!("{from} has no reference parameter `{}`", clipped(name))));
        }
        match target {
            Some(target) => self.want(Kind::parse(target).ok_or_else(|| wrong(format!("`{}` is no resource type", clipped(target))))?),
            None => of_name
                .iter()
                .flat_map(|known| known.targets)
                .filter_map(|target| Kind::parse(target))
                .filter(|kind| CARRIED.contains(kind))
                .for_each(|kind| self.want(kind)),
        }
        self.need.includes.push(Include { kind: from, name: name.to_owned() });
        Ok(())
    }

    fn want(&mut self, kind: Kind) {
        if !self.need.along.contains(&kind) {
            self.need.along.push(kind);
        }
    }

    fn general(params: &Params) -> Result<Search, Fault> {
        let mut need = Need::everything();
        if let Some(join) = params.word("join", &[("all", Join::All), ("collapse", Join::Collapse), ("group", Join::Group)])? {
            need.join = join;
        }
        need.since = params.one("_since")?.map(since).transpose()?;
        let count_only = params
            .word("_summary", &[("count", true), ("false", false), ("true", false), ("data", false), ("text", false)])?
            .unwrap_or(false);
        let count = params.number("_count")?;
        let mut provenance = false;
        for param in params.all("_revinclude") {
            match param.value.as_str() {
                "Provenance:target" => provenance = true,
                other => {
                    return Err(Fault::parameter("_revinclude", format!("`{}` is not supported; Provenance:target is", clipped(other))));
                }
            }
        }
        let complete = params.word("_complete", &[("partial", Complete::Partial), ("required", Complete::Required)])?;
        Ok(Search {
            need,
            patient: None,
            count: count.filter(|count| *count > 0),
            provenance,
            complete,
            count_only: count_only || count == Some(0),
        })
    }
}

fn unknown(params: &Params, known: impl Fn(&str) -> bool) -> Result<(), Fault> {
    match params.0.iter().find(|param| !known(&param.name)) {
        Some(param) => {
            Err(Fault::parameter(&param.name, "is not a parameter here, and Prefer: handling=strict asks for that to be an error"))
        }
        None => Ok(()),
    }
}

fn birth_date(text: &str) -> Result<String, Fault> {
    let text = text.strip_prefix("eq").unwrap_or(text);
    match text.parse::<jiff::civil::Date>() {
        Ok(date) if text.len() == 10 => Ok(date.to_string()),
        _ => Err(Fault::parameter("birthdate", "must be a date as YYYY-MM-DD")),
    }
}

fn since(text: &str) -> Result<String, Fault> {
    match text.replace(' ', "+").parse::<jiff::Timestamp>() {
        Ok(_) => Ok(text.replace(' ', "+")),
        Err(_) => Err(Fault::parameter("_since", "must be an instant with its offset, as 2026-11-01T09:00:00Z")),
    }
}

/// The patient a search is about. A search over everybody is not supported, so a missing one is an error.
pub fn patient(params: &Params) -> Result<Option<PatientRef>, Fault> {
    let mut found: Option<PatientRef> = None;
    for param in &params.0 {
        let reference = match (param.name.as_str(), param.modifier.as_deref()) {
            ("patient" | "subject", None | Some("Patient")) => PatientRef::Id(id_of(&param.name, &param.value)?),
            ("patient" | "subject", Some("identifier")) | ("patient.identifier" | "subject.identifier", None) => {
                PatientRef::Number(number(&param.name, &param.value)?)
            }
            ("subject", Some("Patient.identifier")) => PatientRef::Number(number(&param.name, &param.value)?),
            _ => continue,
        };
        if found.as_ref().is_some_and(|earlier| *earlier != reference) {
            return Err(Fault::parameter(&param.name, "names another patient than an earlier parameter does"));
        }
        found = Some(reference);
    }
    Ok(found)
}

fn id_of(name: &str, value: &str) -> Result<String, Fault> {
    let id = value.rsplit_once("Patient/").map_or(value, |(_, id)| id);
    if id.is_empty() || id.contains(',') || id.contains('/') {
        return Err(Fault::parameter(name, "must be one patient's id, as 123 or Patient/123"));
    }
    Ok(id.to_owned())
}

/// An NHS number as `system|value`. A bare value could be anybody's local number.
pub fn number(name: &str, value: &str) -> Result<NhsNumber, Fault> {
    let Some((system, value)) = value.split_once('|') else {
        return Err(Fault::parameter(
            name,
            format!("must be {}|NUMBER: a bare value could be any kind of number", record::NHS_NUMBER_SYSTEM),
        ));
    };
    if system != record::NHS_NUMBER_SYSTEM {
        return Err(Fault::parameter(name, format!("only {} is searched by", record::NHS_NUMBER_SYSTEM)));
    }
    value.parse().map_err(|error| Fault::parameter(name, format!("{error}")))
}
