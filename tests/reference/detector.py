"""Writes ../fixtures/detector.safetensors: what real images do in a layer, the detectors' scores, the
representation ratios and the attack that knows a detector, in PyTorch; ROC, AUC and DeLong's interval
in NumPy, from their definitions, pair by pair.

Run with PyTorch, safetensors, NumPy and SciPy:  python tests/reference/detector.py
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from scipy.stats import norm
from torch import nn

CLASSES, TOP, WEIGHT, RATE = 5, 3, 0.7, 0.1


class Network(nn.Module):
    """Layers of a `sequential` network; `3` is the tap, read behind its ReLU."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32, CLASSES),
        )

    def maps(self, x):
        return self.layers[:5]((x - 0.5) / 0.25)

    def rest(self, maps):
        return self.layers[5:](maps)


def pixels(count):
    return torch.randint(0, 256, (count, 3, 12, 12)).float() / 255


def scores(net, maps, p, means):
    """Of one image's maps [8, 6, 6]."""
    logits = net.rest(maps[None])[0]
    predicted = int(logits.argmax())
    probability = logits.softmax(0)
    differences = []
    for neuron in range(len(maps)):
        without = maps.clone()
        without[neuron] = 0
        differences.append(float(probability[predicted] - net.rest(without[None])[0].softmax(0)[predicted]))
    influential = sorted(range(len(maps)), key=lambda n: (-differences[n], n))[:TOP]
    mean = p[influential].mean(0)
    alone = torch.eye(CLASSES, dtype=torch.float64)[predicted]
    disagreement = 1 - float(F.cosine_similarity(mean, alone, dim=0, eps=0)) if mean.any() else 1.0
    apart = [(maps - mu).norm().item() for mu in means]
    distance = apart[predicted] / min(d for c, d in enumerate(apart) if c != predicted)
    return [disagreement, distance, 1 - float(probability.max())]


def reference(net):
    torch.manual_seed(3)
    images = pixels(400)
    labels = torch.arange(400) % CLASSES
    # Classes that differ: each is brighter in a stripe of its own.
    for at, label in enumerate(labels):
        images[at, :, 2 * label : 2 * label + 3] = images[at, :, 2 * label : 2 * label + 3] * 0.4 + 0.6
    images = (images * 255).round() / 255
    maps = net.maps(images).double()
    means = torch.stack([maps[labels == c].mean(0) for c in range(CLASSES)])
    strongest = maps.flatten(2).max(2).values
    p = torch.zeros(8, CLASSES, dtype=torch.float64)
    for neuron in range(8):
        # The top 1 % of 400 are four.
        for image in strongest[:, neuron].topk(4).indices:
            p[neuron, labels[image]] += 0.25
    return images, labels, maps, means, p


def ratios(net, images, originals, labels, targets, maps, reference_labels, means):
    found = net.maps(images).double(), net.maps(originals).double()
    r_mean, r_pair = [], []
    for adversarial, original, y, t in zip(*found, labels, targets):
        r_mean.append((adversarial - means[y]).norm() / (adversarial - means[t]).norm())
        nearest = min((adversarial - other).norm() for other in maps[reference_labels == t])
        r_pair.append((adversarial - original).norm() / nearest)
    return torch.stack(r_mean), torch.stack(r_pair)


def aware(net, images, targets, means):
    x = images.clone().requires_grad_()
    maps = net.maps(x)
    loss = F.cross_entropy(net.rest(maps), targets, reduction="none")
    mu = means[targets].float()
    loss = loss + WEIGHT * (maps - mu).flatten(1).square().sum(1) / mu.flatten(1).square().sum(1)
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    return loss.detach(), gradient


def roc(real, adversarial):
    """AUC, its variance and the curve, each by its definition."""
    psi = (adversarial[:, None] > real[None]) + 0.5 * (adversarial[:, None] == real[None])
    auc = psi.mean()
    variance = psi.mean(1).var(ddof=1) / len(adversarial) + psi.mean(0).var(ddof=1) / len(real)
    half = norm.ppf(0.975) * np.sqrt(variance)
    thresholds = [np.inf, *sorted(set(real) | set(adversarial), reverse=True)]
    points = [[(real >= t).mean(), (adversarial >= t).mean()] for t in thresholds]
    allowed = [t for t in real if (real > t).mean() <= RATE]
    return np.array([auc, max(auc - half, 0), min(auc + half, 1), min(allowed)]), np.array(points)


def main():
    torch.manual_seed(7)
    net = Network()
    net.layers[3].weight.data *= 2
    net.layers[7].weight.data *= 4
    net.requires_grad_(False)
    images, labels, maps, means, p = reference(net)
    # So that it does not say the same of all.
    net.layers[7].bias -= net.rest(maps.float()).mean(0)
    tested = pixels(12)
    originals = (tested + (torch.rand_like(tested) - 0.5) * 0.1).clamp(0, 1)
    true = torch.arange(12) % CLASSES
    targets = (true + 1 + torch.arange(12) % 4) % CLASSES
    r_mean, r_pair = ratios(net, tested, originals, true, targets, maps, labels, means)
    losses, gradient = aware(net, tested, targets, means)
    tensors = {f"weights.{name.removeprefix('layers.')}": value for name, value in net.state_dict().items()}
    tensors |= {
        "images": (images * 255).round().to(torch.uint8),
        "labels": labels.to(torch.int64),
        "channel_means": maps.mean((0, 2, 3)).float(),
        "class_means": means.flatten(1).float(),
        "p": p,
        "tested": tested,
        "originals": originals,
        "true": true,
        "targets": targets,
        "scores": torch.tensor([scores(net, one, p.double(), means.float()) for one in net.maps(tested)]).double(),
        "r_mean": r_mean,
        "r_pair": r_pair,
        "aware.losses": losses,
        "aware.gradient": gradient,
        "aware.weight": torch.tensor([WEIGHT]).double(),
        "roc.rate": torch.tensor([RATE]).double(),
    }
    rng = np.random.default_rng(5)
    cases = {
        "plain": (rng.normal(0, 1, 60), rng.normal(1, 1.5, 40)),
        "ties": (rng.integers(0, 6, 70).astype(float), rng.integers(1, 8, 45).astype(float)),
        "worse": (rng.normal(1, 1, 30), rng.normal(0, 1, 25)),
    }
    for name, (real, adversarial) in cases.items():
        found, points = roc(real, adversarial)
        tensors[f"roc.{name}.real"] = torch.from_numpy(real)
        tensors[f"roc.{name}.adversarial"] = torch.from_numpy(adversarial)
        tensors[f"roc.{name}.found"] = torch.from_numpy(found)
        tensors[f"roc.{name}.points"] = torch.from_numpy(points)
    path = Path(__file__).parent.parent / "fixtures" / "detector.safetensors"
    save_file({name: value.contiguous() for name, value in tensors.items()}, path)
    print(tensors["scores"], r_mean, r_pair, p, [tensors[f"roc.{n}.found"] for n in cases], sep="\n")


if __name__ == "__main__":
    main()
