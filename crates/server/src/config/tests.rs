//! What is wrong is told at once, with lines; what is right is taken.

use std::path::Path;

use super::*;

const SIGN_IN: &str = "[[sign_in]]\nissuer = \"https://login.example\"\naudience = \"severn\"\nkeys = \"https://login.example/jwks\"\n";
const EXCHANGE: &str = "[exchange]\nid = \"here\"\norganisation = \"QHL\"\n";

fn mistakes(text: &str) -> Vec<String> {
    Config::parse(text, Path::new(".")).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let text = "[exchange]\nid = \"West Midlands\"\nlistn = \"127.0.0.1:1\"\n\n[store]\nurl = \"postgres://x\"\n\n[[source]]\nid = \"ccr\"\nname = \"CCR\"\norganisation = \"qwu\"\ndialect = \"hl7\"\nurl = \"ftp://x\"\nlimits = { source_ms = 0 }\n\n[[source]]\nid = \"ccr\"\nname = 3\n";
    let built = dialect::Dialect::all().map(|dialect| dialect.name()).collect::<Vec<_>>().join(", ");
    assert_eq!(
        mistakes(text),
        [
            "no [[sign_in]]: nobody could ask, since every request needs a token",
            "line 1: exchange.organisation: is missing",
            "line 2: exchange.id: `West Midlands`: an exchange id is 1 to 64 of a-z, 0-9 and -",
            "line 3: exchange.listn is not known; did you mean `listen`?",
            "line 6: store.url: names no user",
            "line 11: source.organisation: `qwu`: an ODS code is 2 to 12 of A-Z and 0-9",
            &format!("line 12: source.dialect: `hl7`: no dialect of that name is built; use one of {built}"),
            "line 13: source.url: must be an http or https base without a query",
            "line 14: source.limits.source_ms: must be a whole number from 50 to 120000",
            "line 16: source.dialect: is missing",
            "line 16: source.organisation: is missing",
            "line 16: source.url: is missing",
            "line 17: source.id: is used twice; ids minted for one source would be taken for the other's",
            "line 18: source.name: must be a string, not integer",
        ]
    );
}

#[test]
fn a_ledger_is_handed_to_those_who_are_named_once_and_can_be_reached() {
    let ledger = |lines: &str| mistakes(&format!("{EXCHANGE}[ledger]\n{lines}\n{SIGN_IN}"));
    let none = "no [[source]]: there is nobody to ask".to_owned();
    let witness = |lines: &str| format!("[[ledger.witness]]\nname = \"a\"\n{lines}\n");
    let (file, url) = (witness("file = \"a.ndjson\""), witness("url = \"https://a.example\"\ntoken_file = \"a.token\""));
    for fine in ["", "checkpoint_seconds = 30\njournal_bytes_max = 1048576", &file, &url, &witness("url = \"http://127.0.0.1:1/a\"")] {
        assert_eq!(ledger(fine), std::slice::from_ref(&none), "{fine}");
    }
    for (wrong, words) in [
        ("checkpoint_seconds = 0", "ledger.checkpoint_seconds: must be a whole number from 1 to 3600"),
        ("off = true", "ledger.off is not known"),
        (&*witness("url = \"http://a.example\""), "witness.url: must be https"),
        (&*witness(""), "witness.name: needs one of file and url"),
        (&*witness("file = \"a\"\nurl = \"https://a.example\""), "witness.name: needs one of file and url"),
        (&*witness("file = \"a\"\ntoken_file = \"b\""), "witness.name: needs one of file and url"),
        (&*format!("{file}{file}"), "ledger.witness: `a` is there twice"),
    ] {
        let told = ledger(wrong);
        assert!(told.iter().any(|line| line.contains(words)), "{wrong}: {told:?}");
    }
}

