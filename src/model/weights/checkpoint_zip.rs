//! `torch.save`'s files since PyTorch 1.6: a ZIP archive with one folder, in it `data.pkl` and
//! `data/KEY` for each storage.

use std::collections::HashMap;

use candle_core::{Device, Tensor};

use super::archive::{Archive, Entry};
use super::checkpoint;
use super::fault::Fault;
use super::pickle::{self, Heap};
use crate::error::text::printable;

/// Reads such a file.
pub(super) fn read(bytes: &[u8], device: &Device) -> Result<HashMap<String, Tensor>, Fault> {
    let archive = Archive::open(bytes)?;
    let pickle = archive.entries.iter().find_map(|entry| {
        let folder = entry.name.strip_suffix("/data.pkl")?;
        Some((folder, entry)).filter(|_| !folder.contains('/'))
    });
    let Some((folder, pickle)) = pickle else {
        let first = archive.entries.first().map_or("nothing", |entry| entry.name);
        return Err(Fault::foreign(format!(
            "a ZIP archive, but not one that PyTorch wrote: it begins with '{}'",
            printable(first)
        )));
    };
    let by_name: HashMap<&str, &Entry<'_>> =
        archive.entries.iter().map(|entry| (entry.name, entry)).collect();
    let find = |name: &str| by_name.get(format!("{folder}/{name}").as_str()).copied();
    if find("constants.pkl").is_some() {
        return Err(Fault::unfit("it is a TorchScript program, not weights alone"));
    }
    if let Some(order) = find("byteorder")
        && archive.read(order)? != b"little"
    {
        return Err(Fault::unfit("it was written on a machine of the other byte order"));
    }
    let mut heap = Heap::default();
    let (root, _) = pickle::run(archive.read(pickle)?, &mut heap)?;
    checkpoint::tensors(&heap, root, bytes.len(), device, |storage| {
        let entry = find(&format!("data/{}", storage.key)).ok_or_else(|| {
            Fault::damaged(format!("it lacks the storage '{}'", printable(storage.key)))
        })?;
        archive.read(entry)
    })
}
