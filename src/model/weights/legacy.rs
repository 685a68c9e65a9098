//! `torch.save`'s files before PyTorch 1.6: five pickles (a magic number, the protocol's version,
//! the machine, the checkpoint, the storages' keys), then each storage behind the number of its
//! numbers.

use std::collections::HashMap;

use candle_core::{Device, Tensor};

use super::checkpoint;
use super::fault::Fault;
use super::pickle::{self, Heap, Value};
use crate::error::text::printable;

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

/// Reads such a file.
pub(super) fn read(bytes: &[u8], device: &Device) -> Result<HashMap<String, Tensor>, Fault> {
    let mut heap = Heap::default();
    let mut rest = bytes;
    let magic = take(&mut rest, &mut heap)?;
    if magic != Value::Integer(MAGIC) {
        return Err(Fault::foreign("a pickle, but not one that PyTorch wrote"));
    }
    if take(&mut rest, &mut heap)? != Value::Integer(VERSION) {
        return Err(Fault::unfit("it is of an unknown version of PyTorch's old format"));
    }
    let machine = take(&mut rest, &mut heap)?;
    if heap.get(machine, "little_endian") != Some(Value::Bool(true)) {
        return Err(Fault::unfit("it was written on a machine of the other byte order"));
    }
    let root = take(&mut rest, &mut heap)?;
    let keys = take(&mut rest, &mut heap)?;

    let elements: HashMap<&str, _> =
        heap.storages().iter().map(|storage| (storage.key, storage.element)).collect();
    let mut storages: HashMap<&str, &[u8]> = HashMap::new();
    for &key in heap.items(keys) {
        let known = match key {
            Value::Text(key) => elements.get(key).map(|element| (key, *element)),
            _ => None,
        };
        let (key, element) =
            known.ok_or_else(|| Fault::damaged("it has a storage that belongs to nothing"))?;
        let element = element
            .ok_or_else(|| Fault::unfit("a tensor in it holds complex or quantised numbers"))?;
        let (count, data) = rest.split_first_chunk().ok_or_else(Fault::cut_short)?;
        let size = usize::try_from(u64::from_le_bytes(*count)).ok();
        let size = size.and_then(|count| count.checked_mul(element.size()));
        let (storage, data) =
            size.and_then(|size| data.split_at_checked(size)).ok_or_else(Fault::cut_short)?;
        storages.insert(key, storage);
        rest = data;
    }
    checkpoint::tensors(&heap, root, bytes.len(), device, |storage| {
        storages.get(storage.key).copied().ok_or_else(|| {
            Fault::damaged(format!("it lacks the storage '{}'", printable(storage.key)))
        })
    })
}

/// Reads the next pickle.
fn take<'a>(rest: &mut &'a [u8], heap: &mut Heap<'a>) -> Result<Value<'a>, Fault> {
    let (value, length) = pickle::run(rest, heap)?;
    *rest = rest.get(length..).unwrap_or_default();
    Ok(value)
}
