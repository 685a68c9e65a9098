//! Whatever bytes come: no panic, and no more memory than the file can justify.

use std::path::Path;

use candle_core::Device;
use glassbox::model::weights;
use proptest::prelude::*;

use crate::allocation::most_held;
use crate::{GOOD, fixture};

/// A one-byte instruction may make a list, and lists grow by doubling; what is left is for real
/// tensors, which may be views that repeat their numbers.
fn bound(file: usize) -> usize {
    256 * file + (4 << 20)
}

fn read(path: &Path, bytes: &[u8]) -> Result<(), TestCaseError> {
    std::fs::write(path, bytes).unwrap();
    let (result, held) = most_held(|| weights::read(path, &Device::Cpu));
    if let Err(error) = &result {
        prop_assert_eq!(error.exit_code(), 2);
        prop_assert!(!error.message.contains(char::is_control), "{:?}", error.message);
    }
    prop_assert!(held <= bound(bytes.len()), "{} bytes for {}", held, bytes.len());
    Ok(())
}

/// Instructions that make or move much, so that random programs get far.
fn program() -> impl Strategy<Value = Vec<u8>> {
    let instruction = prop::sample::select(b"(012NJKMGXCB])}tlaesudRbQqhrj.\x81\x85\x86\x87\x88\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x93\x94\x95\x96".to_vec());
    prop::collection::vec(prop_oneof![9 => instruction, 1 => any::<u8>()], 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes(start in prop::sample::select(vec![
        &b""[..], b"PK\x03\x04", b"\x80\x02", b"\x10\0\0\0\0\0\0\0{", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
    ]), rest in prop::collection::vec(any::<u8>(), 0..600)) {
        let folder = tempfile::tempdir().unwrap();
        read(&folder.path().join("a"), &[start, &rest].concat())?;
    }

    #[test]
    fn random_pickles(program in program()) {
        let folder = tempfile::tempdir().unwrap();
        read(&folder.path().join("a"), &[b"\x80\x02", &program[..]].concat())?;
    }

    #[test]
    fn valid_files_with_bytes_changed(
        name in prop::sample::select(GOOD.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        read(&folder.path().join("a"), &bytes)?;
    }
}

#[test]
fn headers_that_lie_about_their_size_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let refuse = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let (result, held) = most_held(|| weights::read(&path, &Device::Cpu));
        assert!(held < 1 << 20, "{held} bytes held");
        result.unwrap_err().message
    };
    // Texts and lists of 2^32 - 1 and 2^62 bytes.
    refuse(b"\x80\x02X\xff\xff\xff\xffabc");
    refuse(b"\x80\x04\x8d\0\0\0\0\0\0\0\x40abc");
    refuse(b"\x80\x02\x8b\xff\xff\xff\x7fabc");
    // A view that repeats one number 2^20 × 2^20 times, and one of 2^60.
    let text = |text: &str| {
        let mut bytes = vec![0x8c, text.len() as u8];
        bytes.extend(text.bytes());
        bytes
    };
    let legacy = |shape: &[u8], strides: &[u8], numbers: u64| {
        let mut bytes = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec();
        bytes.extend(b"\x80\x02}");
        bytes.extend(text("little_endian"));
        bytes.extend(b"\x88s.\x80\x02}");
        bytes.extend(text("w"));
        bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        bytes.extend(text("storage"));
        bytes.extend(b"ctorch\nFloatStorage\n");
        bytes.extend(text("0"));
        bytes.extend(text("cpu"));
        bytes.extend(b"K\x01tQK\0");
        bytes.extend([shape, strides].concat());
        bytes.extend(b"\x89}tRs.\x80\x02]");
        bytes.extend(text("0"));
        bytes.extend(b"a.");
        bytes.extend(numbers.to_le_bytes());
        bytes.extend(1.0_f32.to_le_bytes());
        bytes
    };
    let message = refuse(&legacy(b"J\0\0\x10\0J\0\0\x10\0\x86", b"K\0K\0\x86", 1));
    assert!(message.contains("far larger than the file"), "{message}");
    let message = refuse(&legacy(b"\x8a\x08\0\0\0\0\0\0\0\x10\x85", b"K\x01\x85", 1));
    assert!(message.contains("far larger than the file"), "{message}");
    let message = refuse(&legacy(b"K\x02\x85", b"K\x01\x85", 1));
    assert!(message.contains("beyond its storage"), "{message}");
    let message = refuse(&legacy(b"\x8a\x01\xff\x85", b"K\x01\x85", 1)); // a side of -1
    assert!(message.contains("shape"), "{message}");
    let message = refuse(&legacy(b"K\x01\x85", b"K\x01\x85", 1 << 62));
    assert!(message.contains("cut short"), "{message}");
    // The same file telling the truth is read.
    std::fs::write(&path, legacy(b"K\x01\x85", b"K\x01\x85", 1)).unwrap();
    assert_eq!(weights::read(&path, &Device::Cpu).unwrap().tensors.len(), 1);
}
