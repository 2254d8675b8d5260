//! `severn demo` and `severn region`: a pretend region, and the exchange in front of it.

pub mod consumer;
pub mod judge;
mod readers;
pub mod sign_in;
pub mod token;

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use testbed::{DEMO_PERSON, Demographics, Fault, Locator, Refusal, Region, RunningRegion};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::config::Config;
use crate::page::{View, text};
use crate::{http, serve, wiring};
use sign_in::{Application, Provider};

/// The operator of the demo's exchange; its pointers in the national locator are in this name.
const ORGANISATION: &str = "QHL";
/// The source that fails in the demo's read, so that a gap is seen.
const FAILING: &str = "soc";
/// The viewer, as the demo's provider knows it.
const VIEWER: &str = "severn-viewer";

/// Starts everything, shows one joined read, and serves until told to stop (or, with `check`, judges the read and ends).
pub async fn run(listen: SocketAddr, check: bool) -> anyhow::Result<ExitCode> {
    println!("Severn's demo: a pretend region of synthetic people. Nothing here is real.");
    let folder = Folder::new()?;
    let region = Region::start([127, 0, 0, 1].into(), None).await.context("starting the pretend suppliers")?;
    region.fail(FAILING, Fault::Refusing { how: Refusal::Unavailable });
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}; is another demo running?"))?;
    let public = format!("http://{}", listener.local_addr()?);
    let sign_in = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening for the demo's sign-in")?;
    let issuer = token::Issuer::new(&format!("http://{}", sign_in.local_addr()?))?;
    let locator = Locator::block(&region.locator_url(), ORGANISATION);
    let config = configuration(&folder.0, &region.sources(), &public, &issuer, &locator)?;
    let outside = wiring::Outside::real(&config)?;
    let (app, writing) = wiring::app(config, outside)?;
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (served, ()) = tokio::join!(http::serve(listener, Arc::new(app), serve::stop()), writing);
        served
    });
    let bearer = issuer.token()?;
    // For applications that somebody tries beside the demo.
    let application = |id: &str, back: String| Application { id: id.into(), redirect_uris: vec![back] };
    let applications =
        vec![application(VIEWER, format!("{public}/viewer/signed-in")), application("my-app", "http://127.0.0.1:8790/callback".into())];
    let provider = Arc::new(Provider::new(issuer, &public, applications, wiring::system_clock()));
    let signs_in = provider.issuer().name().to_owned();
    // Its own, and gone with it: what ends by itself is waited for below.
    let mut signing_in = JoinSet::new();
    signing_in.spawn(provider.clone().serve(sign_in));
    let token_file = folder.0.join("token");
    std::fs::write(&token_file, &bearer)?;
    let (pages, person) = joined_read(&public, &bearer).await?;
    let view = View::read(&pages).context("the joined read is no Bundle")?;
    print!("{}", introduction(&region, &public));
    println!("{}", text(&view, check));
    let read = readers::both(&public, &bearer, &person).await?;
    println!("{}", read.words);
    let faults = [judge::demo_faults(&pages, FAILING), judge::locator_faults(&pages), read.faults].concat();
    for fault in &faults {
        println!("WRONG: {fault}");
    }
    println!("The same as FHIR (the token is good for eight hours; STU3 in place of R4 for readers of that):\n");
    println!("curl -s '{public}/fhir/R4/Patient/{person}/$everything' -H 'Authorization: Bearer {bearer}'\n");
    println!("token: {}", token_file.display());
    if check {
        println!("{}", if faults.is_empty() { "The joined read is right." } else { "The joined read is wrong." });
        return Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    println!(
        "Read as somebody: {public}/viewer (sign in as whoever you choose, and find {DEMO_PERSON}).\nFHIR: {public}/fhir/R4/metadata, and STU3 at {public}/fhir/STU3. Break a supplier: {}",
        region.control_url()
    );
    println!("A token as somebody else (a nurse, a social worker, a privacy officer …): {signs_in}");
    println!(
        "OpenID Connect is at {signs_in}/.well-known/openid-configuration: application my-app, sent back to http://127.0.0.1:8790/callback; \
         a launch with the demo's person open: launch={}",
        provider.open(&person)
    );
    println!("Stop with Ctrl-C.");
    while let Some(ended) = server.join_next().await {
        ended??;
    }
    region.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Starts only the suppliers.
pub async fn region(listen: SocketAddr) -> anyhow::Result<ExitCode> {
    let first = (listen.port() != 0).then_some(listen.port());
    let region = Region::start(listen.ip(), first).await.context("starting the pretend suppliers")?;
    println!("# The pretend region listens. {}", faults(&region));
    testbed::table().lines().for_each(|line| println!("# {line}"));
    // A comment: told and asked is only who wishes to be.
    Locator::block(&region.locator_url(), ORGANISATION).lines().for_each(|line| println!("# {line}"));
    // Likewise: whoever asks it reads nobody whom it does not know.
    Demographics::block(&region.demographics_url()).lines().for_each(|line| println!("# {line}"));
    for source in region.sources() {
        println!("{}", block(&source));
    }
    serve::stop().await;
    region.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// A source's block, and the token to write into its file: it opens nothing but pretend data.
fn block(source: &testbed::Source) -> String {
    let file = format!("{}.token", source.id);
    let token = source.bearer.map(|bearer| format!("# A pretend token, for nothing but pretend data: printf %s '{bearer}' > {file}\n"));
    format!("{}{}", token.unwrap_or_default(), source.to_toml(&file))
}

/// Finds the person, claims the relationship that a ward would have, and reads.
async fn joined_read(public: &str, bearer: &str) -> anyhow::Result<(Vec<String>, String)> {
    let client = Client::new(public, bearer)?;
    let number: record::NhsNumber = DEMO_PERSON.parse().context("the demo person's number")?;
    let person = client.find(&number).await?;
    client.claim(&person, "Admitted to my ward this morning").await?;
    Ok((client.record(&number, None).await?, person))
}

/// How what goes wrong at a supplier is set.
fn faults(region: &RunningRegion) -> String {
    format!("Faults: curl -X PUT {}/faults/ccr -d '{{\"fault\":\"slow\",\"ms\":3000}}'", region.control_url())
}

fn introduction(region: &RunningRegion, public: &str) -> String {
    let mut out = String::from("\nSuppliers:\n");
    for source in region.sources() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {:<5} {:<44} {:<11} {}", source.id, source.name, source.dialect, source.url);
    }
    let _ = writeln!(out, "{}", faults(region));
    let _ = writeln!(out, "The national record locator: {}/record-locator", region.locator_url());
    let _ =
        writeln!(out, "The exchange: {public}\n\nOne question about {DEMO_PERSON}, asked of all of them ({FAILING} is made to fail):\n");
    out
}

/// The demo's configuration: the same text and the same checks as anybody's, with further blocks.
fn configuration(folder: &Path, sources: &[testbed::Source], public: &str, issuer: &token::Issuer, blocks: &str) -> anyhow::Result<Config> {
    let keys = folder.join("keys.json");
    std::fs::write(&keys, issuer.jwks()?)?;
    let listen = public.trim_start_matches("http://");
    // Where its people sign in is told to clients; the issuer of the exercise has no such place.
    let told = match issuer.name().strip_prefix("http://") {
        Some(_) => format!(
            "authorize_url = \"{0}/authorize\"\ntoken_url = \"{0}/token\"\n\n[sign_in.viewer]\nclient_id = \"{VIEWER}\"\nname = \"the demo's people\"\n",
            issuer.name()
        ),
        None => String::new(),
    };
    let mut text = format!(
        "[exchange]\nid = \"demo\"\nlisten = \"{listen}\"\npublic_url = \"{public}\"\norganisation = \"{ORGANISATION}\"\n\n\
         [store]\nurl = \"sqlite:severn.db\"\n\n\
         [[sign_in]]\nissuer = \"{}\"\naudience = \"severn\"\nkeys = \"keys.json\"\n{told}\n{blocks}",
        issuer.name()
    );
    for source in sources {
        let token_file = format!("{}.token", source.id);
        if let Some(bearer) = source.bearer {
            std::fs::write(folder.join(&token_file), bearer)?;
        }
        text.push_str(&source.to_toml(&token_file));
        text.push('\n');
    }
    std::fs::write(folder.join("severn.toml"), &text)?;
    match Config::parse(&text, folder) {
        Ok(config) => Ok(config),
        Err(mistakes) => {
            bail!("the demo's configuration is wrong: {}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        }
    }
}

/// A folder of the demo's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Folder> {
        let path = std::env::temp_dir().join(format!("severn-demo-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a temporary folder that stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_shown_a_token_file_is_told_the_token() {
        for source in Region::in_memory().sources() {
            let block = block(&source);
            assert_eq!(block.contains("token_file"), source.bearer.is_some(), "{block}");
            assert!(source.bearer.is_none_or(|bearer| block.contains(&format!("'{bearer}' > {}.token", source.id))), "{block}");
        }
    }
}
