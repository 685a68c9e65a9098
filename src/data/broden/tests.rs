//! A small folder, whole and broken in every way that can be thought of; and the real one.

use std::fs;

use image::{ImageFormat, Rgb, RgbImage};

use super::*;
use crate::data::test_data;
use crate::error::Kind;

const INDEX: &str = "image,split,ih,iw,sh,sw,color,object,part,texture\r\n\
    a/one.png,train,8,8,4,4,a/one_color.png,a/one_object.png,a/one_p1.png;a/one_p2.png,\r\n\
    a/two.png,val,8,8,4,4,a/two_color.png,,,6\r\n\
    three.png,val,8,8,4,4,,3,,6;7\r\n";
const CATEGORY: &str = "name,first,last,count,frequency\r\n\
    color,1,2,2,4\r\nobject,3,4,2,2\r\npart,4,5,2,2\r\ntexture,6,7,2,3\r\n";
const LABEL: &str = "number,name,category,frequency,coverage,syns\r\n\
    1,black-c,color(2),2,1,\r\n2,red-c,color(2),2,1,\r\n3,\"house, small\",object(1),1,1,hut;cabin\r\n\
    4,door,object(1);part(1),2,1,\r\n5,pane,part(1),1,0.1,\r\n6,dotted,texture(2),2,2,\r\n\
    300,striped,texture(1),1,1,\r\n";
const OF_CATEGORIES: [(&str, &str); 4] = [
    ("color", "1,1,black-c,2,1.25\r\n2,2,red-c,2,0.75\r\n"),
    ("object", "1,3,\"house, small\",1,0.5\r\n2,4,door,1,0.25\r\n"),
    ("part", "1,4,door,1,0.25\r\n2,5,pane,1,0.1\r\n"),
    ("texture", "1,6,dotted,2,2.0\r\n2,300,striped,1,1.0\r\n"),
];

/// A folder that can be broken.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(folder.path("images/a")).unwrap();
        folder.write("index.csv", &INDEX.replace("6;7", "6;300"));
        folder.write("category.csv", CATEGORY);
        folder.write("label.csv", LABEL);
        for (category, rows) in OF_CATEGORIES {
            let text = format!("code,number,name,frequency,coverage\r\n{rows}");
            folder.write(&format!("c_{category}.csv"), &text);
        }
        for (at, name) in ["a/one.png", "a/two.png", "three.png"].into_iter().enumerate() {
            let level = |x: u32, y: u32| [(x * 30) as u8, (y * 30) as u8, at as u8 * 100];
            let picture = RgbImage::from_fn(8, 8, |x, y| Rgb(level(x, y)));
            picture
                .save_with_format(folder.path(&format!("images/{name}")), ImageFormat::Png)
                .unwrap();
        }
        folder.map("a/one_color.png", 4, 4, |at| 1 + at as u16 % 2);
        folder.map("a/one_object.png", 4, 4, |at| if at < 4 { 3 } else { 0 });
        folder.map("a/one_p1.png", 4, 4, |at| if at == 5 { 4 } else { 0 });
        folder.map("a/one_p2.png", 4, 4, |at| if at == 5 { 5 } else { 0 });
        folder.map("a/two_color.png", 4, 4, |_| 2);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Replaces a part of a file, which must be there.
    fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn map(&self, name: &str, width: u32, height: u32, number: impl Fn(usize) -> u16) {
        let map = RgbImage::from_fn(width, height, |x, y| {
            let [red, green] = number((y * width + x) as usize).to_le_bytes();
            Rgb([red, green, 0])
        });
        map.save_with_format(self.path("images").join(name), ImageFormat::Png).unwrap();
    }

    fn open(&self) -> Result<Broden> {
        open(self.0.path(), 8, 3, 0)
    }

    /// The one message that opening it gives.
    #[track_caller]
    fn refused(&self, parts: &[&str]) {
        let error = self.open().map(|_| "it was opened").unwrap_err();
        check(&error, parts);
    }
}

