//! One file an architecture: its layers, in the order and under the names of PyTorch's.
//!
//! A tap bears the name of the module it belongs to and is read after the batch normalisation, the
//! residual sum and the ReLU that follow that module.

pub mod alexnet;
pub mod cifar_resnet;
pub mod inception;
pub mod resnet;
pub mod sequential;
pub mod shapesnet;
pub mod squeezenet;
pub mod vgg;

use super::graph::{Builder, Fans, NodeId};
use super::{Arch, ModelConfig};
use crate::error::Result;
use crate::ops::MaxPool2d;
use crate::ops::init::Init;

/// PyTorch's default epsilon of a batch normalisation.
const EPSILON: f64 = 1e-5;

/// Adds the layers of `arch`; gives the node of the logits.
pub(super) fn build(b: &mut Builder, arch: Arch, config: &ModelConfig) -> Result<NodeId> {
    let classes = config.classes;
    match arch {
        Arch::Shapesnet => shapesnet::build(b, config),
        Arch::Alexnet => alexnet::build(b, classes, &alexnet::IMAGENET),
        Arch::AlexnetSmall => alexnet::build(b, classes, &alexnet::SMALL),
        Arch::Vgg16 => vgg::build(b, classes, &vgg::IMAGENET),
        Arch::Vgg16Small => vgg::build(b, classes, &vgg::SMALL),
        Arch::Resnet18 => resnet::build(b, classes, resnet::Stem::Imagenet),
        Arch::Resnet18Small => resnet::build(b, classes, resnet::Stem::Small),
        Arch::InceptionV3 => inception::build(b, classes),
        Arch::Squeezenet10 => squeezenet::build(b, classes),
        Arch::Resnet20 => cifar_resnet::build(b, classes, 3),
        Arch::Resnet32 => cifar_resnet::build(b, classes, 5),
        Arch::Resnet44 => cifar_resnet::build(b, classes, 7),
        Arch::Resnet56 => cifar_resnet::build(b, classes, 9),
        Arch::Sequential => sequential::build(b, config),
    }
}

/// Square max pooling without padding.
fn max_pool(kernel: usize, stride: usize) -> MaxPool2d {
    MaxPool2d {
        kernel: [kernel, kernel],
        stride: [stride, stride],
        padding: [0, 0],
        ceil_mode: false,
    }
}

/// Normal with standard deviation √(2 / fan_out): what keeps gradients of their size on the way
/// back (He et al. 2015, `kaiming_normal_(mode="fan_out")`).
fn kaiming_outward(fans: Fans) -> Init {
    Init::Normal((2.0 / fans.outward as f64).sqrt())
}

/// Normal with standard deviation √(2 / fan_in).
fn kaiming_inward(fans: Fans) -> Init {
    Init::Normal((2.0 / fans.inward as f64).sqrt())
}
