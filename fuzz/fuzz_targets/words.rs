//! Short texts that come in tokens, addresses, rows and files: scopes (those asked for, a line's end, those registered), NHS numbers, ids,
//! dates, public keys, files of master keys. What is taken is written as it came; of scopes nothing is granted that is not both asked for and registered.
#![no_main]

use access::Scope;
use audit::PublicKey;
use libfuzzer_sys::fuzz_target;
use record::{BirthDate, ExchangeId, NhsNumber, OdsCode, PersonId, RequestId, SourceId};
use server::fuzzing::narrowed;
use store::Secrets;

fn covers(wide: &str, scope: &Scope<'_>) -> bool {
    let Some(wide) = Scope::parse(wide) else { return false };
    let kind = wide.kind.is_none() || wide.kind == scope.kind;
    kind && !wide.filtered && wide.context == scope.context && (wide.read || !scope.read) && (wide.search || !scope.search)
}

fuzz_target!(|data: &[u8]| {
    match Secrets::of(data) {
        Ok(secrets) => {
            let ids = secrets.ids();
            assert!((1..=8).contains(&ids.len()) && ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id)), "one key twice");
        }
        // A line that could be a key, or the most of one.
        Err(words) => {
            assert!(!String::from_utf8_lossy(data).split_whitespace().any(|word| word.len() > 24 && words.contains(word)), "it leaks")
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (asked, registered) = text.split_once('\n').unwrap_or((text, "system/*.rs user/Observation.r"));
    let registered: Vec<String> = registered.split_whitespace().map(str::to_owned).collect();
    for granted in narrowed(asked, &registered) {
        let scope = Scope::parse(&granted).expect("what is granted is a scope");
        assert!((scope.read || scope.search) && !scope.write && !scope.filtered, "{granted}");
        assert!(asked.split_ascii_whitespace().any(|one| covers(one, &scope)), "{granted} was not asked for");
        assert!(registered.iter().any(|one| covers(one, &scope)), "{granted} is not registered");
    }
    if let Ok(number) = text.parse::<NhsNumber>() {
        assert_eq!(number.expose(), text.replace(' ', ""));
        assert!(!format!("{number:?}").contains(number.expose()), "it leaks");
    }
    if let Ok(date) = text.parse::<BirthDate>() {
        assert_eq!(date.to_string(), text);
    }
    macro_rules! ids {
        ($($id:ty),*) => { $(if let Ok(id) = text.parse::<$id>() { assert_eq!(id.to_string(), text); assert!(!text.is_empty() && text.len() <= 64); })* };
    }
    ids!(ExchangeId, OdsCode, PersonId, RequestId, SourceId);
    if let Some(key) = PublicKey::parse(text) {
        assert_eq!((PublicKey::parse(&key.pem()), PublicKey::parse(&key.to_string())), (Some(key.clone()), Some(key)));
    }
});
