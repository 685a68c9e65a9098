//! Tests of image folders: classes, splits, names, what is refused.

use std::collections::BTreeSet;
use std::fs;

use image::{ImageBuffer, Rgb};

use super::*;
use crate::data::test_data;
use crate::error::Kind;

const OPTIONS: Options = Options { side: 8, resize: None, holdout: 0.25, seed: 1 };

/// A folder with these files; those with an image's ending are 12×10 PNGs.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if is_image(name) {
            ImageBuffer::from_pixel(12, 10, Rgb([200_u8, 100, 50]))
                .save_with_format(&path, image::ImageFormat::Png)
                .unwrap();
        } else {
            fs::write(path, b"text").unwrap();
        }
    }
    root
}

fn names(data: &ImageFolder) -> Vec<String> {
    (0..data.len()).map(|index| data.name(index)).collect()
}

fn failure(path: &Path) -> Error {
    let error = open(path, OPTIONS).unwrap_err();
    assert_eq!(error.kind, Kind::BadInput, "{}", error.message);
    assert!(error.hint.is_some(), "no hint: {}", error.message);
    error
}

#[test]
fn train_and_val_are_used_as_they_are() {
    let root = folder(&[
        "train/dog/b.png",
        "train/dog/a.JPEG",
        "train/cat/deep/down/c.jpg",
        "train/cat/.hidden.png",
        "train/cat/notes.txt",
        "train/loose.png",
        "val/cat/1.png",
        "test/cat/2.png",
    ]);
    let (train, test, notes) = open(root.path(), OPTIONS).unwrap();
    assert_eq!(names(&train), ["cat/deep/down/c.jpg", "dog/a.JPEG", "dog/b.png"]);
    assert_eq!(names(&test), ["cat/1.png"]);
    assert_eq!([train.label(0), train.label(1), test.label(0)], [0, 1, 0]);
    assert_eq!(test.classes(), train.classes());
    let alone = open_test(root.path(), OPTIONS).unwrap();
    assert_eq!((names(&alone), alone.classes()), (names(&test), test.classes()));
    assert!(notes[0].starts_with("2 files"), "{notes:?}");
    assert!(notes[1].starts_with("1 classes have no images"), "{notes:?}");
    let example = train.example(0).unwrap();
    assert_eq!((example.pixels.len(), train.shape()), (3 * 64, [3, 8, 8]));
    assert_eq!([example.pixels[0], example.pixels[64], example.pixels[128]], [200, 100, 50]);
}

#[test]
fn a_test_split_opened_alone_is_that_of_both_and_reads_no_training_files() {
    let root = folder(&["train/a/1.png", "train/b/1.png", "train/c/1.png", "val/b/1.png"]);
    let (_, test, _) = open(root.path(), OPTIONS).unwrap();
    let same = |alone: &ImageFolder| {
        assert_eq!((names(alone), alone.classes()), (names(&test), test.classes()));
        assert_eq!((alone.label(0), test.label(0)), (1, 1));
    };
    same(&open_test(root.path(), OPTIONS).unwrap());
    // Both together would miss the image.
    fs::remove_file(root.path().join("train/c/1.png")).unwrap();
    assert!(open(root.path(), OPTIONS).is_err());
    same(&open_test(root.path(), OPTIONS).unwrap());
    let held = folder(&["a/1.png", "a/2.png", "a/3.png", "b/1.png", "b/2.png"]);
    let (_, test, _) = open(held.path(), OPTIONS).unwrap();
    assert_eq!(names(&open_test(held.path(), OPTIONS).unwrap()), names(&test));
}

