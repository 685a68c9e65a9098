"""Checks what a finished run says of its neurons against PyTorch: every neuron of every layer.

Run with PyTorch, torchvision and Pillow: python tests/reference/neurons_run.py RUN [DATA]
RUN is the folder of a run with [attack] and [neurons] on shapesnet, resnet20 or squeezenet1_0. Real
images are read from DATA/cifar-10-subset/test_batch.bin for cifar10, otherwise from the run folder,
which holds them all where neurons.top is the number of images (100 at most, for the regions).

Compares the images of every neuron and their order (ties by index), their activations, the rank and
activation across the attack, the thresholds (the 0.995 quantile of all positions) and the regions
(bilinear upsampling above the threshold; ours is exact to 2^-12 of it). Two images whose activations PyTorch's own rounding cannot
tell apart may change places; those are counted. Ends with 1 if anything differs.
"""

import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torchvision import models

CLOSE = 1e-4  # of the largest activation of the neuron


def picture(path):
    return np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)


def shapesnet(run, spec):
    own = run / "checkpoints/best.safetensors"
    weights = load_file(own if own.exists() else spec["model"]["weights"])

    def taps(x):
        found, index = {}, 1
        while f"conv{index}.weight" in weights:
            if index > 2:
                x = F.max_pool2d(x, 2)
            kernel = weights[f"conv{index}.weight"]
            stride = 2 if index == 1 and x.shape[-1] > 40 else 1
            x = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
            names = ["running_mean", "running_var", "weight", "bias"]
            x = F.relu(F.batch_norm(x, *(weights[f"bn{index}.{name}"] for name in names)))
            found[f"conv{index}"] = x
            index += 1
        return found

    return taps


def resnet20(_, spec):
    weights = torch.load(spec["model"]["weights"], map_location="cpu")
    weights = {key.removeprefix("module."): value for key, value in weights["state_dict"].items()}

    def conv_bn(x, conv, bn, stride):
        x = F.conv2d(x, weights[f"{conv}.weight"], stride=stride, padding=1)
        names = ["running_mean", "running_var", "weight", "bias"]
        return F.batch_norm(x, *(weights[f"{bn}.{name}"] for name in names))

    def taps(images):
        x = F.relu(conv_bn(images, "conv1", "bn1", 1))
        found = {"conv1": x}
        for layer, channels in enumerate([16, 32, 64], start=1):
            for block in range(3):
                name = f"layer{layer}.{block}"
                stride = 2 if layer > 1 and block == 0 else 1
                y = F.relu(conv_bn(x, f"{name}.conv1", f"{name}.bn1", stride))
                y = conv_bn(y, f"{name}.conv2", f"{name}.bn2", 1)
                if stride == 2:
                    x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, channels // 4, channels // 4))
                x = found[name] = F.relu(x + y)
        return found

    return taps


def squeezenet1_0(_, spec):
    net = models.squeezenet1_0()
    net.load_state_dict(torch.load(spec["model"]["weights"]), strict=True)
    net.eval()

    def taps(x):
        found = {}
        for index, module in enumerate(net.features):
            x = module(x)
            # A convolution's tap is what its ReLU lets through.
            found[f"features.{index - 1 if isinstance(module, torch.nn.ReLU) else index}"] = x
        return found

    return taps


