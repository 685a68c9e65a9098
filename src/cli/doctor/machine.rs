//! The program and the machine: version, system, processor, memory, graphics card.

use std::path::Path;

use sysinfo::System;

use super::Finding;
use crate::device;
use crate::tui::number::bytes;

/// Below this, training on photographs starts to swap.
const LITTLE_MEMORY: u64 = 2 << 30;

/// What runs here.
pub(super) fn program() -> Vec<Finding> {
    let name = "glassbox";
    let version = env!("CARGO_PKG_VERSION");
    let release = if cfg!(debug_assertions) {
        Finding::note(
            name,
            format!("{version}, a development build"),
            "cargo build --release makes one that trains several times faster",
        )
    } else {
        Finding::ok(name, version)
    };
    let system = System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.into());
    let kernel = System::kernel_version().unwrap_or_default();
    let system = format!("{system}, kernel {kernel}, {}", std::env::consts::ARCH);
    let program = match std::env::current_exe() {
        Ok(path) if path.exists() => Finding::ok("program", path.display().to_string()),
        Ok(path) => Finding::fix(
            "program",
            format!("{} is gone", path.display()),
            "workers are started from this file: build or install it again",
        ),
        Err(error) => Finding::fix(
            "program",
            format!("unknown: {error}"),
            "workers cannot be started: call the program by its full path",
        ),
    };
    vec![release, Finding::ok("system", system), program]
}

/// What computes here.
pub(super) fn devices() -> Vec<Finding> {
    let cpu = device::describe_cpu();
    let threads = if cpu.threads == 1 { "thread" } else { "threads" };
    let processor = format!("{}, {} {threads}, {}", cpu.model, cpu.threads, cpu.instructions);
    vec![Finding::ok("cpu", processor), memory(), cuda(Path::new("/proc/driver/nvidia/version"))]
}

fn memory() -> Finding {
    let mut system = match System::new() {
        Ok(system) => system,
        Err(error) => return Finding::ok("memory", format!("unknown: {error}")),
    };
    system.refresh_memory();
    // In a container the limit is the group's, not the machine's.
    let (free, total) = system.cgroup_limits().map_or_else(
        || (system.available_memory(), system.total_memory()),
        |limits| (limits.free_memory, limits.total_memory),
    );
    let value = format!("{} free of {}", bytes(free as f64), bytes(total as f64));
    if free < LITTLE_MEMORY {
        Finding::note("memory", value, "a smaller batch_size needs less")
    } else {
        Finding::ok("memory", value)
    }
}

fn cuda(driver: &Path) -> Finding {
    if driver.exists() {
        Finding::note(
            "cuda",
            "not in this build, though an NVIDIA driver is here",
            "this version computes on the CPU; device = \"auto\" and \"cpu\" are the same",
        )
    } else {
        Finding::ok("cuda", "not in this build: runs use the CPU")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    #[test]
    fn a_driver_that_this_build_cannot_use_is_told() {
        assert_eq!(cuda(Path::new("/")).standing, Standing::Note);
        assert_eq!(cuda(Path::new("/no/such/driver")).standing, Standing::Ok);
    }

    #[test]
    fn the_machine_is_described() {
        let findings = [program(), devices()].concat();
        assert!(findings.iter().all(|finding| !finding.value.is_empty()), "{findings:?}");
        assert!(memory().value.contains("GiB"), "{:?}", memory());
    }
}