#[test]
fn a_store_is_a_file_or_a_postgresql_that_can_be_reached() {
    let store = |lines: &str| mistakes(&format!("{EXCHANGE}[store]\n{lines}\n{SIGN_IN}"));
    let none = "no [[source]]: there is nobody to ask".to_owned();
    for fine in ["url = \"sqlite:a.db\"", "url = \"postgres://u@a,b/severn?target_session_attrs=read-write\"\nconnections = 8", ""] {
        assert_eq!(store(fine), std::slice::from_ref(&none), "{fine}");
    }
    for (wrong, words) in [
        ("url = \"mysql://a\"", "store.url: must be sqlite:FILE or postgres://USER@HOST/DATABASE"),
        ("url = \"postgres://u:secret@a/b?colour=red\"", "store.url: invalid connection string: unknown option `colour`"),
        ("url = \"postgres://u@a/b\"\nca_file = \"none.pem\"", "none.pem"),
        ("url = \"postgres://u@a/b\"\npassword_file = \"none\"", "store.password_file: ./none"),
        ("url = \"postgres://u@a/b\"\nstatement_ms = 1", "store.statement_ms: must be a whole number"),
        ("url = \"sqlite:a.db\"\nconnections = 8", "store.connections is not known"),
    ] {
        let told = store(wrong);
        assert!(told.iter().any(|line| line.contains(words)), "{wrong}: {told:?}");
        assert!(!told.concat().contains("secret"), "{told:?}");
    }
}

#[test]
fn what_a_dialect_wants_is_checked_with_the_rest() {
    let source = |url: &str, options: &str| {
        let source = "[[source]]\nid = \"gp\"\nname = \"GP\"\norganisation = \"X26\"\ndialect = \"gp-connect\"\n";
        mistakes(&format!("{EXCHANGE}{SIGN_IN}{source}url = \"{url}\"\n{options}"))
    };
    let proxy = "https://proxy.nhs.uk/https://gp.nhs.uk/A1";
    let asids = "options = { from_asid = \"200000000115\", to_asid = \"200000000116\" }\n";
    assert_eq!(source(proxy, asids), Vec::<String>::new());
    assert_eq!(source(proxy, "").len(), 2);
    assert!(source("http://gp.nhs.uk/A1", asids)[0].contains("source.url: must be https"));
    let misspelt = source(proxy, "options = { from_asid = \"2\", to_asid = \"200000000116\", isuer = \"x\" }\n");
    assert!(misspelt.len() == 2 && misspelt.iter().any(|mistake| mistake.contains("did you mean `issuer`")), "{misspelt:?}");
    // Nobody else wants any.
    let plain = "[[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n";
    assert!(mistakes(&format!("{EXCHANGE}{SIGN_IN}{plain}{asids}")).iter().any(|mistake| mistake.contains("from_asid is not known")));
}

