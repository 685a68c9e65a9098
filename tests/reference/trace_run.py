"""Checks what a finished run says of its traced predictions against PyTorch.

Run with PyTorch, torchvision, Pillow and safetensors: python tests/reference/trace_run.py RUN
RUN is the folder of a run with [trace] on shapesnet, or on torchvision's alexnet, vgg16, resnet18 or
squeezenet1_0 in the state of its checkpoints/best or of model.weights.

Every prediction that the run keeps with its picture is made anew from the PNG: the followed class's
probability and logit, the five answers, the prediction difference of every neuron by running the whole
network from the picture on with the channel set to 0, the neurons with the largest ones, gradient ×
activation, activations, and the answers without each set of the first five. (A neuron's mean over the
reference images is not in the run folder, so the check by means is left to the fixtures.) Two neurons
whose differences PyTorch's rounding cannot tell apart may change places. Ends with 1 if a probability
or its difference is off by more than 1e-4, or a logit's by more than 1e-4 of the largest logit.
"""

import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.models as zoo
from PIL import Image
from safetensors.torch import load_file
from torch import nn

CLOSE = 1e-4


def read(path):
    path = Path(path)
    if path.suffix == ".safetensors":
        return load_file(path)
    state = torch.load(path, map_location="cpu")
    return state.get("state_dict", state)


class Shapesnet(nn.Module):
    """As many layers as the weights have."""

    def __init__(self, weights, side):
        super().__init__()
        self.layers = sum(name.startswith("conv") for name in weights)
        for index in range(1, self.layers + 1):
            outputs, inputs, kernel, _ = weights[f"conv{index}.weight"].shape
            stride = 2 if index == 1 and side > 40 else 1
            conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
            setattr(self, f"conv{index}", conv)
            setattr(self, f"bn{index}", nn.BatchNorm2d(outputs))
        classes, inputs = weights["fc.weight"].shape
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        for index in range(1, self.layers + 1):
            if index > 2:
                x = F.max_pool2d(x, 2)
            x = F.relu(getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(x)))
        return self.fc(x.mean((2, 3)))


def network(run, spec):
    own = run / "checkpoints/best.safetensors"
    weights = read(own if own.exists() else spec["model"]["weights"])
    arch = spec["model"]["arch"]
    if arch == "shapesnet":
        net = Shapesnet(weights, spec["data"]["image_size"])
    else:
        net = getattr(zoo, arch)(num_classes=spec["model"]["classes"])
    known = net.state_dict()
    kept = {name: tensor for name, tensor in weights.items() if name in known}
    net.load_state_dict(kept, strict=False)
    lost = [name for name in known if name not in kept and "num_batches" not in name]
    assert not lost, f"the weights lack {lost}"
    return net.double().eval()


def where(net, tap):
    """The module whose output, after ReLU, is the tap."""
    modules = dict(net.named_modules())
    if isinstance(net, Shapesnet):
        return modules["bn" + tap.removeprefix("conv")]
    if tap == "conv1":
        return modules["bn1"]
    name, _, last = tap.rpartition(".")
    if isinstance(modules[tap], nn.Conv2d):
        return modules[f"{name}.{int(last) + 1}"]
    return modules[tap]


def hooked(net, module, change, x):
    handle = module.register_forward_hook(lambda _, inputs, output: change(F.relu(output)))
    try:
        return net(x)
    finally:
        handle.remove()


def without(net, module, x, sets):
    found = []
    for start in range(0, len(sets), 64):
        some = sets[start : start + 64]

        def change(maps, some=some):
            for row, channels in enumerate(some):
                maps[row, channels] = 0
            return maps

        with torch.no_grad():
            found.append(hooked(net, module, change, x.expand(len(some), -1, -1, -1)))
    return torch.cat(found)


