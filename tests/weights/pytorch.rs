//! What PyTorch wrote is read as PyTorch reads it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use glassbox::model::weights;

use crate::{GOOD, fixture, real};

fn read(path: &Path) -> HashMap<String, Tensor> {
    weights::read(path, &Device::Cpu).unwrap_or_else(|error| panic!("{error}")).tensors
}

/// Shape, and the numbers bit by bit.
fn bits(tensor: &Tensor) -> (Vec<usize>, Vec<i64>) {
    let flat = tensor.flatten_all().unwrap();
    let numbers = match tensor.dtype() {
        DType::I64 => flat.to_vec1().unwrap(),
        _ => flat.to_vec1::<f32>().unwrap().iter().map(|n| i64::from(n.to_bits())).collect(),
    };
    (tensor.dims().to_vec(), numbers)
}

#[test]
fn every_format_gives_the_same_tensors() {
    let all = |name| -> BTreeMap<String, _> {
        read(&fixture(name)).into_iter().map(|(name, tensor)| (name, bits(&tensor))).collect()
    };
    let expected = candle_core::safetensors::load(fixture("expected.safetensors"), &Device::Cpu);
    let expected: BTreeMap<String, _> =
        expected.unwrap().into_iter().map(|(name, tensor)| (name, bits(&tensor))).collect();
    assert_eq!(expected.len(), 14);
    for name in GOOD {
        assert_eq!(all(name), expected, "{name}");
    }
}

#[test]
fn a_storage_that_is_part_of_another_is_found() {
    let tensors = read(&fixture("legacy_view.th"));
    assert_eq!(tensors["w"].to_vec1::<f32>().unwrap(), [4.0, 6.0]);
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, other) in [("zip.pth", "a.safetensors"), ("expected.safetensors", "b.pth")] {
        std::fs::copy(fixture(name), folder.path().join(other)).unwrap();
        assert_eq!(read(&folder.path().join(other)).len(), 14);
    }
}

/// How many tensors and numbers (`sum(t.numel() for t in state_dict.values())`), and the first
/// number of one, as PyTorch 2 prints them.
#[test]
fn weights_that_people_have_are_read() {
    for (name, count, numbers, tensor, first) in REAL {
        let Some(path) = real(&format!("weights/{name}")) else { return };
        let tensors = read(&path);
        assert_eq!(tensors.len(), count, "{name}");
        let total: usize = tensors.values().map(Tensor::elem_count).sum();
        assert_eq!(total, numbers, "{name}");
        let found = tensors[tensor].flatten_all().unwrap().get(0).unwrap();
        assert_eq!(found.to_scalar::<f32>().unwrap(), first, "{name} {tensor}");
    }
}

#[allow(clippy::unreadable_literal, reason = "as printed")]
const REAL: [(&str, usize, usize, &str, f32); 11] = [
    ("cifar10-resnet/resnet20-12fca82f.th", 97, 271_098, "linear.weight", -1.0598125),
    ("cifar10-resnet/resnet32-d509ac18.th", 157, 466_426, "linear.weight", 1.4123007),
    ("cifar10-resnet/resnet44-014dd654.th", 217, 661_754, "linear.weight", -0.42093542),
    ("cifar10-resnet/resnet56-4bfd9763.th", 277, 857_082, "linear.weight", -0.36128366),
    ("cifar10-robust/cifar_base.pth", 8, 105_966, "7.weight", 0.0929922),
    ("cifar10-robust/cifar_cnn_a_adv.model", 8, 214_918, "7.weight", -0.15070765),
    ("cifar10-robust/cifar_cnn_a_mix.model", 8, 214_918, "7.weight", -0.6293267),
    ("cifar10-robust/cifar_conv_small_pgd.pth", 8, 125_318, "7.weight", 0.19309078),
    ("cifar10-robust/cifar_deep.pth", 12, 54_902, "11.weight", 0.00073324755),
    ("cifar10-robust/cifar_wide.pth", 8, 214_918, "7.weight", 0.30199856),
    (
        "imagenet-squeezenet/squeezenet1_0-deep-compression.pth",
        52,
        1_248_424,
        "classifier.1.bias",
        -7.576138e-07,
    ),
];
