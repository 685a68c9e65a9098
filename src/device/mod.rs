//! Choosing and describing a device: the CPU, or an NVIDIA card where the build has CUDA.

#[cfg(feature = "cuda")]
mod cuda;

use std::fmt;
use std::str::FromStr;

use candle_core::Device;

use crate::error::text::{clean, printable};
use crate::error::{Error, Result};
use crate::ops::Precision;

/// Where a run computes, as its spec names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceName {
    /// The first CUDA device, if this build can use one and it answers; otherwise the CPU.
    Auto,
    /// The processor, with one thread a core.
    Cpu,
    /// CUDA devices by number.
    Cuda(Vec<usize>),
}

impl FromStr for DeviceName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = match name.trim() {
            "auto" => Some(Self::Auto),
            "cpu" => Some(Self::Cpu),
            other => match other.strip_prefix("cuda") {
                Some("") => Some(Self::Cuda(vec![0])),
                Some(numbers) => numbers.strip_prefix(':').and_then(cuda_numbers).map(Self::Cuda),
                None => None,
            },
        };
        known.ok_or_else(|| {
            Error::bad_input(format!("unknown device '{}'", printable(name)))
                .hint("write 'auto', 'cpu' or 'cuda:0'")
        })
    }
}

/// `0,1`: different numbers.
fn cuda_numbers(text: &str) -> Option<Vec<usize>> {
    let mut numbers: Vec<usize> = Vec::new();
    for number in text.split(',') {
        let number = number.trim().parse().ok()?;
        if numbers.contains(&number) {
            return None;
        }
        numbers.push(number);
    }
    Some(numbers)
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                write!(f, "cuda:{}", numbers.join(","))
            }
        }
    }
}

impl DeviceName {
    /// The device itself. `auto` never fails; a device that this build cannot use is bad input,
    /// never quietly replaced by another.
    pub fn open(&self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto => self.resolve().0.open(),
            Self::Cuda(numbers) => match numbers.as_slice() {
                &[number] => open_cuda(number).map_err(|missing| {
                    Error::bad_input(format!("device '{self}': {missing}"))
                        .hint(format!("{}, or set device = \"cpu\"", missing.advice()))
                }),
                _ => Err(Error::bad_input(format!(
                    "device '{self}': a run uses one device in this version"
                ))
                .hint("name one; runs on different devices go on side by side")),
            },
        }
    }

    /// What `auto` stands for here, and why it is not a card where one seems to be there; the
    /// others stand for themselves.
    pub fn resolve(&self) -> (Self, Option<String>) {
        if *self != Self::Auto {
            return (self.clone(), None);
        }
        match open_cuda(0) {
            Ok(_) => (Self::Cuda(vec![0]), None),
            Err(Missing::Refused(reason)) => {
                let note =
                    format!("'auto' is the CPU here, since cuda:0 does not answer: {reason}");
                (Self::Cpu, Some(note))
            }
            Err(Missing::Build | Missing::Driver) => (Self::Cpu, None),
        }
    }
}

/// How exactly a run on `device` computes where it says nothing: on a card as PyTorch's
/// convolutions do.
pub fn usual_precision(device: &Device) -> Precision {
    if device.is_cpu() { Precision::F32 } else { Precision::Tf32 }
}

/// A CUDA device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// `cuda:0`.
    pub name: String,
    /// What the maker calls it: `NVIDIA H200`.
    pub model: String,
    /// Bytes it has.
    pub memory: u64,
    /// CUDA's name for its generation: `[9, 0]`.
    pub capability: [i32; 2],
}

/// Why there is no CUDA device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The program was built without.
    Build,
    /// No NVIDIA driver on this machine.
    Driver,
    /// There is a driver, but it, the device or a library says no.
    Refused(String),
}