#[test]
fn without_splits_a_share_of_every_class_is_held_out() {
    let files: Vec<String> =
        (0..8).map(|i| format!("a/{i}.png")).chain((0..3).map(|i| format!("b/{i}.png"))).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).chain(["single/0.png"]).collect();
    let root = folder(&files);
    let (train, test, notes) = open(root.path(), OPTIONS).unwrap();
    let held = |class| (0..test.len()).filter(|&index| test.label(index) == class).count();
    assert_eq!([held(0), held(1), held(2)], [2, 1, 1]);
    let all: BTreeSet<String> = names(&train).into_iter().chain(names(&test)).collect();
    assert_eq!((all.len(), train.len() + test.len()), (12, 12));
    assert!(notes.iter().any(|note| note.contains("4 of 12 images are held out")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("1 classes have a single image")), "{notes:?}");

    let (_, again, _) = open(root.path(), OPTIONS).unwrap();
    assert_eq!(names(&test), names(&again));
    let differ = (2..20).any(|seed| {
        let (_, other, _) = open(root.path(), Options { seed, ..OPTIONS }).unwrap();
        names(&other) != names(&test)
    });
    assert!(differ, "the seed decides nothing");
    let (train, test, _) = open(root.path(), Options { holdout: 0.0, ..OPTIONS }).unwrap();
    assert_eq!((train.len(), test.len()), (12, 0));
    let (train, test, _) = open(root.path(), Options { holdout: 1.0, ..OPTIONS }).unwrap();
    assert_eq!((train.len(), test.len()), (0, 12));
    assert!(open(root.path(), Options { holdout: 1.5, ..OPTIONS }).is_err());
}

#[test]
fn wnid_folders_show_their_names() {
    let root = folder(&["n02099601/a.png", "n99999999/a.png", "dog/a.png"]);
    let (data, _) = open_whole(root.path(), OPTIONS).unwrap();
    let class =
        |name: &str, wnid: Option<&str>| Class { name: name.into(), wnid: wnid.map(str::to_owned) };
    let expected = [
        class("dog", None),
        class("golden retriever", Some("n02099601")),
        class("n99999999", None),
    ];
    assert_eq!(data.classes(), expected);
    assert_eq!(data.name(1), "n02099601/a.png");
}

#[test]
fn a_class_may_be_called_train() {
    let root = folder(&["train/a.png", "bus/a.png"]);
    let (data, _) = open_whole(root.path(), OPTIONS).unwrap();
    let (_, test, _) = open(root.path(), OPTIONS).unwrap();
    assert_eq!(names(&test), names(&data));
    assert_eq!(names(&data), ["bus/a.png", "train/a.png"]);
}

#[test]
fn an_image_of_the_right_size_is_taken_pixel_by_pixel() {
    let root = folder(&["a/0.png"]);
    let noise = ImageBuffer::from_fn(8, 8, |x, y| Rgb([(x * 31 + y * 57) as u8, 0, 255]));
    noise.save(root.path().join("a/0.png")).unwrap();
    let (data, _) = open_whole(root.path(), OPTIONS).unwrap();
    let red: Vec<u8> = noise.pixels().map(|pixel| pixel.0[0]).collect();
    assert_eq!(data.example(0).unwrap().pixels[..64], red);
    // Unless a size to scale to is asked for.
    let (data, _) = open_whole(root.path(), Options { resize: Some(16), ..OPTIONS }).unwrap();
    assert_ne!(data.example(0).unwrap().pixels[..64], red);
}

#[test]
fn a_class_folder_without_images_is_named() {
    let root = folder(&["cat/a.png", "dog/readme.txt"]);
    let error = failure(root.path());
    assert!(error.message.contains("dog' holds no JPEG or PNG image"), "{}", error.message);
}

#[test]
fn images_without_class_folders_are_refused() {
    let error = failure(folder(&["a.png", "b.png"]).path());
    assert!(error.message.contains("holds no folder"), "{}", error.message);
    let error = failure(tempfile::tempdir().unwrap().path());
    assert!(error.message.contains("holds no folder"), "{}", error.message);
}

#[test]
fn train_without_a_partner_is_refused() {
    let error = failure(folder(&["train/cat/a.png"]).path());
    assert!(error.message.contains("neither 'val' nor 'test'"), "{}", error.message);
}

#[test]
fn a_test_class_that_was_never_learnt_is_refused() {
    let error = failure(folder(&["train/cat/a.png", "val/cat/a.png", "val/dog/a.png"]).path());
    assert!(error.message.contains("dog' has no partner"), "{}", error.message);
}

