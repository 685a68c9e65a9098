"""Makes tests/fixtures/consistency.safetensors: steps of consistency training in PyTorch.

Run with PyTorch 2 and safetensors: python tests/reference/consistency.py
Network, weights and images are those of shapesnet.py; the adversarial images are given (8/255 up or
down by the same hash), so that only the objective is compared: alpha * CE(clean) + (1 - alpha) *
CE(adversarial) + beta * mean over the layers of mean((phi - phi*)^2) / mean(phi^2), the divisor
without gradient. Each case has one row a step: clean, adversarial, consistency, total. Computed in
float64; the largest relative difference of float32 is printed beside.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from shapesnet import CLASSES, MEAN, STD, WIDTHS, Shapesnet, numbers

SIZE, BATCH, STEPS, ALPHA, BETA, RATE, SMOOTHING = 32, 6, 4, 0.3, 20.0, 0.02, 0.1
LAYERS = [3, 5]


def forward(net, images):
    """Logits, and the maps of LAYERS."""
    x = (images - torch.tensor(MEAN).view(1, -1, 1, 1)) / torch.tensor(STD).view(1, -1, 1, 1)
    maps = []
    for index in range(1, net.layers + 1):
        if index > 2:
            x = F.max_pool2d(x, 2)
        conv, bn = getattr(net, f"conv{index}"), getattr(net, f"bn{index}")
        x = F.relu(bn(conv(x)))
        if index in LAYERS:
            maps.append(x)
    return net.fc(x.mean((2, 3))), maps


def terms(dtype, gradient, statistics):
    torch.set_default_dtype(dtype)
    net = Shapesnet(3, SIZE, WIDTHS)
    with torch.no_grad():
        for salt, (name, parameter) in enumerate(net.named_parameters()):
            norm_weight = name.startswith("bn") and name.endswith("weight")
            parameter.copy_(numbers(parameter.shape, salt + 1) * 0.25 + (1 if norm_weight else 0))
        for name, buffer in net.named_buffers():
            if name.endswith("running_var"):
                buffer.fill_(4)
    net.train(statistics != "frozen")
    sgd = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9)
    for step in range(STEPS):
        images = (numbers((BATCH, 3, SIZE, SIZE), 100 + step).to(dtype) + 1) / 2
        noise = numbers((BATCH, 3, SIZE, SIZE), 200 + step).to(dtype)
        attacked = (images + 8 / 255 * torch.where(noise < 0, -1.0, 1.0)).clamp(0, 1)
        labels = (torch.arange(BATCH) * 3 + step) % CLASSES
        if statistics == "separate":
            (clean, maps), (adversarial, moved) = forward(net, images), forward(net, attacked)
        else:
            logits, both = forward(net, torch.cat([images, attacked]))
            clean, adversarial = logits.chunk(2)
            maps, moved = zip(*[phi.chunk(2) for phi in both])
        clean = F.cross_entropy(clean, labels, label_smoothing=SMOOTHING)
        adversarial = F.cross_entropy(adversarial, labels, label_smoothing=SMOOTHING)
        distance = 0
        for phi, phi_moved in zip(maps, moved):
            scale = phi.detach().square().mean()
            start = phi if gradient == "both" else phi.detach()
            distance = distance + (phi_moved - start).square().mean() / scale / len(LAYERS)
        total = ALPHA * clean + (1 - ALPHA) * adversarial + BETA * distance
        sgd.zero_grad()
        total.backward()
        sgd.step()
        yield [term.item() for term in (clean, adversarial, distance, total)]


def main():
    fixtures = {}
    for gradient in ["both", "adversarial"]:
        for statistics in ["shared", "separate", "frozen"]:
            exact = torch.tensor(list(terms(torch.float64, gradient, statistics)), dtype=torch.float64)
            rounded = torch.tensor(
                list(terms(torch.float32, gradient, statistics)), dtype=torch.float64
            )
            fixtures[f"{gradient}.{statistics}"] = exact
            off = (rounded / exact - 1).abs().max().item()
            print(f"{gradient} {statistics}: float32 off by {off:.1e}\n", exact)
    path = Path(__file__).parent.parent / "fixtures" / "consistency.safetensors"
    save_file(fixtures, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
