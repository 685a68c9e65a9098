//! ResNet-18 (He et al., arXiv 1512.03385) as torchvision defines it, and with the stem that small
//! images want.
//!
//! Taps: `conv1` and the blocks `layer1.0` to `layer4.1`, by the papers `conv2a` to `conv5b`.

use super::super::graph::{Builder, Conv, Initial, Linear, NodeId};
use super::{EPSILON, kaiming_outward};
use crate::error::Result;
use crate::ops::MaxPool2d;
use crate::ops::init::Init;

/// What stands before the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stem {
    /// 7×7 with stride 2, then pooling: a quarter of the side is left.
    Imagenet,
    /// 3×3: nothing is lost.
    Small,
}

pub(super) fn build(b: &mut Builder, classes: usize, stem: Stem) -> Result<NodeId> {
    b.initial(Initial {
        conv: kaiming_outward,
        linear: |fans| Init::Uniform { fan_in: fans.inward },
        zero_bias: false,
    });
    let (kernel, stride) = if stem == Stem::Imagenet { (7, 2) } else { (3, 1) };
    let conv = Conv::new("conv1", 64, kernel).stride(stride).padding(kernel / 2);
    let mut x = Builder::INPUT;
    x = b.conv(x, &conv.bias(false).norm("bn1", EPSILON).relu())?;
    b.tap(x, "conv1", None)?;
    if stem == Stem::Imagenet {
        let pool = MaxPool2d { kernel: [3, 3], stride: [2, 2], padding: [1, 1], ceil_mode: false };
        x = b.max_pool(x, "maxpool", pool)?;
    }
    for (stage, outputs) in [64, 128, 256, 512].into_iter().enumerate() {
        for (index, letter) in ["a", "b"].into_iter().enumerate() {
            let name = format!("layer{}.{index}", stage + 1);
            let halves = stage > 0 && index == 0;
            x = block(b, x, &name, outputs, halves)?;
            b.tap(x, &name, Some(&format!("conv{}{letter}", stage + 2)))?;
        }
    }
    x = b.adaptive_average_pool(x, "avgpool", [1, 1])?;
    x = b.flatten(x, "flatten")?;
    b.linear(x, &Linear::new("fc", classes))
}

/// Two convolutions round which the input goes too; where they halve the maps, it goes through a
/// convolution of its own.
fn block(
    b: &mut Builder,
    from: NodeId,
    name: &str,
    outputs: usize,
    halves: bool,
) -> Result<NodeId> {
    let of = |part: &str| format!("{name}.{part}");
    let stride = if halves { 2 } else { 1 };
    let (first, second) = (of("conv1"), of("conv2"));
    let (first_norm, second_norm) = (of("bn1"), of("bn2"));
    let conv = Conv::new(&first, outputs, 3).stride(stride).padding(1).bias(false);
    let x = b.conv(from, &conv.norm(&first_norm, EPSILON).relu())?;
    let later = Conv::new(&second, outputs, 3).padding(1).bias(false).norm(&second_norm, EPSILON);
    if !halves {
        return b.conv(x, &later.residual(from).relu());
    }
    // PyTorch lists the shortcut's parameters last, but it has to be there before the sum.
    let (short, short_norm) = (of("downsample.0"), of("downsample.1"));
    let shortcut = Conv::new(&short, outputs, 1).stride(2).bias(false);
    let shortcut = b.conv(from, &shortcut.norm(&short_norm, EPSILON))?;
    b.conv(x, &later.residual(shortcut).relu())
}
