//! The key that signs checkpoints: Ed25519 (RFC 8032), kept as PKCS#8 in PEM (RFC 8410).

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use data_encoding::BASE64;

/// What stands before the 32 bytes of an Ed25519 public key in a SubjectPublicKeyInfo.
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the ledger's key {file}: {what}")]
pub struct BadKey {
    file: String,
    what: String,
}

/// Signs checkpoints.
pub struct SigningKey(Ed25519KeyPair);

/// By which a checkpoint's signature is checked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl SigningKey {
    /// Reads the key, or makes one, readable by its owner only.
    pub fn open(file: &Path) -> Result<SigningKey, BadKey> {
        let wrong = |what: String| BadKey { file: file.display().to_string(), what };
        match std::fs::read_to_string(file) {
            Ok(text) => {
                let bytes = unarmoured(&text, "PRIVATE KEY").ok_or_else(|| wrong("it holds no PRIVATE KEY in PEM".to_owned()))?;
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes);
                pair.map(SigningKey).map_err(|_| wrong("it is no Ed25519 key in PKCS#8".to_owned()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(|_| wrong("no randomness".to_owned()))?;
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(made.as_ref());
                let pair = pair.map_err(|_| wrong("the key that was made is none".to_owned()))?;
                write_private(file, &armoured(made.as_ref(), "PRIVATE KEY")).map_err(|error| wrong(error.to_string()))?;
                Ok(SigningKey(pair))
            }
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// A key of a moment.
    #[cfg(test)]
    pub(crate) fn fresh() -> SigningKey {
        SigningKey(Ed25519KeyPair::generate().unwrap())
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref().try_into();
        // An Ed25519 public key has 32 bytes.
        PublicKey(bytes.unwrap_or_default())
    }

    pub(crate) fn sign(&self, text: &[u8]) -> String {
        BASE64.encode(self.0.sign(text).as_ref())
    }
}

impl PublicKey {
    /// Of a PEM (`BEGIN PUBLIC KEY`), or of its 32 bytes in base64.
    pub fn parse(text: &str) -> Option<PublicKey> {
        let bytes = match unarmoured(text, "PUBLIC KEY") {
            Some(bytes) => bytes.strip_prefix(&PREFIX)?.to_vec(),
            None => BASE64.decode(text.trim().as_bytes()).ok()?,
        };
        bytes.try_into().ok().map(PublicKey)
    }

    /// As others read it: openssl, for one.
    pub fn pem(&self) -> String {
        armoured(&[&PREFIX[..], &self.0].concat(), "PUBLIC KEY")
    }

    /// Whether this key made a signature over a text.
    pub(crate) fn signed(&self, text: &[u8], signature: &str) -> bool {
        let Ok(signature) = BASE64.decode(signature.as_bytes()) else { return false };
        UnparsedPublicKey::new(&ED25519, &self.0).verify(text, &signature).is_ok()
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

fn armoured(bytes: &[u8], what: &str) -> String {
    let text = BASE64.encode(bytes);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

fn unarmoured(text: &str, what: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {what}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {what}-----"))?;
    let body: String = body.split_whitespace().collect();
    BASE64.decode(body.as_bytes()).ok()
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_read_as_it_is_printed_and_opens_what_its_own_key_signed_only() {
        let (one, other) = (SigningKey::fresh(), SigningKey::fresh());
        for text in [one.public().pem(), one.public().to_string()] {
            assert_eq!(PublicKey::parse(&text), Some(one.public()), "{text}");
        }
        for text in ["", "AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
            assert_eq!(PublicKey::parse(text), None, "{text}");
        }
        let signature = one.sign(b"text");
        assert!(one.public().signed(b"text", &signature));
        assert!(!one.public().signed(b"texu", &signature) && !other.public().signed(b"text", &signature));
        assert!(!one.public().signed(b"text", "") && !one.public().signed(b"text", &signature.to_lowercase()));
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let file = std::env::temp_dir().join(format!("severn-ledger-key-{}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let made = SigningKey::open(&file).unwrap().public();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SigningKey::open(&file).unwrap().public(), made);
        std::fs::write(&file, "nothing of the kind").unwrap();
        let words = SigningKey::open(&file).map(|_| ()).unwrap_err().to_string();
        assert!(words.contains("no PRIVATE KEY") && !words.contains("nothing of"), "{words}");
        std::fs::remove_file(&file).unwrap();
    }
}
