//! The training-grade operators that candle lacks, each with its own forward and backward.
