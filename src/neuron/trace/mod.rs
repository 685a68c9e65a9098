//! From a prediction back to the neurons that brought it (SCIENCE §7): by how much the answer falls
//! without each of them, two checks beside that, and how often the same ones are behind it.

pub mod reference;

pub use reference::Reference;
