//! The training loop, objective, optimizer, schedule, checkpoint.
