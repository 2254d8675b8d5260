//! The demo's own OpenID provider: somebody signs in as whoever they choose, and reads; and everything that must not work.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use server::demo::sign_in::people::PEOPLE;
use server::demo::sign_in::{Application, Provider};
use server::demo::token::Issuer;
use testbed::DEMO_PERSON;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::signer::{claims_of, form};
use crate::world::{Answer, PUBLIC, Setup, World, region};

const BACK: &str = "http://127.0.0.1:9/back";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A provider that listens, and an exchange that believes it.
struct Stage {
    world: World,
    provider: Arc<Provider>,
    base: String,
    client: reqwest::Client,
    _serving: JoinSet<()>,
}

fn challenge(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref())
}

impl Stage {
    async fn new() -> Stage {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Issuer::new(&base).unwrap();
        let block = format!(
            "[[sign_in]]\nissuer = \"{base}\"\naudience = \"severn\"\nkeys = \"{base}/jwks\"\nauthorize_url = \"{base}/authorize\"\n\
             token_url = \"{base}/token\"\n[sign_in.viewer]\nclient_id = \"pages\"\nname = \"the demo\"\n"
        );
        let setup = Setup { blocks: Box::leak(block.into_boxed_str()), ..Setup::default() };
        let world = World::around(Arc::new(region(&["ccr"])), &setup);
        let application = |id: &str, back: &str| Application { id: id.into(), redirect_uris: vec![back.into()] };
        let applications = vec![application("viewer-1", BACK), application("pages", &format!("{PUBLIC}/viewer/signed-in"))];
        let provider = Arc::new(Provider::new(issuer, PUBLIC, applications, world.clock.clone()));
        let mut serving = JoinSet::new();
        let served = provider.clone().serve(listener);
        serving.spawn(async move { served.await.unwrap() });
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Stage { world, provider, base, client, _serving: serving }
    }

    async fn get(&self, url: &str) -> (u16, String, String) {
        let answer = self.client.get(url).send().await.unwrap();
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        (answer.status().as_u16(), location, answer.text().await.unwrap())
    }

    fn authorize(&self, changed: &[(&str, Option<&str>)]) -> String {
        let challenge = challenge(VERIFIER);
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", "viewer-1"),
            ("redirect_uri", BACK),
            ("scope", "openid user/*.rs severn.operator severn.privacy"),
            ("state", "s-1"),
            ("nonce", "n-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changed {
            fields.retain(|(own, _)| own != name);
            fields.extend(value.map(|value| (*name, value)));
        }
        format!("{}/authorize?{}", self.base, form(&fields))
    }

    /// Looks at the page, chooses somebody, and is sent back.
    async fn choose(&self, person: &str, changed: &[(&str, Option<&str>)]) -> url::Url {
        let (status, _, page) = self.get(&self.authorize(changed)).await;
        assert_eq!(status, 200, "{page}");
        let request = page.split_once("name=request value=\"").unwrap().1.split('"').next().unwrap();
        let chosen = form(&[("request", request), ("person", person)]);
        let headers = ("content-type", "application/x-www-form-urlencoded");
        let url = format!("{}/authorize", self.base);
        let answer = self.client.post(url).header(headers.0, headers.1).body(chosen).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 303);
        answer.headers()["location"].to_str().unwrap().parse().unwrap()
    }

    /// A code for somebody.
    async fn code(&self, person: &str, changed: &[(&str, Option<&str>)]) -> String {
        let back = self.choose(person, changed).await;
        let query: std::collections::BTreeMap<String, String> = back.query_pairs().into_owned().collect();
        assert_eq!((query["state"].as_str(), query["iss"].as_str()), ("s-1", self.base.as_str()));
        assert!(back.as_str().starts_with(&format!("{BACK}?")));
        query["code"].clone()
    }

    async fn exchange(&self, code: &str, changed: &[(&str, Option<&str>)]) -> (u16, Value) {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", "viewer-1"),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in changed {
            fields.retain(|(own, _)| own != name);
            fields.extend(value.map(|value| (*name, value)));
        }
        let request = self.client.post(format!("{}/token", self.base));
        let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form(&fields)).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn sign_in(&self, person: &str) -> Value {
        let code = self.code(person, &[]).await;
        let (status, told) = self.exchange(&code, &[]).await;
        assert_eq!(status, 200, "{told}");
        told
    }
}