#[track_caller]
fn check(error: &Error, parts: &[&str]) {
    assert_eq!((error.kind, error.exit_code()), (Kind::BadInput, 2), "{error}");
    for part in parts {
        assert!(error.message.contains(part), "{} lacks {part:?}", error.message);
    }
    assert!(!error.message.contains(['\n', '\r', '\x1b']), "{:?}", error.message);
    assert!(error.hint.as_ref().is_some_and(|hint| !hint.is_empty()), "{error}: no hint");
}

#[test]
fn a_whole_folder_is_read() {
    let folder = Folder::new();
    let data = folder.open().unwrap();
    assert_eq!(data.categories(), ["color", "object", "part", "texture"]);
    assert_eq!((data.len(), data.shape()), (3, [3, 8, 8]));
    assert_eq!(data.name(0), "a/one.png");
    let concepts = data.concepts();
    assert_eq!(concepts.len(), 300);
    let of = |number: usize| (concepts[number - 1].name.as_str(), concepts[number - 1].category);
    assert_eq!(of(3), ("house, small", 1));
    assert_eq!(of(4), ("door", 2), "covers as much as an object: the later category");
    assert_eq!((of(300), of(7).0), (("striped", 3), ""));
    assert!((1..=300).all(|number| concepts[number - 1].number == number as u16));

    let first = data.labels(0).unwrap();
    assert_eq!((first.height, first.width, &first.whole[..]), (4, 4, &[][..]));
    let categories: Vec<usize> = first.maps.iter().map(|map| map.0).collect();
    assert_eq!(categories, [0, 1, 2, 2]);
    assert_eq!(first.maps[0].1[..4], [1, 2, 1, 2]);
    assert_eq!((first.maps[2].1[5], first.maps[3].1[5]), (4, 5));
    let third = data.labels(2).unwrap();
    assert_eq!((&third.whole[..], third.maps.len()), (&[(1, 3), (3, 6), (3, 300)][..], 0));

    // A picture of the right size is taken as it is.
    let pixels = data.example(1).unwrap().pixels;
    assert_eq!(pixels[..8], [0, 30, 60, 90, 120, 150, 180, 210]);
    assert_eq!(pixels[128..], [100; 64]);
    let small = open(folder.0.path(), 4, 1, 2).unwrap();
    assert_eq!(
        (small.len(), small.shape(), small.example(1).unwrap().pixels.len()),
        (2, [1, 4, 4], 16)
    );
    assert!(small.example(2).is_err() && small.labels(2).is_err());
}

#[test]
fn a_folder_that_is_none_or_lacks_a_file_is_told() {
    let folder = Folder::new();
    check(&open(&folder.path("nowhere"), 8, 3, 0).unwrap_err(), &["nowhere' does not exist"]);
    check(
        &open(&folder.path("index.csv"), 8, 3, 0).unwrap_err(),
        &["is a file, expected a folder"],
    );
    for name in ["index.csv", "category.csv", "label.csv", "c_part.csv"] {
        let folder = Folder::new();
        fs::remove_file(folder.path(name)).unwrap();
        folder.refused(&[name, "does not exist"]);
    }
    fs::remove_dir_all(folder.path("images")).unwrap();
    folder.refused(&["images' does not exist"]);
}

#[test]
fn a_missing_column_is_told_with_those_that_are_there() {
    for (file, column) in [
        ("index.csv", "image"),
        ("index.csv", "sw"),
        ("index.csv", "object"),
        ("category.csv", "name"),
        ("label.csv", "number"),
        ("label.csv", "category"),
        ("c_color.csv", "coverage"),
    ] {
        let folder = Folder::new();
        let text = fs::read_to_string(folder.path(file)).unwrap();
        let (header, rest) = text.split_once("\r\n").unwrap();
        let header: Vec<&str> =
            header.split(',').map(|name| if name == column { "other" } else { name }).collect();
        folder.write(file, &format!("{}\r\n{rest}", header.join(",")));
        folder.refused(&[file, "line 1", &format!("the column '{column}' is missing"), "'other'"]);
    }
    let folder = Folder::new();
    folder.change("label.csv", "frequency", "name");
    folder.refused(&["label.csv' line 1", "the column 'name' is there twice"]);
}

