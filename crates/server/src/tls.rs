//! Whoever is at the other end of a connection, as far as a certificate says.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;

/// The certificate by which a client showed who it is. That it is genuine was found out in the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 over it, base64url: `x5t#S256` of RFC 8705.
    pub thumbprint: String,
}

impl Certificate {
    /// Of its DER.
    pub fn of(der: &[u8]) -> Certificate {
        Certificate { thumbprint: BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, der).as_ref()) }
    }
}

/// Who is at the other end; kept among a request's extensions.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// `None` where none was shown.
    pub certificate: Option<Certificate>,
}
