//! The launch screen.
