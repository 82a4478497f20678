//! The folder of --static, as the command opens it.

use crate::support::{KEY, mesh};

#[tokio::test]
async fn what_is_no_folder_stops_the_program_at_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<title>Editor</title>").unwrap();
    for path in [folder.path().join("nowhere"), folder.path().join("index.html")] {
        let path = path.to_str().unwrap();
        let arguments =
            ["serve", "--in-memory", "--listen", "127.0.0.1:0", "--api-key", KEY, "--static", path];
        let output = mesh().args(arguments).output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(path) && told.contains("--static"), "{told}");
    }
}

#[tokio::test]
async fn sharing_no_folder_is_refused() {
    let output = mesh().args(["serve", "--in-memory", "--static-cors"]).output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && told.contains("--static <DIR>"), "{told}");
}
