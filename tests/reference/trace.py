"""Makes tests/fixtures/trace.safetensors: what a network answers without a neuron, as PyTorch has it.

Run with PyTorch, torchvision and safetensors: python tests/reference/trace.py
For taps of three networks and two images each: by how much the probability and the logit of the
predicted class fall when a forward hook sets a channel to 0, or its logit when the hook sets it to its
mean over images and positions, every time through the whole network from the picture on; gradient ×
activation; logits without the two channels of the largest difference. Weights and images come from
formula.py and shapesnet.py, which the test repeats. Computed in float64.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from formula import fill, images
from networks import CifarResnet, alexnet_small, normalise
from safetensors.torch import save_file
from shapesnet import WIDTHS, Shapesnet, numbers
from torch import nn

BATCH = 64


def shapesnet():
    net = Shapesnet(3, 32, WIDTHS)
    with torch.no_grad():
        for salt, (name, parameter) in enumerate(net.named_parameters()):
            norm_weight = name.startswith("bn") and name.endswith("weight")
            parameter.copy_(numbers(parameter.shape, salt + 1) * 0.25 + (1 if norm_weight else 0))
    return net


def filled(build):
    def made():
        net = build()
        fill(net)
        return net

    return made


# Network, tap, the module whose output is the tap or is it after a ReLU, how pictures go in.
CASES = {
    "shapesnet.conv5": (shapesnet, "bn5", lambda x: x),
    "shapesnet.conv2": (shapesnet, "bn2", lambda x: x),
    "alexnet_small.features.10": (filled(alexnet_small), "features.11", normalise),
    "resnet20.layer2.2": (filled(lambda: CifarResnet(3)), "layer2.2", normalise),
}


def pictures(name):
    if name.startswith("shapesnet"):
        return (numbers((2, 3, 32, 32), 100) + 1) / 2
    return images(2, 32)


def with_hook(net, module, hook, x):
    handle = dict(net.named_modules())[module].register_forward_hook(hook)
    try:
        return net(x)
    finally:
        handle.remove()


def without(net, module, picture, sets, value):
    """Logits of one picture without each set of channels, through the whole network."""
    found = []
    for start in range(0, len(sets), BATCH):
        some = sets[start : start + BATCH]

        def hook(_, inputs, output, some=some):
            output = F.relu(output)
            for row, channels in enumerate(some):
                for channel in channels:
                    output[row, channel] = value[channel]
            return output

        with torch.no_grad():
            found.append(with_hook(net, module, hook, picture.expand(len(some), -1, -1, -1)))
    return torch.cat(found)


def main():
    torch.set_default_dtype(torch.float64)
    fixtures = {}
    for name, (build, module, prepare) in CASES.items():
        net = build().eval()
        x = prepare(pictures(name))
        kept = {}

        def keep(_, inputs, output, kept=kept):
            kept["maps"] = F.relu(output)
            kept["maps"].retain_grad()
            return kept["maps"]

        logits = with_hook(net, module, keep, x)
        maps = kept["maps"]
        classes = logits.argmax(1)
        logits.gather(1, classes[:, None]).sum().backward()
        gradient = (maps.grad * maps).sum((2, 3)).detach()
        maps, logits = maps.detach(), logits.detach()
        means = maps.mean((0, 2, 3))
        channels = maps.shape[1]
        each = [[channel] for channel in range(channels)]
        whole = logits.softmax(1)
        found = {"probability": [], "logit": [], "mean": [], "pair": []}
        for row, of in enumerate(classes):
            zero = without(net, module, x[row : row + 1], each, torch.zeros(channels))
            mean = without(net, module, x[row : row + 1], each, means)
            found["probability"].append(whole[row, of] - zero.softmax(1)[:, of])
            found["logit"].append(logits[row, of] - zero[:, of])
            found["mean"].append(logits[row, of] - mean[:, of])
            pair = found["logit"][-1].topk(2).indices.tolist()
            found["pair"].append(without(net, module, x[row : row + 1], [pair], torch.zeros(channels))[0])
        fixtures[f"{name}.classes"] = classes.to(torch.int64)
        fixtures[f"{name}.means"] = means.float()
        fixtures[f"{name}.gradient"] = gradient.float()
        for key, values in found.items():
            fixtures[f"{name}.{key}"] = torch.stack(values).float().contiguous()
        most = [np.abs(fixtures[f"{name}.{key}"].numpy()).max() for key in ("probability", "logit", "mean")]
        silent = (maps.amax((2, 3)) == 0).sum().item()
        print(f"{name:28} {channels} channels, {silent} silent, classes {classes.tolist()}, "
              f"largest differences {most[0]:.3g} {most[1]:.3g}, mean {most[2]:.3g}, "
              f"p {whole.amax(1).tolist()}")
    path = Path(__file__).parent.parent / "fixtures" / "trace.safetensors"
    save_file(fixtures, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
