//! Network Dissection as `dissection.py` does it with NumPy, every neuron with every concept, on
//! `shapes` and on photographs in Broden's format; and `shapes` written in that format, for Python.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use candle_core::DType;
use glassbox::data::Dataset;
use glassbox::data::labelled::{Labelled, Labels, open_broden, shapes};
use glassbox::neuron::dissection::{Dissection, Vocabulary};
use glassbox::neuron::quantile::TopQuantiles;

use super::{Fixture, data};

const ABOVE: f64 = 0.005;
const IOU: f64 = 0.04;
/// Of the scenes in the fixture.
const SEED: u64 = 5;
const SCENES: usize = 64;
const SIDE: usize = 64;
const PHOTOGRAPHS: usize = 40;

pub fn vocabulary(data: &dyn Labelled) -> Vocabulary {
    Vocabulary {
        categories: data.categories().len(),
        category_of: data.concepts().iter().map(|concept| concept.category).collect(),
    }
}

/// Numbers of the fixture, row by row.
fn numbers(fixture: &Fixture, name: &str) -> Vec<f64> {
    let tensor = fixture.get(name).to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Dissects the fixture's maps over the labels of `data`, in batches.
fn check(name: &str, data: &dyn Labelled) {
    let fixture = Fixture::read("dissection.safetensors");
    let maps = fixture.get(&format!("{name}.maps"));
    let (images, neurons, height, width) = maps.dims4().unwrap();
    assert_eq!(images, data.len());
    let maps: Vec<f32> = maps.flatten_all().unwrap().to_vec1().unwrap();
    let positions = height * width;
    let mut quantiles = TopQuantiles::new(neurons, ABOVE, (images * positions) as u64);
    maps.chunks(7 * neurons * positions).for_each(|batch| quantiles.add_maps(batch, positions));
    let thresholds: Vec<f32> =
        (0..neurons).map(|neuron| quantiles.threshold(neuron).unwrap()).collect();
    let expected = numbers(&fixture, &format!("{name}.thresholds"));
    let found: Vec<f64> = thresholds.iter().copied().map(f64::from).collect();
    assert_eq!(found, expected, "{name}: thresholds");

    let vocabulary = vocabulary(data);
    let mut dissection = Dissection::new(thresholds, &vocabulary, true);
    let labels: Vec<Labels> = (0..images).map(|index| data.labels(index).unwrap()).collect();
    for first in (0..images).step_by(9) {
        let batch: Vec<usize> = (first..images.min(first + 9)).collect();
        let of = |shift: usize| -> Vec<Labels> {
            batch.iter().map(|index| labels[(index + shift) % images].clone()).collect()
        };
        let values = neurons * positions;
        let maps = &maps[first * values..(first + batch.len()) * values];
        dissection.add(maps, [height, width], &batch, &of(0), &of(1));
    }

    let exact = |what: &str, found: Vec<u64>| {
        let found: Vec<f64> = found.into_iter().map(|count| count as f64).collect();
        assert_eq!(found, numbers(&fixture, &format!("{name}.{what}")), "{name}: {what}");
    };
    exact("concept_images", dissection.concept_images());
    exact("concept_pixels", dissection.concept_pixels());

    let expected = numbers(&fixture, &format!("{name}.iou"));
    let found = dissection.iou();
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.len(), neurons * data.concepts().len());
    let mut worst = 0.0_f64;
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let difference = (f64::from(*found) - expected).abs();
        let (neuron, concept) = (at / data.concepts().len(), at % data.concepts().len());
        let concept = &data.concepts()[concept].name;
        assert!(difference <= 1e-4, "{name}, neuron {neuron}, {concept}: {found}, not {expected}");
        worst = worst.max(difference);
    }
    let above = expected.iter().filter(|&&iou| iou > IOU).count();
    println!("{name}: {} IoUs, {above} above {IOU}, differ by at most {worst:.1e}", found.len());
    assert!(above > 0, "{name}: nothing is detected");

    for (what, found) in
        [("ratio", dissection.ratio(IOU)), ("null_ratio", dissection.null_ratio(IOU))]
    {
        assert_eq!(found, numbers(&fixture, &format!("{name}.{what}")), "{name}: {what}");
    }
    let best = dissection.best();
    let expected = numbers(&fixture, &format!("{name}.best"));
    let found: Vec<f64> = best.iter().map(|best| f64::from(best.concept.unwrap_or(0))).collect();
    assert_eq!(found, expected, "{name}: best concepts");
}

#[test]
fn dissection_of_shapes_is_numpys() {
    check("shapes", &shapes(SEED, SCENES, SIDE));
}

#[test]
fn dissection_of_photographs_in_brodens_format_is_numpys() {
    let Some(folder) = data("broden-mini") else { return };
    let data = open_broden(&folder, 64, 3, PHOTOGRAPHS).unwrap();
    let names: Vec<&str> = data.categories().iter().map(String::as_str).collect();
    assert_eq!(names, ["color", "object", "scene", "texture", "part"]);
    check("broden", &data);
}

