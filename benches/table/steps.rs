//! Our side: the steps that `steps.py` runs there, by the same names.

use std::time::Instant;

use candle_core::{Device, Tensor};
use glassbox::attack::{SignSteps, Victims};
use glassbox::model::{Arch, Mode, ModelConfig, Wanted, build};
use glassbox::ops::{Conv2d, Epilogue, cross_entropy};
use glassbox::train::{Optimizer, Rule, Sgd};

/// One step, ready to be run again and again.
pub type Step = Box<dyn FnMut() -> anyhow::Result<()>>;

/// Pseudo-random numbers in 0..1; which ones does not matter.
fn random(shape: &[usize], device: &Device) -> anyhow::Result<Tensor> {
    Ok(Tensor::rand(0_f32, 1.0, shape, &Device::Cpu)?.to_device(device)?)
}

/// The step of that name: `convolution DIRECTION batch inputs size outputs kernel stride padding`,
/// or `train|adversarial|forward|fgsm ARCH batch size`.
pub fn make(name: &str, device: &Device) -> anyhow::Result<Step> {
    let words: Vec<&str> = name.split(' ').collect();
    let numbers = words[2..].iter().map(|word| word.parse()).collect::<Result<Vec<usize>, _>>()?;
    match *numbers.as_slice() {
        [batch, inputs, size, outputs, kernel, stride, padding] => {
            let conv = Conv2d { stride: [stride; 2], padding: [padding; 2], ..Conv2d::default() };
            convolution(words[1], conv, [batch, inputs, size], [outputs, kernel], device)
        }
        [batch, size] => network(words[0], words[1].parse()?, batch, size, device),
        _ => anyhow::bail!("no step '{name}'"),
    }
}

fn convolution(
    direction: &str,
    conv: Conv2d,
    [batch, inputs, size]: [usize; 3],
    [outputs, kernel]: [usize; 2],
    device: &Device,
) -> anyhow::Result<Step> {
    let maps = random(&[batch, size, size, inputs], device)?;
    let weight = random(&[outputs, kernel, kernel, inputs], device)?;
    let grad = conv.forward(&maps, &weight, &Epilogue::default())?;
    Ok(match direction {
        "forward" => Box::new(move || {
            conv.forward(&maps, &weight, &Epilogue::default())?;
            Ok(())
        }),
        "input" => Box::new(move || {
            conv.input_gradient(&grad, &weight, [size; 2])?;
            Ok(())
        }),
        _ => Box::new(move || {
            conv.weight_gradient(&grad, &maps, [kernel; 2])?;
            Ok(())
        }),
    })
}

fn network(
    kind: &str,
    arch: Arch,
    batch: usize,
    size: usize,
    device: &Device,
) -> anyhow::Result<Step> {
    let classes = if size < 64 { 10 } else { 1000 };
    let config = ModelConfig {
        classes,
        channels: 3,
        image_size: size,
        mean: vec![0.485, 0.456, 0.406],
        std: vec![0.229, 0.224, 0.225],
        seed: 1,
        layers: Vec::new(),
    };
    let model = build(arch, config, device)?;
    let images = random(&[batch, 3, size, size], device)?;
    let labels: Vec<u32> = (0..batch as u32).map(|label| label % classes as u32).collect();
    let labels = Tensor::from_vec(labels, batch, device)?;
    Ok(match kind {
        "forward" => Box::new(move || {
            model.forward(&images, Mode::Evaluate, &[])?;
            Ok(())
        }),
        "fgsm" => Box::new(move || {
            let pass = model.record(&images, Mode::Evaluate, &[], Wanted::INPUT)?;
            let loss = cross_entropy(&pass.logits, &labels, 0.0)?;
            let input = pass.backward(&loss)?.input;
            let sign = input.ok_or_else(|| anyhow::anyhow!("no gradient"))?.sign()?;
            (&images + (sign * (4.0 / 255.0))?)?.clamp(0_f32, 1.0)?;
            Ok(())
        }),
        "train" | "adversarial" => {
            let rule = Rule::Sgd(Sgd { momentum: 0.9, nesterov: false, weight_decay: 5e-4 });
            let mut optimizer = Optimizer::new(rule, model.parameters());
            let adversarial = kind == "adversarial";
            let pgd = SignSteps { count: 3, size: 0.5, random_start: true, momentum: None };
            let indices: Vec<usize> = (0..batch).collect();
            let mut step = 0;
            Box::new(move || {
                step += 1;
                let mut seen = images.clone();
                if adversarial {
                    let (images, labels, indices) = (&images, &labels, indices.as_slice());
                    let victims = Victims { images, labels, indices, targets: None };
                    seen = pgd.perturb(&model, &victims, &vec![4.0; batch], step)?;
                }
                let pass = model.record(&seen, Mode::Train { step }, &[], Wanted::PARAMETERS)?;
                let loss = cross_entropy(&pass.logits, &labels, 0.0)?;
                optimizer.step(&pass.backward(&loss)?.parameters, 0.01)?;
                Ok(())
            })
        }
        _ => anyhow::bail!("no step '{kind}'"),
    })
}

/// Seconds that one run takes, until the device is done.
pub fn time(step: &mut Step, device: &Device) -> anyhow::Result<f64> {
    device.synchronize()?;
    let start = Instant::now();
    step()?;
    device.synchronize()?;
    Ok(start.elapsed().as_secs_f64())
}
