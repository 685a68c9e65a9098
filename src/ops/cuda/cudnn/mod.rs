//! Convolutions by cuDNN: `NHWC` maps and `KRSC` filters, which is how ours lie.
//!
//! Of the algorithms that cuDNN's heuristics offer, the first deterministic one is taken; it is
//! asked once for every geometry. Where it offers none, the convolution is unfolded.

mod descriptor;
mod plan;

use std::ffi::c_void;

use candle_core::cuda_backend::CudaStorageSlice;
use candle_core::{DType, Device, Error, Result, Storage, Tensor, bail};
use cudarc::cudnn::result as cudnn;
use cudarc::driver::{CudaStream, DevicePtr};

use super::unfolded;
use super::values::{device_of, room};
use crate::ops::conv2d::Geometry;
use crate::ops::precision::{self, Precision};
use descriptor::Descriptors;
use plan::{Algorithm, with_library};

/// What is computed from what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Direction {
    /// Outputs from maps and weight.
    Forward,
    /// The gradient of the maps from that of the outputs and the weight.
    Input,
    /// The gradient of the weight from that of the outputs and the maps.
    Weight,
}

pub(super) fn forward(g: &Geometry, maps: &Tensor, weight: &Tensor) -> Result<Tensor> {
    run(g, Direction::Forward, maps, weight)
}

pub(super) fn input_gradient(g: &Geometry, grad: &Tensor, weight: &Tensor) -> Result<Tensor> {
    run(g, Direction::Input, grad, weight)
}

pub(super) fn weight_gradient(g: &Geometry, grad: &Tensor, maps: &Tensor) -> Result<Tensor> {
    run(g, Direction::Weight, grad, maps)
}

/// cuDNN's version: 90100 = 9.1.0. Errors if the library is not found or is older than 9, whose
/// interface this one is.
pub(super) fn version() -> Result<usize> {
    match cudnn::get_version() {
        // Where no library is found, a stand-in answers with an error's number.
        version if version < 8000 => bail!("cuDNN (libcudnn.so.9) is not found"),
        version if version < 90_000 => bail!("cuDNN is of version {version}, 90000 is needed"),
        version => Ok(version),
    }
}

/// In the precision asked for; f32 comes out.
fn run(g: &Geometry, direction: Direction, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let precision = precision::get();
    let dtype = if precision == Precision::Bf16 { DType::BF16 } else { DType::F32 };
    let ready = |tensor: &Tensor| tensor.to_dtype(dtype)?.contiguous();
    match queue(g, direction, &ready(left)?, &ready(right)?, precision)? {
        Some(result) => result.to_dtype(DType::F32),
        None => match direction {
            Direction::Forward => unfolded::forward(g, left, right),
            Direction::Input => unfolded::input_gradient(g, left, right),
            Direction::Weight => unfolded::weight_gradient(g, left, right),
        },
    }
}

/// `None` = cuDNN has no algorithm for this geometry.
fn queue(
    g: &Geometry,
    direction: Direction,
    left: &Tensor,
    right: &Tensor,
    precision: Precision,
) -> Result<Option<Tensor>> {
    let maps = [g.batch, g.size[0], g.size[1], g.inputs];
    let outputs = [g.batch, g.out[0], g.out[1], g.outputs];
    let weight = [g.outputs, g.kernel[0], g.kernel[1], g.group_inputs()];
    let (shapes, result) = match direction {
        Direction::Forward => ([maps, weight], outputs),
        Direction::Input => ([outputs, weight], maps),
        Direction::Weight => ([outputs, maps], weight),
    };
    if [left.dims(), right.dims()] != shapes.each_ref().map(|shape| &shape[..]) {
        bail!("conv2d: arguments {:?} and {:?}, expected {shapes:?}", left.dims(), right.dims());
    }
    let device = device_of(left)?;
    let stream = device.cuda_stream();
    #[allow(unsafe_code, reason = "zeros would be written only to be overwritten")]
    // SAFETY: cuDNN writes every number, as it is told to add nothing of what was there.
    let out = unsafe { Tensor::empty(&result[..], left.dtype(), &Device::Cuda(device.clone()))? };
    with_library(&device, |library| {
        let descriptors = Descriptors::new(g, precision)?;
        let Some(plan) = library.plan(g, direction, precision, &descriptors)? else {
            return Ok(None);
        };
        descriptors.set_math(plan.math)?;
        let workspace = room::<u8>(&device, plan.workspace)?;
        let (workspace, _in_use) = workspace.device_ptr(&stream);
        let workspace = workspace as *mut c_void;
        let (left, right) = (pointer(left, &stream)?, pointer(right, &stream)?);
        let target = pointer(&out, &stream)?;
        let (one, zero) = (1.0_f32, 0.0_f32);
        let (one, zero) = (std::ptr::from_ref(&one).cast(), std::ptr::from_ref(&zero).cast());
        let (handle, size) = (library.handle(), plan.workspace);
        let Descriptors { maps: x, outputs: y, weight: w, convolution } = &descriptors;
        #[allow(unsafe_code, reason = "cuDNN is a C library")]
        // SAFETY: handle and descriptors live until the end of this function, and cuDNN needs them
        // no longer; each pointer is to as many numbers as its descriptor says, which was checked
        // above; the workspace has the size that cuDNN asked for; memory that is let go while the
        // work is still queued is freed on the same stream, behind it.
        unsafe {
            match plan.algorithm {
                Algorithm::Forward(algorithm) => cudnn::convolution_forward(
                    handle,
                    one,
                    x.0,
                    left,
                    w.0,
                    right,
                    convolution.0,
                    algorithm,
                    workspace,
                    size,
                    zero,
                    y.0,
                    target,
                ),
                Algorithm::Input(algorithm) => cudnn::convolution_backward_data(
                    handle,
                    one,
                    w.0,
                    right,
                    y.0,
                    left,
                    convolution.0,
                    algorithm,
                    workspace,
                    size,
                    zero,
                    x.0,
                    target,
                ),
                Algorithm::Weight(algorithm) => cudnn::convolution_backward_filter(
                    handle,
                    one,
                    x.0,
                    right,
                    y.0,
                    left,
                    convolution.0,
                    algorithm,
                    workspace,
                    size,
                    zero,
                    w.0,
                    target,
                ),
            }
        }
        .map_err(|error| failed(direction, g, &error))?;
        Ok(Some(out))
    })
}

fn failed(direction: Direction, g: &Geometry, error: &dyn std::fmt::Debug) -> Error {
    Error::msg(format!("cuDNN: {direction:?} of {g:?}: {error:?}")).bt()
}

/// Where a contiguous tensor's numbers begin on its card.
fn pointer(tensor: &Tensor, stream: &CudaStream) -> Result<*mut c_void> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else { bail!("cuDNN wants tensors on the card") };
    let (address, _) = match &storage.slice {
        CudaStorageSlice::F32(slice) => slice.device_ptr(stream),
        CudaStorageSlice::BF16(slice) => slice.device_ptr(stream),
        _ => bail!("cuDNN is given f32 and bf16 alone"),
    };
    let offset = layout.start_offset() * tensor.dtype().size_in_bytes();
    Ok((address + offset as u64) as *mut c_void)
}