impl Missing {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Build => "build with --features cuda,cudnn",
            Self::Driver => "install NVIDIA's driver: nvidia-smi must list the card",
            Self::Refused(_) => {
                "see `glassbox doctor`; CUDA's libraries are found by LD_LIBRARY_PATH, and \
                 CUDA_VISIBLE_DEVICES hides devices"
            }
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build => f.write_str("this build has no CUDA support"),
            Self::Driver => f.write_str("no NVIDIA driver is found on this machine"),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

/// Every CUDA device that this process may use.
pub fn cards() -> Result<Vec<Card>, Missing> {
    #[cfg(feature = "cuda")]
    return cuda::cards();
    #[cfg(not(feature = "cuda"))]
    Err(Missing::Build)
}

/// NVIDIA's driver: its version, and the newest CUDA that it knows.
pub fn driver_version() -> Option<String> {
    #[cfg(feature = "cuda")]
    return cuda::driver_version();
    #[cfg(not(feature = "cuda"))]
    None
}

/// Versions of the libraries that operators on a card call, or which is not found.
pub fn cuda_libraries() -> Result<String, String> {
    #[cfg(feature = "cuda")]
    return cuda::libraries();
    #[cfg(not(feature = "cuda"))]
    Err(Missing::Build.to_string())
}

/// A card's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardMemory {
    /// In use, by whomever.
    pub used: u64,
    /// All of it.
    pub total: u64,
}

/// A card's memory; `None` on the CPU, whose memory the system tells.
pub fn memory(device: &Device) -> Option<CardMemory> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(card) = device {
        let (free, total) = card.cuda_stream().context().mem_get_info().ok()?;
        return Some(CardMemory { used: total.saturating_sub(free) as u64, total: total as u64 });
    }
    let _ = device;
    None
}

fn open_cuda(number: usize) -> Result<Device, Missing> {
    #[cfg(feature = "cuda")]
    return cuda::open(number);
    #[cfg(not(feature = "cuda"))]
    {
        let _ = number;
        Err(Missing::Build)
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
    (!name.is_empty()).then(|| clean(name).into_owned())
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
        for name in ["auto", "cpu", "cuda:0", "cuda:3", "cuda:0,1", "cuda:2,0"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceName>().unwrap(), DeviceName::Cuda(vec![0]));
    }

    #[test]
    fn unknown_names_say_what_is_known() {
        let wrong = ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda0", "CPU", "cuda:0\u{1b}[2J"];
        for name in wrong.into_iter().chain(["cuda:0,", "cuda:1,1", "cuda:0;1"]) {
            let error = name.parse::<DeviceName>().unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.message.contains('\u{1b}'));
            assert!(error.hint.as_deref().unwrap().contains("cuda:0"));
        }
    }

    #[test]
    fn a_device_this_build_cannot_use_is_never_replaced() {
        assert!(DeviceName::Cpu.open().unwrap().is_cpu());
        let device = DeviceName::Auto.open().unwrap();
        match cards() {
            Ok(cards) => {
                assert!(!cards.is_empty());
                let error = DeviceName::Cuda(vec![cards.len()]).open().unwrap_err();
                assert_eq!(error.exit_code(), 2);
                assert!(error.message.contains("only cuda:0"), "{}", error.message);
            }
            Err(missing) => {
                assert!(device.is_cpu());
                let error = DeviceName::Cuda(vec![0]).open().unwrap_err();
                assert_eq!(error.exit_code(), 2);
                assert!(error.message.contains(&missing.to_string()), "{}", error.message);
                assert!(error.hint.as_deref().unwrap().contains("cpu"));
            }
        }
        assert_eq!(cards() == Err(Missing::Build), !cfg!(feature = "cuda"));
    }

    #[test]
    fn several_devices_for_one_run_are_refused() {
        let error = "cuda:0,1".parse::<DeviceName>().unwrap().open().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message.contains("one device"), "{}", error.message);
    }

    #[test]
    fn the_cpu_has_a_name_and_threads() {
        let cpu = describe_cpu();
        assert!(cpu.threads > 0 && !cpu.model.is_empty());
        assert!(cpu.to_string().starts_with("cpu: "), "{cpu}");
    }
}
