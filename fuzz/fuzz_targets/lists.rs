//! Lists of what is sensitive: where the first byte is even, a list as a text; else edits of one that was signed, of its signature and of
//! its signer's key. An altered list is never taken in.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use access::Lists;
use fuzz::{NOW, folder, meddled};
use libfuzzer_sys::fuzz_target;
use server::config::sensitivity::{CodeList, SensitivityList};
use server::sensitivity;

const LIST: &str = include_str!("../../docs/sensitivity.example.toml");

struct Here {
    public: String,
    signature: String,
    folder: PathBuf,
}

static HERE: LazyLock<Here> = LazyLock::new(|| {
    let (private, public) = sensitivity::made_up_keys().expect("keys");
    Here { signature: sensitivity::sign(LIST.as_bytes(), &private).expect("signs"), public, folder: folder() }
});

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    if pick % 2 == 0 {
        let Ok(text) = std::str::from_utf8(body) else { return };
        match CodeList::parse(text) {
            Ok(list) => {
                assert!(list.issued <= list.expires && list.signer.split_whitespace().count() > 1);
                assert!(!list.entries.is_empty() && !Lists::new(list.entries, None).is_empty(), "a list that lists nothing");
            }
            Err(mistakes) => assert!(!mistakes.is_empty(), "refused without a word"),
        }
        return;
    }
    let here = &*HERE;
    let at = |name: &str| here.folder.join(name);
    let part = |own: u8, whole: &str| if pick / 2 % 3 == own { meddled(whole.as_bytes(), body) } else { whole.as_bytes().to_vec() };
    let (list, signature, key) = (part(0, LIST), part(1, &here.signature), part(2, &here.public));
    for (name, text) in [("list", &list), ("list.sig", &signature), ("key", &key)] {
        std::fs::write(at(name), text).expect("is written");
    }
    let named = SensitivityList { file: at("list"), signature: at("list.sig"), key: at("key") };
    let taken = sensitivity::load(&[named], None, NOW.parse().expect("a time")).is_ok();
    assert!(!taken || list == LIST.as_bytes(), "an altered list was taken in");
    assert!(
        taken || [list, signature, key] != [LIST.as_bytes(), here.signature.as_bytes(), here.public.as_bytes()],
        "the list itself is refused"
    );
});
