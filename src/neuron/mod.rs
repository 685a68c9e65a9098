//! What the network's neurons answer to (SCIENCE §3). A neuron is one channel of a feature map.

pub mod activation;
pub mod consistency;
pub mod discrepancy;
pub mod dissection;
mod hash;
pub mod quantile;
pub mod rank;
pub mod region;
pub mod top;
pub mod top_set;
pub mod trace;
