//! A fixed world for the tests of screens: four runs in different states, one with curves and
//! results, one with neurons.

mod concepts;
mod neurons;
mod trace;

pub use self::concepts::{consistency, dissect, world_with_concepts};
pub use self::neurons::{neurons, with_regions, world_with_regions};
pub use self::trace::{trace, world_with_trace};

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::glyphs::Glyphs;
use super::history::History;
use super::keymap::Keymap;
use super::screen::DrawContext;
use super::theme::{Depth, Theme};
use super::world::{RunDetail, RunSummary, World};
use crate::run::event::Event;
use crate::run::info::{RunInfo, Versions};
use crate::run::results::attack::{Attack, ModelRow, Pair};
use crate::run::results::evaluate::{Curve, Evaluate, Network, Point, Row, Transfer};
use crate::run::results::interval;
use crate::run::results::warning::{Warning, WarningKind};
use crate::run::state::{Failure, State, Status};

/// The running one.
pub const RUNNING: &str = "20261123-141502-alexnet-consistent-7f3a";
/// The finished one, with results and neurons.
pub const FINISHED: &str = "20261122-090000-alexnet-11c0";
/// The failed one.
pub const FAILED: &str = "20261121-080000-resnet18-5b5b";
/// The one that waits.
pub const QUEUED: &str = "20261123-143000-vgg16-consistent-02aa";

/// The sizes that every screen is looked at.
pub const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// The dark theme in all its colours.
pub fn theme() -> Theme {
    let themes = Theme::embedded(Depth::True);
    themes.into_iter().find(|theme| theme.name == "dark").expect("dark ships")
}

/// How the tests draw.
pub fn context(theme: &Theme) -> DrawContext<'_> {
    static KEYMAP: LazyLock<Keymap> = LazyLock::new(Keymap::shipped);
    let now = 1_795_444_000.0;
    let glyphs = Glyphs::Unicode;
    DrawContext { theme, glyphs, keymap: &KEYMAP, focused: true, pictures: true, stage: None, now }
}

/// A buffer as text, rows without trailing blanks.
pub fn text(buffer: &Buffer) -> String {
    let Rect { width, height, .. } = buffer.area;
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| row(y).trim_end().to_owned() + "\n").collect()
}

