//! Training: a step, what moves the weights, how the learning rate goes, what a checkpoint holds.
//! The loop over epochs is `job`'s, since it also writes.

mod adam;
pub mod checkpoint;
mod memory;
pub mod optimizer;
pub mod schedule;
mod sgd;
pub mod trainer;

pub use adam::Adam;
pub use optimizer::{Optimizer, Rule};
pub use schedule::{Schedule, Shape};
pub use sgd::Sgd;
pub use trainer::{StepReport, Trainer};
