//! The archive's `start-mesh`, as a teacher double-clicks it.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Only a broken test waits so long.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A folder as it comes out of the archive, and a browser that writes down what it is to open.
struct Unpacked(tempfile::TempDir);

impl Unpacked {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/start-mesh.sh");
        std::fs::copy(script, folder.path().join("start-mesh.sh")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mesh"), folder.path().join("mesh")).unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        let browser = folder.path().join("bin/xdg-open");
        let writes = format!("#!/bin/sh\necho \"$1\" >> {}\n", folder.path().join("opened").display());
        std::fs::write(&browser, writes).unwrap();
        make_executable(&browser);
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn start(&self, port: &str) -> Child {
        let path = format!("{}:{}", self.file("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg(self.file("start-mesh.sh")).arg("--no-mdns");
        command.env("PATH", path).env("MESH_LISTEN", format!("127.0.0.1:{port}")).env("LANG", "C.UTF-8");
        command.env_remove("WSL_DISTRO_NAME").kill_on_drop(true).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until the browser was given so many links, and returns them.
    async fn opened(&self, count: usize) -> Vec<String> {
        let given = async {
            loop {
                let text = std::fs::read_to_string(self.file("opened")).unwrap_or_default();
                let links: Vec<_> = text.lines().map(ToOwned::to_owned).collect();
                if links.len() >= count {
                    return links;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(TIMEOUT, given).await.expect("a link to be opened")
    }
}

fn make_executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_double_click_opens_the_board_and_a_second_one_as_well() {
    let folder = Unpacked::new();
    let first = folder.start("0");
    let links = folder.opened(1).await;
    let key = std::fs::read_to_string(folder.file("mesh-data/admin-key")).unwrap();
    assert!(links[0].starts_with("http://127.0.0.1:"), "{links:?}");
    assert!(links[0].ends_with(&format!("/board/#key={}", key.trim())), "{links:?}");

    let port = links[0].split([':', '/']).nth(4).unwrap();
    let second = timeout(TIMEOUT, folder.start(port).wait_with_output()).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&second.stderr).contains("already"), "{second:?}");
    assert_eq!(folder.opened(2).await[1], links[0]);
    stop(first).await;
}

#[tokio::test]
async fn without_the_program_it_says_what_to_do() {
    let folder = Unpacked::new();
    std::fs::remove_file(folder.file("mesh")).unwrap();
    let told = timeout(TIMEOUT, folder.start("0").wait_with_output()).await.unwrap().unwrap();
    assert!(!told.status.success());
    assert!(String::from_utf8_lossy(&told.stdout).contains("Take everything out"), "{told:?}");
}

/// Ends the script and what it started, as closing its window does.
async fn stop(mut script: Child) {
    let group = script.id().unwrap();
    let ended = Command::new("kill").args(["-TERM", "--", &format!("-{group}")]).status().await.unwrap();
    assert!(ended.success());
    script.wait().await.unwrap();
}
