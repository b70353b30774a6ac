//! When to stop: Ctrl-C, SIGTERM, or after a while. The second signal stops at once.

use crate::failure::{Failure, INTERNAL};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask citywatch to stop.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// From here on the signals are ours. Needs a tokio runtime.
    pub fn new() -> Result<Stop, Failure> {
        let catch = |kind| signal(kind).map_err(Failure::internal);
        Ok(Stop { interrupt: catch(SignalKind::interrupt())?, terminate: catch(SignalKind::terminate())? })
    }

    /// Waits for the first signal, or for `after` to pass. Then a second signal ends the process at once:
    /// what is acknowledged is on the disk, and a restart replays what came since the last checkpoint.
    pub async fn wait(mut self, after: Option<Duration>) {
        let passed = async {
            match after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = passed => {}
            () = self.signal() => {}
        }
        tokio::spawn(async move {
            self.signal().await;
            std::process::exit(i32::from(INTERNAL));
        });
    }

    async fn signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
