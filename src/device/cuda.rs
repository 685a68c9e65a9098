//! CUDA devices: which there are, and opening one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::Device;
use cudarc::driver::result::{self as driver, DriverError};
use cudarc::driver::sys::CUdevice_attribute as Attribute;

use super::{Card, Missing};
use crate::error::text::clean;
use crate::ops::cuda;

/// Where the driver's part in the kernel tells its version.
const DRIVER: &str = "/proc/driver/nvidia/version";

/// Every card that the driver shows to this process. Takes no memory on any.
pub(super) fn cards() -> Result<Vec<Card>, Missing> {
    let refused = |error: DriverError| {
        // A library that is not found answers as a driver without a card does.
        if Path::new(DRIVER).exists() {
            Missing::Refused(format!("the driver says: {}", one_line(&error.to_string())))
        } else {
            Missing::Driver
        }
    };
    driver::init().map_err(refused)?;
    let count = driver::device::get_count().map_err(refused)?;
    let cards: Vec<Card> = (0..count).map(card).collect::<Result<_, _>>().map_err(refused)?;
    if cards.is_empty() {
        return Err(Missing::Refused("the driver shows no device".into()));
    }
    Ok(cards)
}

fn card(index: i32) -> Result<Card, DriverError> {
    let device = driver::device::get(index)?;
    #[allow(unsafe_code, reason = "the driver is a C library")]
    // SAFETY: the driver gave this device just now.
    let (memory, major, minor) = unsafe {
        (
            driver::device::total_mem(device)?,
            driver::device::get_attribute(
                device,
                Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            )?,
            driver::device::get_attribute(
                device,
                Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
            )?,
        )
    };
    Ok(Card {
        name: format!("cuda:{index}"),
        model: one_line(&driver::device::get_name(device)?),
        memory: memory as u64,
        capability: [major, minor],
    })
}

/// The driver's version, and the newest CUDA that it knows: `580.65.06, CUDA 13.0`.
pub(super) fn driver_version() -> Option<String> {
    let mut number = 0;
    #[allow(unsafe_code, reason = "the driver is a C library")]
    // SAFETY: the pointer is to a live integer.
    let result = unsafe { cudarc::driver::sys::cuDriverGetVersion(&raw mut number) };
    result.result().ok()?;
    let cuda = format!("CUDA {}.{}", number / 1000, number % 1000 / 10);
    let own = std::fs::read_to_string(DRIVER).ok().and_then(|text| {
        let is_version = |word: &&str| {
            word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.')
        };
        text.lines().next()?.split_whitespace().find(is_version).map(str::to_owned)
    });
    Some(own.map_or_else(|| cuda.clone(), |own| format!("{own}, {cuda}")))
}

/// Opens a card, once in a process: tensors of two openings would not know each other. On a stream
/// of its own that all threads share, so that work is done in the order of the calls.
pub(super) fn open(index: usize) -> Result<Device, Missing> {
    static OPEN: Mutex<Option<HashMap<usize, Device>>> = Mutex::new(None);
    // Whoever panicked while holding it had not yet changed anything.
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let open = open.get_or_insert_default();
    if let Some(device) = open.get(&index) {
        return Ok(device.clone());
    }
    let cards = cards()?;
    if index >= cards.len() {
        let there: Vec<&str> = cards.iter().map(|card| card.name.as_str()).collect();
        return Err(Missing::Refused(format!("there is only {}", there.join(", "))));
    }
    let opened = Device::new_cuda_with_stream(index).and_then(|device| {
        let card = device.as_cuda_device()?;
        #[allow(unsafe_code, reason = "events that order streams cost more than small operators")]
        // SAFETY: there is one stream to order: this card is opened here alone, and once.
        unsafe {
            card.disable_event_tracking();
        }
        cuda::prepare(card)?;
        Ok(device)
    });
    let device = opened.map_err(|error| Missing::Refused(one_line(&error.to_string())))?;
    open.insert(index, device.clone());
    Ok(device)
}

/// Versions of the libraries that are loaded when they are needed, or which of them is not found.
pub(super) fn libraries() -> Result<String, String> {
    let nvrtc = cuda::nvrtc_version().ok_or("NVRTC (libnvrtc.so) is not found")?;
    if !cfg!(feature = "cudnn") {
        return Ok(format!("NVRTC {nvrtc}; this build convolves without cuDNN"));
    }
    let cudnn = cuda::cudnn_version().ok_or("cuDNN 9 (libcudnn.so.9) is not found")?;
    Ok(format!("NVRTC {nvrtc}, cuDNN {cudnn}"))
}

/// The first line of what a library says, without control codes.
fn one_line(text: &str) -> String {
    clean(text.lines().next().unwrap_or_default()).into_owned()
}