/// A number of -1..1 that looks random and is always the same.
fn noise(seed: u64) -> f64 {
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// A training run's metrics: losses that fall with noise and one spike, accuracy each epoch.
pub fn history(steps: u64, quality: f64) -> History {
    let mut history = History::default();
    let mut push = |step: u64, metrics: &[(&str, f64)]| {
        let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        history.push(&Event { t: step as f64 * 0.1, stage: "train".into(), step, metrics });
    };
    for step in (20..=steps).step_by(20) {
        let x = step as f64 / 20_000.0;
        let fall = |from: f64, to: f64, rate: f64| to + (from - to) * (-x * rate).exp();
        let spike = if step == 6_000 { 1.4 } else { 0.0 };
        let loss = fall(4.0, 1.2 / quality, 4.0) + 0.15 * noise(step) + spike;
        let adversarial = fall(4.1, 2.0 / quality, 3.0) + 0.18 * noise(step + 7) + spike;
        push(
            step,
            &[
                ("loss", loss),
                ("adversarial_loss", adversarial),
                ("consistency_loss", fall(0.02, 0.07, 6.0) + 0.005 * noise(step + 3)),
                ("learning_rate", 0.01 * (0.5 + 0.5 * (x * 2.0).cos())),
                ("images_per_second", 1204.0 + 40.0 * noise(step + 1)),
                ("memory_bytes", 2.1 * 1_073_741_824.0),
                ("cpu_percent", 61.0 + 5.0 * noise(step + 2)),
            ],
        );
        if step % 1_000 == 0 {
            let top1 = quality * (0.62 - 0.55 * (-x * 4.0).exp());
            push(step, &[("top1", top1), ("adversarial_top1", top1 * 0.55)]);
        }
    }
    history
}

fn run(id: &str, title: &str, status: Status, progress: f64) -> RunSummary {
    RunSummary {
        folder: Path::new("/runs").join(id),
        info: RunInfo {
            id: id.into(),
            title: title.into(),
            created: "2026-11-23T14:15:02+00:00".into(),
            versions: Versions { format: 1, glassbox: "0.1.0".into() },
            host: "gpu-server".into(),
            device: "cuda:0".into(),
            argv: vec!["glassbox".into(), "run".into(), "alexnet.toml".into()],
            seed: 1,
            study: None,
        },
        state: State {
            status,
            stage: None,
            progress,
            step: 0,
            steps: 0,
            eta_s: None,
            heartbeat: 1_795_444_000.0,
            pid: None,
            host: None,
            completed: Vec::new(),
            times: Vec::new(),
            machine: None,
            reason: None,
            error: None,
        },
        status,
        latest: BTreeMap::new(),
    }
}

/// The latest value of every metric of the running run.
fn latest() -> BTreeMap<String, f64> {
    [
        ("top1", 0.5312),
        ("adversarial_top1", 0.2841),
        ("images_per_second", 1204.0),
        ("learning_rate", 0.0087),
        ("memory_bytes", 2.1 * 1_073_741_824.0),
        ("cpu_percent", 61.0),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The world. Pictures of the finished run's neurons are named under `folder`, not written.
pub fn world(folder: &Path) -> World {
    let mut running = run(RUNNING, "AlexNet, feature-consistent", Status::Running, 0.38);
    running.state.stage = Some("train".into());
    (running.state.step, running.state.steps) = (17_400, 60_000);
    running.state.eta_s = Some(4320.0);
    running.state.pid = Some(4711);
    running.state.host = Some("gpu-server".into());
    running.latest = latest();

    let mut queued = run(QUEUED, "VGG-16, feature-consistent", Status::Queued, 0.0);
    queued.state.reason =
        Some("waits for cuda:0: alexnet-consistent-7f3a (pid 4711) has it".into());

    let mut finished = run(FINISHED, "AlexNet", Status::Finished, 1.0);
    finished.state.stage = Some("neurons".into());
    finished.latest = latest();

    let mut failed = run(FAILED, "ResNet-18", Status::Failed, 0.12);
    failed.state.stage = Some("train".into());
    failed.state.error = Some(Failure {
        message: "out of memory on cuda:0: 61.0 of 139 GiB are in use by another process".into(),
        hint: Some(
            "lower train.batch_size, or wait: glassbox doctor shows who uses the GPU".into(),
        ),
    });

    let log: Vec<String> = [
        "14:15:02  started on cuda:0, pid 4711",
        "14:18:31  epoch 1: clean 0.3120, fgsm ε 4 0.1710; best so far, checkpoint step-006250",
        "14:20:02  warning: 3 damaged images skipped, the first is n02099601/0042.JPEG",
        "14:22:07  epoch 2: clean 0.5312, fgsm ε 4 0.2841; best so far, checkpoint step-012510",
    ]
    .map(str::to_owned)
    .into();
    let spec = "[train]\nepochs = 10\n[train.adversarial]\nmethod = \"fgsm\"\nepsilon = 4\n";
    let detail = |history: History| RunDetail {
        folder: folder.to_owned(),
        history,
        log: log.clone(),
        spec: spec.into(),
        ..RunDetail::default()
    };
    let mut done = detail(history(20_000, 0.9));
    done.evaluate = Some(Arc::new(evaluate()));
    done.attack = Some(Arc::new(attack()));
    done.neurons = Some(Arc::new(neurons()));

    let details = [
        (RUNNING, detail(history(17_400, 1.0))),
        (FINISHED, done),
        (FAILED, detail(history(2_400, 0.5))),
    ];
    World {
        runs: [running, queued, finished, failed].map(Arc::new).into(),
        details: details.map(|(id, detail)| (id.to_owned(), Arc::new(detail))).into(),
        now: 1_795_444_000.0,
        loaded: true,
        ..World::default()
    }
}

fn evaluate() -> Evaluate {
    let row = |attack: &str, epsilon: f64, top1: f64, top5: f64| Row {
        attack: attack.into(),
        epsilon,
        top1,
        top5,
        images: 50_000,
        linf_max: epsilon,
        ..Row::default()
    };
    let mut rows = vec![
        row("none", 0.0, 0.545, 0.781),
        row("fgsm", 4.0, 0.0904, 0.2513),
        row("pgd", 4.0, 0.0121, 0.0988),
    ];
    rows[2].warnings.push(Warning {
        kind: WarningKind::TooFewSteps,
        message: "with 40 instead of 20 steps 0 instead of 3 of 100 images stay right: the attack \
                  has not converged"
            .into(),
        remedy: "steps = 40 or more, until the accuracy falls no further".into(),
    });
    let point = |epsilon: f64, top1: f64| Point {
        epsilon,
        top1,
        top1_interval: interval::of_share(top1, 500),
        images: 500,
    };
    let points = [(0.0, 0.548), (0.5, 0.382), (1.0, 0.206), (2.0, 0.074), (4.0, 0.014), (8.0, 0.0)];
    let curve = Curve {
        attack: "pgd".into(),
        norm: "linf".into(),
        points: points.map(|(epsilon, top1)| point(epsilon, top1)).into(),
        warnings: Vec::new(),
    };
    let network = |arch: &str, weights: Option<&str>| Network {
        arch: arch.into(),
        weights: weights.map(str::to_owned),
    };
    let own = network("alexnet", None);
    let vgg = network("vgg16", Some("/weights/torchvision/vgg16-397923af.pth"));
    let transfer = Transfer {
        attack: "pgd".into(),
        epsilon: 4.0,
        norm: "linf".into(),
        sources: vec![own.clone(), vgg.clone()],
        targets: vec![own, vgg],
        top1: vec![vec![0.0121, 0.5934], vec![0.4377, 0.0008]],
        clean_top1: vec![0.545, 0.7159],
        images: 50_000,
        ..Transfer::default()
    };
    Evaluate { rows, curve: Some(curve), transfer: Some(transfer), ..Evaluate::default() }
}

/// What FGSM made of the test split: two of three images fooled the network, one of ten was wrong
/// before.
fn pairs() -> Vec<Pair> {
    let pair = |index: usize| {
        let label = index * 7 % 10;
        let before = if index % 10 == 3 { (label + 1) % 10 } else { label };
        let after = if index % 3 == 1 { before } else { (label + 3 + index % 4) % 10 };
        let image = format!("{}/{index:06}.png", CLASSES[label]);
        Pair {
            index: index as u64,
            picture: format!("adversarial/{image}"),
            image,
            label: label as u32,
            target: None,
            prediction_clean: before as u32,
            prediction_adversarial: after as u32,
        }
    };
    (0..1000).map(pair).collect()
}

fn attack() -> Attack {
    Attack {
        pairs: pairs(),
        method: "fgsm".into(),
        epsilon: 4.0,
        images: 50_000,
        targeted: false,
        success_rate: 0.8341,
        linf_max: 4.0,
        l2_mean: 5.91,
        rmsd_mean: 3.92,
        norm: "linf".into(),
        linf_mean: 4.0,
        l2_max: 6.1 * 255.0,
        models: vec![ModelRow {
            arch: "alexnet".into(),
            top1_clean: 0.545,
            top1_adversarial: 0.0904,
            white_box: true,
            ..ModelRow::default()
        }],
        ..Attack::default()
    }
}

const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
