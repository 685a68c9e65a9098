//! Reads the pickles that PyTorch writes, by a small machine of our own.
//!
//! A pickle is a program for a stack machine that may name any function of Python and call it.
//! This machine has no functions: the few names that PyTorch's files need (`names.rs`) are known by
//! what they mean, every other name ends the reading. Nothing is imported, called or run.
//!
//! What is made lives in a [`Heap`] of flat lists, so that neither depth nor cycles cost anything,
//! and the memory needed is proportional to the instructions, whose number is limited.

mod heap;
mod machine;
mod names;

pub(super) use heap::{Heap, Storage, TensorView, Value};
pub(super) use machine::run;
