//! The small worker behind the attack screen, asked about a run that has finished.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use glassbox::run::folder::RunFolder;
use glassbox::run::live::{Answer, Ask, Attacked};
use glassbox::run::results::attack::Attack;

use crate::runs::{Runs, SMALL};

/// The worker, killed when the test ends early.
struct Live {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    asked: u64,
}

impl Live {
    fn start(runs: &Runs, run: &str, pictures: &Path) -> Self {
        let words = ["worker", run, "--live", "--pictures", pictures.to_str().unwrap()];
        let mut command = runs.glassbox(&words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { questions: process.stdin.take(), process, answers, asked: 0 }
    }

    fn write(&mut self, line: &str) {
        self.questions.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn answer(&mut self) -> Answer {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: '{line}'"))
    }

    fn ask(&mut self, image: usize, attack: &str) -> Answer {
        self.asked += 1;
        let ask = Ask { id: self.asked, image, attack: attack.into() };
        self.write(&serde_json::to_string(&ask).unwrap());
        self.answer()
    }

    fn attacked(&mut self, image: usize, attack: &str) -> Attacked {
        match self.ask(image, attack) {
            Answer::Attacked(attacked) => {
                assert_eq!((attacked.id, attacked.image), (self.asked, image));
                *attacked
            }
            other => panic!("{other:?}"),
        }
    }

    fn refused(&mut self, image: usize, attack: &str) -> String {
        match self.ask(image, attack) {
            Answer::Refused { id, why } if id == self.asked => why,
            other => panic!("{other:?}"),
        }
    }

    /// Closes its input; its exit code, and how long it took to end.
    fn end(mut self) -> (Option<i32>, Duration) {
        drop(self.questions.take());
        let since = Instant::now();
        (self.process.wait().unwrap().code(), since.elapsed())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A run that has trained a little and has attacked its test split with `attack`.
fn finished(runs: &Runs, attack: &str) -> RunFolder {
    let attack = format!("attack={attack}");
    let run = runs.create(&[SMALL, &[&attack]].concat());
    assert_eq!(runs.work(&run).wait(), Some(0));
    run
}

/// Every file of a folder, with what is in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(contents(&entry.path()));
        } else {
            found.insert(entry.path(), std::fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// The bytes of its pictures: the original's, the adversarial image's.
fn pictures(attacked: &Attacked) -> [Vec<u8>; 2] {
    [&attacked.original_file, &attacked.adversarial_file].map(|file| std::fs::read(file).unwrap())
}

fn pixels(file: &Path) -> Vec<u8> {
    image::open(file).unwrap().into_rgb8().into_raw()
}

#[test]
fn its_pictures_are_those_of_the_attack_stage_and_its_numbers_those_of_its_pictures() {
    let runs = Runs::new();
    // One image a batch, as the worker has it: sums of other lengths round otherwise.
    let run = finished(&runs, "{method='pgd', epsilon=8, steps=3, batch_size=1}");
    let before = contents(&runs.root());
    let folder = tempfile::tempdir().unwrap();
    let mut live = Live::start(&runs, "last", &folder.path().join("pictures"));
    let Answer::Ready { images, classes, labels, weights, device } = live.answer() else {
        panic!("not ready")
    };
    assert_eq!((images, classes.len(), labels.len()), (16, 16, 16));
    assert_eq!((weights.as_str(), device.as_str()), ("the best of this run", "cpu"));

    let stage: Attack = run.result("attack").unwrap().unwrap();
    let mut fooled = 0;
    for (index, pair) in stage.pairs.iter().enumerate() {
        let attacked = live.attacked(index, "method = 'pgd', epsilon = 8, steps = 3");
        assert_eq!(attacked.attack, "pgd ε 8 · 3 steps of 6.667 · 1 restart");
        assert_eq!(attacked.label, labels[index]);
        let [original, adversarial] = pictures(&attacked);
        let of_stage = std::fs::read(run.path().join(&pair.picture)).unwrap();
        assert!(adversarial == of_stage, "another picture of image {index} than the stage's");
        assert_ne!(original, adversarial);
        // Measured here, on the files.
        let pixels = [&attacked.original_file, &attacked.adversarial_file].map(|file| pixels(file));
        let changes = pixels[0].iter().zip(&pixels[1]).map(|(a, b)| f64::from(a.abs_diff(*b)));
        let linf = changes.clone().fold(0.0, f64::max);
        let l2 = changes.map(|change| (change / 255.0).powi(2)).sum::<f64>().sqrt();
        assert!(linf <= 8.0 && (attacked.linf - linf).abs() < 1e-9, "{linf}, {}", attacked.linf);
        assert!((attacked.l2 - l2).abs() < 1e-4, "{l2}, {}", attacked.l2);
        for probabilities in [&attacked.clean, &attacked.adversarial] {
            assert_eq!(probabilities.len(), 16);
            assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(probabilities.iter().all(|share| (0.0..=1.0).contains(share)));
        }
        let top = |probabilities: &[f32]| {
            (0..16).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b])).unwrap() as u32
        };
        fooled += usize::from(top(&attacked.adversarial) != attacked.label);
    }
    // What the stage says of its own files.
    let top1 = stage.models[0].top1_adversarial;
    assert_eq!(fooled, 16 - (top1 * 16.0).round() as usize);

    assert_eq!(live.end().0, Some(0));
    assert!(contents(&runs.root()) == before, "it has changed the run");
}

#[test]
fn the_same_question_has_the_same_answer_and_epsilon_0_changes_nothing() {
    let runs = Runs::new();
    let run = finished(&runs, "{method='fgsm', epsilon=8}");
    let folder = tempfile::tempdir().unwrap();
    let mut live = Live::start(&runs, run.path().to_str().unwrap(), folder.path());
    assert!(matches!(live.answer(), Answer::Ready { .. }));
    let pgd = "{ method = 'pgd', epsilon = 8, steps = 4, restarts = 2 }";
    let first = live.attacked(5, pgd);
    let shown = pictures(&first);
    live.attacked(6, pgd);
    let again = live.attacked(5, pgd);
    assert!(pictures(&again) == shown);
    assert_eq!(
        (&again.adversarial, again.linf, again.l2),
        (&first.adversarial, first.linf, first.l2)
    );
    assert_ne!(again.adversarial_file, first.adversarial_file, "a name is used once");

    for method in ["fgsm", "bim", "pgd", "mim", "least-likely", "apgd-ce", "apgd-dlr", "square"] {
        let attacked = live.attacked(2, &format!("method = '{method}', epsilon = 0"));
        let [original, adversarial] = pictures(&attacked);
        assert!(original == adversarial, "{method}");
        assert_eq!((attacked.linf, attacked.l2), (0.0, 0.0), "{method}");
        assert_eq!(attacked.clean, attacked.adversarial, "{method}");
    }
    // The last eight answers have their pictures, no others.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2 * 8);

    let targeted = live.attacked(2, "method = 'pgd', epsilon = 32, target = 3");
    assert!(targeted.adversarial[3] > targeted.clean[3], "{targeted:?}");
    let Answer::Attacked(ensemble) = live.ask(2, "method = 'ensemble', steps = 2") else {
        panic!("an ensemble of the network alone needs no other")
    };
    assert!(ensemble.linf > 0.0);
    let other = format!(
        "method = 'ensemble', steps = 2, models = [{{ arch = 'shapesnet', weights = 'run:{}' }}]",
        run.id()
    );
    assert_eq!(pictures(&live.attacked(2, &other)), pictures(&ensemble), "the same network");
}

#[test]
fn a_wrong_question_is_refused_and_the_next_one_answered() {
    let runs = Runs::new();
    finished(&runs, "{method='fgsm', epsilon=8}");
    let folder = tempfile::tempdir().unwrap();
    let mut live = Live::start(&runs, "last", folder.path());
    assert!(matches!(live.answer(), Answer::Ready { .. }));
    for (image, attack, expected) in [
        (0, "method = 'pgdd'", "did you mean 'pgd'?"),
        (0, "method = 'fgsm', epsilon = 8, steps = 3", "fgsm takes epsilon or norm"),
        (0, "method = ", "not valid TOML"),
        (16, "method = 'fgsm', epsilon = 8", "there is no image 16"),
        (0, "method = 'pgd', target = 99", "the network has 16 classes"),
        (
            0,
            "method = 'ensemble', models = [{ arch = 'shapesnet', weights = 'run:gone' }]",
            "there is no run 'gone'",
        ),
        (
            0,
            "method = 'ensemble', models = [{ arch = 'vgg16', weights = '/gone.pth' }]",
            "/gone.pth",
        ),
    ] {
        let why = live.refused(image, attack);
        assert!(why.contains(expected), "{attack}: {why}");
    }
    for (line, number) in [("{\"id\":77,\"image\":-1}", 77), ("\u{1b}[31m", 0)] {
        live.write(line);
        let Answer::Refused { id, why } = live.answer() else { panic!("{line}") };
        assert!(id == number && why.contains("expected a line such as"), "{why}");
    }
    assert!(live.attacked(0, "method = 'fgsm', epsilon = 8").linf > 0.0);

    let (code, took) = live.end();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn it_ends_with_its_input_in_the_middle_of_an_attack_and_answers_the_newest_question_first() {
    let runs = Runs::new();
    finished(&runs, "{method='fgsm', epsilon=8}");
    let folder = tempfile::tempdir().unwrap();
    let mut live = Live::start(&runs, "last", folder.path());
    assert!(matches!(live.answer(), Answer::Ready { .. }));
    let question = |id: u64, steps: usize| {
        let attack = format!("method = 'pgd', epsilon = 8, steps = {steps}");
        serde_json::to_string(&Ask { id, image: 0, attack }).unwrap()
    };
    // All in one write: while the first is answered the others wait, and the last replaces them.
    let lines: Vec<String> = (1..=20).map(|id| question(id, 40)).collect();
    live.write(&lines.join("\n"));
    let mut answered = Vec::new();
    while answered.last() != Some(&20) {
        match live.answer() {
            Answer::Attacked(attacked) => answered.push(attacked.id),
            other => panic!("{other:?}"),
        }
    }
    assert!(answered.len() <= 3, "{answered:?}");

    live.write(&question(21, 1_000_000));
    std::thread::sleep(Duration::from_millis(200));
    let (code, took) = live.end();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn better_weights_of_a_running_run_are_taken_before_the_next_answer() {
    let runs = Runs::new();
    let run = finished(&runs, "{method='fgsm', epsilon=8}");
    let other = runs.create(&[SMALL, &["seed=2"]].concat());
    assert_eq!(runs.work(&other).wait(), Some(0));
    let folder = tempfile::tempdir().unwrap();
    let mut live = Live::start(&runs, run.path().to_str().unwrap(), folder.path());
    assert!(matches!(live.answer(), Answer::Ready { .. }));
    let fgsm = "method = 'fgsm', epsilon = 8";
    let before = live.attacked(3, fgsm);
    assert_eq!(live.attacked(3, fgsm).clean, before.clean);

    for file in ["best.safetensors", "best.json"] {
        let of = |run: &RunFolder| run.path().join("checkpoints").join(file);
        std::fs::copy(of(&other), of(&run)).unwrap();
    }
    let answer = live.ask(3, fgsm);
    assert!(matches!(answer, Answer::Ready { .. }), "{answer:?}");
    let Answer::Attacked(after) = live.answer() else { panic!("no answer") };
    assert_ne!(after.clean, before.clean);
    assert_eq!(live.attacked(3, fgsm).clean, after.clean);
}

#[test]
fn a_run_that_has_not_trained_yet_is_refused() {
    let runs = Runs::new();
    let run = runs.create(SMALL);
    let folder = tempfile::tempdir().unwrap();
    let mut live = Live::start(&runs, run.path().to_str().unwrap(), folder.path());
    let Answer::Failed { why } = live.answer() else { panic!("it is open") };
    assert!(why.contains("the run has no trained weights yet ("), "{why}");
    assert_eq!(live.end().0, Some(2));
}

#[test]
fn a_run_that_cannot_be_opened_is_a_failure_with_an_exit_code() {
    let runs = Runs::new();
    let folder = tempfile::tempdir().unwrap();
    let network = run_on_pictures_that_go(&runs, folder.path());
    let mut live = Live::start(&runs, network.path().to_str().unwrap(), folder.path());
    let Answer::Failed { why } = live.answer() else { panic!("it is open") };
    assert!(why.contains("does not exist"), "{why}");
    assert_eq!(live.end().0, Some(2));

    let output = runs
        .glassbox(&["worker", "gone", "--live", "--pictures", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("there is no run 'gone'"),
        "{output:?}"
    );
}

/// A run whose data is gone.
fn run_on_pictures_that_go(runs: &Runs, folder: &Path) -> RunFolder {
    let data = folder.join("data");
    for split in ["train", "val"] {
        for class in ["a", "b"] {
            let class = data.join(split).join(class);
            std::fs::create_dir_all(&class).unwrap();
            image::RgbImage::from_pixel(32, 32, image::Rgb([9, 9, 9]))
                .save(class.join("1.png"))
                .unwrap();
        }
    }
    let run = runs.create_from(&format!(
        "[data]\nformat = 'image-folder'\npath = '{}'\nimage_size = 32\n[evaluate]\n\
         attacks = [{{ method = 'none' }}]\n",
        data.display()
    ));
    std::fs::remove_dir_all(data).unwrap();
    run
}
