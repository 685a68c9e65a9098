//! cuDNN's descriptions of tensors, filters and convolutions, destroyed when let go.

use std::ffi::c_int;

use candle_core::{Error, Result, bail};
use cudarc::cudnn::{result as cudnn, sys};

use crate::ops::conv2d::Geometry;
use crate::ops::precision::Precision;

/// A handle that has to be destroyed.
macro_rules! owned {
    ($name:ident, $handle:ty, $create:path, $destroy:path) => {
        pub(super) struct $name(pub(super) $handle);

        impl $name {
            fn new() -> Result<Self> {
                Ok(Self($create().map_err(Error::wrap)?))
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                #[allow(unsafe_code, reason = "cuDNN is a C library")]
                // SAFETY: made by `new`, destroyed here alone.
                let _ = unsafe { $destroy(self.0) };
            }
        }
    };
}

owned!(
    Maps,
    sys::cudnnTensorDescriptor_t,
    cudnn::create_tensor_descriptor,
    cudnn::destroy_tensor_descriptor
);
owned!(
    Filter,
    sys::cudnnFilterDescriptor_t,
    cudnn::create_filter_descriptor,
    cudnn::destroy_filter_descriptor
);
owned!(
    Convolution,
    sys::cudnnConvolutionDescriptor_t,
    cudnn::create_convolution_descriptor,
    cudnn::destroy_convolution_descriptor
);

/// One convolution, as cuDNN wants it told.
pub(super) struct Descriptors {
    pub(super) maps: Maps,
    pub(super) outputs: Maps,
    pub(super) weight: Filter,
    pub(super) convolution: Convolution,
}

impl Descriptors {
    /// bf16 says what the tensors hold; sums are f32 always.
    pub(super) fn new(g: &Geometry, precision: Precision) -> Result<Self> {
        let holds = match precision {
            Precision::Bf16 => sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16,
            Precision::F32 | Precision::Tf32 => sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
        };
        let format = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC;
        let made = Self {
            maps: Maps::new()?,
            outputs: Maps::new()?,
            weight: Filter::new()?,
            convolution: Convolution::new()?,
        };
        // Dimensions are given as N, C, H, W whatever the format.
        let maps = [g.batch, g.inputs, g.size[0], g.size[1]];
        let outputs = [g.batch, g.outputs, g.out[0], g.out[1]];
        let weight = [g.outputs, g.group_inputs(), g.kernel[0], g.kernel[1]];
        let [stride, padding, dilation] = [int2(g.stride)?, int2(g.padding)?, int2(g.dilation)?];
        #[allow(unsafe_code, reason = "cuDNN is a C library")]
        // SAFETY: the descriptors were made above and live.
        unsafe {
            for (descriptor, dims) in [(&made.maps, maps), (&made.outputs, outputs)] {
                cudnn::set_tensor4d_descriptor(descriptor.0, format, holds, int4(dims)?)
                    .map_err(Error::wrap)?;
            }
            cudnn::set_filter4d_descriptor(made.weight.0, holds, format, int4(weight)?)
                .map_err(Error::wrap)?;
            cudnn::set_convolution2d_descriptor(
                made.convolution.0,
                padding[0],
                padding[1],
                stride[0],
                stride[1],
                dilation[0],
                dilation[1],
                sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION,
                sys::cudnnDataType_t::CUDNN_DATA_FLOAT,
            )
            .map_err(Error::wrap)?;
            cudnn::set_convolution_group_count(made.convolution.0, int(g.groups)?)
                .map_err(Error::wrap)?;
        }
        made.set_math(asked(precision))?;
        Ok(made)
    }

    /// Which of the card's units may be used.
    #[allow(unsafe_code, reason = "cuDNN is a C library")]
    pub(super) fn set_math(&self, math: sys::cudnnMathType_t) -> Result<()> {
        // SAFETY: the descriptor lives.
        unsafe { cudnn::set_convolution_math_type(self.convolution.0, math) }.map_err(Error::wrap)
    }
}

/// cuDNN's default rounds f32 to TF32; only `FMA` keeps it whole.
fn asked(precision: Precision) -> sys::cudnnMathType_t {
    match precision {
        Precision::F32 => sys::cudnnMathType_t::CUDNN_FMA_MATH,
        Precision::Tf32 => sys::cudnnMathType_t::CUDNN_DEFAULT_MATH,
        Precision::Bf16 => sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH,
    }
}

fn int(number: usize) -> Result<c_int> {
    match c_int::try_from(number) {
        Ok(number) => Ok(number),
        Err(_) => bail!("conv2d: {number} is more than cuDNN counts"),
    }
}

fn int2([a, b]: [usize; 2]) -> Result<[c_int; 2]> {
    Ok([int(a)?, int(b)?])
}

fn int4([a, b, c, d]: [usize; 4]) -> Result<[c_int; 4]> {
    Ok([int(a)?, int(b)?, int(c)?, int(d)?])
}
