//! One file a stage: the maths on one side, [`Context`](super::context::Context) on the other.
