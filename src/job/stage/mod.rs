//! One file a stage: the maths on one side, [`Context`](super::context::Context) on the other.

use super::Stage;

/// Every stage, in the order in which a run goes through them.
///
/// Costs are in passes over the images: a training pass is a forward pass and two backward ones.
pub const STAGES: &[Stage] = &[];
