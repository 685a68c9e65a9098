//! What this process uses of the machine, for the gauges.

use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Asking the system costs more than a small training step; people look once a second.
const EVERY: Duration = Duration::from_secs(1);

/// Memory and processor time of this process.
pub struct Usage {
    system: Option<System>,
    pid: Pid,
    at: Option<Instant>,
}

impl Usage {
    /// Nothing measured yet.
    pub fn new() -> Self {
        Self { system: System::new().ok(), pid: Pid::from_u32(std::process::id()), at: None }
    }

    /// Bytes of memory that this process may have: the machine's, or in a container the group's. NaN
    /// where the system does not tell.
    pub fn memory_total(&mut self) -> f64 {
        let Some(system) = &mut self.system else { return f64::NAN };
        if system.total_memory() == 0 {
            system.refresh_memory();
        }
        let limit = system.cgroup_limits().map(|limits| limits.total_memory);
        limit.unwrap_or_else(|| system.total_memory()) as f64
    }

    /// Resident bytes, and processor use in percent of all cores (100 = every one busy). NaN where
    /// the system does not tell.
    pub fn measure(&mut self) -> (f64, f64) {
        let Some(system) = &mut self.system else { return (f64::NAN, f64::NAN) };
        if self.at.is_none_or(|at| at.elapsed() >= EVERY) {
            system.refresh_processes_specifics(
                ProcessesToUpdate::Some(&[self.pid]),
                false,
                ProcessRefreshKind::nothing().with_memory().with_cpu(),
            );
            self.at = Some(Instant::now());
        }
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        system.process(self.pid).map_or((f64::NAN, f64::NAN), |process| {
            (process.memory() as f64, f64::from(process.cpu_usage()) / cores)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_part_of_the_memory() {
        let mut usage = Usage::new();
        let (resident, _) = usage.measure();
        let total = usage.memory_total();
        assert!(resident > 0.0 && resident < total, "{resident} of {total}");
    }
}
