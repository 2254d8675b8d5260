//! `severn region`: only the pretend suppliers, for others to test against.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use testbed::Region;

/// Starts the suppliers, prints who holds what and the `[[source]]` blocks, and runs until told to stop.
pub async fn run(listen: SocketAddr) -> anyhow::Result<ExitCode> {
    let first = (listen.port() != 0).then_some(listen.port());
    let region = Region::start(listen.ip(), first).await.context("starting the pretend suppliers")?;
    println!(
        "# The pretend region listens. Faults: curl -X PUT {}/faults/ccr -d '{{\"fault\":\"slow\",\"ms\":3000}}'",
        region.control_url()
    );
    testbed::table().lines().for_each(|line| println!("# {line}"));
    for source in region.sources() {
        println!("{}", source.to_toml("token"));
    }
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    region.stop().await;
    Ok(ExitCode::SUCCESS)
}
