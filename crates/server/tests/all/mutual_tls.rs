//! TLS of the exchange's own, over real sockets with a real client: who gets through, who does not, and new certificates while it runs.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, RevocationReason, RevokedCertParams, SerialNumber,
};
use reqwest::tls::Version;
use serde_json::Value;
use server::config::Config;
use server::tls::{Peer, Tls, TlsListener};
use testbed::DEMO_PERSON;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::signer::{FORM, Signers, form};
use crate::world::{World, region};

/// Who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("authority {}", uuid::Uuid::new_v4()));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate and its key, in PEM.
    fn signs(&self, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// One of a system.
    fn names(&self, name: &str) -> String {
        let (cert, key) = self.signs(|params| {
            params.distinguished_name.push(DnType::OrganizationName, "Hospital");
            params.distinguished_name.push(DnType::CommonName, name);
        });
        cert + &key
    }
}

/// A list of what an authority took back, good for long or over since long.
fn revoked(authority: &Authority, serials: &[u8], over: bool) -> String {
    let year = |year: i32| rcgen::date_time_ymd(year, 1, 1);
    let revoked = serials.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from(vec![7, *serial]),
        revocation_time: year(2020),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: year(2020),
        next_update: year(if over { 2021 } else { 2090 }),
        crl_number: SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&authority.issuer).unwrap().pem().unwrap()
}

/// An exchange that listens by TLS.
struct Listening {
    world: World,
    servers: Authority,
    clients: Authority,
    at: SocketAddr,
    _serving: JoinSet<()>,
}

impl Listening {
    async fn new() -> Listening {
        let lines = "tls = { cert_file = \"own.pem\", key_file = \"own.key\", client_ca_file = \"clients.pem\", reload_s = 1 }";
        Listening::with(lines, |_| Vec::new()).await
    }

    /// With these lines, and files of the clients' authority.
    async fn with(lines: &'static str, files: impl FnOnce(&Authority) -> Vec<(&'static str, String)>) -> Listening {
        let (servers, clients) = (Authority::new(), Authority::new());
        let (cert, key) = servers.signs(|_| {});
        let mut setup = Signers::new().setup();
        setup.exchange = lines;
        setup.files.extend([("own.pem", cert), ("own.key", key), ("clients.pem", clients.pem.clone())]);
        setup.files.extend(files(&clients));
        let world = World::around(Arc::new(region(&["ccr"])), &setup);
        let text = format!("[exchange]\nid = \"t\"\norganisation = \"QHL\"\n{}\n[store]\nurl = \"sqlite:x.db\"\n", setup.exchange);
        let folder = world.file("");
        let config = tls_of(&text, &folder);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = tcp.local_addr().unwrap();
        let tls = Tls::open(&config).unwrap();
        let listener = TlsListener::new(tcp, tls.clone());
        let routes = world.router().into_make_service_with_connect_info::<Peer>();
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        serving.spawn(async move { tls.keep().await });
        Listening { world, servers, clients, at, _serving: serving }
    }

    /// Somebody who believes the server's authority, and shows this certificate.
    fn client(&self, identity: Option<&str>) -> reqwest::ClientBuilder {
        believing(&self.servers.pem, identity)
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.at.port())
    }

    /// Asks for a token as this client; `None` where there is no connection.
    async fn grant(&self, client: &reqwest::Client, id: &str) -> Option<(u16, Value)> {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("scope", "system/*.rs")];
        let request = client.post(self.url("/oauth/token")).header(FORM[0].0, FORM[0].1).body(form(&fields));
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_str(&response.text().await.unwrap()).unwrap()))
    }
}

fn believing(authority: &str, identity: Option<&str>) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
    let builder = reqwest::Client::builder().tls_certs_only([root]);
    match identity {
        Some(pem) => builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap()),
        None => builder,
    }
}

/// `[exchange.tls]` of a configuration that lacks the rest.
fn tls_of(text: &str, folder: &std::path::Path) -> server::config::tls::TlsConfig {
    let whole = format!(
        "{text}\n[[sign_in]]\nissuer = \"https://login.example\"\naudience = \"severn\"\nkeys = \"keys.json\"\n\
         [[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"RRK\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n"
    );
    Config::parse(&whole, folder).unwrap().exchange.tls.unwrap()
}

