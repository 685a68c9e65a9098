//! Choosing and describing a device. This build computes on the CPU.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Where a run computes, as its spec names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceName {
    /// The best there is: in this build, the CPU.
    Auto,
    /// The processor, with one thread a core.
    Cpu,
    /// A CUDA device by number.
    Cuda(usize),
}

impl FromStr for DeviceName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = match name.trim() {
            "auto" => Some(Self::Auto),
            "cpu" => Some(Self::Cpu),
            other => match other.strip_prefix("cuda") {
                Some("") => Some(Self::Cuda(0)),
                Some(number) => {
                    number.strip_prefix(':').and_then(|n| n.parse().ok()).map(Self::Cuda)
                }
                None => None,
            },
        };
        known.ok_or_else(|| {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            Error::bad_input(format!("unknown device '{shown}'"))
                .hint("write 'auto', 'cpu' or 'cuda:0'")
        })
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl DeviceName {
    /// The device itself. `auto` never fails; a device that this build cannot use is bad input,
    /// never quietly replaced by another.
    pub fn open(self) -> Result<candle_core::Device> {
        match self {
            Self::Auto | Self::Cpu => Ok(candle_core::Device::Cpu),
            Self::Cuda(_) => {
                Err(Error::bad_input(format!("device '{self}': this build has no CUDA support"))
                    .hint("set device = \"cpu\" (or \"auto\")"))
            }
        }
    }

    /// What `auto` stands for here; the others stand for themselves.
    pub fn resolve(self) -> Self {
        match self {
            Self::Auto => Self::Cpu,
            other => other,
        }
    }
}

/// A device, as people want to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// `cpu`, `cuda:0`.
    pub name: String,
    /// What the maker calls it: `AMD EPYC 9B14`.
    pub model: String,
    /// Threads that compute: the cores this process may use.
    pub threads: usize,
    /// The widest vector instructions the operators can use here.
    pub instructions: &'static str,
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        write!(
            f,
            "{}: {}, {} {threads}, {}",
            self.name, self.model, self.threads, self.instructions
        )
    }
}

/// Describes the CPU.
pub fn describe_cpu() -> Description {
    Description {
        name: "cpu".into(),
        model: cpu_model().unwrap_or_else(|| std::env::consts::ARCH.into()),
        threads: rayon::current_num_threads(),
        instructions: instructions(),
    }
}

/// The processor's name where the system tells it.
fn cpu_model() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    let name = line.split_once(':')?.1.trim();
    (!name.is_empty()).then(|| name.chars().filter(|c| !c.is_control()).collect())
}

#[cfg(target_arch = "x86_64")]
fn instructions() -> &'static str {
    if is_x86_feature_detected!("avx512f") {
        "AVX-512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "AVX2"
    } else {
        "SSE2"
    }
}

#[cfg(target_arch = "aarch64")]
fn instructions() -> &'static str {
    "NEON"
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn instructions() -> &'static str {
    "scalar"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for name in ["auto", "cpu", "cuda:0", "cuda:3"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceName>().unwrap(), DeviceName::Cuda(0));
    }

    #[test]
    fn unknown_names_say_what_is_known() {
        for name in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda0", "CPU", "cuda:0\u{1b}[2J"] {
            let error = name.parse::<DeviceName>().unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.message.contains('\u{1b}'));
            assert!(error.hint.as_deref().unwrap().contains("cuda:0"));
        }
    }

    #[test]
    fn a_device_this_build_cannot_use_is_never_replaced() {
        assert!(DeviceName::Auto.open().unwrap().is_cpu());
        assert!(DeviceName::Cpu.open().unwrap().is_cpu());
        let error = DeviceName::Cuda(0).open().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message.contains("no CUDA support"), "{}", error.message);
        assert!(error.hint.as_deref().unwrap().contains("cpu"));
    }

    #[test]
    fn the_cpu_has_a_name_and_threads() {
        let cpu = describe_cpu();
        assert!(cpu.threads > 0 && !cpu.model.is_empty());
        assert!(cpu.to_string().starts_with("cpu: "), "{cpu}");
    }
}
