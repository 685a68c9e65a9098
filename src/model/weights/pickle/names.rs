//! The names of Python's that a weights file may use, and what each stands for.

use crate::model::weights::element::Element;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A dictionary.
    Mapping,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`: a view of a storage.
    Tensor,
    /// `torch._utils._rebuild_parameter`: a tensor that is trained.
    Parameter,
    /// `torch.Size`: a tuple.
    Size,
    /// The type of a storage, by its numbers; `None` = some that networks do not use.
    Storage(Option<Element>),
    /// Of no interest, and harmless as nothing is done with it.
    Opaque,
}

/// What `module.name` stands for; `None` = it has no place in a weights file.
pub(super) fn meaning(module: &str, name: &str) -> Option<Meaning> {
    Some(match (module, name) {
        ("collections", "OrderedDict" | "defaultdict") => Meaning::Mapping,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Meaning::Tensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            Meaning::Parameter
        }
        ("torch", "Size") => Meaning::Size,
        ("torch" | "torch.cuda", storage) if STRANGE.contains(&storage) => Meaning::Storage(None),
        ("torch" | "torch.cuda", storage) => match element(storage) {
            Some(element) => Meaning::Storage(Some(element)),
            None if OPAQUE.contains(&(module, storage)) => Meaning::Opaque,
            None => return None,
        },
        name if OPAQUE.contains(&name) => Meaning::Opaque,
        _ => return None,
    })
}

/// What stands beside the weights in checkpoints: devices, types, numbers of numpy's, arguments.
const OPAQUE: &[(&str, &str)] = &[
    ("torch", "device"),
    ("torch", "float64"),
    ("torch", "float32"),
    ("torch", "float16"),
    ("torch", "bfloat16"),
    ("torch", "int64"),
    ("torch", "int32"),
    ("torch", "uint8"),
    ("torch", "bool"),
    ("torch.serialization", "_get_layout"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("argparse", "Namespace"),
    ("_codecs", "encode"), // bytes, in protocol 2
    ("builtins", "dict"),
    ("builtins", "list"),
    ("builtins", "set"),
    ("__builtin__", "dict"),
    ("__builtin__", "list"),
    ("__builtin__", "set"),
];

/// Storages of numbers that networks do not use.
const STRANGE: &[&str] = &[
    "ComplexFloatStorage",
    "ComplexDoubleStorage",
    "QInt8Storage",
    "QUInt8Storage",
    "QInt32Storage",
];

/// The numbers in a storage, by the name of its type.
fn element(storage: &str) -> Option<Element> {
    Some(match storage {
        "DoubleStorage" => Element::F64,
        "FloatStorage" => Element::F32,
        "HalfStorage" => Element::F16,
        "BFloat16Storage" => Element::Bf16,
        "LongStorage" => Element::I64,
        "IntStorage" => Element::I32,
        "ShortStorage" => Element::I16,
        "CharStorage" => Element::I8,
        "ByteStorage" => Element::U8,
        "BoolStorage" => Element::Bool,
        _ => return None,
    })
}
