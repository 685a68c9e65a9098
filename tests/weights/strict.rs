//! A weights file of ours in PyTorch, where there is one: strictly loaded, it gives our logits.

use std::path::Path;
use std::process::Command;

use candle_core::{Device, Tensor};
use glassbox::model::{Arch, Mode, ModelConfig, build, weights};

/// `$GLASSBOX_PYTHON`, else `python3`, if it has PyTorch and safetensors.
fn python() -> Option<String> {
    let python = std::env::var("GLASSBOX_PYTHON").unwrap_or_else(|_| "python3".into());
    let has = Command::new(&python).args(["-c", "import numpy, safetensors.torch"]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!(
        "SKIPPED: {python} has no PyTorch and safetensors; set GLASSBOX_PYTHON to one that has"
    );
    None
}

#[test]
fn pytorch_loads_what_is_written_strictly_and_computes_the_same() {
    let Some(python) = python() else { return };
    let config = ModelConfig {
        classes: 10,
        channels: 3,
        image_size: 32,
        mean: vec![0.5, 0.375, 0.25],
        std: vec![0.25, 0.5, 0.25],
        seed: 9,
        layers: Vec::new(),
    };
    let model = build(Arch::Shapesnet, config, &Device::Cpu).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    weights::write(&path, &model, &["cat".to_owned()]).unwrap();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/load_strict.py");
    let output = Command::new(python).arg(script).arg(&path).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (loaded, logits) = printed
        .split_once('\n')
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert!(loaded.contains("All keys matched"), "{loaded}");

    let pixels: Vec<f32> = (0..3 * 32 * 32).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
    let image = Tensor::from_vec(pixels, (1, 3, 32, 32), &Device::Cpu).unwrap();
    let ours = model.forward(&image, Mode::Evaluate, &[]).unwrap().logits;
    let ours: Vec<f32> = ours.flatten_all().unwrap().to_vec1().unwrap();
    let theirs: Vec<f32> = logits.split_whitespace().map(|word| word.parse().unwrap()).collect();
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!((ours - theirs).abs() <= 1e-4 * theirs.abs().max(1.0), "{ours} {theirs}");
    }
}