#[test]
fn tables_without_rows_or_with_uneven_ones_are_told() {
    let header = |text: &str| text.split_once("\r\n").unwrap().0.to_owned() + "\r\n";
    for (file, text, expected) in [
        ("index.csv", INDEX, "has no image"),
        ("category.csv", CATEGORY, "has no category"),
        ("label.csv", LABEL, "has no label"),
    ] {
        let folder = Folder::new();
        folder.write(file, &header(text));
        folder.refused(&[file, expected]);
        folder.write(file, "");
        folder.refused(&[file, "is empty"]);
    }
    let folder = Folder::new();
    folder.change("index.csv", "val,8,8", "val,8");
    folder.refused(&["index.csv' line 3", "has 9 cells, expected 10"]);
    let folder = Folder::new();
    folder.change("label.csv", "\"house, small\"", "\"house, small");
    folder.refused(&["label.csv' line 4", "a quote is opened and never closed"]);
    let folder = Folder::new();
    fs::write(folder.path("c_part.csv"), b"code,number\n1,\xff\n").unwrap();
    folder.refused(&["c_part.csv' line 2", "is not UTF-8"]);
}

#[test]
fn labels_that_are_unknown_twice_or_in_no_category_are_told() {
    for (file, from, to, expected) in [
        (
            "index.csv",
            "6;300",
            "6;299",
            &["line 4", "label 299", "'texture'", "not in label.csv"][..],
        ),
        ("index.csv", ",6\r\n", ",70000\r\n", &["line 3", "70000"][..]),
        ("c_part.csv", "2,5,", "2,8,", &["line 3", "label 8 is not in label.csv"][..]),
        (
            "c_texture.csv",
            "2,300,striped,1,1.0\r\n",
            "",
            &["label.csv' line 8", "label 300", "no c_"][..],
        ),
        ("c_color.csv", "0.75", "much", &["line 3", "coverage is 'much'"][..]),
        ("c_color.csv", "0.75", "-1", &["coverage is '-1'", "from 0 on"][..]),
        (
            "label.csv",
            "2,red-c",
            "1,red-c",
            &["line 3", "label 1 is there twice, first in line 2"][..],
        ),
        ("label.csv", "2,red-c", "-2,red-c", &["line 3", "number is '-2'"][..]),
        ("label.csv", "red-c", " ", &["line 3", "label 2 has no name"][..]),
        (
            "label.csv",
            "color(2),2,1,\r\n2",
            "colour(2),2,1,\r\n2",
            &["line 2", "'colour' is unknown", "color, object"][..],
        ),
        ("category.csv", "texture", "pattern", &["label.csv' line 7", "'texture' is unknown"][..]),
        ("category.csv", "texture", "../x", &["line 5", "'../x' is no name"][..]),
        ("category.csv", "texture", "color", &["line 5", "'color' is there twice"][..]),
        ("category.csv", "texture", "all", &["line 5", "cannot be called 'all'"][..]),
        ("category.csv", "texture", "sh", &["line 5", "cannot be called 'sh'"][..]),
    ] {
        let folder = Folder::new();
        folder.change(file, from, to);
        folder.refused(expected);
    }
    // A category that index.csv has and category.csv does not.
    let folder = Folder::new();
    folder.change("category.csv", "texture,6,7,2,3\r\n", "");
    folder.change("label.csv", "6,dotted,texture(2),2,2,\r\n300,striped,texture(1),1,1,\r\n", "");
    folder.refused(&["index.csv' line 1", "the column 'texture' is no category"]);
}

