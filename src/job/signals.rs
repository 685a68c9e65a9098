//! Signals to a worker: the first asks, the second ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use crate::error::{Error, Result};

/// What signals have asked for.
#[derive(Debug, Default)]
pub struct Signals {
    stops: AtomicUsize,
    checkpoint: AtomicBool,
}

impl Signals {
    /// Listens: SIGTERM or SIGINT once = checkpoint and stop; twice = `now` is called, which should
    /// end the process; SIGUSR1 = checkpoint; SIGHUP = nothing, since a run outlives its terminal.
    pub fn listen(now: impl Fn() + Send + 'static) -> Result<Arc<Self>> {
        let failed =
            |error: std::io::Error| Error::failed(format!("failed to listen to signals: {error}"));
        let mut incoming = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
            .map_err(failed)?;
        let signals = Arc::new(Self::default());
        let heard = Arc::clone(&signals);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in &mut incoming {
                    match signal {
                        SIGTERM | SIGINT if heard.stops.fetch_add(1, Ordering::Relaxed) > 0 => {
                            now();
                        }
                        SIGUSR1 => heard.checkpoint.store(true, Ordering::Relaxed),
                        _ => {}
                    }
                }
            })
            .map_err(failed)?;
        Ok(signals)
    }

    /// Whether a stop was asked for.
    pub fn stop_asked(&self) -> bool {
        self.stops.load(Ordering::Relaxed) > 0
    }

    /// Whether a checkpoint was asked for since the last call.
    pub fn take_checkpoint(&self) -> bool {
        self.checkpoint.swap(false, Ordering::Relaxed)
    }
}