#[tokio::test]
async fn everybody_who_is_ready_signs_in_and_gets_what_their_role_opens() {
    let stage = Stage::new().await;
    let (status, _, discovery) = stage.get(&format!("{}/.well-known/openid-configuration", stage.base)).await;
    let discovery: Value = serde_json::from_str(&discovery).unwrap();
    assert_eq!((status, discovery["issuer"].as_str()), (200, Some(stage.base.as_str())));
    assert_eq!(
        (&discovery["code_challenge_methods_supported"], &discovery["response_types_supported"]),
        (&json!(["S256"]), &json!(["code"]))
    );
    let find = format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
    let jobs: BTreeSet<&str> = PEOPLE.iter().map(|person| person.id).collect();
    let wanted = "caldicott-guardian consultant doctor general-practitioner nurse operator paramedic pharmacist privacy-officer receptionist \
                  social-worker steward student";
    assert_eq!(jobs, wanted.split_whitespace().collect());
    for person in PEOPLE {
        let told = stage.sign_in(person.id).await;
        let token = told["access_token"].as_str().unwrap();
        let id = claims_of(told["id_token"].as_str().unwrap());
        assert_eq!((&id["iss"], &id["aud"], &id["nonce"]), (&json!(stage.base), &json!("viewer-1"), &json!("n-1")), "{}", person.id);
        assert_eq!((&id["sub"], &claims_of(token)["sub"]), (&json!(person.id), &json!(person.id)));
        let care = person.scopes.contains(&"user/*.rs");
        let found = stage.world.get(&find, token).await;
        let finds = care && person.activities.contains(&"B0264");
        assert_eq!(found.status, if finds { 200 } else { 403 }, "{}: {}", person.id, found.text);
        let desk = stage.world.send("GET", "/steward/tasks", Some(token), &[], "").await;
        assert_eq!(desk.status, if person.scopes.contains(&"severn.operator") { 200 } else { 403 }, "{}", person.id);
        // What says who they are to the application opens nothing here.
        assert_eq!(stage.world.get(&find, told["id_token"].as_str().unwrap()).await.status, 401);
    }
    let told = stage.sign_in("doctor").await;
    let by = stage.world.get(&find, told["access_token"].as_str().unwrap()).await;
    assert_eq!(stage.world.ledger.events_of(&by.request())[0]["by"]["name"], "Dr A Example");
}

#[tokio::test]
async fn a_launch_opens_the_person_it_was_made_for() {
    let stage = Stage::new().await;
    let person = stage.world.person(DEMO_PERSON).await;
    let other = stage.world.person("9990000026").await;
    let launch = stage.provider.open(&person);
    let scope = "launch openid patient/*.read";
    let code = stage.code("nurse", &[("launch", Some(&launch)), ("scope", Some(scope))]).await;
    let (status, told) = stage.exchange(&code, &[]).await;
    assert_eq!((status, &told["patient"], &told["scope"]), (200, &json!(person), &json!("launch openid patient/*.rs")));
    let token = told["access_token"].as_str().unwrap();
    assert_eq!(stage.world.get(&format!("Patient/{person}/$everything"), token).await.status, 200);
    assert_eq!(stage.world.get(&format!("Patient/{other}/$everything"), token).await.status, 403);
    let (status, location, _) = stage.get(&stage.authorize(&[("launch", Some("made-up"))])).await;
    assert!(status == 303 && location.contains("error=invalid_request"), "{location}");
}

