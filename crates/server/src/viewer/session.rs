//! Sessions: who is signed in, by a cookie that says nothing and a store that holds no cookie.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::{constant_time, digest, rand};
use axum::http::{HeaderMap, header};
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use record::PersonId;
use viewer::Candidate;

use crate::config::viewer::ViewerConfig;

/// How many people somebody may have found and still claim by name.
const FOUND_MAX: usize = 50;

/// Everybody who is signed in here.
pub(super) struct Sessions {
    kept: Cache<[u8; 32], Arc<Session>>,
    idle: SignedDuration,
    whole: SignedDuration,
}

/// Somebody who is signed in.
pub(super) struct Session {
    /// By which it is kept: nothing that opens it.
    key: [u8; 32],
    /// What speaks for them; verified anew for every page.
    pub token: String,
    /// What goes with every form of theirs.
    pub csrf: String,
    began: Timestamp,
    seen: Mutex<Timestamp>,
    /// Whom they were shown when they looked for somebody: to be named in a claim, by the id in its address and in no other way.
    found: Mutex<VecDeque<Candidate>>,
}

/// A session that begins.
pub struct Begun {
    /// `Set-Cookie`
    pub cookie: String,
    /// What goes with every form.
    pub csrf: String,
    /// Whom they have open.
    pub person: Option<PersonId>,
}

/// Randomness failed.
pub(super) struct NoRandomness;

/// The name of a cookie: bound to this very host where the connection is secure.
pub(super) fn cookie_name(secure: bool, name: &str) -> String {
    if secure { format!("__Host-severn-{name}") } else { format!("severn-{name}") }
}

/// `Set-Cookie` of a cookie for this host and its own requests; it ends with the browser.
pub(super) fn set_cookie(secure: bool, name: &str, value: &str) -> String {
    let secured = if secure { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secured}", cookie_name(secure, name))
}

/// `Set-Cookie` that takes a cookie away.
pub(super) fn drop_cookie(secure: bool, name: &str) -> String {
    format!("{}; Max-Age=0", set_cookie(secure, name, ""))
}

/// The value of a cookie: of two of one name nobody knows whose they are.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let own = |pair: &'a str| pair.trim().split_once('=').filter(|(own, _)| *own == name).map(|(_, value)| value);
    let mut values = all.filter_map(own);
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// What nobody can guess.
pub(super) fn random() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

pub(super) fn digest_of(value: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, value.as_bytes()).as_ref());
    out
}

const NAME: &str = "session";

impl Sessions {
    pub fn new(config: &ViewerConfig) -> Sessions {
        // What is over by the clock goes; by the machine's time, too, so that nobody is kept who never comes back.
        let kept =
            Cache::builder().max_capacity(config.sessions_max).time_to_live(Duration::from_secs(config.session_minutes * 60)).build();
        let minutes = |minutes: u64| SignedDuration::from_mins(minutes as i64);
        Sessions { kept, idle: minutes(config.idle_minutes), whole: minutes(config.session_minutes) }
    }

    /// Begins one: always a new one, whatever cookie was there before.
    pub fn begin(&self, token: &str, person: Option<PersonId>, secure: bool, now: Timestamp) -> Result<Begun, NoRandomness> {
        let (value, csrf) = (random()?, random()?);
        let key = digest_of(&value);
        let session =
            Session { key, token: token.to_owned(), csrf: csrf.clone(), began: now, seen: Mutex::new(now), found: Mutex::default() };
        self.kept.insert(key, Arc::new(session));
        Ok(Begun { cookie: set_cookie(secure, NAME, &value), csrf, person })
    }

    /// The session of whoever asks, if it is not over; and it was used now.
    pub fn of(&self, headers: &HeaderMap, now: Timestamp) -> Option<Arc<Session>> {
        let session = self.kept.get(&digest_of(value(headers)?))?;
        let mut seen = session.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*seen) >= self.idle || now.duration_since(session.began) >= self.whole {
            self.end(&session);
            return None;
        }
        *seen = now;
        drop(seen);
        Some(session)
    }

    /// Whether a cookie came that could be a session's: then it is over.
    pub fn brought(&self, headers: &HeaderMap) -> bool {
        value(headers).is_some_and(|value| !value.is_empty())
    }

    /// Whether it has not been ended.
    pub fn is_on(&self, session: &Session) -> bool {
        self.kept.contains_key(&session.key)
    }

    pub fn end(&self, session: &Session) {
        self.kept.invalidate(&session.key);
    }
}

fn value(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, &cookie_name(true, NAME)).or_else(|| cookie(headers, &cookie_name(false, NAME)))
}

/// `Set-Cookie` that ends a session in the browser.
pub(super) fn dropped(secure: bool) -> String {
    drop_cookie(secure, NAME)
}

impl Session {
    /// Whether a form was made for it.
    pub fn made(&self, csrf: &str) -> bool {
        constant_time::verify_slices_are_equal(self.csrf.as_bytes(), csrf.as_bytes()).is_ok()
    }

    /// Somebody was shown to them.
    pub fn showed(&self, candidates: &[Candidate]) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for one in candidates {
            found.retain(|known| known.person != one.person);
            found.push_front(one.clone());
        }
        found.truncate(FOUND_MAX);
    }

    /// Whom they were shown by this id.
    pub fn shown(&self, person: &str) -> Option<Candidate> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|known| known.person == person).cloned()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_for_this_host_and_by_tls_for_nobody_who_is_not_it() {
        assert_eq!(set_cookie(true, NAME, "v"), "__Host-severn-session=v; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(set_cookie(false, NAME, "v"), "severn-session=v; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(dropped(true), "__Host-severn-session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
    }

    #[test]
    fn of_two_cookies_of_one_name_none_is_taken() {
        let check = |values: &[&'static str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::COOKIE, HeaderValue::from_static(value));
            }
            assert_eq!(cookie(&headers, "a"), expected, "{values:?}");
        };
        check(&["a=1"], Some("1"));
        check(&["b=2; a=1"], Some("1"));
        check(&["b=2", "a=1"], Some("1"));
        check(&["a=1; a=2"], None);
        check(&["a=1", "a=1"], None);
        check(&["aa=1; ba=2"], None);
        check(&[], None);
    }
}
