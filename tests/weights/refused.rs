//! Files that are not weights, or more than weights: one clear message each, and nothing is run.

use std::path::Path;

use candle_core::Device;
use glassbox::error::Error;
use glassbox::model::weights;

use crate::{GOOD, fixture};

fn refused(path: &Path) -> Error {
    let Err(error) = weights::read(path, &Device::Cpu) else {
        panic!("{} was read", path.display())
    };
    assert_eq!(error.exit_code(), 2);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(error.message.contains(name), "{}", error.message);
    assert!(!error.message.contains(char::is_control), "{:?}", error.message);
    assert!(error.hint.is_some());
    error
}

#[test]
fn whoever_asks_for_a_command_is_named_and_nothing_is_run() {
    for name in [
        "hostile.pth",
        "hostile_protocol4.pth",
        "hostile_legacy.pth",
        "hostile_legacy_protocol4.pth",
        "hostile2.pkl",
        "hostile4.pkl",
    ] {
        let error = refused(&fixture(name));
        assert!(error.message.contains("'posix.system'"), "{}", error.message);
        assert!(error.message.contains("nothing of it was run"), "{}", error.message);
        let hint = error.hint.unwrap();
        assert!(hint.contains("safetensors") && hint.contains("runs what"), "{hint}");
    }
    assert!(!Path::new("glassbox-was-here").exists());
}

/// Every way in which a pickle can name something, written by hand.
#[test]
fn no_way_to_name_a_function_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evil.pth");
    for (pickle, named) in [
        (&b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R."[..], "os.system"),
        (b"\x80\x02c__builtin__\neval\nX\x02\0\0\0id\x85R.", "__builtin__.eval"),
        (b"\x80\x02(X\x02\0\0\0idios\nsystem\n.", "os.system"),
        (b"\x80\x02(X\x02\0\0\0idicollections\nOrderedDict\n.", "collections.OrderedDict"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"),
        (b"\x80\x04\x8c\x08builtins\x94\x8c\x04exec\x94\x93\x8c\x02id\x85R.", "builtins.exec"),
        (b"\x80\x04\x8c\x0ctorch._utils\x8c\x09_import__\x93.", "torch._utils._import__"),
        (b"\x80\x02ctorch.serialization\nload\n)R.", "torch.serialization.load"),
        (b"\x80\x02ctorch\nhub.load\n)\x81.", "torch.hub.load"),
        (b"\x80\x02c\x1b]0;\x07\nx\n)\x81.", "\\u{1b}]0;\\u{7}.x"),
    ] {
        std::fs::write(&path, pickle).unwrap();
        let message = refused(&path).message;
        assert!(message.contains(&format!("'{named}'")), "{named}: {message}");
    }
    // By number, from a registry: not known at all. Likewise whatever calls anything but a name.
    for pickle in [&b"\x80\x02\x82\x01."[..], b"\x80\x02X\x02\0\0\0id)R.", b"\x80\x02))R....."] {
        std::fs::write(&path, pickle).unwrap();
        refused(&path);
    }
}

#[test]
fn what_the_file_is_instead_is_said() {
    for (name, expected) in [
        ("whole_module.pth", "'torch.nn.modules.linear.Linear'"),
        ("torchscript.pt", "TorchScript"),
        ("complex.pth", "complex"),
        ("two.pth", "'epoch', 'G', 'D'"),
        ("other.zip", "a ZIP archive, but not one that PyTorch wrote"),
        ("deflated.pth", "compressed"),
    ] {
        let message = refused(&fixture(name)).message;
        assert!(message.contains(expected), "{name}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("renamed.pth");
    for (bytes, expected) in [
        (&b""[..], "cut short"),
        (
            b"<!DOCTYPE html><html>",
            "neither safetensors nor a file of PyTorch's: it begins with 3c",
        ),
        (b"\x89PNG\r\n\x1a\n and so on", "it begins with 89 50 4e 47"),
        (b"\x80\x02}X\x01\0\0\0aK\x01s.", "a pickle, but not one that PyTorch wrote"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe8\x03.", "unknown version"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let message = refused(&path).message;
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused_as_such() {
    let folder = tempfile::tempdir().unwrap();
    for name in GOOD {
        let whole = std::fs::read(fixture(name)).unwrap();
        let path = folder.path().join(name);
        for length in (0..whole.len() - 1).step_by(97).chain([whole.len() - 1]) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let message = refused(&path).message;
            let damaged = ["cut short", "damaged"].iter().any(|word| message.contains(word));
            assert!(damaged, "{length} of {}: {message}", whole.len());
        }
    }
}

#[test]
fn a_changed_number_in_an_archive_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.pth");
    let mut bytes = std::fs::read(fixture("zip.pth")).unwrap();
    let number = (0.125_f32 - 1.0).to_le_bytes();
    let at = bytes.windows(4).position(|window| window == number).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let message = refused(&path).message;
    assert!(message.contains("checksum"), "{message}");
}
