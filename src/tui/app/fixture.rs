//! A fixed world for tests: one run in each state, and metrics for those that measure something.
