//! VGG-16 (Simonyan and Zisserman, arXiv 1409.1556, configuration D) as torchvision defines it, and
//! the same for small images.
//!
//! Taps: every convolution, `features.0` to `features.28`, by the papers `conv1_1` to `conv5_3`.

use super::super::graph::{Builder, Conv, Initial, Linear, NodeId};
use super::{kaiming_outward, max_pool};
use crate::error::Result;
use crate::ops::init::Init;

/// Channels and number of the convolutions before each pooling.
const STAGES: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];

/// What the two sizes differ in.
pub(super) struct Scale {
    /// Side of the maps that the classifier reads.
    pooled: usize,
    /// Width of the two hidden layers.
    hidden: usize,
}

pub(super) const IMAGENET: Scale = Scale { pooled: 7, hidden: 4096 };

/// From 32×32 on, where one number a channel is left.
pub(super) const SMALL: Scale = Scale { pooled: 1, hidden: 512 };

pub(super) fn build(b: &mut Builder, classes: usize, scale: &Scale) -> Result<NodeId> {
    b.initial(Initial { conv: kaiming_outward, linear: |_| Init::Normal(0.01), zero_bias: true });
    let mut x = Builder::INPUT;
    let mut module = 0;
    for (stage, (outputs, convs)) in STAGES.into_iter().enumerate() {
        for number in 1..=convs {
            let name = format!("features.{module}");
            x = b.conv(x, &Conv::new(&name, outputs, 3).padding(1).relu())?;
            b.tap(x, &name, Some(&format!("conv{}_{number}", stage + 1)))?;
            // Its ReLU is a module of its own.
            module += 2;
        }
        x = b.max_pool(x, &format!("features.{module}"), max_pool(2, 2))?;
        module += 1;
    }
    x = b.adaptive_average_pool(x, "avgpool", [scale.pooled; 2])?;
    x = b.flatten(x, "flatten")?;
    x = b.linear(x, &Linear::new("classifier.0", scale.hidden).relu())?;
    x = b.dropout(x, "classifier.2", 0.5);
    x = b.linear(x, &Linear::new("classifier.3", scale.hidden).relu())?;
    x = b.dropout(x, "classifier.5", 0.5);
    b.linear(x, &Linear::new("classifier.6", classes))
}
