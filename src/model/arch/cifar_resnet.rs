//! The ResNets for CIFAR-10 (He et al., arXiv 1512.03385, §4.2) with parameter-free shortcuts
//! (option A), under the names of akamaster/pytorch_resnet_cifar10.
//!
//! Taps: `conv1` and the blocks `layer1.0` to `layer3.n`.

use super::super::graph::{Builder, Conv, Initial, Linear, NodeId};
use super::{EPSILON, kaiming_inward};
use crate::error::Result;
use crate::ops::AveragePool2d;

/// With three stages of `blocks` blocks: 6 `blocks` + 2 layers.
pub(super) fn build(b: &mut Builder, classes: usize, blocks: usize) -> Result<NodeId> {
    b.initial(Initial { conv: kaiming_inward, linear: kaiming_inward, zero_bias: false });
    let mut x = Builder::INPUT;
    x = b.conv(x, &Conv::new("conv1", 16, 3).padding(1).bias(false).norm("bn1", EPSILON).relu())?;
    b.tap(x, "conv1", None)?;
    for (stage, outputs) in [16, 32, 64].into_iter().enumerate() {
        for index in 0..blocks {
            let name = format!("layer{}.{index}", stage + 1);
            x = block(b, x, &name, outputs, stage > 0 && index == 0)?;
            b.tap(x, &name, None)?;
        }
    }
    x = b.adaptive_average_pool(x, "avgpool", [1, 1])?;
    x = b.flatten(x, "flatten")?;
    b.linear(x, &Linear::new("linear", classes))
}

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
    let shortcut = if halves { shortcut(b, from, &of("shortcut"), outputs)? } else { from };
    let conv = Conv::new(&second, outputs, 3).padding(1).bias(false);
    b.conv(x, &conv.norm(&second_norm, EPSILON).residual(shortcut).relu())
}

/// Every second pixel of every second row, between channels of zeros.
fn shortcut(b: &mut Builder, from: NodeId, name: &str, outputs: usize) -> Result<NodeId> {
    // A window of one pixel: its mean is the pixel.
    let every_second = AveragePool2d {
        kernel: [1, 1],
        stride: [2, 2],
        padding: [0, 0],
        ceil_mode: false,
        count_include_pad: true,
    };
    let x = b.average_pool(from, name, every_second)?;
    b.pad_channels(x, name, [outputs / 4, outputs / 4])
}
