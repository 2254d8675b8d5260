//! Code lists of what is sensitive: signed, verified before a port opens, and taken in or refused in words.
//!
//! A signature stands beside its list (`LIST.sig`): base64 of Ed25519 (RFC 8032), or of ECDSA on P-256 with SHA-256 in its fixed form
//! (as in ES256), over the list's bytes as they are.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use access::Lists;
use anyhow::{Context, bail, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, UnparsedPublicKey,
};
use clap::Subcommand;
use data_encoding::BASE64;
use jiff::Timestamp;
use jiff::civil::Date;
use terms::Terminology;

use crate::config::sensitivity::{CodeList, SensitivityList, beside};

/// `severn sensitivity …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verifies a list, and says what is in it.
    Check {
        /// The list.
        file: PathBuf,
        /// The public key of whoever answers for it, in PEM.
        #[arg(long)]
        key: PathBuf,
        /// Its signature; the list's name with .sig unless said.
        #[arg(long)]
        signature: Option<PathBuf>,
    },
    /// Signs a list that is whole, and writes the signature beside it.
    Sign {
        /// The list.
        file: PathBuf,
        /// The private key (Ed25519 or P-256, PKCS#8 in PEM).
        #[arg(long)]
        key: PathBuf,
    },
}

/// Runs it.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check { file, key, signature } => {
            let signature = signature.unwrap_or_else(|| beside(&file));
            let list = checked(&SensitivityList { file, signature, key })?;
            println!("{}", words(&list));
        }
        Command::Sign { file, key } => {
            let text = read(&file)?;
            let list = parsed(&file, &text)?;
            let signature = sign(text.as_bytes(), &read(&key)?).with_context(|| key.display().to_string())?;
            std::fs::write(beside(&file), signature + "\n").with_context(|| format!("writing {}", beside(&file).display()))?;
            println!("{}\nsigned: {}", words(&list), beside(&file).display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes in every list, or says which may not be and why.
pub fn load(lists: &[SensitivityList], terms: Option<&Terminology>, now: Timestamp) -> anyhow::Result<Lists> {
    let mut entries = Vec::new();
    for list in lists {
        let list = verified(list, today(now))?;
        tracing::info!(name = list.name, version = list.version, entries = list.entries.len(), "a list of what is sensitive is taken in");
        entries.extend(list.entries);
    }
    Ok(Lists::new(entries, terms))
}

/// The labels that lists give, for rules to speak of: of every list that may be taken in now.
pub fn labels(lists: &[SensitivityList]) -> anyhow::Result<std::collections::BTreeSet<String>> {
    let mut labels = std::collections::BTreeSet::new();
    for list in lists {
        labels.extend(checked(list)?.entries.iter().map(|entry| entry.label.to_string()));
    }
    Ok(labels)
}

/// What a list is, for people.
pub fn words(list: &CodeList) -> String {
    let labels: std::collections::BTreeSet<&str> = list.entries.iter().map(|entry| entry.label.as_str()).collect();
    let labels = labels.into_iter().collect::<Vec<_>>().join(", ");
    let CodeList { name, version, issued, expires, signer, entries } = list;
    format!("{name}, version {version}, {issued} to {expires}, by {signer}: {} values ({labels})", entries.len())
}

/// A list as it may be taken in now.
pub(crate) fn checked(list: &SensitivityList) -> anyhow::Result<CodeList> {
    verified(list, today(crate::wiring::system_clock().now()))
}

/// A list whose signature is its signer's, and whose time it is.
fn verified(list: &SensitivityList, today: Date) -> anyhow::Result<CodeList> {
    let name = list.file.display();
    let text = read(&list.file)?;
    let signature = std::fs::read_to_string(&list.signature)
        .with_context(|| format!("{name} is not signed: {} cannot be read", list.signature.display()))?;
    let key = read(&list.key)?;
    verify(text.as_bytes(), signature.trim(), &key)
        .with_context(|| format!("{name} is refused: it is not as {} signed it", list.key.display()))?;
    let parsed = parsed(&list.file, &text)?;
    ensure!(parsed.issued <= today, "{name} is refused: it holds from {} only", parsed.issued);
    ensure!(today <= parsed.expires, "{name} is refused: it expired on {}; ask {} for a newer one", parsed.expires, parsed.signer);
    Ok(parsed)
}

fn parsed(file: &Path, text: &str) -> anyhow::Result<CodeList> {
    CodeList::parse(text).map_err(|mistakes| {
        let words: Vec<String> = mistakes.iter().map(|mistake| format!("{}: {mistake}", file.display())).collect();
        anyhow::anyhow!(words.join("\n"))
    })
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

/// The day in England: lists are made by people there.
fn today(now: Timestamp) -> Date {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC);
    now.to_zoned(zone).date()
}

/// Public keys by how their DER begins (RFC 8410, RFC 5480).
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];

fn verify(text: &[u8], signature: &str, key: &str) -> anyhow::Result<()> {
    let signature = BASE64.decode(signature.as_bytes()).context("the signature is no base64")?;
    let der = der(key, "PUBLIC KEY")?;
    let verified = match (der.strip_prefix(ED25519_SPKI), der.strip_prefix(P256_SPKI)) {
        (Some(key), _) if key.len() == 32 => UnparsedPublicKey::new(&ED25519, key).verify(text, &signature),
        (_, Some(point)) if point.len() == 65 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(text, &signature),
        _ => bail!("the public key is neither Ed25519 nor P-256"),
    };
    verified.map_err(|_| anyhow::anyhow!("the signature does not fit: the list was altered, or somebody else signed it"))
}

/// A pair of keys for lists that are made up, private and public: for the demo and for tests.
pub fn made_up_keys() -> anyhow::Result<(String, String)> {
    use aws_lc_rs::signature::KeyPair;
    let failed = |_| anyhow::anyhow!("no key could be made");
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let private = pair.to_pkcs8v1().map_err(failed)?;
    let pem = |kind: &str, der: &[u8]| format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", BASE64.encode(der));
    let public = [ED25519_SPKI, pair.public_key().as_ref()].concat();
    Ok((pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", &public)))
}

/// The signature of a list, in base64.
///
/// # Errors
///
/// What is wrong with the key.
pub fn sign(text: &[u8], key: &str) -> anyhow::Result<String> {
    let der = der(key, "PRIVATE KEY")?;
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8(&der) {
        return Ok(BASE64.encode(pair.sign(text).as_ref()));
    }
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
        .map_err(|_| anyhow::anyhow!("is no private key of Ed25519 or P-256 in PKCS#8"))?;
    let signature = pair.sign(&SystemRandom::new(), text).map_err(|_| anyhow::anyhow!("could not sign"))?;
    Ok(BASE64.encode(signature.as_ref()))
}

fn der(pem: &str, kind: &str) -> anyhow::Result<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let inner = pem.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).map(|(inner, _)| inner);
    let text: String = inner.with_context(|| format!("is no {kind} in PEM"))?.split_whitespace().collect();
    BASE64.decode(text.as_bytes()).context("is no PEM")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::KeyPair;

    use super::*;

    const LIST: &str = include_str!("../../../docs/sensitivity.example.toml");

    fn pem(kind: &str, der: &[u8]) -> String {
        format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", BASE64.encode(der))
    }

    fn pairs() -> [(String, String); 2] {
        let ed25519 = Ed25519KeyPair::generate().unwrap();
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let point = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, p256.as_ref()).unwrap();
        let public = |prefix: &[u8], key: &[u8]| pem("PUBLIC KEY", &[prefix, key].concat());
        [
            (pem("PRIVATE KEY", ed25519.to_pkcs8v1().unwrap().as_ref()), public(ED25519_SPKI, ed25519.public_key().as_ref())),
            (pem("PRIVATE KEY", p256.as_ref()), public(P256_SPKI, point.public_key().as_ref())),
        ]
    }

    #[test]
    fn only_what_was_signed_by_whom_is_taken_in_and_only_in_its_time() {
        let folder = std::env::temp_dir().join(format!("severn-lists-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        let at = |name: &str| folder.join(name);
        let day = |text: &str| text.parse::<Date>().unwrap();
        let all = pairs();
        for (own, (private, public)) in all.iter().enumerate() {
            let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
            write("list.toml", LIST);
            write("key.pem", public);
            write("list.toml.sig", &sign(LIST.as_bytes(), private).unwrap());
            let list = SensitivityList { file: at("list.toml"), signature: at("list.toml.sig"), key: at("key.pem") };
            let check = |today: &str, expected: &str| {
                let said = verified(&list, day(today)).map(|list| words(&list)).map_err(|error| format!("{error:#}"));
                match expected {
                    "" => assert!(said.is_ok(), "{said:?}"),
                    _ => assert!(said.as_ref().is_err_and(|words| words.contains(expected)), "{expected}: {said:?}"),
                }
            };
            check("2026-11-23", "");
            check("2036-12-31", "");
            check("2037-01-01", "expired on 2036-12-31");
            check("2026-01-01", "it holds from");
            write("list.toml", &LIST.replacen("90000001", "90000009", 1));
            check("2026-11-23", "altered, or somebody else");
            write("list.toml", &format!("{LIST} "));
            check("2026-11-23", "altered, or somebody else");
            write("list.toml", LIST);
            write("key.pem", &all[1 - own].1);
            check("2026-11-23", "is refused");
            write("key.pem", "nothing");
            check("2026-11-23", "is no PUBLIC KEY in PEM");
            write("key.pem", public);
            write("list.toml.sig", "!");
            check("2026-11-23", "no base64");
            std::fs::remove_file(at("list.toml.sig")).unwrap();
            check("2026-11-23", "is not signed");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
