//! Whether others reach this machine: the port, the firewall, addresses, the name.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use mesh_simulate::client::{Endpoint, Trust, health};
use tokio::net::{TcpListener, lookup_host};

use super::Finding;
use crate::serve::{announce, reached_by};

/// Looks at everything that lies between a pupil and a listener at `listen`.
pub(super) async fn look(listen: &str) -> Result<Vec<Finding>, String> {
    let resolved = lookup_host(listen).await.map_err(|error| format!("{listen}: {error}"))?.next();
    let Some(address) = resolved else { return Err(format!("{listen} is no address of this machine")) };
    let (port, is_free) = port(address).await;
    if address.ip().is_loopback() {
        let alone = Finding::note(
            "addresses",
            "for this machine alone",
            "for a classroom: --listen 0.0.0.0, which is every adapter",
        );
        return Ok(vec![port, alone]);
    }
    let reached = reached_by(address);
    let mut findings = vec![port, firewall(address.port()), addresses(&reached)];
    // A server that runs has told the name already.
    if is_free {
        findings.push(name(&reached).await);
    }
    Ok(findings)
}

/// Whether the port can be had; true if it is free.
async fn port(address: SocketAddr) -> (Finding, bool) {
    let port = address.port();
    let Err(error) = TcpListener::bind(address).await else {
        return (Finding::ok("port", format!("{port} is free")), true);
    };
    let finding = match error.kind() {
        io::ErrorKind::AddrInUse if is_mesh(address).await => {
            Finding::ok("port", format!("Mesh serves at {port} already"))
        }
        io::ErrorKind::AddrInUse => Finding::problem(
            "port",
            format!("another program uses {port}"),
            format!("end that program, or choose another port: --listen {}", with_port(address, other(port))),
        ),
        io::ErrorKind::PermissionDenied => Finding::problem(
            "port",
            format!("this user may not listen at {port}"),
            format!("choose one above 1023: --listen {}", with_port(address, 4000)),
        ),
        _ => Finding::problem(
            "port",
            format!("cannot listen on {address}: {error}"),
            "choose an address of this machine, or --listen 0.0.0.0",
        ),
    };
    (finding, false)
}

fn with_port(address: SocketAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address.ip(), port)
}

/// A port nearby.
fn other(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(4001)
}

/// Returns `true` if what listens there answers as Mesh does.
async fn is_mesh(address: SocketAddr) -> bool {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    let address = SocketAddr::new(ip, address.port());
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://{address}/health");
        if let Ok(endpoint) = Endpoint::new(&url, "", &Trust::Anything)
            && health(&endpoint).await.is_ok()
        {
            return true;
        }
    }
    false
}

/// What may be between this machine and the room. Only another machine knows whether something is.
fn firewall(port: u16) -> Finding {
    let windows = format!(
        "if pupils cannot connect, as administrator: netsh advfirewall firewall add rule name=Mesh dir=in action=allow protocol=TCP localport={port}"
    );
    if cfg!(windows) {
        return Finding::note("firewall", "Windows asks at the first start: allow private networks", windows);
    }
    if cfg!(target_os = "macos") {
        return Finding::note(
            "firewall",
            "macOS asks at the first start: allow it",
            "later: System Settings, Network, Firewall, Options: let mesh accept connections",
        );
    }
    of_linux(port, Path::new("/"))
}

/// The firewalls that distributions turn on, by the files that tell so to everybody.
fn of_linux(port: u16, root: &Path) -> Finding {
    let ufw = std::fs::read_to_string(root.join("etc/ufw/ufw.conf")).unwrap_or_default();
    if ufw.lines().any(|line| line.trim() == "ENABLED=yes") {
        let allow = format!("sudo ufw allow {port}/tcp && sudo ufw allow 5353/udp");
        return Finding::note("firewall", "ufw is on", allow);
    }
    if root.join("run/firewalld").exists() {
        let allow = format!("sudo firewall-cmd --add-port={port}/tcp --add-service=mdns");
        return Finding::note("firewall", "firewalld is on", allow);
    }
    Finding::ok("firewall", "neither ufw nor firewalld is on")
}

fn addresses(reached: &[SocketAddr]) -> Finding {
    let for_others: Vec<_> = reached.iter().filter(|address| !address.ip().is_loopback()).collect();
    let Some(best) = for_others.first() else {
        return Finding::problem(
            "addresses",
            "this machine is in no network",
            "connect it to the Wi-Fi or the cable that the pupils use",
        );
    };
    let more: Vec<_> = for_others.iter().skip(1).map(|address| address.ip().to_string()).collect();
    let try_it = format!("try it on a pupil's machine while mesh serve runs: http://{best}/health");
    if more.is_empty() {
        return Finding { advice: Some(try_it), ..Finding::ok("addresses", best.to_string()) };
    }
    Finding::note(
        "addresses",
        format!("{best}, also {}", more.join(", ")),
        format!("if the first is not the pupils' network: --advertise {}. {try_it}", more[0]),
    )
}

async fn name(reached: &[SocketAddr]) -> Finding {
    let for_others: Vec<_> = reached.iter().filter(|address| !address.ip().is_loopback()).copied().collect();
    let announced = announce(&for_others).await;
    match announced.as_ref().map(|announced| announced.name.as_deref()) {
        Some(Some(name)) => Finding::ok("name", format!("{name} leads here")),
        Some(None) => Finding::note(
            "name",
            "mesh.local is told, but this machine does not find it",
            "give pupils the number; on Linux, libnss-mdns finds such names",
        ),
        None => Finding::note(
            "name",
            "this network takes no multicast, so there is no mesh.local",
            "give pupils the number",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[tokio::test]
    async fn a_port_is_free_or_somebody_elses() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        // Something that answers nothing.
        tokio::spawn(async move { while taken.accept().await.is_ok() {} });
        let (finding, is_free) = port(address).await;
        assert_eq!((finding.state, is_free), (State::Problem, false), "{finding}");
        assert!(finding.advice.unwrap().contains(&format!("--listen 127.0.0.1:{}", other(address.port()))));
        let (finding, is_free) = port("127.0.0.1:0".parse().unwrap()).await;
        assert_eq!((finding.state, is_free), (State::Ok, true), "{finding}");
    }

    #[test]
    fn firewalls_of_linux_are_known_by_their_files() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(of_linux(4000, root.path()).state, State::Ok);
        std::fs::create_dir_all(root.path().join("run/firewalld")).unwrap();
        assert!(of_linux(4000, root.path()).advice.unwrap().contains("--add-port=4000/tcp"));
        std::fs::create_dir_all(root.path().join("etc/ufw")).unwrap();
        std::fs::write(root.path().join("etc/ufw/ufw.conf"), "# ENABLED=no\nENABLED=yes\n").unwrap();
        assert!(of_linux(4001, root.path()).advice.unwrap().contains("ufw allow 4001/tcp"));
    }

    #[test]
    fn a_machine_without_a_network_serves_nobody() {
        let addresses = |list: &[&str]| {
            addresses(&list.iter().map(|address| address.parse().unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(addresses(&["127.0.0.1:4000"]).state, State::Problem);
        assert_eq!(addresses(&["192.168.1.20:4000"]).state, State::Ok);
        let two = addresses(&["192.168.1.20:4000", "10.0.0.5:4000"]);
        assert_eq!((two.state, &*two.found), (State::Note, "192.168.1.20:4000, also 10.0.0.5"));
    }
}
