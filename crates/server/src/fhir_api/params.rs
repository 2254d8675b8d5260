//! Search parameters as they came.

use serde_json::Value;

use super::fault::Fault;

/// One parameter: `code:not=a,b` has name `code`, modifier `not`, value `a,b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Before the colon.
    pub name: String,
    /// After the colon.
    pub modifier: Option<String>,
    /// As it came, percent-decoded, FHIR escapes still in it.
    pub value: String,
}

/// Parameters of a query string and, for POST searches, a form body.
#[derive(Debug, Clone, Default)]
pub struct Params(pub Vec<Param>);

impl Params {
    /// Reads `a=b&c=d`.
    pub fn parse(query: &str) -> Params {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Params(
            pairs
                .filter(|(name, _)| !name.is_empty())
                .map(|(name, value)| {
                    let (name, modifier) = match name.split_once(':') {
                        Some((name, modifier)) => (name.to_owned(), Some(modifier.to_owned())),
                        None => (name.into_owned(), None),
                    };
                    Param { name, modifier, value: value.into_owned() }
                })
                .collect(),
        )
    }

    /// Reads a Parameters resource, where each parameter is a primitive value.
    pub fn of_resource(body: &[u8]) -> Result<Params, Fault> {
        let wrong = |why: &str| Fault::parameter("body", why);
        let whole: Value = serde_json::from_slice(body).map_err(|_| wrong("is no JSON"))?;
        if whole["resourceType"] != "Parameters" {
            return Err(wrong("must be a Parameters resource"));
        }
        let mut params = Params::default();
        for parameter in whole["parameter"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().ok_or_else(|| wrong("has a parameter without a name"))?;
            let value = parameter.as_object().into_iter().flatten().find(|(key, _)| key.starts_with("value"));
            let value = match value {
                Some((_, Value::String(text))) => text.clone(),
                Some((_, value @ (Value::Bool(_) | Value::Number(_)))) => value.to_string(),
                _ => return Err(Fault::parameter(name, "must be a primitive value")),
            };
            params.0.push(Param { name: name.to_owned(), modifier: None, value });
        }
        Ok(params)
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Param> {
        self.0.iter().filter(move |param| param.name == name)
    }

    /// The one value of a parameter that may stand once.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Fault> {
        let mut values = self.0.iter().filter(|param| param.name == name);
        let first = values.next();
        match values.next() {
            Some(_) => Err(Fault::parameter(name, "stands more than once")),
            None => Ok(first.map(|param| param.value.as_str())),
        }
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Result<Option<usize>, Fault> {
        self.one(name)?
            .map(|text| text.parse().map_err(|_| Fault::parameter(name, format!("`{}` is no whole number", clipped(text)))))
            .transpose()
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Fault> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(Fault::parameter(name, format!("`{}` is not known; use one of {}", clipped(text), known.join(", "))))
            }
        }
    }
}

/// A value short enough to repeat in an error.
pub fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// Splits at commas that are not escaped, and takes FHIR's escapes (`\,` `\|` `\$` `\\`) out.
pub fn alternatives(value: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let last = found.last_mut().expect("starts with one and only grows");
        match c {
            ',' => found.push(String::new()),
            '\\' => last.extend(chars.next()),
            c => last.push(c),
        }
    }
    found.retain(|value| !value.is_empty());
    found
}
