"""Makes tests/fixtures/attacks.safetensors: attacks as torchattacks 3.5.1 carries them out.

Run with PyTorch, torchattacks (which wants scipy) and safetensors:
python tests/reference/attacks.py DATA
Two kinds of numbers: on shapesnet.py's network and images, which an integer hash makes, whole
perturbations; on published networks and the first test images of CIFAR-10 below DATA, of which
nothing is stored, how many images hold out, how long perturbations are, and where they point.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torchattacks
from cifar_logits import forward
from safetensors.torch import save_file
from shapesnet import CLASSES, WIDTHS, Shapesnet, numbers
from torch import nn

COUNT, FEW, EPSILON = 100, 20, 8

# Channels, kernel, stride and padding of each convolution.
CNN_A = [(16, 4, 2, 1), (32, 4, 2, 1)]
DEEP = [(8, 4, 2, 1), (8, 3, 1, 1), (8, 3, 1, 1), (8, 4, 2, 1)]
CNN_A_NORM = [0.4914, 0.4824, 0.4467], [0.2471, 0.2435, 0.2616]
USUAL = [0.485, 0.456, 0.406], [0.225, 0.225, 0.225]
PLAIN = {
    "cnn_a_adv": ("cifar_cnn_a_adv.model", CNN_A, CNN_A_NORM),
    "cnn_a_mix": ("cifar_cnn_a_mix.model", CNN_A, CNN_A_NORM),
    "wide": ("cifar_wide.pth", CNN_A, USUAL),
    "base": ("cifar_base.pth", [(8, 4, 2, 1), (16, 4, 2, 1)], USUAL),
    "deep": ("cifar_deep.pth", DEEP, USUAL),
    "conv_small": (
        "cifar_conv_small_pgd.pth",
        [(16, 4, 2, 0), (32, 4, 2, 0)],
        ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]),
    ),
}


class Normalised(nn.Module):
    """A network that takes pixels in 0..1. Its logits leave in float64: where a network is sure of the
    true class, float32's cross-entropy loses that class's part of the gradient."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    def forward(self, images):
        return self.network((images - self.mean) / self.std).double()


class Resnet20(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.weights = weights
        self.device = nn.Parameter(torch.zeros(1))  # torchattacks asks where the model is

    def forward(self, images):
        return forward(self.weights, images)


def network(name, data):
    """A published network, and its mean and standard deviation inside it."""
    if name == "resnet20":
        file = data / "weights/cifar10-resnet/resnet20-12fca82f.th"
        weights = torch.load(file, map_location="cpu")["state_dict"]
        weights = {key.removeprefix("module."): value for key, value in weights.items()}
        return Normalised(Resnet20(weights), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]).eval()
    file, convolutions, norm = PLAIN[name]
    layers, channels, side = [], 3, 32
    for outputs, kernel, stride, padding in convolutions:
        layers += [nn.Conv2d(channels, outputs, kernel, stride, padding), nn.ReLU()]
        channels, side = outputs, (side + 2 * padding - kernel) // stride + 1
    layers += [nn.Flatten(), nn.Linear(channels * side * side, 100), nn.ReLU(), nn.Linear(100, 10)]
    net = nn.Sequential(*layers)
    weights = torch.load(data / "weights/cifar10-robust" / file, map_location="cpu")
    weights = weights.get("state_dict", weights)
    weights = weights[0] if isinstance(weights, list) else weights
    for parameter, value in zip(net.parameters(), weights.values(), strict=True):
        parameter.data.copy_(value)
    return Normalised(net, *norm).eval()


def cifar(data, count):
    """The first test images in 0..1, and their labels."""
    records = np.fromfile(data / "cifar-10-subset/test_batch.bin", np.uint8).reshape(-1, 3073)[:count]
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32)).float() / 255
    return images, torch.from_numpy(records[:, 0].astype(np.int64))