#[test]
fn images_that_are_twice_or_outside_and_sizes_that_are_none_are_told() {
    for (from, to, expected) in [
        ("a/two.png", "a/one.png", &["line 3", "'a/one.png' is there twice, first in line 2"][..]),
        ("a/two.png", "../two.png", &["line 3", "'../two.png'", "no file below images/"][..]),
        ("a/two.png", "/etc/two.png", &["line 3", "'/etc/two.png'"][..]),
        ("a/two.png", "a\x1b[31m.png", &["line 3", "\\u{1b}"][..]),
        ("a/two.png,", ",", &["line 3", "in the column 'image'"][..]),
        ("a/two_color.png", "a/../../two.png", &["line 3", "in the column 'color'"][..]),
        (
            "a/two_color.png",
            "a/two_color.jpg",
            &["line 3", "expected a label's number or a PNG"][..],
        ),
        ("val,8,8,4,4", "val,8,8,0,4", &["line 3", "sh is '0'", "from 1 to 4096"][..]),
        ("val,8,8,4,4", "val,8,8,4,x", &["line 3", "sw is 'x'"][..]),
    ] {
        let folder = Folder::new();
        folder.change("index.csv", from, to);
        folder.refused(expected);
        // Also where the line is beyond those that are taken.
        assert!(open(folder.0.path(), 8, 3, 1).is_err(), "{to}");
    }
}

#[test]
fn damaged_files_are_told_when_they_are_asked_for() {
    let folder = Folder::new();
    let data = folder.open().unwrap();
    let map = folder.path("images/a/two_color.png");
    folder.map("a/two_color.png", 4, 3, |_| 2);
    let parts = ["two_color.png'", "3 × 4 pixels", "expected 4 × 4", "index.csv' line 3"];
    check(&data.labels(1).unwrap_err(), &parts);
    folder.map("a/two_color.png", 4, 4, |at| if at == 6 { 299 } else { 2 });
    let parts = ["two_color.png'", "label 299 at row 1, column 2", "not in label.csv"];
    check(&data.labels(1).unwrap_err(), &parts);
    folder.map("a/two_color.png", 4, 4, |at| at as u16 % 3);
    let bytes = fs::read(&map).unwrap();
    fs::write(&map, &bytes[..bytes.len() / 2]).unwrap();
    check(&data.labels(1).unwrap_err(), &["two_color.png'", "PNG"]);
    fs::write(&map, b"").unwrap();
    check(&data.labels(1).unwrap_err(), &["two_color.png' is empty"]);
    fs::remove_file(&map).unwrap();
    check(&data.labels(1).unwrap_err(), &["two_color.png' does not exist"]);
    fs::remove_file(folder.path("images/three.png")).unwrap();
    check(&data.example(2).unwrap_err(), &["three.png' does not exist"]);
    assert!(data.labels(0).is_ok() && data.example(0).is_ok() && data.labels(2).is_ok());
}

#[test]
fn the_real_folder_has_the_frequencies_and_coverages_that_its_tables_tell() {
    let Some(path) = test_data::folder("broden-mini") else { return };
    let data = open(&path, 32, 3, 0).unwrap();
    assert_eq!((data.len(), data.concepts().len(), data.categories().len()), (375, 64, 5));
    let mut images = vec![0; 65];
    let mut covers = vec![0.0; 65];
    for index in 0..data.len() {
        let labels = data.labels(index).unwrap();
        let mut has = [false; 65];
        for &(_, number) in &labels.whole {
            has[usize::from(number)] = true;
            covers[usize::from(number)] += 1.0;
        }
        for number in labels.maps.iter().flat_map(|(_, map)| map) {
            has[usize::from(*number)] = true;
            covers[usize::from(*number)] += 1.0 / (112.0 * 112.0);
        }
        images.iter_mut().zip(has).for_each(|(images, has)| *images += u32::from(has));
    }
    let table = fs::read_to_string(path.join("label.csv")).unwrap();
    let mut compared = 0;
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let number: usize = cells[0].parse().unwrap();
        assert_eq!(data.concepts()[number - 1].name, cells[1]);
        assert_eq!(images[number].to_string(), cells[3], "{line}");
        let expected: f64 = cells[4].parse().unwrap();
        assert!(
            (covers[number] - expected).abs() < 1e-4 + 1e-6 * expected,
            "{line}: {}",
            covers[number]
        );
        compared += 1;
    }
    assert_eq!(compared, 64);
    assert!(data.example(0).is_ok());
}
