//! The three parts of a token, read strictly: what two readers could understand differently is no token.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::TokenFault;

/// How a token is signed. Nothing else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384: of what is signed for one use only.
    Es384,
    /// RSA, PKCS #1 version 1.5, with SHA-256.
    Rs256,
    /// The same with SHA-384: of what is signed for one use only.
    Rs384,
}

impl Algorithm {
    /// As a header has it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
        }
    }
}

/// What somebody signed, and by which rules it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// An access token.
    Access,
    /// By which a client shows who it is.
    Assertion,
    /// By which an organisation's system opens a person here.
    Launch,
}

impl Sort {
    /// How it may be signed. SMART has every server read RS384 and ES384 of its clients.
    pub fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Sort::Access => &[Algorithm::Es256, Algorithm::Rs256],
            Sort::Assertion | Sort::Launch => &[Algorithm::Es256, Algorithm::Es384, Algorithm::Rs256, Algorithm::Rs384],
        }
    }

    /// What it may say that it is. What is signed for one use never says that it is an access token.
    fn types(self) -> &'static [&'static str] {
        match self {
            Sort::Access => TYPES,
            Sort::Assertion | Sort::Launch => &["jwt", "application/jwt"],
        }
    }
}

/// A token taken apart. Nothing in it is believed before its signature is.
pub(super) struct Parts<'a> {
    pub algorithm: Algorithm,
    /// The name of the key; only ever compared.
    pub kid: Option<String>,
    /// Of an assertion: where its client says that its keys are. Only ever compared.
    pub jku: Option<String>,
    pub claims: Map<String, Value>,
    /// What the signature is over.
    pub signed: &'a [u8],
    pub signature: Vec<u8>,
}

/// Headers that bring a key, or say where one is. Only the provider's own keys are used, so such a header is an attack or a mistake.
const KEY_HEADERS: &[&str] = &["jku", "jwk", "x5c", "x5u"];
/// Headers that change what the token means, in ways that nobody here understands: extensions, and tokens within tokens.
const MEANING_HEADERS: &[&str] = &["b64", "crit", "cty", "enc", "zip"];
/// What a token may say that it is.
const TYPES: &[&str] = &["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

impl<'a> Parts<'a> {
    pub fn read(sort: Sort, token: &'a str) -> Result<Parts<'a>, TokenFault> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(TokenFault::Malformed);
        };
        let head = object(header)?;
        let named = head.get("alg").and_then(Value::as_str);
        let algorithm = sort.algorithms().iter().find(|one| named == Some(one.name())).ok_or(TokenFault::Algorithm)?;
        let jku = head.get("jku").filter(|_| sort == Sort::Assertion);
        if KEY_HEADERS.iter().any(|name| head.contains_key(*name) && !(*name == "jku" && jku.is_some())) {
            return Err(TokenFault::Stranger);
        }
        let typed =
            head.get("typ").is_none_or(|typ| typ.as_str().is_some_and(|typ| sort.types().contains(&typ.to_ascii_lowercase().as_str())));
        if !typed || MEANING_HEADERS.iter().any(|name| head.contains_key(*name)) {
            return Err(TokenFault::Malformed);
        }
        let jku = match jku {
            None => None,
            Some(jku) => Some(jku.as_str().ok_or(TokenFault::Malformed)?.to_owned()),
        };
        let kid = match head.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().ok_or(TokenFault::Malformed)?.to_owned()),
        };
        let claims = object(payload)?;
        let algorithm = *algorithm;
        Ok(Parts {
            algorithm,
            kid,
            jku,
            claims,
            signed: &token.as_bytes()[..header.len() + 1 + payload.len()],
            signature: bytes(signature)?,
        })
    }
}

/// One way of writing bytes, and no other: without padding, and with nothing in the bits left over.
fn bytes(part: &str) -> Result<Vec<u8>, TokenFault> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| TokenFault::Malformed)
}

fn object(part: &str) -> Result<Map<String, Value>, TokenFault> {
    match serde_json::from_slice(&bytes(part)?) {
        Ok(Once(Value::Object(object))) => Ok(object),
        Ok(_) | Err(_) => Err(TokenFault::Malformed),
    }
}

/// JSON in which no name stands twice: of two claims of one name, one reader takes the first and another the last.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Once, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Once)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON in which no name stands twice")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Once(value))) = members.next_entry::<String, Once>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn three(parts: [&[u8]; 3]) -> String {
        parts.map(|part| BASE64URL_NOPAD.encode(part)).join(".")
    }

    proptest! {
        /// Whatever comes over the wire is a token or is none: nothing falls over it.
        #[test]
        fn anything_may_come(text in ".{0,300}", header in any::<Vec<u8>>(), claims in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
            let head = br#"{"alg":"ES256"}"#;
            for token in [text, three([&header, &claims, &signature]), three([head, &claims, &signature])] {
                let read = Parts::read(Sort::Access, &token);
                prop_assert!(read.is_err() || serde_json::from_slice::<Map<String, Value>>(&claims).is_ok(), "{}", token);
            }
        }

        /// A token is written in one way: with any one letter otherwise it is none, or not the same.
        #[test]
        fn no_two_writings_are_one_token(signature in prop::collection::vec(any::<u8>(), 0..80), at in any::<prop::sample::Index>(), letter in "[ -~]") {
            let whole = three([br#"{"alg":"RS256","kid":"k"}"#, br#"{"iss":"i","list":[1,-1,0.5,null,true,{"a":"b"}]}"#, &signature]);
            let at = at.index(whole.len());
            let other = format!("{}{letter}{}", &whole[..at], &whole[at + 1..]);
            let read = |token: &str| Parts::read(Sort::Access, token).ok().map(|parts| (parts.signed.to_vec(), parts.signature));
            prop_assert!(read(&whole).is_some());
            prop_assert!(other == whole || read(&other) != read(&whole));
        }
    }
}
