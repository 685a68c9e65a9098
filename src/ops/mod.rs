//! Training-grade operators that candle lacks: fast, seeded, and the same bit for bit each time.
//!
//! Each operator is a function on tensors with its own forward and backward pass, f32 on the CPU.
//! Gradients are computed only for arguments that lead to a variable, so a frozen network pays
//! nothing for weight gradients.
//!
//! Work is cut into pieces by the shape alone, and partial results are added in a fixed order:
//! neither the number of threads nor their timing changes a bit.

pub mod average_pool;
pub mod batch_norm;
pub mod channel_affine;
pub mod conv2d;
pub mod cross_entropy;
pub mod init;
mod lanes;
pub mod max_pool2d;
mod values;

pub use average_pool::global_average_pool;
pub use batch_norm::{BatchNorm, Statistics};
pub use channel_affine::channel_affine;
pub use conv2d::Conv2d;
pub use cross_entropy::{cross_entropy, cross_entropy_per_image};
pub use max_pool2d::MaxPool2d;

#[cfg(test)]
mod check;