/// A key in PEM, of this kind.
fn pem(kind: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> String {
    let key = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(kind, &aws_lc_rs::rand::SystemRandom::new()).unwrap();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", data_encoding::BASE64.encode(key.as_ref()))
}

#[test]
fn what_is_wrong_with_signing_for_users_is_told_before_anybody_asks() {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING};
    let folder = std::env::temp_dir().join(format!("severn-config-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in [("own.pem", pem(&ECDSA_P256_SHA256_FIXED_SIGNING)), ("p384.pem", pem(&ECDSA_P384_SHA384_FIXED_SIGNING))] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let source = |id: &str, auth: &str| {
        format!(
            "[[source]]\nid = \"{id}\"\nname = \"E\"\norganisation = \"QNC\"\ndialect = \"severn\"\nexchange = \"{id}\"\nurl = \"https://{id}.example/fhir/R4\"\nauth = {auth}\n"
        )
    };
    let check = |sources: &str, expected: &[&str]| {
        let found = Config::parse(&format!("{EXCHANGE}{SIGN_IN}{sources}"), &folder).err().unwrap_or_default();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        expected.iter().zip(&found).for_each(|(expected, found)| assert!(found.contains(expected), "{found}"));
    };
    let good = r#"{ kind = "on-behalf", issuer = "https://here.example", audience = "https://e.example", key_file = "own.pem" }"#;
    check(&source("e", good), &[]);
    check(&source("e", &good.replace("own.pem\"", "own.pem\", kid = \"k-1\", lives_s = 30")), &[]);
    check(&source("e", &good.replace("own.pem", "none.pem")), &["line 15: source.auth.key_file: "]);
    check(&source("e", &good.replace("own.pem", "p384.pem")), &["p384.pem: holds no private key for ES256 (P-256) or RS256"]);
    check(&source("e", &good.replace("https://e.example", " ")), &["line 15: source.auth.audience: is empty"]);
    check(
        &source("e", r#"{ kind = "on-behalf" }"#),
        &["auth.audience: is missing", "auth.issuer: is missing", "auth.key_file: is missing"],
    );
    let misspelt = good.replace("own.pem\"", "own.pem\", lives = 60, kid = \"\"");
    check(&source("e", &misspelt), &["auth.kid: is empty", "auth.lives is not known"]);
    check(&source("e", &good.replace("own.pem\"", "own.pem\", lives_s = 3600")), &["auth.lives_s: must be a whole number from 10 to 300"]);
    // What stands in the example as a comment, taken out of it.
    std::fs::write(folder.join("sign-in.pem"), pem(&ECDSA_P256_SHA256_FIXED_SIGNING)).unwrap();
    let example = include_str!("../../../../docs/severn.example.toml").lines().skip_while(|line| !line.starts_with("# [[source]]"));
    let block: String = example.take_while(|line| line.starts_with("# ")).map(|line| format!("{}\n", &line[2..])).collect();
    assert!(block.contains("lives_s = 60"));
    check(&block, &[]);
    // What the blocks get wrong together.
    check(&source("e", &good.replace("https://here.example", "https://login.example")), &["auth.issuer: is a sign-in provider's"]);
    check(&(source("e", good) + &source("n", good)), &["line 23: source.auth.audience: is another source's too"]);
    check(&(source("e", good) + &source("n", &good.replace("https://e.", "https://n."))), &[]);
    // Nothing can be done about a temporary folder that stays.
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_sign_in_provider_has_keys_that_nobody_can_change_on_the_way() {
    let folder = std::env::temp_dir().join(format!("severn-config-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let small = r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"oct","k":"AAAA"}]}"#;
    for (name, text) in [("none.json", r#"{"keys":[]}"#), ("object.json", "{}"), ("small.json", small), ("text.json", "keys")] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let source = "[[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n";
    let check = |keys: &str, limits: &str, expected: &[&str]| {
        let sign_in = format!("[[sign_in]]\nissuer = \"https://login.example\"\naudience = \"severn\"\nkeys = \"{keys}\"\n{limits}\n");
        let found = Config::parse(&format!("{EXCHANGE}{sign_in}{source}"), &folder).err().unwrap_or_default();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{keys} {limits}: {found:?}");
        expected.iter().zip(&found).for_each(|(expected, found)| assert!(found.contains(expected), "{found}"));
    };
    let url = "https://login.example/jwks";
    for fine in [url, "http://127.0.0.1:8080/jwks", "http://[::1]/jwks", "http://localhost/jwks"] {
        check(fine, "", &[]);
    }
    for open in ["http://login.example/jwks", "http://10.0.0.1/jwks", "http://localhost.example/jwks"] {
        check(open, "", &["line 7: sign_in.keys: must be https"]);
    }
    check("away.json", "", &["sign_in.keys: "]);
    check("none.json", "", &[]);
    for unfit in ["small.json", "text.json", "object.json"] {
        check(unfit, "", &["holds no JWKS with a public key for ES256 (P-256) or RS256 (RSA, 2048 bits or more)"]);
    }
    let all = "limits = { connect_ms = 500, fetch_ms = 2000, keys_bytes_max = 65536, refresh_minutes = 10, again_s = 5, outage_hours = 1 }";
    check(url, all, &[]);
    check(url, "limits = { refresh_minutes = 0 }", &["sign_in.limits.refresh_minutes: must be a whole number from 1 to 1440"]);
    check(url, "limits = { refresh_minutes = 90, outage_hours = 1 }", &["sign_in.limits.outage_hours: is less than refresh_minutes"]);
    let cis2 = "claims = \"cis2\"\norganisations = [\"RRK\"]\npurpose = \"TREAT\"\n";
    check(url, cis2, &[]);
    check(url, &format!("{cis2}scope = \"user/Observation.rs user/Condition.rs\""), &[]);
    check(url, "claims = \"saml\"", &["sign_in.claims: `saml` is not known; use one of cis2, iua"]);
    check(url, "claims = \"cis2\"", &["sign_in.organisations: is missing", "sign_in.purpose: is missing"]);
    check(url, &cis2.replace("\"RRK\"", ""), &["sign_in.organisations: is missing"]);
    check(url, &cis2.replace("RRK", "rrk"), &["sign_in.organisations: `rrk`: an ODS code"]);
    for purpose in ["HRESCH", "BTG", "ETREAT", ""] {
        check(url, &cis2.replace("TREAT", purpose), &["sign_in.purpose: "]);
    }
    for scope in ["", "system/*.rs", "user/*.rs severn.operator", "patient/*.rs"] {
        check(url, &format!("{cis2}scope = \"{scope}\""), &["sign_in.scope: must be scopes that begin with user/"]);
    }
    // What only CIS2 wants means nothing elsewhere.
    check(url, "organisations = [\"RRK\"]", &["sign_in.organisations is not known"]);
    check(url, "limits = { refresh = 90 }", &["sign_in.limits.refresh is not known"]);
    // What stands in the example as a comment, taken out of it.
    let example = include_str!("../../../../docs/severn.example.toml").lines().skip_while(|line| !line.starts_with("# claims = "));
    let block: String = example.take_while(|line| line.starts_with("# ")).map(|line| format!("{}\n", &line[2..])).collect();
    assert!(block.contains("outage_hours = 24") && block.contains("token_url"));
    check(url, &block, &[]);
    // Nothing can be done about a temporary folder that stays.
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn no_key_turns_permission_or_audit_off() {
    for key in ["audit", "ledger", "access", "permission"] {
        let text = format!("{EXCHANGE}{SIGN_IN}[{key}]\nenabled = false\n");
        let (whole, own) = (format!("{key} is not known"), format!("{key}.enabled is not known"));
        assert!(mistakes(&text).iter().any(|mistake| mistake.contains(&whole) || mistake.contains(&own)), "{key}");
    }
}

/// A system's incomplete reads are somebody's decision, with a name and a day.
#[test]
fn a_consumer_says_who_accepted_what_and_when() {
    let source = "[[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n";
    let check = |lines: &str, expected: &[&str]| {
        let found = mistakes(&format!("{EXCHANGE}{SIGN_IN}{source}{lines}"));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        expected.iter().zip(found).for_each(|(expected, found)| assert!(found.contains(expected), "{found}"));
    };
    let whole = "[[consumer]]\nclient = \"portal-1\"\nname = \"P\"\nface = \"STU3\"\naccepted_by = \"A Officer, CSO\"\naccepted_on = \"2026-11-01\"\n";
    check(whole, &[]);
    check(&whole.replace("STU3", "DSTU2"), &["consumer.face: `DSTU2` is not known; use one of R4, STU3"]);
    check(&whole.replace("A Officer, CSO", "somebody"), &["consumer.accepted_by: must name a person and their role"]);
    check(&whole.replace("2026-11-01", "lately"), &["consumer.accepted_on: `lately`"]);
    check(&whole.replace("accepted_by = \"A Officer, CSO\"\n", ""), &["consumer.accepted_by: is missing"]);
    check(&format!("{whole}{whole}"), &["consumer.client: is used twice for one face"]);
    check(&format!("{whole}{}", whole.replace("STU3", "R4")), &[]);
}

/// That restricted people are read is somebody's decision, with a name and a day; and no source goes by the name of a hidden one.
#[test]
fn what_is_accepted_of_restricted_people_has_a_name_under_it() {
    let source = |id: &str| {
        format!("[[source]]\nid = \"{id}\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n")
    };
    let check = |id: &str, lines: &str, expected: &[&str]| {
        let found = mistakes(&format!("{EXCHANGE}{SIGN_IN}{}{lines}", source(id)));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        expected.iter().zip(found).for_each(|(expected, found)| assert!(found.contains(expected), "{found}"));
    };
    let whole = "[policy.restricted_in_emergency]\naccepted_by = \"A Guardian, Caldicott Guardian\"\naccepted_on = \"2026-11-01\"\n";
    check("a", whole, &[]);
    check("source", whole, &[]);
    check("sources1", whole, &[]);
    check("source1", whole, &["source.id: is kept for sources of people whose place is hidden"]);
    check("a", &whole.replace("A Guardian, Caldicott Guardian", "us"), &["policy.restricted_in_emergency.accepted_by: must name a person"]);
    check("a", "[policy]\nrestricted_in_emergency = true\n", &["accepted_by: is missing", "accepted_on: is missing", "must be a table"]);
}

/// Whoever gets a token here is told apart, shows who they are in a way that can be checked, and is granted no desk.
#[test]
fn whoever_gets_a_token_here_is_registered_whole() {
    let folder = std::env::temp_dir().join(format!("severn-oauth-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let pem = |kind| rcgen::KeyPair::generate_for(kind).unwrap().serialize_pem();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let jwk = r#"{"keys":[{"kty":"EC","crv":"P-384","kid":"a","x":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq","y":"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"}]}"#;
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(2090, 1, 1),
        crl_number: rcgen::SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&rcgen::Issuer::from_params(&params, &key)).unwrap();
    for (name, content) in [
        ("clients.crl", list.pem().unwrap()),
        ("oauth.pem", pem(&rcgen::PKCS_ECDSA_P256_SHA256)),
        ("p384.pem", pem(&rcgen::PKCS_ECDSA_P384_SHA384)),
        ("launcher.json", jwk.to_owned()),
        ("severn.pem", params.self_signed(&key).unwrap().pem()),
        ("severn.key", key.serialize_pem()),
        ("clients.pem", params.self_signed(&key).unwrap().pem()),
    ] {
        std::fs::write(folder.join(name), content).unwrap();
    }
    let source = "[[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n";
    // What stands in the example as a comment, taken out of it.
    let example = include_str!("../../../../docs/severn.example.toml");
    let block = |head: &str| {
        let lines = example.lines().skip_while(|line| !line.starts_with(head)).take_while(|line| line.starts_with("# "));
        lines.map(|line| format!("{}\n", &line[2..])).collect::<String>()
    };
    let (tls, oauth, client, launcher) = (block("# [exchange.tls]"), block("# [oauth]"), block("# [[client]]"), block("# [[launcher]]"));
    let parts = format!("{tls}{oauth}{client}{launcher}");
    assert!(parts.contains("handshakes_max") && parts.contains("launched_minutes") && parts.contains("[launcher.limits]"), "{parts}");
    let check = |blocks: &str, expected: &[&str]| {
        let text = format!("{EXCHANGE}public_url = \"https://severn.example\"\n{SIGN_IN}{source}{blocks}");
        let found: Vec<String> = Config::parse(&text, &folder).err().unwrap_or_default().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{blocks}: {found:?}");
        expected.iter().zip(&found).for_each(|(expected, found)| assert!(found.contains(expected), "{blocks}: {found}"));
    };
    check(&parts, &[]);
    let with = |from: &str, to: &str| {
        assert!(parts.contains(from), "{from}");
        parts.replacen(from, to, 1)
    };
    check(&format!("{tls}{client}"), &["there is no [oauth]"]);
    check(&format!("{oauth}{client}"), &["exchange.tls has no client_ca_file"]);
    check(&with("keys = [\"oauth.pem\"]", "keys = []"), &["oauth.keys: is missing"]);
    check(&with("\"oauth.pem\"", "\"p384.pem\""), &["oauth.keys: "]);
    check(&with("\"oauth.pem\"", "\"none.pem\""), &["oauth.keys: "]);
    check(&with("access_s = 300", "access_s = 301"), &["oauth.access_s: must be a whole number from 30 to 300"]);
    check(&with("launched_minutes = 15", "launched_minutes = 61"), &["oauth.launched_minutes: must be"]);
    for scope in ["user/*.rs", "severn.operator", "system/*.cud", "system/Patient.rs?active=true", "patient/*.rs", ""] {
        check(&with("[\"system/Patient.rs\"]", &format!("[\"{scope}\"]")), &["client.scopes: must be scopes that begin with system/"]);
    }
    for scope in ["system/*.rs", "severn.privacy", "user/*.write"] {
        check(&with("[\"patient/*.rs\"]", &format!("[\"{scope}\"]")), &["launcher.scopes: must be scopes"]);
    }
    check(&with("roles = [\"R8000\"]", "roles = []"), &["client.roles: is missing"]);
    check(&with("purposes = [\"TREAT\"]", ""), &["client.purposes: is missing"]);
    check(&with("https://records.example", "http://records.example"), &["client.keys: must be https"]);
    for certificate in ["sha256:00", "records", "xyz"] {
        check(&with("\"CN=records,O=Hospital\"", &format!("\"{certificate}\"")), &["client.certificate: `"]);
    }
    let print = "AB:".repeat(31) + "AB";
    check(&with("\"CN=records,O=Hospital\"", &format!("\"{print}\"")), &[]);
    check(&format!("{parts}{client}"), &["client.id: is used twice"]);
    check(&format!("{parts}{launcher}"), &["launcher.issuer: is somebody else's too"]);
    for issuer in ["https://login.example", "https://severn.example"] {
        check(&with("https://pas.hospital.example.nhs.uk", issuer), &["launcher.issuer: is somebody else's too"]);
    }
    check(&with("keys = \"launcher.json\"", "keys = \"oauth.pem\""), &["launcher.keys: "]);
    check(&with("organisations = [\"RRK\"]", ""), &["launcher.organisations: is missing"]);
    check(&format!("{tls}{oauth}{}", launcher.replace("roles = [\"R8000\"]", "")), &["launcher.roles: is missing"]);
    check(&with("\"vouched\"", "\"believed\""), &["launcher.national_user_ids: `believed` is not known"]);
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    assert!(mistakes("[exchange]\nid = \n").iter().any(|mistake| mistake.starts_with("line 2")));
}

#[test]
fn the_example_says_every_default() {
    let example = Config::parse(include_str!("../../../../docs/severn.example.toml"), Path::new("."));
    let example = example.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let source = "[[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n";
    let bare = Config::parse(&format!("{EXCHANGE}{SIGN_IN}{source}"), Path::new(".")).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert_eq!(format!("{:?}", example.limits), format!("{:?}", bare.limits));
    assert_eq!(example.sources.len(), 2);
}

#[cfg(feature = "demo")]
#[test]
fn the_blocks_that_the_pretend_region_prints_are_taken() {
    let blocks: String = testbed::Region::in_memory().sources().iter().map(|source| source.to_toml("token")).collect();
    let config = Config::parse(&format!("{EXCHANGE}{SIGN_IN}{blocks}"), Path::new("."));
    let config = config.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert_eq!(config.sources.len(), 8);
    assert_eq!((config.limits.read_ms, config.limits.source.source_ms, config.limits.source.resources_max), (10_000, 8_000, 5_000));
}

/// Whoever signs in on the pages does so at a provider that says where, and who it was.
#[test]
fn the_viewer_is_an_application_of_a_provider_that_can_be_gone_to() {
    let check = |lines: &str, expected: &[&str]| {
        let source = "[[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n";
        let found = mistakes(&format!("{EXCHANGE}{SIGN_IN}{lines}{source}"));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        expected.iter().zip(found).for_each(|(expected, found)| assert!(found.contains(expected), "{found}"));
    };
    let urls = "authorize_url = \"https://login.example/a\"\ntoken_url = \"https://login.example/t\"\n";
    check(&format!("{urls}[sign_in.viewer]\nclient_id = \"v\"\n"), &[]);
    check("[sign_in.viewer]\nclient_id = \"v\"\n", &["needs sign_in.authorize_url", "needs sign_in.token_url"]);
    check(&format!("{urls}[sign_in.viewer]\nname = \"v\"\n"), &["client_id: is missing"]);
    check(&format!("{urls}[sign_in.viewer]\nclient_id = \"v\"\nscope = \"user/*.rs\"\n"), &["scope: must have openid"]);
    check("[viewer]\nidle_minutes = 60\nsession_minutes = 30\n", &["session_minutes: is less than idle_minutes"]);
    check("[viewer]\nidle_minutes = 61\n", &["idle_minutes: must be a whole number from 1 to 60"]);
}
