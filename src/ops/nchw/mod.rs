//! Operators with channels first and candle's gradients; networks are moving away from them.

pub mod average_pool;
pub mod batch_norm;
pub mod channel_affine;
pub mod conv2d;
pub mod max_pool2d;

pub use average_pool::global_average_pool;
pub use batch_norm::{BatchNorm, Statistics};
pub use channel_affine::channel_affine;
pub use conv2d::Conv2d;
pub use max_pool2d::MaxPool2d;
