//! Inception-v3 (Szegedy et al., arXiv 1512.00567) as torchvision defines it: with the auxiliary
//! head in training, and with the input transform that its published weights want.
//!
//! Taps: the stem's convolutions and the blocks `Mixed_5b` to `Mixed_7c`, each also in lower case
//! (`mixed_7c`).

use super::super::graph::{Builder, Conv, Initial, Linear, NodeId};
use super::max_pool;
use crate::error::Result;
use crate::ops::AveragePool2d;
use crate::ops::init::Init;

/// Epsilon of every batch normalisation.
const EPSILON: f64 = 1e-3;

/// The weights were trained on pixels of mean 0.5 and deviation 0.5, but are used behind ImageNet's
/// normalisation: so factor and summand of normalised channel numbers.
pub(in crate::model) const TRANSFORM: ([f64; 3], [f64; 3]) = (
    [0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5],
    [(0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5],
);

pub(super) fn build(b: &mut Builder, classes: usize) -> Result<NodeId> {
    b.initial(Initial {
        conv: |_| Init::Normal(0.1),
        linear: |_| Init::Normal(0.1),
        zero_bias: false,
    });
    let mut x = Builder::INPUT;
    for (name, outputs, kernel, stride, padding) in [
        ("Conv2d_1a_3x3", 32, 3, 2, 0),
        ("Conv2d_2a_3x3", 32, 3, 1, 0),
        ("Conv2d_2b_3x3", 64, 3, 1, 1),
        ("maxpool1", 0, 3, 2, 0),
        ("Conv2d_3b_1x1", 80, 1, 1, 0),
        ("Conv2d_4a_3x3", 192, 3, 1, 0),
        ("maxpool2", 0, 3, 2, 0),
    ] {
        if outputs == 0 {
            x = b.max_pool(x, name, max_pool(kernel, stride))?;
        } else {
            let conv = Unit { kernel: [kernel; 2], stride, padding: [padding; 2], outputs };
            x = conv.add(b, x, name, None)?;
            tap(b, x, name)?;
        }
    }
    for (name, pooled) in [("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)] {
        x = Block { b, name }.a(x, pooled)?;
        tap(b, x, name)?;
    }
    x = Block { b, name: "Mixed_6a" }.b(x)?;
    tap(b, x, "Mixed_6a")?;
    for (name, narrow) in
        [("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)]
    {
        x = Block { b, name }.c(x, narrow)?;
        tap(b, x, name)?;
    }
    let second = Block { b, name: "AuxLogits" }.auxiliary(x, classes)?;
    b.auxiliary(second);
    x = Block { b, name: "Mixed_7a" }.d(x)?;
    tap(b, x, "Mixed_7a")?;
    for name in ["Mixed_7b", "Mixed_7c"] {
        x = Block { b, name }.e(x)?;
        tap(b, x, name)?;
    }
    x = b.adaptive_average_pool(x, "avgpool", [1, 1])?;
    x = b.flatten(x, "flatten")?;
    x = b.dropout(x, "dropout", 0.5);
    b.linear(x, &Linear::new("fc", classes))
}

fn tap(b: &mut Builder, node: NodeId, name: &str) -> Result<()> {
    b.tap(node, name, Some(&name.to_lowercase()))
}

/// A convolution with its batch normalisation and ReLU: torchvision's `BasicConv2d`.
struct Unit {
    outputs: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
}

impl Unit {
    /// Padded so that the size stays.
    fn same(outputs: usize, kernel: [usize; 2]) -> Self {
        Self { outputs, kernel, stride: 1, padding: [kernel[0] / 2, kernel[1] / 2] }
    }

    /// 3×3 that halves the maps.
    fn halving(outputs: usize) -> Self {
        Self { outputs, kernel: [3, 3], stride: 2, padding: [0, 0] }
    }

    fn add(&self, b: &mut Builder, from: NodeId, name: &str, init: Option<Init>) -> Result<NodeId> {
        let (conv, norm) = (format!("{name}.conv"), format!("{name}.bn"));
        let mut unit = Conv::rectangular(&conv, self.outputs, self.kernel)
            .stride(self.stride)
            .padding_of(self.padding)
            .bias(false)
            .norm(&norm, EPSILON)
            .relu();
        if let Some(init) = init {
            unit = unit.init(init);
        }
        b.conv(from, &unit)
    }
}

/// A block under construction; the letters are torchvision's `InceptionA` to `InceptionE`.
struct Block<'b> {
    b: &'b mut Builder,
    name: &'b str,
}

impl Block<'_> {
    fn unit(&mut self, from: NodeId, name: &str, unit: &Unit) -> Result<NodeId> {
        unit.add(self.b, from, &format!("{}.{name}", self.name), None)
    }

    /// Units one after the other, `{name}_1` and so on.
    fn chain(&mut self, from: NodeId, name: &str, units: &[Unit]) -> Result<NodeId> {
        let mut x = from;
        for (index, unit) in units.iter().enumerate() {
            x = self.unit(x, &format!("{name}_{}", index + 1), unit)?;
        }
        Ok(x)
    }

    /// The mean of 3×3, then 1×1.
    fn pooled(&mut self, from: NodeId, outputs: usize) -> Result<NodeId> {
        let pool = AveragePool2d {
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1],
            ceil_mode: false,
            count_include_pad: true,
        };
        let x = self.b.average_pool(from, &format!("{}.pool", self.name), pool)?;
        self.unit(x, "branch_pool", &Unit::same(outputs, [1, 1]))
    }

    fn halved(&mut self, from: NodeId) -> Result<NodeId> {
        self.b.max_pool(from, &format!("{}.pool", self.name), max_pool(3, 2))
    }

    fn a(mut self, x: NodeId, pooled: usize) -> Result<NodeId> {
        let same = Unit::same;
        let single = self.unit(x, "branch1x1", &same(64, [1, 1]))?;
        let five = self.chain(x, "branch5x5", &[same(48, [1, 1]), same(64, [5, 5])])?;
        let units = [same(64, [1, 1]), same(96, [3, 3]), same(96, [3, 3])];
        let double = self.chain(x, "branch3x3dbl", &units)?;
        let pool = self.pooled(x, pooled)?;
        self.b.concat(&[single, five, double, pool], self.name)
    }

    fn b(mut self, x: NodeId) -> Result<NodeId> {
        let three = self.unit(x, "branch3x3", &Unit::halving(384))?;
        let units = [Unit::same(64, [1, 1]), Unit::same(96, [3, 3]), Unit::halving(96)];
        let double = self.chain(x, "branch3x3dbl", &units)?;
        let pool = self.halved(x)?;
        self.b.concat(&[three, double, pool], self.name)
    }

    fn c(mut self, x: NodeId, narrow: usize) -> Result<NodeId> {
        let same = Unit::same;
        let single = self.unit(x, "branch1x1", &same(192, [1, 1]))?;
        let units = [same(narrow, [1, 1]), same(narrow, [1, 7]), same(192, [7, 1])];
        let seven = self.chain(x, "branch7x7", &units)?;
        let units = [
            same(narrow, [1, 1]),
            same(narrow, [7, 1]),
            same(narrow, [1, 7]),
            same(narrow, [7, 1]),
            same(192, [1, 7]),
        ];
        let double = self.chain(x, "branch7x7dbl", &units)?;
        let pool = self.pooled(x, 192)?;
        self.b.concat(&[single, seven, double, pool], self.name)
    }

    fn d(mut self, x: NodeId) -> Result<NodeId> {
        let same = Unit::same;
        let three = self.chain(x, "branch3x3", &[same(192, [1, 1]), Unit::halving(320)])?;
        let units = [same(192, [1, 1]), same(192, [1, 7]), same(192, [7, 1]), Unit::halving(192)];
        let seven = self.chain(x, "branch7x7x3", &units)?;
        let pool = self.halved(x)?;
        self.b.concat(&[three, seven, pool], self.name)
    }

    fn e(mut self, x: NodeId) -> Result<NodeId> {
        let same = Unit::same;
        let single = self.unit(x, "branch1x1", &same(320, [1, 1]))?;
        let three = self.unit(x, "branch3x3_1", &same(384, [1, 1]))?;
        let three_a = self.unit(three, "branch3x3_2a", &same(384, [1, 3]))?;
        let three_b = self.unit(three, "branch3x3_2b", &same(384, [3, 1]))?;
        let double = self.chain(x, "branch3x3dbl", &[same(448, [1, 1]), same(384, [3, 3])])?;
        let double_a = self.unit(double, "branch3x3dbl_3a", &same(384, [1, 3]))?;
        let double_b = self.unit(double, "branch3x3dbl_3b", &same(384, [3, 1]))?;
        let pool = self.pooled(x, 192)?;
        let parts = [single, three_a, three_b, double_a, double_b, pool];
        self.b.concat(&parts, self.name)
    }

    /// The second head, which keeps gradients alive half-way down.
    fn auxiliary(mut self, x: NodeId, classes: usize) -> Result<NodeId> {
        let pool = AveragePool2d {
            kernel: [5, 5],
            stride: [3, 3],
            padding: [0, 0],
            ceil_mode: false,
            count_include_pad: true,
        };
        let x = self.b.average_pool(x, "AuxLogits.pool", pool)?;
        let x = self.unit(x, "conv0", &Unit::same(128, [1, 1]))?;
        let unit = Unit { outputs: 768, kernel: [5, 5], stride: 1, padding: [0, 0] };
        let x = unit.add(self.b, x, "AuxLogits.conv1", Some(Init::Normal(0.01)))?;
        let x = self.b.adaptive_average_pool(x, "AuxLogits.pool", [1, 1])?;
        let x = self.b.flatten(x, "AuxLogits.flatten")?;
        self.b.linear(x, &Linear::new("AuxLogits.fc", classes).init(Init::Normal(0.001)))
    }
}
