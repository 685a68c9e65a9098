//! Training-grade operators that candle lacks: fast, seeded, and the same bit for bit each time.
//!
//! Each operator is a function on tensors with its own forward and backward pass, f32 on the CPU and,
//! with the feature `cuda`, on the card that its arguments lie on.
//! Maps are channels-last inside: `[batch, height, width, channels]`.
//! Work is cut into pieces by the shape alone, and partial results are added in a fixed order:
//! neither the number of threads nor their timing changes a bit.

pub mod ball;
pub mod batch_norm;
pub mod conv2d;
pub mod cross_entropy;
#[cfg(feature = "cuda")]
pub(crate) mod cuda;
pub mod dropout;
pub mod elementwise;
pub mod init;
mod lanes;
pub mod layout;
pub mod linear;
mod matrix;
pub mod pool;
pub mod precision;
mod scratch;
mod values;

pub use ball::linf_step;
pub use batch_norm::{BatchNorm, BatchNormGradients, Moments, Statistics};
pub use conv2d::{Conv2d, Epilogue};
pub use cross_entropy::{cross_entropy, cross_entropy_per_image};
pub use dropout::{dropout, dropout_gradient};
pub use elementwise::{
    Activation, add, channel_affine, channel_scale, channel_sum, relu, relu_gradient,
};
pub(crate) use lanes::vectorized;
pub use layout::{concat, split, to_channels_first, to_channels_last};
pub use linear::{linear, linear_input_gradient, linear_weight_gradient};
pub use pool::{
    AveragePool2d, MaxPool2d, Winners, adaptive_average_pool, adaptive_average_pool_gradient,
};
pub use precision::Precision;

#[cfg(test)]
mod check;
