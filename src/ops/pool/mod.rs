//! Pooling with any kernel, stride and padding, forward and backward. Maps are channels-last.

mod average;
mod max;
#[cfg(test)]
mod tests;
mod window;

pub use average::{AveragePool2d, adaptive_average_pool, adaptive_average_pool_gradient};
pub use max::{MaxPool2d, Winners};
