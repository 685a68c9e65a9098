//! The operators on NVIDIA graphics cards.
//!
//! Convolutions go to cuDNN (feature `cudnn`) or to cuBLAS over unfolded maps, products to cuBLAS,
//! the rest to the kernels of `kernels.cu`, which NVRTC compiles when a device is first used: so no
//! CUDA compiler is needed where the program runs. Everything is queued on the one stream that a
//! device is opened with, in the order of the calls. Nothing here is chosen by time or uses atomics:
//! the same input gives the same bits on the same card.

mod batch_norm;
mod conv2d;
mod cross_entropy;
#[cfg(feature = "cudnn")]
mod cudnn;
mod dropout;
mod elementwise;
mod kernels;
mod layout;
mod linear;
mod memory;
mod optimizer;
mod pool;
#[cfg(test)]
mod tests;
mod unfolded;
mod values;

use candle_core::{CudaDevice, DType, Result, Tensor};

pub(super) use batch_norm::{norm_backward, norm_forward, norm_frozen, norm_running};
pub(super) use conv2d::{convolution, convolution_input_gradient, convolution_weight_gradient};
pub(super) use cross_entropy::cross_entropy;
pub(super) use dropout::dropout;
pub(super) use elementwise::{
    add, channel_affine, channel_scale, channel_sum, relu, relu_gradient,
};
pub(super) use layout::{concat, split, to_channels_first, to_channels_last};
pub(super) use linear::{linear, linear_input_gradient, linear_weight_gradient};
pub(crate) use optimizer::{Descent, Moments, adam, sgd};
pub(super) use pool::{Sizes, Spans, average, max_pool, max_pool_gradient, spread};

use super::precision::{self, Precision};

/// Compiles our kernels for a device and sees whether the libraries that the operators call are
/// there, so that what is missing is said before any work begins.
pub(crate) fn prepare(device: &CudaDevice) -> Result<()> {
    #[cfg(feature = "cudnn")]
    cudnn::version()?;
    memory::keep(device)?;
    kernels::prepare(device)
}

/// NVRTC's version, if the library is found.
pub(crate) fn nvrtc_version() -> Option<String> {
    kernels::nvrtc_version()
}

/// cuDNN's version, if this build uses it and the library is found.
pub(crate) fn cudnn_version() -> Option<String> {
    #[cfg(feature = "cudnn")]
    return cudnn::version().ok().map(|v| format!("{}.{}.{}", v / 10_000, v / 100 % 100, v % 100));
    #[cfg(not(feature = "cudnn"))]
    None
}

/// `left · right`, both `[rows, columns]`, in the precision asked for; f32 comes out.
fn product(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    if precision::get() == Precision::Bf16 {
        let half = |tensor: &Tensor| tensor.to_dtype(DType::BF16);
        return half(left)?.matmul(&half(right)?)?.to_dtype(DType::F32);
    }
    left.matmul(right)
}