def in_batches(taps, images, mean, std, layers):
    found = {layer: [] for layer in layers}
    with torch.no_grad():
        for batch in np.array_split(images, max(1, len(images) // 100)):
            x = torch.from_numpy(batch.copy()).float() / 255
            x = (x - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)
            maps = taps(x)
            for layer in layers:
                found[layer].append(maps[layer].numpy().copy())
    return {layer: np.concatenate(maps) for layer, maps in found.items()}


def main():
    run = Path(sys.argv[1])
    spec = tomllib.loads((run / "spec.toml").read_text())
    neurons = json.loads((run / "results/neurons.json").read_text())
    pairs = json.loads((run / "results/attack.json").read_text())["pairs"]
    names = [pair["image"] for pair in pairs]
    if spec["data"]["format"] == "cifar10":
        records = np.fromfile(Path(sys.argv[2]) / "cifar-10-subset/test_batch.bin", np.uint8)
        real = records.reshape(-1, 3073)[: len(names), 1:].reshape(-1, 3, 32, 32)
    else:
        stem = lambda name: Path("neurons/pictures") / Path(name).with_suffix(".png")
        real = np.stack([picture(run / stem(name)) for name in names])
    adversarial = np.stack([picture(run / pair["picture"]) for pair in pairs])
    taps = globals()[spec["model"]["arch"]](run, spec)
    layers = [layer["layer"] for layer in neurons["layers"]]
    how = (spec["model"]["mean"], spec["model"]["std"], layers)
    maps = {"real": in_batches(taps, real, *how), "adversarial": in_batches(taps, adversarial, *how)}
    side = neurons["image_size"]
    wrong = swapped = count = pictures = 0
    worst, of_threshold, ious, sure, ranks = 0.0, 0.0, [], [], 0

    for layer in neurons["layers"]:
        all_maps = {key: found[layer["layer"]] for key, found in maps.items()}
        peaks = {key: found.max((2, 3)) for key, found in all_maps.items()}
        for neuron in layer["neurons"]:
            channel = neuron["index"]
            count += 1
            values = all_maps["real"][:, channel].ravel()
            threshold = np.quantile(values, 0.995, method="inverted_cdf")
            scale = max(abs(values).max(), 1e-12)
            of_threshold = max(of_threshold, abs(neuron["threshold"] - threshold) / scale)
            strip = np.asarray(Image.open(run / neuron["regions"]))
            for first, key, other in [
                (0, "real", "adversarial"),
                (len(neuron["real"]), "adversarial", "real"),
            ]:
                peak, across = peaks[key][:, channel], peaks[other][:, channel]
                order = np.lexsort((np.arange(len(peak)), -peak))[: len(neuron[key])]
                for rank, top in enumerate(neuron[key]):
                    pictures += 1
                    found = names.index(top["image"])
                    error = abs(peak[found] - top["activation"]) / scale
                    worst = max(worst, error)
                    if found != order[rank]:
                        near = abs(peak[found] - peak[order[rank]]) <= CLOSE * scale
                        swapped += near
                        wrong += not near
                    theirs = top["counterpart"]
                    error = abs(across[found] - theirs["activation"]) / scale
                    worst = max(worst, error)
                    ahead = (across > across[found] + CLOSE * scale).sum()
                    level = (across >= across[found] - CLOSE * scale).sum()
                    ranks += not ahead < theirs["rank"] <= level
                    tile = strip[:, (first + rank) * side : (first + rank + 1) * side]
                    ours = tile & 0x80 != 0
                    map_ = torch.from_numpy(all_maps[key][found, channel][None, None])
                    up = F.interpolate(map_, (side, side), mode="bilinear", align_corners=False)
                    expected = up[0, 0].numpy() > threshold
                    union = (ours | expected).sum()
                    ious.append((ours & expected).sum() / union if union else 1.0)
                    # Where PyTorch's value lies this near the threshold, either answer is right.
                    near = abs(up[0, 0].numpy() - threshold) <= abs(threshold) / 4096 + CLOSE * scale
                    sure.append(not ((ours != expected) & ~near).any())
    ious = np.array(ious)
    print(f"{run.name}: {count} neurons, {pictures} pictures")
    print(f"  order: {wrong} wrong, {swapped} of equal activation to {CLOSE} changed places")
    print(f"  activations differ by at most {worst:.1e} of the neuron's largest")
    print(f"  thresholds differ by at most {of_threshold:.1e} of it")
    print(f"  ranks across the attack: {ranks} wrong")
    below = (ious < 0.99).sum()
    print(f"  regions: mean IoU {ious.mean():.6f}; {below} of {len(ious)} below 0.99,")
    print(f"  {len(sure) - sum(sure)} with a pixel that differs and is not at the threshold")
    sys.exit(bool(wrong or ranks or worst > CLOSE or not all(sure) or below > len(ious) / 100))


if __name__ == "__main__":
    main()