#[tokio::test]
async fn what_is_not_asked_as_it_should_be_gets_no_code() {
    let stage = Stage::new().await;
    // Nobody is sent to where nobody registered.
    for (name, value) in [
        ("client_id", None),
        ("client_id", Some("viewer-2")),
        ("redirect_uri", None),
        ("redirect_uri", Some("https://elsewhere.example/back")),
        ("redirect_uri", Some("http://127.0.0.1:9/back/../elsewhere")),
        ("redirect_uri", Some("http://127.0.0.1:9/back?x=1")),
        ("redirect_uri", Some("http://127.0.0.1:9/backs")),
        ("redirect_uri", Some("http://127.0.0.1:10/back")),
        ("redirect_uri", Some("http://127.0.0.1:9@elsewhere.example/back")),
    ] {
        let (status, location, page) = stage.get(&stage.authorize(&[(name, value)])).await;
        assert_eq!((status, location.as_str()), (400, ""), "{name} {value:?}");
        assert!(!page.contains("name=request"));
    }
    // Whoever is known is told what is wrong.
    for (name, value) in [
        ("response_type", Some("token")),
        ("response_type", None),
        ("code_challenge_method", Some("plain")),
        ("code_challenge_method", None),
        ("code_challenge", None),
        ("code_challenge", Some("short")),
        ("code_challenge", Some(VERIFIER.trim_end_matches('k'))),
    ] {
        let (status, location, _) = stage.get(&stage.authorize(&[(name, value)])).await;
        assert!(status == 303 && location.starts_with(BACK), "{name} {value:?}: {status}");
        assert!(location.contains("error=") && location.contains("state=s-1") && !location.contains("code="), "{location}");
    }
    let (status, location, _) = stage.get(&format!("{}&state=s-2", stage.authorize(&[]))).await;
    assert!(status == 303 && location.contains("error=invalid_request"));
    // Nobody is chosen who is not there, nor for what nobody asked.
    let headers = ("content-type", "application/x-www-form-urlencoded");
    for (request, person) in [("none", "doctor"), ("", "")] {
        let chosen = form(&[("request", request), ("person", person)]);
        let answer = stage.client.post(format!("{}/authorize", stage.base)).header(headers.0, headers.1).body(chosen).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400);
    }
    // A page that lay too long is over.
    let (_, _, page) = stage.get(&stage.authorize(&[])).await;
    let request = page.split_once("name=request value=\"").unwrap().1.split('"').next().unwrap();
    stage.world.clock.forward_s(601);
    let chosen = form(&[("request", request), ("person", "doctor")]);
    let answer = stage.client.post(format!("{}/authorize", stage.base)).header(headers.0, headers.1).body(chosen).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
}