#[test]
fn a_missing_folder_and_a_file_in_its_place_are_told_apart() {
    let root = folder(&["cat/a.png"]);
    assert!(failure(&root.path().join("nothing")).message.contains("does not exist"));
    let error = failure(&root.path().join("cat/a.png"));
    assert!(error.message.contains("is a file, expected a folder"), "{}", error.message);
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_left_out_and_said() {
    use std::os::unix::ffi::OsStrExt;
    let root = folder(&["cat/a.png"]);
    fs::write(root.path().join("cat").join(std::ffi::OsStr::from_bytes(b"\xff.png")), b"").unwrap();
    let (data, notes) = open_whole(root.path(), OPTIONS).unwrap();
    assert_eq!(names(&data), ["cat/a.png"]);
    assert!(notes.iter().any(|note| note.contains("cat/\\xff.png' is not UTF-8")), "{notes:?}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_is_left_out_and_said() {
    let root = folder(&["cat/a.png"]);
    std::os::unix::fs::symlink(root.path().join("cat"), root.path().join("cat/again")).unwrap();
    let (data, notes) = open_whole(root.path(), OPTIONS).unwrap();
    assert_eq!(names(&data), ["cat/a.png"]);
    assert!(notes.iter().any(|note| note.contains("link to a folder above")), "{notes:?}");
}

#[cfg(unix)]
#[test]
fn pipes_and_links_to_nowhere_are_damaged_images() {
    let root = folder(&["cat/a.png"]);
    let at = |name: &str| root.path().join(name);
    let made = std::process::Command::new("mkfifo").arg(at("cat/b.png")).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink(at("nothing"), at("cat/c.png")).unwrap();
    std::os::unix::fs::symlink(at("cat/d.png"), at("cat/d.png")).unwrap();
    let (data, _) = open_whole(root.path(), OPTIONS).unwrap();
    assert_eq!(data.len(), 4);
    for (index, reason) in [(1, "is a pipe"), (2, "leads nowhere"), (3, "leads nowhere")] {
        let error = data.example(index).unwrap_err();
        assert_eq!(error.kind, Kind::BadInput);
        assert!(error.message.contains(reason), "{}", error.message);
    }
}

#[test]
fn a_damaged_image_is_named_when_it_is_asked_for() {
    let root = folder(&["cat/a.png"]);
    fs::write(root.path().join("cat/b.jpg"), b"no image").unwrap();
    let (data, _) = open_whole(root.path(), OPTIONS).unwrap();
    assert!(data.example(0).is_ok());
    let message = data.example(1).unwrap_err().message;
    assert!(message.contains("cat/b.jpg' is neither"), "{message}");
}

#[test]
fn the_sample_photographs_are_read() {
    let Some(path) = test_data::folder("imagenet-samples") else { return };
    let options = Options { side: 224, resize: None, holdout: 0.1, seed: 1 };
    let (train, test, notes) = open(&path, options).unwrap();
    assert_eq!((train.len(), test.len(), test.classes().len()), (0, 1000, 1000));
    assert!(notes.iter().any(|note| note.starts_with("1000 classes have a single")), "{notes:?}");
    assert_eq!(test.name(207), "n02099601/golden_retriever.jpg");
    assert_eq!(test.classes()[207].name, "golden retriever");
    for index in (0..1000).step_by(40) {
        assert_eq!(test.example(index).unwrap().pixels.len(), 3 * 224 * 224);
    }
}

#[test]
fn random_parts_are_cut_from_the_whole_photograph_and_the_centre_is_measured() {
    let root = folder(&["a/1.png", "b/1.png"]);
    // Red at both ends, green in the middle: the centre that is measured has no red in it.
    let picture = ImageBuffer::from_fn(60, 10, |x, _| {
        if (20..40).contains(&x) { Rgb([0_u8, 255, 0]) } else { Rgb([255, 0, 0]) }
    });
    for name in ["a/1.png", "b/1.png", "a/2.png"] {
        picture.save(root.path().join(name)).unwrap();
    }
    let (train, _, _) = open(root.path(), OPTIONS).unwrap();
    let red = |pixels: &[u8]| pixels[..64].iter().any(|red| *red > 200);
    assert!(!red(&train.example(0).unwrap().pixels));
    let mut ends = 0;
    for left in [0, 24, 48] {
        let part = Part { top: 1, left, rows: 8, columns: 12 };
        let mut seen = (0, 0);
        let mut choose = |height, width| {
            seen = (height, width);
            part
        };
        let example = train.part(0, &mut choose).unwrap().unwrap();
        assert_eq!((seen, example.pixels.len()), ((10, 60), 3 * 64));
        ends += usize::from(red(&example.pixels));
    }
    assert_eq!(ends, 2);
    assert_eq!(train.part(9, &mut |_, _| panic!("asked")).unwrap_err().kind, Kind::Failed);
}