def main():
    run = Path(sys.argv[1])
    spec = tomllib.loads((run / "spec.toml").read_text())
    trace = json.loads((run / "results/trace.json").read_text())
    net = network(run, spec)
    module = where(net, trace["layer"])
    mean, std = (torch.tensor(spec["model"][key]).double().view(-1, 1, 1) for key in ("mean", "std"))
    mode = "L" if len(mean) == 1 else "RGB"
    worst = dict.fromkeys(["probability", "answers", "difference", "ablated"], 0.0)
    of_scale = dict.fromkeys(["logit", "difference", "gradient", "activation"], 0.0)
    wrong, swapped, ablations, neurons = [], 0, 0, 0
    for prediction in trace["predictions"]:
        name = f"{prediction['kind']} {prediction['image']}"
        pixels = np.atleast_3d(np.asarray(Image.open(run / prediction["picture"]).convert(mode)))
        x = (torch.from_numpy(pixels.transpose(2, 0, 1).copy()).double() / 255 - mean) / std
        x, kept = x[None], {}

        def keep(maps, kept=kept):
            kept["maps"] = maps
            maps.retain_grad()
            return maps

        logits = hooked(net, module, keep, x)
        of = prediction["followed"]
        logits[0, of].backward()
        maps = kept["maps"]
        gradient = (maps.grad * maps).sum((2, 3))[0].detach().numpy()
        peaks = maps.detach().amax((2, 3))[0].numpy()
        logits = logits.detach()
        p = logits.softmax(1)[0]
        scale = max(logits.abs().max().item(), 1e-6)
        note = lambda kind, ours, theirs: worst.__setitem__(kind, max(worst[kind], abs(ours - theirs)))
        per = lambda kind, off, by: of_scale.__setitem__(kind, max(of_scale[kind], abs(off) / by))
        note("probability", prediction["probability"], p[of].item())
        per("logit", prediction["logit"] - logits[0, of].item(), scale)

        def answers(ours, p, name=name):
            for rank, answer in enumerate(ours):
                note("answers", answer["probability"], p[answer["class"]].item())
                if p.sort(descending=True).values[rank] - p[answer["class"]] > CLOSE:
                    wrong.append(f"{name}: class {answer['class']} is not answer {rank + 1}")

        answers(prediction["answers"], p)
        channels = maps.shape[1]
        zero = without(net, module, x, [[channel] for channel in range(channels)])
        of_probability = (p[of] - zero.softmax(1)[:, of]).numpy()
        of_logit = (logits[0, of] - zero[:, of]).numpy()
        by = of_probability if trace["measure"] == "probability" else of_logit
        best = np.lexsort((np.arange(channels), -by))[: trace["top"]]
        for rank, neuron in enumerate(prediction["neurons"]):
            index = neuron["index"]
            neurons += 1
            note("difference", neuron["probability"], of_probability[index])
            per("difference", neuron["logit"] - of_logit[index], scale)
            per("gradient", neuron["gradient"] - gradient[index], max(scale, abs(gradient).max()))
            per("activation", neuron["activation"] - peaks[index], max(peaks.max(), 1e-6))
            if index != best[rank]:
                swapped += 1
                if abs(by[index] - by[best[rank]]) > CLOSE * (1 if by is of_probability else scale):
                    wrong.append(f"{name}: neuron {index} is not influential neuron {rank + 1}")
        sets = [ablation["neurons"] for ablation in prediction["ablations"]]
        first = [neuron["index"] for neuron in prediction["neurons"][:5]]
        expected = [
            [channel for at, channel in enumerate(first) if bits >> at & 1]
            for bits in range(1, 1 << len(first))
        ]
        if sets != expected:
            wrong.append(f"{name}: other sets are ablated")
        for ablation, row in zip(prediction["ablations"], without(net, module, x, sets).softmax(1)):
            ablations += 1
            note("ablated", ablation["probability"], row[of].item())
            answers(ablation["answers"], row)
    kinds = ", ".join(f"{kind['images']} {kind['kind']}" for kind in trace["kinds"])
    print(f"{run.name}: {trace['layer']}, traced {kinds}")
    print(f"  {len(trace['predictions'])} predictions, {neurons} influential neurons, {ablations} ablations redone")
    for kind, off in worst.items():
        print(f"  probabilities, {kind}: differ by at most {off:.1e}")
    for kind, off in of_scale.items():
        print(f"  {kind}: differs by at most {off:.1e} of the largest")
    print(f"  order: {len(wrong)} wrong, {swapped} of equal difference changed places")
    for line in wrong[:20]:
        print("  WRONG", line)
    bad = wrong or max(worst.values()) > CLOSE or max(of_scale.values()) > CLOSE
    sys.exit(bool(bad or not trace["predictions"]))


if __name__ == "__main__":
    main()