#[tokio::test]
async fn a_code_is_used_once_by_whom_it_was_given_to() {
    let stage = Stage::new().await;
    let invalid = |told: &(u16, Value), what: &str| {
        assert_eq!((told.0, &told.1["error"], &told.1["access_token"]), (400, &json!("invalid_grant"), &Value::Null), "{what}: {}", told.1);
    };
    for (what, name, value) in [
        ("another verifier", "code_verifier", Some("aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
        ("the challenge itself", "code_verifier", Some(&*challenge(VERIFIER))),
        ("no verifier", "code_verifier", None),
        ("a short verifier", "code_verifier", Some("short")),
        ("another redirect_uri", "redirect_uri", Some("http://127.0.0.1:9/other")),
        ("no redirect_uri", "redirect_uri", None),
        ("another application", "client_id", Some("demo")),
        ("no application", "client_id", None),
    ] {
        let code = stage.code("doctor", &[]).await;
        invalid(&stage.exchange(&code, &[(name, value)]).await, what);
        // And is gone: whoever tried had it from somewhere.
        invalid(&stage.exchange(&code, &[]).await, what);
    }
    let code = stage.code("doctor", &[]).await;
    assert_eq!(stage.exchange(&code, &[]).await.0, 200);
    invalid(&stage.exchange(&code, &[]).await, "replayed");
    invalid(&stage.exchange("made-up", &[]).await, "made up");
    let code = stage.code("doctor", &[]).await;
    stage.world.clock.forward_s(60);
    invalid(&stage.exchange(&code, &[]).await, "too late");
    let code = stage.code("doctor", &[]).await;
    let (status, told) = stage.exchange(&code, &[("grant_type", Some("password"))]).await;
    assert_eq!((status, &told["error"]), (400, &json!("unsupported_grant_type")));
    // Nobody is granted another's desk, or more than their own.
    let code =
        stage.code("receptionist", &[("scope", Some("user/*.cruds system/*.rs severn.operator severn.privacy offline_access"))]).await;
    assert_eq!(stage.exchange(&code, &[]).await.1["scope"], "user/*.rs");
    let code = stage.code("doctor", &[("scope", Some("user/Observation.rs"))]).await;
    let (_, told) = stage.exchange(&code, &[]).await;
    assert_eq!((&told["scope"], &told["id_token"]), (&json!("user/Observation.rs"), &Value::Null));
}

#[tokio::test]
async fn the_demos_own_application_signs_somebody_in() {
    let stage = Stage::new().await;
    let (_, location, _) = stage.get(&format!("{}/", stage.base)).await;
    let (_, _, page) = stage.get(&location).await;
    let request = page.split_once("name=request value=\"").unwrap().1.split('"').next().unwrap();
    let chosen = form(&[("request", request), ("person", "nurse")]);
    let headers = ("content-type", "application/x-www-form-urlencoded");
    let answer = stage.client.post(format!("{}/authorize", stage.base)).header(headers.0, headers.1).body(chosen).send().await.unwrap();
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(back.starts_with(&format!("{}/signed-in?", stage.base)), "{back}");
    let (status, _, page) = stage.get(&back).await;
    assert_eq!(status, 200, "{page}");
    let token = page.split_once("readonly>").unwrap().1.split('<').next().unwrap();
    assert_eq!(claims_of(token)["sub"], "nurse");
    // Neither again, nor with a state that nobody made.
    assert_eq!(stage.get(&back).await.0, 400);
    assert_eq!(stage.get(&format!("{}/signed-in?code=x&state=y", stage.base)).await.0, 400);
}

#[tokio::test]
async fn the_demos_sign_in_is_on_this_machine_only_and_serve_has_no_way_to_it() {
    let provider = || {
        let issuer = Issuer::new("http://0.0.0.0").unwrap();
        Arc::new(Provider::new(issuer, "http://severn.test", Vec::new(), server::wiring::system_clock()))
    };
    let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    assert!(provider().serve(everywhere).await.is_err());
    // What serves names nothing of the demo: only the command of that name does, and only where it was built with it.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut looked = 0;
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let own = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
            if own.starts_with("demo") || own == "main.rs" || own == "lib.rs" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("demo::") && !text.contains("use crate::demo"), "{own} knows of the demo");
            looked += 1;
        }
    }
    assert!(looked > 40);
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for (at, line) in main.lines().enumerate().filter(|(_, line)| line.contains("demo::")) {
        let before = main.lines().nth(at - 1).unwrap();
        assert!(before.contains("#[cfg(feature = \"demo\")]"), "{line}");
    }
}

impl Stage {
    /// Begins at the pages; answers where the provider is, and with the cookie of the browser.
    async fn begin(&self, query: &str) -> (String, String) {
        let answer = self.world.send("GET", &format!("/viewer/sign-in/1{query}"), None, &[], "").await;
        assert_eq!(answer.status, 303);
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        (answer.headers["location"].to_str().unwrap().to_owned(), cookie)
    }

    /// Chooses somebody there; answers with the path and query of where they are sent back to.
    async fn sent_back(&self, authorize: &str, person: &str) -> String {
        let (status, _, page) = self.get(authorize).await;
        assert_eq!(status, 200, "{page}");
        let request = page.split_once("name=request value=\"").unwrap().1.split('"').next().unwrap();
        let chosen = form(&[("request", request), ("person", person)]);
        let headers = ("content-type", "application/x-www-form-urlencoded");
        let answer = self.client.post(format!("{}/authorize", self.base)).header(headers.0, headers.1).body(chosen).send().await.unwrap();
        let back = answer.headers()["location"].to_str().unwrap();
        back.strip_prefix(PUBLIC).unwrap().to_owned()
    }