/// Writes labelled images as a Broden folder: pictures and label maps as PNG, and the tables.
fn write_broden(data: &dyn Labelled, folder: &Path) {
    let [_, side, _] = data.shape();
    let (categories, concepts) = (data.categories(), data.concepts());
    let mut index = format!("image,split,ih,iw,sh,sw,{}\r\n", categories.join(","));
    let mut frequency = vec![0_u64; concepts.len()];
    let mut coverage = vec![0.0_f64; concepts.len()];
    let images = folder.join("images");
    for at in 0..data.len() {
        let (name, labels) = (data.name(at), data.labels(at).unwrap());
        fs::create_dir_all(images.join(&name).parent().unwrap()).unwrap();
        let planes = data.example(at).unwrap().pixels;
        let level = |channel: usize, place: usize| planes[channel * side * side + place];
        write_png(&images.join(&name), side, |place| [0, 1, 2].map(|of| level(of, place)));
        let mut cells = vec![Vec::new(); categories.len()];
        let mut covers = vec![0_u64; concepts.len() + 1];
        let positions = (labels.height * labels.width) as u64;
        for &(category, number) in &labels.whole {
            cells[category].push(number.to_string());
            covers[usize::from(number)] += positions;
        }
        for (category, map) in &labels.maps {
            let stem = name.strip_suffix(".png").unwrap();
            let file = format!("{stem}_{}.png", categories[*category]);
            write_png(&images.join(&file), labels.width, |place| {
                let [red, green] = map[place].to_le_bytes();
                [red, green, 0]
            });
            cells[*category].push(file);
            for &number in map {
                covers[usize::from(number)] += 1;
            }
        }
        for (at, &covers) in covers[1..].iter().enumerate() {
            frequency[at] += u64::from(covers > 0);
            coverage[at] += covers as f64 / positions as f64;
        }
        let cells: Vec<String> = cells.iter().map(|items| items.join(";")).collect();
        let size = format!("{side},{side},{},{}", labels.height, labels.width);
        writeln!(index, "{name},val,{size},{}\r", cells.join(",")).unwrap();
    }
    fs::write(folder.join("index.csv"), index).unwrap();
    let mut of_labels = String::from("number,name,category,frequency,coverage,syns\r\n");
    let mut of_categories = String::from("name,first,last,count,frequency\r\n");
    for (category, name) in categories.iter().enumerate() {
        let mut table = String::from("code,number,name,frequency,coverage\r\n");
        let own = concepts.iter().filter(|concept| concept.category == category);
        for (code, concept) in own.clone().enumerate() {
            let at = usize::from(concept.number) - 1;
            let (number, images, covers) = (concept.number, frequency[at], coverage[at]);
            writeln!(table, "{},{number},{},{images},{covers}\r", code + 1, concept.name).unwrap();
            writeln!(of_labels, "{number},{},{name}({images}),{images},{covers},\r", concept.name)
                .unwrap();
        }
        fs::write(folder.join(format!("c_{name}.csv")), table).unwrap();
        let numbers: Vec<u16> = own.clone().map(|concept| concept.number).collect();
        let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
        let images: u64 = own.map(|concept| frequency[usize::from(concept.number) - 1]).sum();
        writeln!(of_categories, "{name},{first},{last},{},{images}\r", numbers.len()).unwrap();
    }
    fs::write(folder.join("label.csv"), of_labels).unwrap();
    fs::write(folder.join("category.csv"), of_categories).unwrap();
}

fn write_png(path: &Path, width: usize, pixel: impl Fn(usize) -> [u8; 3]) {
    let width = width as u32;
    let of = |x: u32, y: u32| image::Rgb(pixel((y * width + x) as usize));
    let picture = image::RgbImage::from_fn(width, width, of);
    picture.save_with_format(path, image::ImageFormat::Png).unwrap();
}

#[test]
fn shapes_written_in_brodens_format_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let scenes = shapes(2, 12, 40);
    write_broden(&scenes, folder.path());
    let read = open_broden(folder.path(), 40, 3, 0).unwrap();
    assert_eq!((read.len(), read.categories()), (12, scenes.categories()));
    assert_eq!(read.concepts(), scenes.concepts());
    for index in 0..12 {
        assert_eq!(read.name(index), scenes.name(index));
        assert_eq!(read.labels(index).unwrap(), scenes.labels(index).unwrap());
        assert_eq!(read.example(index).unwrap().pixels, scenes.example(index).unwrap().pixels);
    }
}

/// `GLASSBOX_WRITE_BRODEN=FOLDER,SEED,IMAGES,SIDE cargo test --test reference write_shapes --
/// --ignored` writes scenes of the test split as a Broden folder: what `dissection.py` (5,64,64) and
/// `dissection_run.py` (data.seed, as many as the run dissected, data.image_size) read.
#[test]
#[ignore = "writes a folder for the scripts beside this file"]
fn write_shapes() {
    let asked = std::env::var("GLASSBOX_WRITE_BRODEN").expect("set GLASSBOX_WRITE_BRODEN");
    let parts: Vec<&str> = asked.split(',').collect();
    let [folder, seed, images, side] = parts[..] else { panic!("FOLDER,SEED,IMAGES,SIDE") };
    let scenes = shapes(seed.parse().unwrap(), images.parse().unwrap(), side.parse().unwrap());
    fs::create_dir_all(folder).unwrap();
    write_broden(&scenes, Path::new(folder));
}
