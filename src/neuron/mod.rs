//! What the network's neurons answer to.
