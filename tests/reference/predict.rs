//! Published networks through `predict`, against torchvision and PyTorch: weights that people have,
//! pictures from files, classes in order. Needs the real data; `GLASSBOX_TEST_ALL=1` takes all of it.

use std::path::{Path, PathBuf};

use glassbox::job::predict::{Guess, Request, predict};

use super::{Fixture, data};

/// All pictures if asked for, else the first few hundred: seconds instead of minutes.
fn how_many(few: usize, all: usize) -> usize {
    if std::env::var_os("GLASSBOX_TEST_ALL").is_some() { all } else { few }
}

fn request(arch: &str, weights: &Path, images: Vec<PathBuf>) -> Request {
    Request {
        arch: Some(arch.into()),
        weights: weights.to_str().unwrap().into(),
        mean: None,
        std: None,
        resize: None,
        crop: None,
        top: 5,
        images,
    }
}

/// The guesses for every picture, in order.
fn answers(request: &Request) -> Vec<Vec<Guess>> {
    let outcomes = predict(request, || panic!("no run is asked for")).unwrap();
    outcomes.into_iter().map(|(_, outcome)| outcome.unwrap()).collect()
}

/// CIFAR-10's records (a label, then 32×32 red, green, blue) as PNG files, and their labels.
fn cifar_pictures(folder: &Path, count: usize) -> Option<(Vec<PathBuf>, Vec<usize>)> {
    let bytes = std::fs::read(data("cifar-10-subset/test_batch.bin")?).unwrap();
    let records = bytes.as_chunks::<3073>().0.iter().take(count).enumerate();
    Some(
        records
            .map(|(number, record)| {
                let (label, planes) = record.split_first().unwrap();
                let path = folder.join(format!("{number:04}.png"));
                let picture = image::RgbImage::from_fn(32, 32, |x, y| {
                    let at = (y * 32 + x) as usize;
                    image::Rgb([planes[at], planes[1024 + at], planes[2048 + at]])
                });
                picture.save(&path).unwrap();
                (path, usize::from(*label))
            })
            .unzip(),
    )
}

/// The accuracies of the project's notes on its data, to the image; probabilities and order as
/// PyTorch's logits give them.
#[test]
fn cifar_networks_answer_as_in_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let Some((pictures, labels)) = cifar_pictures(folder.path(), 1000) else { return };
    let Some(weights) = data("weights/cifar10-resnet") else { return };
    let fixture = Fixture::read("cifar_logits.safetensors");
    let all = [
        ("resnet20", "resnet20-12fca82f.th", 915),
        ("resnet56", "resnet56-4bfd9763.th", 926),
        ("resnet32", "resnet32-d509ac18.th", 928),
        ("resnet44", "resnet44-014dd654.th", 933),
    ];
    for (arch, file, right) in all.into_iter().take(how_many(1, all.len())) {
        let answers = answers(&request(arch, &weights.join(file), pictures.clone()));
        let found = answers.iter().zip(&labels).filter(|(top, label)| top[0].index == **label);
        assert_eq!(found.count(), right, "{arch}");
        let Some(logits) = fixture.0.get(arch) else { continue };
        for (picture, (logits, top)) in
            logits.to_vec2::<f32>().unwrap().iter().zip(&answers).enumerate()
        {
            let weight = |logit: f32| f64::from(logit).exp();
            let sum: f64 = logits.iter().map(|&logit| weight(logit)).sum();
            for guess in top {
                let expected = weight(logits[guess.index]) / sum;
                let error = (guess.probability - expected).abs();
                assert!(error <= 1e-4, "{arch} {picture}: {} {expected}", guess.probability);
            }
        }
    }
}

#[test]
fn squeezenet_names_torchvisions_five_classes_in_order() {
    let Some(folder) = data("imagenet-samples") else { return };
    let weights = "weights/imagenet-squeezenet/squeezenet1_0-deep-compression.pth";
    let Some(weights) = data(weights) else { return };
    let mut pictures = Vec::new();
    for class in std::fs::read_dir(folder).unwrap() {
        let files = std::fs::read_dir(class.unwrap().path()).unwrap();
        pictures.extend(files.map(|file| file.unwrap().path()));
    }
    pictures.sort();
    assert_eq!(pictures.len(), 1000);
    let count = how_many(60, 1000);
    // Spread over the classes, and over the threads' batches.
    let step = 1000 / count;
    let chosen: Vec<PathBuf> = pictures.into_iter().step_by(step).collect();
    let answers = answers(&Request {
        mean: Some(vec![123.0 / 255.0, 117.0 / 255.0, 104.0 / 255.0]),
        std: Some(vec![1.0; 3]),
        resize: Some(232),
        crop: Some(227),
        ..request("squeezenet1_0", &weights, chosen.clone())
    });
    let fixture = Fixture::read("squeezenet_top5.safetensors");
    let top5 = fixture.get("top5").to_vec2::<i32>().unwrap();
    let chances = fixture.get("chances").to_vec2::<f32>().unwrap();
    let (mut same, mut first, mut right, mut most) = (0, 0, 0, 0.0_f64);
    for (number, found) in answers.iter().enumerate() {
        let expected: Vec<usize> =
            top5[number * step].iter().map(|&index| index as usize).collect();
        let order: Vec<usize> = found.iter().map(|guess| guess.index).collect();
        same += usize::from(order == expected);
        first += usize::from(order[0] == expected[0]);
        right += usize::from(order[0] == number * step);
        most = most.max((found[0].probability - f64::from(chances[number * step][0])).abs());
    }
    let count = answers.len();
    println!(
        "{count} photographs: top five the same {same}, first {first}, right {right}; \
         largest difference in the first's probability {most:.4}"
    );
    assert!(same * 100 >= count * 99, "{same} of {count} as torchvision");
    assert!(answers.iter().flatten().all(|guess| guess.label.parse::<u32>().is_err()));
}
