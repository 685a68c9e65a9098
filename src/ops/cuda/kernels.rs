//! Compiling `kernels.cu` for a device, and running what is in it.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use candle_core::cuda_backend::DeviceId;
use candle_core::{CudaDevice, Error, Result, bail};
use cudarc::driver::{CudaFunction, CudaModule, LaunchConfig};
use cudarc::nvrtc::{Ptx, result as nvrtc, sys};

const SOURCE: &str = include_str!("kernels.cu");

/// Threads of a block: a multiple of a warp that fits any card.
const BLOCK: u32 = 256;

type Modules = Mutex<HashMap<DeviceId, Arc<CudaModule>>>;

/// A kernel of `kernels.cu`.
pub(super) fn kernel(device: &CudaDevice, name: &str) -> Result<CudaFunction> {
    module(device)?.load_function(name).map_err(Error::wrap)
}

/// Compiles the kernels for `device`, if that has not been done.
pub(super) fn prepare(device: &CudaDevice) -> Result<()> {
    module(device).map(|_| ())
}

fn module(device: &CudaDevice) -> Result<Arc<CudaModule>> {
    static MODULES: OnceLock<Modules> = OnceLock::new();
    let modules = MODULES.get_or_init(Modules::default);
    // Whoever panicked while holding it had not yet changed anything.
    let mut modules = modules.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(&device.id()) {
        return Ok(Arc::clone(module));
    }
    let stream = device.cuda_stream();
    let context = stream.context();
    let (major, minor) = context.compute_capability().map_err(Error::wrap)?;
    let module = context.load_module(compile(major * 10 + minor)?).map_err(Error::wrap)?;
    modules.insert(device.id(), Arc::clone(&module));
    Ok(module)
}

/// Machine code for cards of that compute capability. Not PTX, which a driver older than NVRTC could
/// not read.
#[allow(unsafe_code, reason = "NVRTC is a C library; cudarc's safe part gives PTX alone")]
fn compile(capability: i32) -> Result<Ptx> {
    let Ok(source) = std::ffi::CString::new(SOURCE) else { bail!("kernels.cu holds a zero byte") };
    let program = nvrtc::create_program(&source, Some(c"kernels.cu")).map_err(|error| {
        Error::msg(format!("NVRTC, which compiles the kernels, did not start: {error:?}"))
    })?;
    let options = [format!("--gpu-architecture=sm_{capability}")];
    // SAFETY: the program was made above and is destroyed at the end of this function, once; the
    // buffer has the size that NVRTC asks for.
    unsafe {
        let compiled = nvrtc::compile_program(program, &options)
            .map_err(|error| {
                let log = nvrtc::get_program_log(program).ok();
                let log = log.and_then(|log| {
                    let log: Vec<u8> = log.into_iter().map(|c| c as u8).collect();
                    CStr::from_bytes_until_nul(&log).ok().map(|log| log.to_string_lossy().into())
                });
                let log: String = log.unwrap_or_default();
                Error::msg(format!("NVRTC, for {}: {error:?} {log}", options[0]))
            })
            .and_then(|()| {
                let mut size = 0;
                let failed = |error: nvrtc::NvrtcError| Error::msg(format!("NVRTC: {error:?}"));
                sys::nvrtcGetCUBINSize(program, &raw mut size).result().map_err(failed)?;
                let mut code = vec![0_u8; size];
                sys::nvrtcGetCUBIN(program, code.as_mut_ptr().cast()).result().map_err(failed)?;
                Ok(code)
            });
        let _ = nvrtc::destroy_program(program);
        compiled.map(Ptx::from_binary)
    }
}

/// As NVRTC says it itself; `None` = it is not there.
#[allow(unsafe_code, reason = "NVRTC is a C library")]
pub(super) fn nvrtc_version() -> Option<String> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both pointers are to live integers.
    let result = unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) };
    (result.result().is_ok() && major > 0).then(|| format!("{major}.{minor}"))
}

/// A size as kernels take it. They count in 32 bits, as 64 are slow on a card; half of the range is
/// left so that no sum of two overflows.
pub(super) fn size(number: usize) -> Result<u32> {
    match u32::try_from(number) {
        Ok(size) if size <= u32::MAX / 2 => Ok(size),
        _ => bail!(
            "{number} numbers are too many for one operator on a graphics card: a smaller \
                    batch_size has fewer"
        ),
    }
}

/// Blocks for so many threads.
pub(super) fn blocks(threads: u32) -> LaunchConfig {
    LaunchConfig {
        grid_dim: (threads.div_ceil(BLOCK), 1, 1),
        block_dim: (BLOCK, 1, 1),
        shared_mem_bytes: 0,
    }
}

/// Queues kernel `$name` with so many threads: first what it writes, then its other arguments, in
/// the order and the types of its declaration.
macro_rules! launch {
    ($device:expr, $name:literal, $threads:expr, [$($out:expr),+], $($argument:expr),+ $(,)?) => {{
        let threads: u32 = $threads;
        let function = $crate::ops::cuda::kernels::kernel($device, $name)?;
        let stream = $device.cuda_stream();
        if threads > 0 {
            use cudarc::driver::PushKernelArg as _;
            let mut launch = stream.launch_builder(&function);
            $(launch.arg($out);)+
            $(
                let argument = $argument;
                launch.arg(&argument);
            )+
            #[allow(unsafe_code, reason = "a kernel is foreign code")]
            // SAFETY: the arguments are those of the kernel's declaration; each buffer has the
            // length that the caller's shapes say, and tests/reference/cuda_kernels.py holds that
            // kernels stay inside such buffers.
            unsafe { launch.launch($crate::ops::cuda::kernels::blocks(threads)) }
                .map_err(candle_core::Error::wrap)?;
        }
    }};
}
pub(super) use launch;
