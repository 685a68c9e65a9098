//! The card's memory: what a pass lets go is kept for the next.

use candle_core::{CudaDevice, Error, Result};
use cudarc::driver::result::{device as driver, mem_pool};
use cudarc::driver::sys::CUmemPool_attribute as Attribute;

/// Lets the driver keep freed memory for this process. Unasked it would give it back each time that
/// the host waits for the card, and asking for it anew costs more than most operators.
#[allow(unsafe_code, reason = "the driver is a C library")]
pub(super) fn keep(device: &CudaDevice) -> Result<()> {
    let stream = device.cuda_stream();
    let context = stream.context();
    if !context.has_async_alloc() {
        return Ok(());
    }
    let mut most = u64::MAX;
    // SAFETY: the card is the context's own; the attribute is a u64, and the driver copies it.
    unsafe {
        let pool = driver::get_default_mem_pool(context.cu_device()).map_err(Error::wrap)?;
        let attribute = Attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        mem_pool::set_attribute(pool, attribute, (&raw mut most).cast()).map_err(Error::wrap)
    }
}
