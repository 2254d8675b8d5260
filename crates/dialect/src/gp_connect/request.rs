//! What is sent: the Parameters, the proxy's headers, and the token.

use aws_lc_rs::digest;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use fhir::{Kind, Tree};
use jiff::Timestamp;
use record::{Call, CallId, Caller, Method, NHS_NUMBER_SYSTEM, NhsNumber, Status};
use url::Url;

use super::sections::Section;
use super::token;
use crate::Settings;
use crate::supplier::Terms;

/// The operation, as the proxy knows it.
const STRUCTURED: &str = "urn:nhs:names:services:gpconnect:fhir:operation:gpc.getstructuredrecord-1";
/// Fetching a document's content.
const DOCUMENT: &str = "urn:nhs:names:services:gpconnect:documents:fhir:rest:read:binary-1";

/// What the configuration says of this supplier alone.
pub(super) static TERMS: Terms = Terms {
    options: &["audience", "document_interaction", "from_asid", "interaction", "issuer", "to_asid"],
    mistakes,
    unknown: Status::NoRecordGiven,
};

fn mistakes(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for key in ["from_asid", "to_asid"] {
        let asid = settings.options.get(key).map(String::as_str).unwrap_or_default();
        if asid.len() != 12 || !asid.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push((key, "must be an accredited system id, twelve digits: the proxy lets nobody through without".to_owned()));
        }
    }
    if !is_private(&settings.source_base) {
        found.push(("url", "must be https: the token that goes with every question is unsigned, and names the person who asks".to_owned()));
    }
    found
}

