//! The program and the machine: version, system, processor, memory, graphics card.

use std::path::Path;

use sysinfo::System;

use super::Finding;
use crate::device::{self, Card, DeviceName, Missing};
use crate::job::wordnet;
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
    vec![release, built(), Finding::ok("system", system), program, clock(), nouns()]
}

/// With what this program was built, and what is in it.
fn built() -> Finding {
    let mut features = Vec::new();
    features.extend(cfg!(feature = "cuda").then_some("cuda"));
    features.extend(cfg!(feature = "cudnn").then_some("cudnn"));
    let features = if features.is_empty() { "none".into() } else { features.join(", ") };
    let value = format!(
        "{}, {}, candle {}, features: {features}",
        env!("GLASSBOX_RUSTC"),
        env!("GLASSBOX_TARGET"),
        env!("GLASSBOX_CANDLE"),
    );
    Finding::ok("built by", value)
}

/// Runs are named by it, and tell by it that they are alive.
fn clock() -> Finding {
    let now = jiff::Zoned::now();
    let shown = now.strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    // The year in which this was written.
    if now.year() < 2025 {
        return Finding::fix("clock", shown, "set it: runs are named by it, and their age told");
    }
    Finding::ok("clock", shown)
}

/// The nouns that classes are told apart by.
fn nouns() -> Finding {
    let wordnet::Measured { nouns, ready, by_word } = wordnet::measure();
    let [ready, by_word] = [ready, by_word].map(|took| took.as_secs_f64() * 1e3);
    let value =
        format!("{nouns} nouns, ready in {ready:.1} ms, found by word {by_word:.1} ms later");
    if nouns > 0 {
        Finding::ok("WordNet", value)
    } else {
        Finding::fix("WordNet", value, "the program file is damaged: build or install it again")
    }
}

/// What computes here.
pub(super) fn devices() -> Vec<Finding> {
    let cpu = device::describe_cpu();
    let threads = if cpu.threads == 1 { "thread" } else { "threads" };
    let processor = format!("{}, {} {threads}, {}", cpu.model, cpu.threads, cpu.instructions);
    let mut found = vec![Finding::ok("cpu", processor), memory()];
    found.extend(match device::cards() {
        Ok(cards) => cuda(&cards),
        Err(missing) => {
            vec![no_cuda(&missing, Path::new("/proc/driver/nvidia/version").exists())]
        }
    });
    found
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

/// Each card, the driver, the libraries, and whether a card can be opened with them.
fn cuda(cards: &[Card]) -> Vec<Finding> {
    let mut found: Vec<Finding> = cards
        .iter()
        .map(|card| {
            let [major, minor] = card.capability;
            let memory = bytes(card.memory as f64);
            let value = format!("{}, {memory}, compute capability {major}.{minor}", card.model);
            Finding::ok(card.name.as_str(), value)
        })
        .collect();
    let driver = device::driver_version().unwrap_or_else(|| "unknown".into());
    found.push(Finding::ok("NVIDIA driver", driver));
    found.push(match device::cuda_libraries() {
        Ok(versions) => Finding::ok("CUDA libraries", versions),
        Err(reason) => Finding::fix("CUDA libraries", reason, LIBRARIES),
    });
    if let Err(error) = DeviceName::Cuda(vec![0]).open() {
        found.push(Finding::fix("CUDA", error.message, error.hint.unwrap_or_default()));
    }
    found
}

/// What to do where a library is not found.
const LIBRARIES: &str = "install CUDA's libraries, or name the folders that hold them in \
    LD_LIBRARY_PATH: PyTorch brings them along, below site-packages/nvidia";

/// Why there is no card to compute on; `driver` says whether NVIDIA's driver is here.
fn no_cuda(missing: &Missing, driver: bool) -> Finding {
    match missing {
        Missing::Build if driver => Finding::note(
            "cuda",
            "not in this build, though an NVIDIA driver is here: runs use the CPU",
            "build with --features cuda,cudnn: the README says what that needs",
        ),
        Missing::Build => Finding::ok("cuda", "not in this build: runs use the CPU"),
        Missing::Driver => Finding::note(
            "cuda",
            format!("{missing}: runs use the CPU"),
            format!("for a graphics card {}", missing.advice()),
        ),
        Missing::Refused(_) => Finding::fix("cuda", missing.to_string(), missing.advice()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    #[test]
    fn why_there_is_no_card_is_told() {
        let standing = |missing: &Missing, driver| no_cuda(missing, driver).standing;
        assert_eq!(standing(&Missing::Build, true), Standing::Note);
        assert_eq!(standing(&Missing::Build, false), Standing::Ok);
        assert_eq!(standing(&Missing::Driver, false), Standing::Note);
        let refused = no_cuda(&Missing::Refused("no device".into()), true);
        assert_eq!(refused.standing, Standing::Fix);
        assert!(refused.value.contains("no device") && refused.advice.is_some());
    }

    #[test]
    fn the_machine_is_described() {
        let findings = [program(), devices()].concat();
        assert!(findings.iter().all(|finding| !finding.value.is_empty()), "{findings:?}");
        assert!(memory().value.contains("GiB"), "{:?}", memory());
        assert_eq!(nouns().standing, Standing::Ok);
        assert!(nouns().value.starts_with("82115 nouns, ready in "), "{:?}", nouns());
    }
}