#[tokio::test]
async fn only_a_registered_certificate_of_the_right_authority_opens_anything() {
    let listening = Listening::new().await;
    let elsewhere = Authority::new();
    let expired = listening.clients.signs(|params| {
        params.distinguished_name.push(DnType::OrganizationName, "Hospital");
        params.distinguished_name.push(DnType::CommonName, "certified");
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let (own, other) = (listening.clients.names("certified"), listening.clients.names("another"));
    let check = async |what: &str, identity: Option<&str>, expected: Option<u16>| {
        let client = listening.client(identity).build().unwrap();
        let granted = listening.grant(&client, "certified-1").await;
        assert_eq!(granted.as_ref().map(|(status, _)| *status), expected, "{what}: {granted:?}");
        granted.map(|(_, told)| told)
    };
    check("no certificate", None, Some(401)).await;
    check("an unregistered one", Some(&other), Some(401)).await;
    check("of another authority", Some(&elsewhere.names("certified")), None).await;
    check("an expired one", Some(&(expired.0 + &expired.1)), None).await;
    let told = check("the registered one", Some(&own), Some(200)).await.unwrap();
    let token = told["access_token"].as_str().unwrap();
    let find = listening.url(&format!("/fhir/R4/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"));
    for (what, identity, expected) in [("its own", Some(&own), 200), ("another's", Some(&other), 401), ("none", None, 401)] {
        let client = listening.client(identity.map(String::as_str)).build().unwrap();
        let answer = client.get(&find).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{what}");
    }
    // A renewed certificate of the same name is the client's, too; and what was bound to the old one is not its.
    let renewed = listening.client(Some(&listening.clients.names("certified"))).build().unwrap();
    assert_eq!(renewed.get(&find).bearer_auth(token).send().await.unwrap().status().as_u16(), 401);
    assert_eq!(listening.grant(&renewed, "certified-1").await.unwrap().0, 200);
    let refusals = listening.world.ledger.events().iter().filter(|event| event["event"] == "refused").count();
    assert_eq!(refusals, 5);
    listening.world.ledger.verify();
}

/// What an authority took back opens nothing from then on, though its name is registered and its time not over; nor does what nobody says
/// of whether it was.
#[tokio::test]
async fn a_revoked_certificate_opens_nothing_any_more() {
    let lines = "tls = { cert_file = \"own.pem\", key_file = \"own.key\", client_ca_file = \"clients.pem\", revoked = \"clients.crl\", \
                 reload_s = 1 }";
    let listening = Listening::with(lines, |clients| vec![("clients.crl", revoked(clients, &[7], false))]).await;
    let numbered = |serial: u8| {
        let (cert, key) = listening.clients.signs(|params| {
            params.distinguished_name.push(DnType::OrganizationName, "Hospital");
            params.distinguished_name.push(DnType::CommonName, "certified");
            params.serial_number = Some(SerialNumber::from(vec![7, serial]));
        });
        cert + &key
    };
    let (stolen, lost, own) = (numbered(7), numbered(8), numbered(9));
    // Each by a connection of its own: none is taken up again that was let in before.
    let opens = async |identity: &str| {
        let client = listening.client(Some(identity)).build().unwrap();
        listening.grant(&client, "certified-1").await.map(|(status, _)| status)
    };
    assert_eq!((opens(&stolen).await, opens(&lost).await, opens(&own).await), (None, Some(200), Some(200)));
    // Who shows none gets as far as before.
    let live = |client: reqwest::Client| {
        let url = listening.url("/live");
        async move { client.get(url).send().await.map(|answer| answer.status().as_u16()).ok() }
    };
    assert_eq!(live(listening.client(None).build().unwrap()).await, Some(200));
    let taken_up = async |lists: &str, identity: &str, expected: Option<u16>| {
        listening.world.write("clients.crl", lists);
        for _ in 0..60 {
            if opens(identity).await == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
        panic!("the new list is not taken up");
    };
    taken_up(&revoked(&listening.clients, &[7, 8], false), &lost, None).await;
    assert_eq!((opens(&stolen).await, opens(&own).await), (None, Some(200)));
    // What is no list, or over, changes nothing.
    for useless in ["", &revoked(&listening.clients, &[], true)] {
        listening.world.write("clients.crl", useless);
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert_eq!((opens(&stolen).await, opens(&lost).await, opens(&own).await), (None, None, Some(200)));
    }
    // Of an authority that gives no list nobody knows.
    taken_up(&revoked(&Authority::new(), &[], false), &own, None).await;
    assert_eq!(live(listening.client(None).build().unwrap()).await, Some(200));
}

#[tokio::test]
async fn nothing_older_than_tls_1_2_is_spoken() {
    let listening = Listening::new().await;
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let client = listening.client(None).tls_version_min(version).tls_version_max(version).build().unwrap();
        assert_eq!(client.get(listening.url("/live")).send().await.unwrap().status().as_u16(), 200, "{version:?}");
    }
    // No library here speaks older ones: what it would say first, by hand.
    for (minor, name) in [(0x02, "1.1"), (0x01, "1.0"), (0x00, "SSL 3.0")] {
        let mut hello = vec![0x03, minor];
        hello.extend([7; 32]);
        hello.extend([0, 0, 4, 0xc0, 0x13, 0xc0, 0x09, 1, 0]);
        let extensions: &[u8] = &[0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 6, 0, 4, 4, 1, 4, 3];
        hello.extend((extensions.len() as u16).to_be_bytes());
        hello.extend(extensions);
        let mut said = vec![0x16, 0x03, 0x01];
        said.extend((hello.len() as u16 + 4).to_be_bytes());
        said.extend([1, 0]);
        said.extend((hello.len() as u16).to_be_bytes());
        said.extend(hello);
        let mut stream = TcpStream::connect(listening.at).await.unwrap();
        stream.write_all(&said).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        // An alert, fatal: protocol_version.
        assert_eq!((answer[0], &answer[5..7]), (0x15, &[2, 70][..]), "{name}: {answer:?}");
    }
    // Nor anything in the clear.
    let mut stream = TcpStream::connect(listening.at).await.unwrap();
    stream.write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.windows(4).any(|window| window == b"live"), "{answer:?}");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_what_is_open_goes_on() {
    let listening = Listening::new().await;
    // Who says nothing holds up nobody.
    let silent = TcpStream::connect(listening.at).await.unwrap();
    let open = listening.client(None).build().unwrap();
    let live = async |client: &reqwest::Client| client.get(listening.url("/live")).send().await.map(|answer| answer.status().as_u16()).ok();
    assert_eq!(live(&open).await, Some(200));
    let new = Authority::new();
    let (cert, key) = new.signs(|_| {});
    // Half of it is no use, and changes nothing.
    listening.world.write("own.pem", &cert);
    let second = std::time::Duration::from_millis(1_500);
    tokio::time::sleep(second).await;
    assert_eq!(live(&listening.client(None).build().unwrap()).await, Some(200));
    listening.world.write("own.key", &key);
    let mut taken = false;
    for _ in 0..60 {
        taken = live(&believing(&new.pem, None).build().unwrap()).await == Some(200);
        if taken {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    assert!(taken, "the new certificate is not shown");
    assert_eq!(live(&open).await, Some(200), "the connection that was open");
    assert_eq!(live(&listening.client(None).build().unwrap()).await, None, "the old certificate is shown still");
    drop(silent);
}

#[test]
fn a_configuration_says_what_is_wrong_with_its_certificates() {
    let folder = std::env::temp_dir().join(format!("severn-tls-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let ((cert, key), (_, stranger)) = (authority.signs(|_| {}), other.signs(|_| {}));
    let (list, over) = (revoked(&authority, &[7], false), revoked(&authority, &[7], true));
    let files = [("own.pem", &cert), ("own.key", &key), ("other.key", &stranger), ("ca.pem", &authority.pem)];
    for (name, content) in files.into_iter().chain([("ca.crl", &list), ("over.crl", &over)]) {
        std::fs::write(folder.join(name), content).unwrap();
    }
    let check = |tls: &str, expected: &str| {
        let text = format!("[exchange]\nid = \"t\"\norganisation = \"QHL\"\ntls = {{ {tls} }}\n");
        let mistakes = Config::parse(&text, &folder).unwrap_err();
        let said = mistakes.iter().map(ToString::to_string).find(|said| said.contains("tls")).unwrap_or_default();
        assert!(said.contains(expected) && expected.is_empty() == said.is_empty(), "{tls}: {said}");
    };
    check("cert_file = \"own.pem\", key_file = \"own.key\"", "");
    check("cert_file = \"own.pem\", key_file = \"own.key\", client_ca_file = \"ca.pem\", client_certificates = \"required\"", "");
    let with_lists =
        |file: &str| format!("cert_file = \"own.pem\", key_file = \"own.key\", client_ca_file = \"ca.pem\", revoked = \"{file}\"");
    check(&with_lists("ca.crl"), "");
    check(&with_lists("none.crl"), "none.crl");
    check(&with_lists("own.pem"), "revoked: holds no list");
    check(&with_lists("over.crl"), "revoked: holds a list that is over");
    check("cert_file = \"own.pem\", key_file = \"own.key\", revoked = \"ca.crl\"", "revoked: is of no use without client_ca_file");
    check("cert_file = \"own.pem\"", "key_file: is missing");
    check("cert_file = \"none.pem\", key_file = \"own.key\"", "none.pem");
    check("cert_file = \"own.key\", key_file = \"own.key\"", "holds no certificate");
    check("cert_file = \"own.pem\", key_file = \"own.pem\"", "holds no private key");
    check("cert_file = \"own.pem\", key_file = \"other.key\"", "does not go with the key");
    check("cert_file = \"own.pem\", key_file = \"own.key\", client_ca_file = \"own.key\"", "client_ca_file: holds no certificate");
    check("cert_file = \"own.pem\", key_file = \"own.key\", client_certificates = \"required\"", "by whose authority");
    check("cert_file = \"own.pem\", key_file = \"own.key\", client_certificates = \"maybe\"", "is not known");
    check("cert_file = \"own.pem\", key_file = \"own.key\", reload_s = 0", "must be a whole number");
    let _ = std::fs::remove_dir_all(&folder);
}