    async fn back(&self, target: &str, cookie: &str) -> Answer {
        self.world.send("GET", target, None, &[("cookie", cookie)], "").await
    }
}

#[tokio::test]
async fn the_pages_sign_in_whoever_comes_back_to_the_browser_that_began() {
    let stage = Stage::new().await;
    let person = stage.world.person(DEMO_PERSON).await;
    let page = stage.world.send("GET", &format!("/viewer/sign-in?person={person}"), None, &[], "").await;
    assert!(page.status == 200 && page.text.contains(&format!("href=\"/viewer/sign-in/1?person={person}\"")), "{}", page.text);
    let (authorize, cookie) = stage.begin(&format!("?person={person}")).await;
    assert!(cookie.starts_with("severn-sign-in=") && authorize.contains("code_challenge_method=S256") && authorize.contains("nonce="));
    let target = stage.sent_back(&authorize, "doctor").await;
    let back = stage.back(&target, &cookie).await;
    assert_eq!(
        (back.status, back.headers["location"].to_str().unwrap()),
        (303, format!("/viewer/patient/{person}").as_str()),
        "{}",
        back.text
    );
    let cookies: Vec<&str> = back.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(cookies.len() == 2 && cookies[1].starts_with("severn-sign-in=;"), "{cookies:?}");
    let session = cookies[0].split(';').next().unwrap();
    let home = stage.back("/viewer", session).await;
    assert!(home.status == 200 && home.text.contains("Dr A Example, Queen Elizabeth Hospital"), "{}", home.text);
    // A launch from a system that has a person open leads to them.
    let launch = stage.provider.open(&person);
    let (authorize, cookie) = stage.begin(&format!("?launch={launch}")).await;
    let back = stage.back(&stage.sent_back(&authorize, "nurse").await, &cookie).await;
    assert_eq!(back.headers["location"].to_str().unwrap(), format!("/viewer/patient/{person}"));
}

#[tokio::test]
async fn the_pages_sign_in_nobody_who_comes_back_otherwise() {
    let stage = Stage::new().await;
    let nobody = |what: &str, answer: &Answer| {
        assert_eq!(answer.status, 403, "{what}: {}", answer.text);
        assert_eq!(stage.world.ledger.of(&answer.request()), ["refused"], "{what}");
        assert!(answer.headers.get_all("set-cookie").iter().all(|cookie| cookie.to_str().unwrap().contains("Max-Age=0")), "{what}");
    };
    let sent = async || {
        let (authorize, cookie) = stage.begin("").await;
        (stage.sent_back(&authorize, "doctor").await, cookie)
    };
    let (target, _) = sent().await;
    nobody("another browser", &stage.back(&target, "").await);
    let (target, _) = sent().await;
    let (_, other) = sent().await;
    nobody("another sign-in of another browser", &stage.back(&target, &other).await);
    let (target, cookie) = sent().await;
    nobody("another provider", &stage.back(&target.replace("iss=http", "iss=https"), &cookie).await);
    nobody("again", &stage.back(&target, &cookie).await);
    let (target, cookie) = sent().await;
    nobody("no code", &stage.back(&target.replace("code=", "error="), &cookie).await);
    let (target, cookie) = sent().await;
    nobody("another code", &stage.back(&target.replace("code=", "code=x"), &cookie).await);
    let (target, cookie) = sent().await;
    stage.world.clock.forward_s(601);
    nobody("too late", &stage.back(&target, &cookie).await);
    nobody("nothing", &stage.back("/viewer/signed-in", "").await);
    assert_eq!(stage.world.send("GET", "/viewer/sign-in/7", None, &[], "").await.headers["location"], "/viewer/sign-in");
    assert_eq!(stage.world.send("GET", "/viewer/sign-in/x", None, &[], "").await.headers["location"], "/viewer/sign-in");
}