class CW(torchattacks.CW):
    """As the authors have it: torchattacks takes 0 for the true class's logit where it looks for the
    largest other one, and for the others' where it looks for the true one, so that it stands still
    where logits are below 0."""

    def f(self, outputs, labels):
        own = torch.eye(outputs.shape[1])[labels].bool()
        real = outputs[own]
        other = outputs.masked_fill(own, float("-inf")).max(dim=1)[0]
        return torch.clamp(real - other, min=-self.kappa)


def one_by_one(attack, images, labels):
    """torchattacks' CW stops a whole batch by the sum of its costs; alone, each image by its own."""
    return torch.cat([attack(x, y) for x, y in zip(images.split(1), labels.split(1))])


def deterministic(net, images, labels, epsilon):
    """Attacks that draw nothing."""
    eps, alpha = epsilon / 255, epsilon / 4 / 255
    return {
        "fgsm": torchattacks.FGSM(net, eps)(images, labels),
        "bim": torchattacks.BIM(net, eps, alpha, 10)(images, labels),
        "mim": torchattacks.MIFGSM(net, eps, alpha, 10, 1.0)(images, labels),
        "deepfool": torchattacks.DeepFool(net, 50, 0.02)(images, labels),
        "cw": one_by_one(
            CW(net, c=1, kappa=0, steps=50, lr=0.01), images[:FEW], labels[:FEW]
        ),
    }


def random(net, images, labels, epsilon):
    """Attacks that draw something."""
    eps = epsilon / 255
    torch.manual_seed(1)
    restarts = {"n_restarts": 1, "seed": 1}
    return {
        "pgd": torchattacks.PGD(net, eps, eps / 8, 20)(images, labels),
        "apgd-ce": torchattacks.APGD(net, "Linf", eps, 30, loss="ce", **restarts)(images, labels),
        "apgd-dlr": torchattacks.APGD(net, "Linf", eps, 30, loss="dlr", **restarts)(images, labels),
        "square": torchattacks.Square(net, "Linf", eps, 500, **restarts)(images, labels),
    }


def shapesnet():
    net = Shapesnet(3, 32, WIDTHS).eval()
    with torch.no_grad():
        for salt, (name, parameter) in enumerate(net.named_parameters()):
            norm_weight = name.startswith("bn") and name.endswith("weight")
            parameter.copy_(numbers(parameter.shape, salt + 1) * 0.25 + (1 if norm_weight else 0))
    return net


def holding(net, images, labels):
    with torch.no_grad():
        return (net(images).argmax(1) == labels).sum().reshape(1).to(torch.uint32)


def main():
    data = Path(sys.argv[1])
    torch.set_num_threads(1)  # images one by one are too little work for more
    fixtures = {}
    net = shapesnet().float()
    images = ((numbers((6, 3, 32, 32), 100) + 1) / 2).float()
    labels = net(images).argmax(1)
    fixtures["shapesnet.labels"] = labels.to(torch.uint32)
    for name, made in deterministic(net, images, labels, 4).items():
        change = (made - images[: len(made)]).detach() * 255
        fixtures[f"shapesnet.{name}"] = change.half().contiguous()
    for name in ["wide", "cnn_a_adv", "resnet20"]:
        # A residual network costs forty times as much: fewer images.
        count = FEW if name == "resnet20" else COUNT
        net, (images, labels) = network(name, data), cifar(data, count)
        fixtures[f"{name}.clean"] = holding(net, images, labels)
        made = deterministic(net, images, labels, EPSILON) | random(net, images, labels, EPSILON)
        for attack, made in made.items():
            fixtures[f"{name}.{attack}.holding"] = holding(net, made, labels[: len(made)])
            change = (made - images[: len(made)]).detach()
            if attack in ["deepfool", "cw"]:
                fixtures[f"{name}.{attack}.lengths"] = change.flatten(1).norm(dim=1)
            if attack == "fgsm":
                fixtures[f"{name}.fgsm.signs"] = change[:FEW].sign().to(torch.int8).view(torch.uint8)
            print(name, attack, fixtures[f"{name}.{attack}.holding"].item(), "of", len(made), flush=True)
    path = Path(__file__).parent.parent / "fixtures" / "attacks.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in fixtures.items()}, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
