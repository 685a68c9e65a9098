"""Makes tests/fixtures/resnet18_training.safetensors: the losses of 20 steps of training.

Run with torch 2.15.0, torchvision 0.29.2 and safetensors: python tests/reference/resnet18_training.py
ResNet-18 with the stem for small images, weights and batches from formula.py, SGD with momentum and
weight decay (large, so that it shows in so few steps). Computed in float64; the losses of float32
are printed beside, to show how far rounding alone carries: at larger learning rates, past 1e-3.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from formula import fill, images
from networks import normalise, resnet18_small
from safetensors.torch import save_file
from torch import nn

STEPS, BATCH, CLASSES = 20, 8, 10


def losses(dtype):
    torch.set_default_dtype(dtype)
    net = resnet18_small()
    net.fc = nn.Linear(512, CLASSES)
    net.train()
    fill(net)
    sgd = torch.optim.SGD(net.parameters(), lr=2e-4, momentum=0.9, weight_decay=0.5)
    for step in range(STEPS):
        labels = (torch.arange(BATCH) * 3 + step % 4) % CLASSES
        loss = F.cross_entropy(net(normalise(images(BATCH, 32, salt=200 + step % 4))), labels)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        yield loss.item()


def main():
    exact = list(losses(torch.float64))
    rounded = list(losses(torch.float32))
    for one, other in zip(exact, rounded):
        print(f"{one:.6f}  float32 off by {abs(other / one - 1):.1e}")
    path = Path(__file__).parent.parent / "fixtures" / "resnet18_training.safetensors"
    save_file({"losses": torch.tensor(exact, dtype=torch.float64)}, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
