//! The binary `mesh`.

fn main() -> std::process::ExitCode {
    mesh_server::cli::run()
}
