//! The agreement of systemd with a service: listeners that it holds, and messages about its state.

use tokio::net::TcpListener;

use super::start::StartError;

/// The listeners that systemd passed to this process: none where it was started by hand.
///
/// Source: `sd_listen_fds(3)`.
#[cfg(unix)]
pub(super) fn passed_listeners() -> Result<Vec<TcpListener>, StartError> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        let Some(listener) = passed.take_tcp_listener(index).map_err(StartError::PassedListener)? else {
            continue;
        };
        listener.set_nonblocking(true).map_err(StartError::PassedListener)?;
        listeners.push(TcpListener::from_std(listener).map_err(StartError::PassedListener)?);
    }
    Ok(listeners)
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "as where systemd is")]
pub(super) fn passed_listeners() -> Result<Vec<TcpListener>, StartError> {
    Ok(Vec::new())
}

/// Says that requests are served, to a service manager that waits for it.
///
/// Source: `sd_notify(3)`.
pub(super) fn say_ready() {
    #[cfg(unix)]
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!(%error, "the service manager cannot be told that the server is ready");
    }
}
