//! What the data set promises, and contact sheets to look at.

use std::path::PathBuf;

use proptest::prelude::*;

use super::concepts::{Object, Part};
use super::*;

/// The label maps of picture `index` of a data set with this seed.
fn scene(seed: u64, index: usize) -> Scene {
    Shapes::new(seed, Split::Test, index + 1).scene(index)
}

#[test]
fn a_picture_is_the_same_from_any_thread_in_any_order() {
    let shapes = Shapes::new(7, Split::Train, 64);
    let forward: Vec<_> = (0..64).map(|i| shapes.example(i).unwrap()).collect();
    std::thread::scope(|scope| {
        for start in [0, 1] {
            let (shapes, forward) = (shapes.clone(), &forward);
            scope.spawn(move || {
                for i in (start..64).rev().step_by(2) {
                    assert_eq!(shapes.example(i).unwrap(), forward[i]);
                }
            });
        }
    });
}

/// The pictures of today, FNV-1a over all bytes. If this fails on one kind of machine only,
/// something rounds differently there; if the drawing was changed on purpose, raise
/// `dice::EDITION` once the change is done and put the new number here.
#[test]
fn pictures_are_the_same_on_every_machine() {
    let shapes = Shapes::new(1, Split::Test, 64);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for i in 0..64 {
        for byte in shapes.example(i).unwrap().pixels {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(hash, 0x7fae_5cd6_809c_fac3, "{hash:#x}");
}

#[test]
fn labels_do_not_change_the_picture() {
    let shapes = Shapes::new(3, Split::Test, 48);
    for i in 0..48 {
        let scene = shapes.scene(i);
        assert_eq!(
            Example { pixels: scene.pixels, label: scene.label },
            shapes.example(i).unwrap()
        );
    }
}

#[test]
fn splits_and_seeds_have_no_picture_in_common() {
    let mut seen = std::collections::HashSet::new();
    for (seed, split) in [(1, Split::Train), (1, Split::Test), (2, Split::Train), (2, Split::Test)]
    {
        let shapes = Shapes::new(seed, split, 96);
        for i in 0..96 {
            assert!(seen.insert(shapes.example(i).unwrap().pixels), "{seed} {split:?} {i}");
        }
    }
}

#[test]
fn more_images_do_not_change_the_first_ones() {
    let (few, many) = (Shapes::new(5, Split::Train, 10), Shapes::new(5, Split::Train, 1000));
    for i in 0..10 {
        assert_eq!(few.example(i).unwrap(), many.example(i).unwrap());
        assert_eq!(few.name(i), many.name(i));
    }
}

#[test]
fn classes_are_balanced_and_not_in_a_fixed_order() {
    let shapes = Shapes::new(11, Split::Train, 320);
    let labels: Vec<_> = (0..320).map(|i| shapes.label(i)).collect();
    for class in 0..16 {
        assert_eq!(labels.iter().filter(|&&l| l == class).count(), 20);
    }
    assert_ne!(labels[..16], labels[16..32]);
}

#[test]
fn names_are_unique_and_say_class_and_split() {
    let shapes = Shapes::new(0, Split::Test, 200);
    let names: std::collections::HashSet<_> = (0..200).map(|i| shapes.name(i)).collect();
    assert_eq!(names.len(), 200);
    let lamp = (0..16).find(|&i| shapes.classes()[shapes.label(i) as usize].name == "table lamp");
    let lamp = lamp.unwrap();
    assert_eq!(shapes.name(lamp), format!("table-lamp/test-{lamp:06}.png"));
}

#[test]
fn other_sizes_show_the_same_picture() {
    let small = Shapes::new(2, Split::Test, 32);
    let large = small.clone().with_image_size(128);
    assert_eq!(large.shape(), [3, 128, 128]);
    // A colour that barely stands out at one size may be exchanged for another at the other.
    let mut alike = 0;
    for i in 0..32 {
        let (a, b) = (small.example(i).unwrap(), large.example(i).unwrap());
        assert_eq!((a.label, a.pixels.len() * 4), (b.label, b.pixels.len()));
        let mean = |p: &[u8]| p.iter().map(|&v| f64::from(v)).sum::<f64>() / p.len() as f64;
        alike += usize::from((mean(&a.pixels) - mean(&b.pixels)).abs() < 4.0);
    }
    assert!(alike >= 30, "{alike}");
    for size in [1, 2, 7, 33] {
        let odd = Shapes::new(2, Split::Test, 16).with_image_size(size);
        for i in 0..16 {
            assert_eq!(odd.scene(i).pixels.len(), 3 * size * size);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn label_maps_are_whole_and_agree(seed: u64, index in 0usize..64) {
        let scene = scene(seed, index);
        let map = |category| scene.labels.map(category);
        for category in Category::ALL {
            prop_assert_eq!(map(category).len(), 64 * 64);
            for &number in map(category) {
                let known = number == 0 || concepts()[usize::from(number) - 1].category == category;
                prop_assert!(known, "{} in {:?}", number, category);
            }
        }
        // Every pixel has a colour, shows something, and is in the one place.
        prop_assert!(map(Category::Color).iter().all(|&n| n != 0));
        prop_assert!(map(Category::Object).iter().all(|&n| n != 0));
        let place = map(Category::Scene)[0];
        prop_assert!(place != 0 && map(Category::Scene).iter().all(|&n| n == place));
        // A part is a part of something that has parts.
        let partless = [Object::Sky, Object::Cloud, Object::Sun, Object::Moon, Object::Grass,
            Object::SeaWater, Object::SandGround, Object::Road, Object::Hill, Object::Rug];
        for (&part, &object) in map(Category::Part).iter().zip(map(Category::Object)) {
            prop_assert!(part == 0 || partless.iter().all(|o| o.number() != object));
        }
        // Colours are those of the pixels as they are.
        for (i, &number) in map(Category::Color).iter().enumerate() {
            let pixel = [scene.pixels[i], scene.pixels[4096 + i], scene.pixels[8192 + i]];
            prop_assert_eq!(number, color::name(pixel).number());
        }
    }

    #[test]
    fn the_labelled_object_is_the_largest(seed: u64, index in 0usize..64) {
        let scene = scene(seed, index);
        let main = ROWS[scene.label as usize].kind.object;
        let area = scene.labels.area(main.number());
        prop_assert!(area >= 300, "{:?} covers {} pixels", main, area);
        for other in (0..CLASSES as u32 + 5).filter(|&o| o != scene.label) {
            let number = Object::Bird.number() + other as u16;
            // Winter woods are scenery.
            if number != Object::Tree.number() {
                prop_assert!(scene.labels.area(number) < area, "{:?} {}", main, other);
            }
        }
    }
}

#[test]
fn every_concept_occurs_and_most_pictures_have_every_category() {
    let shapes = Shapes::new(1, Split::Train, 1600);
    let mut seen = vec![0; concepts().len() + 1];
    let mut whole = 0;
    for i in 0..shapes.len() {
        let labels = shapes.scene(i).labels;
        let mut here = std::collections::HashSet::new();
        for category in Category::ALL {
            here.extend(labels.map(category).iter().copied());
        }
        let has = |c: Category| labels.map(c).iter().any(|&n| n != 0);
        whole += usize::from(Category::ALL.into_iter().all(has));
        for number in here {
            seen[usize::from(number)] += 1;
        }
    }
    for concept in concepts() {
        let count = seen[usize::from(concept.number)];
        assert!(count >= 8, "{} ({}) in {count} pictures", concept.name, concept.category.name());
    }
    assert!(whole > 1500, "{whole}");
}

/// Each class's parts are its own: a wheel on cars and trucks, never on a fish.
#[test]
fn parts_belong_to_their_objects() {
    let shapes = Shapes::new(4, Split::Train, 320);
    for i in 0..shapes.len() {
        let labels = shapes.scene(i).labels;
        let pairs = labels.map(Category::Part).iter().zip(labels.map(Category::Object));
        for (&part, &object) in pairs {
            let owners: &[Object] = match part {
                p if p == Part::Wheel.number() => &[Object::Car, Object::Truck],
                p if p == Part::Beak.number() => &[Object::Bird],
                p if p == Part::Petal.number() => &[Object::Flower],
                p if p == Part::Sail.number() => &[Object::Sailboat],
                p if p == Part::Dial.number() => &[Object::Clock],
                p if p == Part::Spout.number() => &[Object::Teapot],
                p if p == Part::Canopy.number() => &[Object::Umbrella],
                _ => continue,
            };
            assert!(owners.iter().any(|o| o.number() == object));
        }
    }
}

/// The folder with WordNet's `data.noun`, if this machine has it.
fn wordnet() -> Option<PathBuf> {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let from_env = std::env::var_os("GLASSBOX_TEST_DATA").map(PathBuf::from);
    [from_env, Some(home.join("../shared/data")), Some(home.join("../../shared/data"))]
        .into_iter()
        .flatten()
        .map(|folder| folder.join("wordnet-3.0/dict/data.noun"))
        .find(|file| file.exists())
}

#[test]
fn wnids_are_the_nouns_they_say() {
    let Some(file) = wordnet() else {
        println!("SKIPPED: no wordnet-3.0/dict/data.noun; set GLASSBOX_TEST_DATA to its parent");
        return;
    };
    // The right sense, told by words of its gloss.
    let glosses = [
        "egg-laying vertebrates characterized by feathers and forelimbs modified as wings",
        "cold-blooded aquatic vertebrates",
        "diurnal insect",
        "gastropod mollusk usually having an external enclosing spiral shell",
        "a plant cultivated for its blooms",
        "consisting of a cap at the end of a stem",
        "a tall perennial woody plant having a main trunk",
        "a dwelling that serves as living quarters",
        "a motor vehicle with four wheels",
        "an automotive vehicle suitable for hauling",
        "a small sailing vessel",
        "a small open container usually used for drinking; usually has a handle",
        "pot for brewing tea",
        "a lightweight handheld collapsible canopy",
        "a lamp that sits on a table",
        "a timepiece that shows the time of day",
    ];
    let nouns = std::fs::read_to_string(file).unwrap();
    for (row, gloss) in ROWS.iter().zip(glosses) {
        let offset = row.wnid.strip_prefix('n').unwrap();
        let line = nouns.lines().find(|line| line.starts_with(offset));
        let line = line.unwrap_or_else(|| panic!("{} is not in data.noun", row.wnid));
        let fields: Vec<_> = line.split(' ').collect();
        let words = usize::from_str_radix(fields[3], 16).unwrap();
        let name = row.name().replace(' ', "_");
        assert!((0..words).any(|w| fields[4 + 2 * w] == name), "{}: {line}", row.name());
        assert!(line.contains(gloss), "{}: {line}", row.name());
    }
}

/// `cargo test --lib shapes_sheet -- --ignored` writes sheets of pictures to look at, each class a
/// row, and of one picture a class with its six label maps in false colours, to
/// `target/shapes-*.png`.
#[test]
#[ignore = "writes pictures for people to look at"]
fn shapes_sheet() {
    let (zoom, columns) = (2, 14);
    let shapes = Shapes::new(1, Split::Train, 16 * columns);
    let mut sheet = image::RgbImage::new((columns * 66 * zoom) as u32, (16 * 66 * zoom) as u32);
    let mut maps = image::RgbImage::new((7 * 66 * zoom) as u32, (16 * 66 * zoom) as u32);
    let mut next = [0; 16];
    for i in 0..shapes.len() {
        let scene = shapes.scene(i);
        let row = scene.label as usize;
        let plane = |c: usize, at: usize| scene.pixels[c * 4096 + at];
        let picture = |at| [plane(0, at), plane(1, at), plane(2, at)];
        paste(&mut sheet, next[row], row, zoom, &picture);
        if next[row] == 0 {
            paste(&mut maps, 0, row, zoom, &picture);
            for (k, category) in Category::ALL.into_iter().enumerate() {
                let map = scene.labels.map(category);
                let false_color = |at: usize| {
                    let n = u32::from(map[at]);
                    let h = n.wrapping_mul(0x9e37_79b1);
                    let level = |shift: u32| (60 + (h >> shift & 255) * 195 / 255) as u8;
                    if n == 0 { [0; 3] } else { [level(24), level(16), level(8)] }
                };
                paste(&mut maps, k + 1, row, zoom, &false_color);
            }
        }
        next[row] += 1;
    }
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target");
    sheet.save(target.join("shapes-classes.png")).unwrap();
    maps.save(target.join("shapes-labels.png")).unwrap();
}

fn paste(
    sheet: &mut image::RgbImage,
    column: usize,
    row: usize,
    zoom: usize,
    pixel: &dyn Fn(usize) -> [u8; 3],
) {
    for y in 0..64 * zoom {
        for x in 0..64 * zoom {
            let color = pixel(y / zoom * 64 + x / zoom);
            let (left, top) = (column * 66 * zoom, row * 66 * zoom);
            sheet.put_pixel((left + x) as u32, (top + y) as u32, image::Rgb(color));
        }
    }
}