/// Whether nobody on the way can read or forge what is sent: TLS, or an address that leads nowhere else.
fn is_private(base: &Url) -> bool {
    let nowhere = |host: &str| host == "localhost" || [".example", ".test", ".localhost"].iter().any(|end| host.ends_with(end));
    base.scheme() == "https"
        || match base.host() {
            Some(url::Host::Domain(host)) => nowhere(host),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
}

/// How the proxy and the practice behind it are addressed.
#[derive(Debug, Clone)]
pub(super) struct Spine {
    from: String,
    to: String,
    interaction: String,
    document_interaction: String,
    pub issuer: String,
    pub audience: String,
    /// The practice system's own base, where the source's base is the proxy's with that behind it.
    pub provider: Option<Url>,
}

impl Spine {
    pub(super) fn of(settings: &Settings) -> Spine {
        let option = |key: &str| settings.options.get(key).cloned();
        let base = settings.source_base.as_str().trim_end_matches('/');
        // `https://proxy/https://practice/base`
        let behind = base.find("://").and_then(|scheme| base[scheme + 3..].find("https://").map(|at| &base[scheme + 3 + at..]));
        Spine {
            from: option("from_asid").unwrap_or_default(),
            to: option("to_asid").unwrap_or_default(),
            interaction: option("interaction").unwrap_or_else(|| STRUCTURED.to_owned()),
            document_interaction: option("document_interaction").unwrap_or_else(|| DOCUMENT.to_owned()),
            issuer: option("issuer").unwrap_or_else(|| settings.exchange_base.clone()),
            audience: option("audience").unwrap_or_else(|| behind.unwrap_or(base).to_owned()),
            provider: behind.and_then(|url| url.parse().ok()),
        }
    }

    /// Asks for these areas of a person's record; for none, that is for who they are.
    pub(super) fn record(&self, call: CallId, number: &NhsNumber, sections: &[&Section], caller: &Caller, now: Timestamp) -> Call {
        let mut headers = self.headers(call, &self.interaction, caller, now);
        headers.push(("content-type".to_owned(), "application/fhir+json".to_owned()));
        Call {
            id: call,
            method: Method::Post,
            target: "Patient/$gpc.getstructuredrecord".to_owned(),
            headers,
            body: Some(parameters(number, sections)),
            kinds: sections.iter().flat_map(|section| section.kinds).copied().collect(),
            priority: 0,
            about: None,
        }
    }

    /// Asks for the content of a document.
    pub(super) fn document(&self, call: CallId, id: &str, caller: &Caller, now: Timestamp) -> Call {
        let own = self.provider.as_ref().and_then(|base| id.strip_prefix(base.as_str().trim_end_matches('/')));
        let target = match own {
            Some(below) => below.trim_start_matches('/').to_owned(),
            None if id.contains(['/', ':']) => id.to_owned(),
            None => format!("Binary/{}", crate::plain::encoded(id)),
        };
        let headers = self.headers(call, &self.document_interaction, caller, now);
        Call { id: call, method: Method::Get, target, headers, body: None, kinds: vec![Kind::BINARY], priority: 1, about: None }
    }

    fn headers(&self, call: CallId, interaction: &str, caller: &Caller, now: Timestamp) -> Vec<(String, String)> {
        let pairs = [
            ("accept", "application/fhir+json"),
            ("ssp-traceid", &trace(call, caller, now)),
            ("ssp-from", &self.from),
            ("ssp-to", &self.to),
            ("ssp-interactionid", interaction),
            ("authorization", &token::bearer(self, caller, now)),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// A UUID for one question, made from who asks and when: the same person does not ask twice in one nanosecond.
fn trace(call: CallId, caller: &Caller, now: Timestamp) -> String {
    let what = format!("{:?} {} {}", caller.user, now.as_nanosecond(), call.0);
    let digest = digest::digest(&digest::SHA256, what.as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    // Version 8 of RFC 9562: made in a way of one's own.
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn parameters(number: &NhsNumber, sections: &[&Section]) -> Bytes {
    let mut tree = Tree::object();
    let root = tree.root().id();
    tree.set_string(root, "resourceType", "Parameters");
    let list = tree.new_array();
    tree.set(root, "parameter", list);
    let (patient, identifier) = (tree.new_object(), tree.new_object());
    tree.push(list, patient);
    tree.set_string(patient, "name", "patientNHSNumber");
    tree.set(patient, "valueIdentifier", identifier);
    tree.set_string(identifier, "system", NHS_NUMBER_SYSTEM);
    tree.set_string(identifier, "value", number.expose());
    for section in sections {
        let parameter = tree.new_object();
        tree.push(list, parameter);
        tree.set_string(parameter, "name", section.parameter);
        let Some(name) = section.part else { continue };
        let (parts, part) = (tree.new_array(), tree.new_object());
        tree.set(parameter, "part", parts);
        tree.push(parts, part);
        tree.set_string(part, "name", name);
        let yes = tree.new_bool(true);
        tree.set(part, "valueBoolean", yes);
    }
    tree.to_json().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_practice_behind_the_proxy_is_the_audience() {
        let check = |base: &str, audience: &str| {
            let spine = Spine::of(&Settings::new(base.parse().unwrap(), "https://exchange.example/fhir/R4"));
            assert_eq!(spine.audience, audience);
        };
        check("https://proxy.nhs.uk/https://gp.nhs.uk/A1/STU3/1", "https://gp.nhs.uk/A1/STU3/1");
        check("https://gp.nhs.uk/A1/STU3/1/", "https://gp.nhs.uk/A1/STU3/1");
    }

    #[test]
    fn nothing_is_configured_that_the_proxy_would_refuse_or_others_could_read() {
        let check = |base: &str, from: &str, expected: &[&str]| {
            let mut settings = Settings::new(base.parse().unwrap(), "");
            settings.options = [("from_asid", from), ("to_asid", "200000000116")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
            let keys: Vec<&str> = mistakes(&settings).into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys, expected, "{base} {from}");
        };
        check("https://proxy.nhs.uk/https://gp.nhs.uk/A1", "200000000115", &[]);
        check("http://127.0.0.1:9000/gp", "200000000115", &[]);
        check("http://gp.testbed.example/gp", "200000000115", &[]);
        check("http://gp.nhs.uk/A1", "200000000115", &["url"]);
        check("https://gp.nhs.uk/A1", "2000", &["from_asid"]);
        check("https://gp.nhs.uk/A1", "20000000011x", &["from_asid"]);
    }
}
