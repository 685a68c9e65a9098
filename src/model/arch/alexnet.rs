//! AlexNet (Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv
//! 1404.5997) as torchvision defines it, and the same for small images.
//!
//! Taps `features.0 3 6 8 10`, by the papers `conv1` to `conv5`.

use super::super::graph::{Builder, Conv, Linear, NodeId};
use super::max_pool;
use crate::error::Result;

/// What the two sizes differ in.
pub(super) struct Scale {
    /// Kernel, stride and padding of the first convolution.
    first: [usize; 3],
    /// Side of the maps that the classifier reads.
    pooled: usize,
    /// Width of the two hidden layers.
    hidden: usize,
}

pub(super) const IMAGENET: Scale = Scale { first: [11, 4, 2], pooled: 6, hidden: 4096 };

/// From 24×24 on: a first layer that loses nothing, and a classifier to match.
pub(super) const SMALL: Scale = Scale { first: [3, 1, 1], pooled: 3, hidden: 1024 };

pub(super) fn build(b: &mut Builder, classes: usize, scale: &Scale) -> Result<NodeId> {
    let [kernel, stride, padding] = scale.first;
    let convs = [
        (Conv::new("features.0", 64, kernel).stride(stride).padding(padding), Some("features.2")),
        (Conv::new("features.3", 192, 5).padding(2), Some("features.5")),
        (Conv::new("features.6", 384, 3).padding(1), None),
        (Conv::new("features.8", 256, 3).padding(1), None),
        (Conv::new("features.10", 256, 3).padding(1), Some("features.12")),
    ];
    let names = ["features.0", "features.3", "features.6", "features.8", "features.10"];
    let mut x = Builder::INPUT;
    for (index, ((conv, pool), name)) in convs.into_iter().zip(names).enumerate() {
        x = b.conv(x, &conv.relu())?;
        b.tap(x, name, Some(&format!("conv{}", index + 1)))?;
        if let Some(pool) = pool {
            x = b.max_pool(x, pool, max_pool(3, 2))?;
        }
    }
    x = b.adaptive_average_pool(x, "avgpool", [scale.pooled; 2])?;
    x = b.flatten(x, "flatten")?;
    x = b.dropout(x, "classifier.0", 0.5);
    x = b.linear(x, &Linear::new("classifier.1", scale.hidden).relu())?;
    x = b.dropout(x, "classifier.3", 0.5);
    x = b.linear(x, &Linear::new("classifier.4", scale.hidden).relu())?;
    b.linear(x, &Linear::new("classifier.6", classes))
}
