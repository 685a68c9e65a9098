//! From a prediction back to the neurons that brought it (SCIENCE §7): by how much the answer falls
//! without each of them, two checks beside that, how often the same ones are behind it, and what real
//! images do in the layer.

pub mod checks;
pub mod detector;
pub mod difference;
pub mod reference;
pub mod representation;
pub mod roc;
pub mod usual;

pub use difference::{
    Differences, Follow, Measure, Removed, followed_logits, influential, logits_without,
    mean_differences, prediction_differences, probabilities,
};
pub use reference::Reference;
