//! Takes the styles and behaviour of the design system from `node_modules` (`npm ci`, by `make assets`) and embeds them beside our own.
//! Where they are not there, it says so and embeds only ours: pages are plain then, and readable.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What is taken of the design system: styles, then behaviour.
const STYLES: &str = "node_modules/nhsuk-frontend/dist/nhsuk/nhsuk-frontend.min.css";
const BEHAVIOUR: &str = "node_modules/nhsuk-frontend/dist/nhsuk/nhsuk-frontend.min.js";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let there = Path::new(STYLES).exists() && Path::new(BEHAVIOUR).exists();
    let mut table = String::from("/// Everything that pages refer to.\npub const ALL: &[Asset] = &[\n");
    let mut add = |stem: &str, ending: &str, kind: &str, content: &str| {
        let name = format!("{stem}-{:016x}.{ending}", fingerprint(content.as_bytes()));
        let file = out.join(&name);
        fs::write(&file, content).expect("OUT_DIR can be written");
        let _ = writeln!(table, "    Asset {{ name: {name:?}, stem: {stem:?}, kind: {kind:?}, bytes: include_bytes!({file:?}) }},");
        name
    };
    let own = |path: &str| fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    if there {
        println!("cargo::rerun-if-changed={STYLES}");
        println!("cargo::rerun-if-changed={BEHAVIOUR}");
        add("nhsuk", "css", "text/css; charset=utf-8", &without_fonts(&own(STYLES)));
        let behaviour = own(BEHAVIOUR).split("\n//# sourceMappingURL").next().unwrap_or_default().to_owned();
        let name = add("nhsuk", "js", "text/javascript; charset=utf-8", &behaviour);
        add("viewer", "js", "text/javascript; charset=utf-8", &own("assets/viewer.js").replace("nhsuk-frontend.js", &name));
    } else {
        // The folder itself: nothing else changes when node_modules appears.
        println!("cargo::rerun-if-changed=.");
        println!("cargo::warning=the viewer's styles are not there: `make assets` brings them; pages are plain without");
    }
    add("icon", "svg", "image/svg+xml", &own("assets/icon.svg"));
    add("viewer", "css", "text/css; charset=utf-8", &own("assets/viewer.css"));
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table).expect("OUT_DIR can be written");
}

/// Styles without fonts: they lie on somebody else's address, and nobody is asked there.
fn without_fonts(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("@font-face{") {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    assert!(!out.contains("https://"), "the styles lead to another address");
    out
}

/// FNV-1a: only tells one content from another, so that a browser may keep what it has.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
