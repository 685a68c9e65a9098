//! The keys of a run as a whole, of `[data]`, `[model]` and `[train]`.

use super::ValueKind::{Choice, Choices, Flag, Integer, Number, Numbers, Path, Text, Texts};
use super::{ARCHS, COUNT, COUNT_OR_ZERO, Key, Range, key, open};

pub(super) const BEFORE: &[Key] = &[
    key("title", Text, "A line for people; also names the run folder"),
    key(
        "seed",
        COUNT_OR_ZERO,
        "Seeds everything: data, weights, shuffles, augmentation, attack starts",
    ),
    key("device", Text, "Where it runs: auto, cpu, cuda:0"),
    open(
        "precision",
        Choice(&["f32", "tf32", "bf16"]),
        "How exactly convolutions and products are computed; the CPU knows f32 alone",
        "f32 on the CPU, tf32 on a graphics card",
    ),
    open(
        "tensorboard",
        Flag,
        "Write TensorBoard's event files beside the run's own: RUN/tensorboard",
        "as the settings file says, else false",
    ),
    // [data]
    key(
        "data.format",
        Choice(&["shapes", "image-folder", "cifar10", "idx"]),
        "What the images are stored as; shapes are drawn by the program",
    ),
    open(
        "data.path",
        Path(&[]),
        "File or folder of the images; ~ and $VAR expand",
        "shapes needs none",
    ),
    open(
        "data.image_size",
        Integer(Range::between(8.0, 1024.0)),
        "Side of the square image the network sees, in pixels",
        "the data's own: shapes 64, cifar10 32, idx as stored, image-folder 224",
    ),
    key("data.workers", Integer(Range::between(0.0, 1024.0)), "Decoding threads; 0 = one a core"),
    key("data.limit", COUNT_OR_ZERO, "Images per split, 0 = all (a quick look at a huge set)"),
    key(
        "data.class_names",
        Texts,
        "idx: the classes' names by number; an empty list = classes.txt beside the files, or numbers",
    ),
    key("data.train_images", COUNT, "shapes: scenes in the training split"),
    key("data.test_images", COUNT, "shapes: scenes in the test split"),
    key(
        "data.holdout",
        Number(Range { min: 0.0, min_included: false, max: 1.0, max_included: false }),
        "image-folder without train/ and val/: share held out for testing",
    ),
    key(
        "data.damaged",
        Choice(&["skip", "fail"]),
        "A file that cannot be decoded: skip it, counted, or fail the run",
    ),
    // [model]
    key("model.arch", Choice(ARCHS), "The architecture; sequential is what model.layers lists"),
    open(
        "model.layers",
        Texts,
        "sequential: the network, layer by layer, as \"conv 16 4 stride=2 padding=1\"",
        "the architecture's own",
    ),
    open(
        "model.weights",
        Path(&["run:", "study:"]),
        "A .safetensors, .pth or .th file, run:ID, run:ID@best or run:ID@last; in a study study:NAME",
        "fresh, drawn from the seed",
    ),
    open("model.classes", COUNT, "Number of outputs", "as many as the data has classes"),
    open(
        "model.mean",
        Numbers(Range::between(0.0, 1.0)),
        "Per channel, of pixels in 0..1, taken off before the first layer",
        "the weights' own, else the default of architecture and data",
    ),
    open(
        "model.std",
        Numbers(Range::above(0.0)),
        "Per channel, of pixels in 0..1, divided by before the first layer",
        "the weights' own, else the default of architecture and data",
    ),
    // [train]
    key("train.epochs", COUNT, "Passes over the training split"),
    key("train.batch_size", COUNT, "Images a step"),
    key(
        "train.optimizer.name",
        Choice(&["sgd", "adam", "adamw"]),
        "What moves the weights, as PyTorch defines it",
    ),
    key("train.optimizer.lr", Number(Range::above(0.0)), "Peak learning rate"),
    key("train.optimizer.momentum", Number(Range::between(0.0, 1.0).below()), "sgd: momentum"),
    key("train.optimizer.nesterov", Flag, "sgd: Nesterov's variant"),
    key(
        "train.optimizer.weight_decay",
        Number(Range::from(0.0)),
        "L2 (sgd, adam: added to the gradient; adamw: decoupled)",
    ),
    key(
        "train.optimizer.betas",
        Numbers(Range::between(0.0, 1.0).below()),
        "adam, adamw: decay rates of the two moments",
    ),
    key("train.optimizer.eps", Number(Range::above(0.0)), "adam, adamw: added to the denominator"),
    key(
        "train.schedule.name",
        Choice(&["constant", "step", "cosine"]),
        "How the learning rate goes",
    ),
    key(
        "train.schedule.warmup_epochs",
        Number(Range::from(0.0)),
        "Epochs of linear warm-up from 0; may be a fraction",
    ),
    key("train.schedule.step_epochs", Number(Range::above(0.0)), "step: epochs between two drops"),
    key("train.schedule.gamma", Number(Range::above(0.0)), "step: factor of each drop"),
    key(
        "train.augment",
        Choices(&["horizontal-flip", "random-crop", "random-resized-crop"]),
        "Done to every training image, in this order",
    ),
    key("train.checkpoint_every", Text, "\"1 epoch\", \"500 steps\" or \"10 min\""),
    key(
        "train.label_smoothing",
        Number(Range::between(0.0, 1.0).below()),
        "Weight of the uniform distribution in the target; 0 = off",
    ),
    open(
        "train.best",
        Choice(&["top1", "adversarial_top1"]),
        "Accuracy that decides which weights are the best: clean, or the probe's lowest",
        "adversarial_top1 with [train.adversarial] and a probe, else top1",
    ),
];
