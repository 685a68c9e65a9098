//! `shapesnet`: the small batch-normalised network for the embedded data and other small images.
//!
//! ```text
//! images   C × S × S           S ≥ 28
//! conv1    5×5, 16, stride 2 (1 where S ≤ 40) → bn1 → ReLU       tap conv1
//! conv2    3×3, 32 → bn2 → ReLU                                  tap conv2
//! max pool 2×2
//! conv3    3×3, 64 → bn3 → ReLU                                  tap conv3
//! max pool 2×2
//! conv4    3×3, 128 → bn4 → ReLU                                 tap conv4
//! max pool 2×2
//! conv5    3×3, 128 → bn5 → ReLU                                 tap conv5
//! global average pool → fc → logits
//! ```
//!
//! The first stride keeps the work for 32×32 photographs and 64×64 scenes the same: conv1's map is
//! 32×32 for both.

use super::super::ModelConfig;
use super::super::graph::{Builder, Conv, Linear, NodeId};
use super::{EPSILON, max_pool};
use crate::error::Result;
use crate::ops::init::Init;

/// Channels of conv1 to conv5.
const WIDTHS: [usize; 5] = [16, 32, 64, 128, 128];

pub(super) fn build(b: &mut Builder, config: &ModelConfig) -> Result<NodeId> {
    let mut x = Builder::INPUT;
    for (index, outputs) in WIDTHS.into_iter().enumerate() {
        let (kernel, stride) = match index {
            0 if config.image_size > 40 => (5, 2),
            0 => (5, 1),
            _ => (3, 1),
        };
        if index >= 2 {
            x = b.max_pool(x, "pool", max_pool(2, 2))?;
        }
        let (name, norm) = (format!("conv{}", index + 1), format!("bn{}", index + 1));
        let conv = Conv::new(&name, outputs, kernel).stride(stride).padding(kernel / 2);
        let conv = conv.bias(false).init(Init::KaimingNormal).norm(&norm, EPSILON).relu();
        x = b.conv(x, &conv)?;
        b.tap(x, &name, None)?;
    }
    x = b.adaptive_average_pool(x, "pool", [1, 1])?;
    x = b.flatten(x, "flatten")?;
    b.linear(x, &Linear::new("fc", config.classes))
}
