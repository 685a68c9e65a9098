//! SqueezeNet 1.0 (Iandola et al., arXiv 1602.07360) as torchvision defines it.
//!
//! Taps: `features.0` (`conv1`), the fire modules `features.3` to `features.12` (`fire2` to
//! `fire9`) and `classifier.1` (`conv10`).

use super::super::graph::{Builder, Conv, Initial, NodeId};
use crate::error::Result;
use crate::ops::MaxPool2d;
use crate::ops::init::Init;

/// Module number, channels after squeezing, channels of each half after expanding.
const FIRES: [(usize, usize, usize); 8] = [
    (3, 16, 64),
    (4, 16, 64),
    (5, 32, 128),
    (7, 32, 128),
    (8, 48, 192),
    (9, 48, 192),
    (10, 64, 256),
    (12, 64, 256),
];

pub(super) fn build(b: &mut Builder, classes: usize) -> Result<NodeId> {
    b.initial(Initial {
        // kaiming_uniform_
        conv: |fans| Init::Within((6.0 / fans.inward as f64).sqrt()),
        linear: |fans| Init::Uniform { fan_in: fans.inward },
        zero_bias: true,
    });
    let pool = MaxPool2d { kernel: [3, 3], stride: [2, 2], padding: [0, 0], ceil_mode: true };
    let mut x = Builder::INPUT;
    x = b.conv(x, &Conv::new("features.0", 96, 7).stride(2).relu())?;
    b.tap(x, "features.0", Some("conv1"))?;
    x = b.max_pool(x, "features.2", pool)?;
    for (index, (module, squeezed, expanded)) in FIRES.into_iter().enumerate() {
        let name = format!("features.{module}");
        x = fire(b, x, &name, squeezed, expanded)?;
        b.tap(x, &name, Some(&format!("fire{}", index + 2)))?;
        if matches!(module, 5 | 10) {
            x = b.max_pool(x, &format!("features.{}", module + 1), pool)?;
        }
    }
    x = b.dropout(x, "classifier.0", 0.5);
    x = b.conv(x, &Conv::new("classifier.1", classes, 1).init(Init::Normal(0.01)).relu())?;
    b.tap(x, "classifier.1", Some("conv10"))?;
    x = b.adaptive_average_pool(x, "classifier.3", [1, 1])?;
    b.flatten(x, "flatten")
}

fn fire(
    b: &mut Builder,
    from: NodeId,
    name: &str,
    squeezed: usize,
    expanded: usize,
) -> Result<NodeId> {
    let of = |part: &str| format!("{name}.{part}");
    let x = b.conv(from, &Conv::new(&of("squeeze"), squeezed, 1).relu())?;
    let small = b.conv(x, &Conv::new(&of("expand1x1"), expanded, 1).relu())?;
    let large = b.conv(x, &Conv::new(&of("expand3x3"), expanded, 3).padding(1).relu())?;
    b.concat(&[small, large], name)
}
