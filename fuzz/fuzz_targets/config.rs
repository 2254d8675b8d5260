//! `severn.toml`; or, where the first byte is odd, one `[[source]]` as onboarding writes it. What is wrong is said in words with a line
//! that is there; what is taken is safe in what every configuration must be.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use server::config::{Config, Keys, Mistake, source_of};

fn told(text: &str, mistakes: &[Mistake]) {
    assert!(!mistakes.is_empty(), "refused without a word");
    assert!(mistakes.iter().all(|mistake| mistake.line <= text.split('\n').count() && !mistake.what.is_empty()), "{mistakes:?}");
}

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(body) else { return };
    // Files that it names are looked for where there are none.
    let folder = Path::new("/nonexistent");
    if pick % 2 == 1 {
        match source_of(text, folder) {
            Ok(source) => assert!(source.limits.concurrent > 0 && source.limits.source_ms > 0 && source.limits.resources_max > 0),
            Err(mistakes) => told(text, &mistakes),
        }
        return;
    }
    match Config::parse(text, folder) {
        Ok(config) => {
            assert!(!config.sources.is_empty() && !config.sign_in.is_empty());
            for (at, source) in config.sources.iter().enumerate() {
                assert!(config.sources[..at].iter().all(|other| other.id != source.id), "two sources of one id");
                assert!(source.limits.concurrent > 0 && source.limits.source_ms > 0 && source.limits.resources_max > 0);
            }
            let here =
                |url: &url::Url| ["localhost", "127.", "[::1]"].iter().any(|own| url.host_str().is_some_and(|host| host.starts_with(own)));
            for sign_in in &config.sign_in {
                if let Keys::Url(url) = &sign_in.keys {
                    assert!(url.scheme() == "https" || here(url), "keys that anybody may change on the way");
                }
            }
            assert!(!config.exchange.public_url.ends_with('/'));
            assert!(config.limits.read_ms > 0 && config.limits.token_bytes_max > 0 && config.limits.emergency_hours > 0);
        }
        Err(mistakes) => told(text, &mistakes),
    }
});
