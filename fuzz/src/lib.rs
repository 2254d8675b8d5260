//! What several targets need: texts that somebody meddled with, keys of a moment, a folder for what is only read from files.

use std::path::PathBuf;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};

/// The time by which everything is judged, so that a finding stays one.
pub const NOW: &str = "2026-11-28T09:00:00Z";

/// A text as somebody meddles with it. An edit is four bytes: at which place (two), how, and with what.
pub fn meddled(whole: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut text = whole.to_vec();
    for edit in edits.chunks_exact(4).take(8) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (text.len() + 1);
        let end = (at + 1 + usize::from(edit[3])).min(text.len());
        match edit[2] % 8 {
            0 => text.get_mut(at).into_iter().for_each(|byte| *byte = edit[3]),
            1 => text.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (edit[3] % 8)),
            2 => text.insert(at, edit[3]),
            3 => drop(text.drain(at.min(end)..end)),
            4 => {
                let again = text[at.min(end)..end].to_vec();
                text.extend(again);
            }
            5 => text.truncate(at),
            // Whole lines, so that what is left of the others still holds: one taken away, or put behind the next.
            how => {
                let mut lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let count = lines.len();
                if count > 1 && how == 6 {
                    lines.remove(at % count);
                } else if count > 1 {
                    lines.swap(at % count, (at + 1) % count);
                }
                text = lines.concat();
            }
        }
    }
    text
}

/// Somebody who signs by ES256, with a key of their own.
pub struct Signer {
    pair: EcdsaKeyPair,
    der: Vec<u8>,
}

impl Signer {
    /// With a new key: what is asserted holds for any.
    pub fn new() -> Signer {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).expect("is one");
        Signer { pair, der: der.as_ref().to_vec() }
    }

    /// The two halves of the public key, as a JWK has them.
    pub fn point(&self) -> [String; 2] {
        let point = self.pair.public_key().as_ref();
        [BASE64URL_NOPAD.encode(&point[1..33]), BASE64URL_NOPAD.encode(&point[33..])]
    }

    /// Its JWKS: the key by the name `k`, and by its thumbprint (RFC 7638), by which the exchange calls keys that it signs with.
    pub fn jwks(&self) -> String {
        let [x, y] = self.point();
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = BASE64URL_NOPAD.encode(digest(&SHA256, members.as_bytes()).as_ref());
        let key = |kid: &str| format!(r#"{{"kty":"EC","crv":"P-256","kid":"{kid}","use":"sig","x":"{x}","y":"{y}"}}"#);
        format!(r#"{{"keys":[{},{}]}}"#, key("k"), key(&thumbprint))
    }

    /// The private key.
    pub fn pem(&self) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64.encode(&self.der))
    }

    /// A compact JWS of whatever header and claims.
    pub fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        let signed = format!("{}.{}", BASE64URL_NOPAD.encode(header), BASE64URL_NOPAD.encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("signs");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}

impl Default for Signer {
    fn default() -> Signer {
        Signer::new()
    }
}

/// A folder of this process's own.
pub fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("severn-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// An exchange with every sort of signer, all with the keys in `keys.json`; its own key is in `own.pem`.
pub const CONFIG: &str = r#"
[exchange]
id = "here"
organisation = "QHL"
public_url = "https://here.example"

[[sign_in]]
issuer = "https://login.example"
audience = "severn"
keys = "keys.json"

[[sign_in]]
issuer = "https://cis2.example"
audience = "severn"
keys = "keys.json"
claims = "cis2"
organisations = ["RRK"]
purpose = "TREAT"

[oauth]
keys = ["own.pem"]

[[client]]
id = "records-1"
name = "Records system"
organisation = "RRK"
roles = ["R8000"]
activities = ["B0264"]
purposes = ["TREAT"]
scopes = ["system/Patient.rs"]
keys = "keys.json"

[[launcher]]
issuer = "https://ward.example"
name = "Ward system"
organisations = ["RRK"]
roles = ["R8000"]
purposes = ["TREAT"]
keys = "keys.json"
scopes = ["user/*.rs"]

[[source]]
id = "gp"
name = "A practice"
organisation = "M85001"
dialect = "fhir-r4"
url = "https://gp.example/fhir"
"#;

/// That exchange's configuration.
pub fn config(signer: &Signer, more: &str) -> server::config::Config {
    let folder = folder();
    std::fs::write(folder.join("keys.json"), signer.jwks()).expect("is written");
    std::fs::write(folder.join("own.pem"), signer.pem()).expect("is written");
    server::config::Config::parse(&format!("{CONFIG}{more}"), &folder).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}
