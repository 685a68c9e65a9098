//! Training: a step, what moves the weights, how the learning rate goes, what a checkpoint holds.
//! The loop over epochs is `job`'s, since it also writes.

mod adam;
pub mod adversary;
pub mod alarm;
pub mod checkpoint;
pub mod epsilon;
#[cfg(test)]
mod fixture;
mod memory;
pub mod objective;
pub mod optimizer;
pub mod schedule;
mod sgd;
pub mod trainer;

pub use adam::Adam;
pub use adversary::{Adversary, Aim, Method};
pub use alarm::{Alarm, Reading, Verdict};
pub use epsilon::EpsilonDraw;
pub use objective::{BatchStatistics, Consistency, ConsistencyGradient, Objective, Terms};
pub use optimizer::{Optimizer, Rule};
pub use schedule::{Schedule, Shape};
pub use sgd::Sgd;
pub use trainer::{AdversarialReport, StepReport, Trainer};
