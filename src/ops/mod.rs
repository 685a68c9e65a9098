//! Training-grade operators that candle lacks: fast, seeded, and the same bit for bit each time.

pub mod init;
