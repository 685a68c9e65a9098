//! Photographs through decoder, resize and centre crop, against torchvision's on Pillow's pixels.

use std::collections::BTreeMap;

use glassbox::data::{CentreCrop, Dataset, Pictures, decode};

use super::{Fixture, data};

/// Sum, largest and number of differences, in levels of 255.
#[derive(Default)]
struct Difference {
    sum: u64,
    most: u8,
    count: u64,
}

impl Difference {
    fn add(&mut self, ours: impl Iterator<Item = u8>, theirs: &[u8]) {
        let mut compared = 0;
        for (ours, &theirs) in ours.zip(theirs) {
            self.sum += u64::from(ours.abs_diff(theirs));
            self.most = self.most.max(ours.abs_diff(theirs));
            compared += 1;
        }
        assert_eq!(compared, theirs.len());
        self.count += compared as u64;
    }

    fn mean(&self) -> f64 {
        self.sum as f64 / self.count as f64
    }
}

#[test]
fn photographs_come_out_as_torchvision_makes_them() {
    let Some(folder) = data("imagenet-samples") else { return };
    let fixture = Fixture::read("preprocess.safetensors");
    let mut differences: BTreeMap<&str, Difference> = BTreeMap::new();
    for (name, expected) in &fixture.0 {
        let expected: Vec<u8> = expected.to_vec1().unwrap();
        let (path, what) = name.split_once(' ').unwrap();
        let path = folder.join(path);
        let (pixels, step) = if let Some((resize, crop)) = what.split_once(' ') {
            let transform =
                CentreCrop { resize: resize.parse().unwrap(), crop: crop.parse().unwrap() };
            let pictures = Pictures::find(&[path], transform, 3).unwrap();
            (pictures.example(0).unwrap().pixels, 97)
        } else {
            let interleaved = decode::read(&path).unwrap().pixels;
            let planes = (0..3).flat_map(|c| interleaved.iter().skip(c).step_by(3).copied());
            (planes.collect(), 997)
        };
        differences.entry(what).or_default().add(pixels.into_iter().step_by(step), &expected);
    }
    assert_eq!(differences.len(), 4);
    for (what, difference) in &differences {
        let (mean, most) = (difference.mean(), difference.most);
        println!("{what}: mean difference {mean:.4} of 255, largest {most}");
        // One level on the mean would pass for equal preprocessing; nothing is what there is.
        assert!(difference.count > 2000 && most == 0, "{what}: {mean}, largest {most}");
    }
}

#[test]
fn jpegs_of_every_usual_kind_have_pillows_pixels() {
    let fixture = Fixture::read("jpeg.safetensors");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    let mut compared = 0;
    for (name, file) in &fixture.0 {
        let Some(name) = name.strip_suffix(" file") else { continue };
        std::fs::write(&path, file.to_vec1::<u8>().unwrap()).unwrap();
        let picture = decode::read(&path).unwrap();
        let expected = fixture.get(&format!("{name} pixels"));
        assert_eq!(expected.dims(), [picture.height, picture.width, 3], "{name}");
        let expected = expected.flatten_all().unwrap().to_vec1::<u8>().unwrap();
        assert!(picture.pixels == expected, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 28);
}
