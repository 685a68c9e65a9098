"""Makes tests/fixtures/shapesnet.safetensors: one training step of shapesnet in PyTorch.

Run with PyTorch 2 and safetensors: python tests/reference/shapesnet.py
Weights, images and labels come from an integer hash that tests/reference/shapesnet.rs repeats, so
they are not stored. Of large gradients every n-th number is stored, 4096 or fewer.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

CLASSES, MEAN, STD = 10, [0.5, 0.375, 0.25], [0.25, 0.5, 0.25]
WIDTHS = [16, 32, 64, 128, 128]


class Shapesnet(nn.Module):
    def __init__(self, channels, image_size, widths):
        super().__init__()
        self.layers = len(widths)
        for index, outputs in enumerate(widths, start=1):
            kernel = 5 if index == 1 else 3
            stride = 2 if index == 1 and image_size > 40 else 1
            conv = nn.Conv2d(channels, outputs, kernel, stride, kernel // 2, bias=False)
            setattr(self, f"conv{index}", conv)
            setattr(self, f"bn{index}", nn.BatchNorm2d(outputs))
            channels = outputs
        self.fc = nn.Linear(channels, CLASSES)

    def forward(self, images):
        x = (images - torch.tensor(MEAN).view(1, -1, 1, 1)) / torch.tensor(STD).view(1, -1, 1, 1)
        for index in range(1, self.layers + 1):
            if index > 2:
                x = F.max_pool2d(x, 2)
            conv, bn = getattr(self, f"conv{index}"), getattr(self, f"bn{index}")
            x = F.relu(bn(conv(x)))
        return self.fc(x.mean((2, 3)))


def numbers(shape, salt):
    """Multiples of 1/512 in [-1, 1), the same in shapesnet.rs."""
    x = np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(salt * 1_000_003)
    x = x * np.uint64(2654435761) % np.uint64(1 << 32)
    x = (x ^ (x >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(1 << 32)
    return torch.from_numpy((x >> np.uint64(22)).astype(np.float64) / 512 - 1).reshape(shape)


def sample(values):
    values = values.detach().flatten()
    return values[:: -(-len(values) // 4096)]


def main():
    torch.set_default_dtype(torch.float64)
    fixtures = {}
    for image_size in [32, 45]:
        net = Shapesnet(3, image_size, WIDTHS)
        with torch.no_grad():
            for salt, (name, parameter) in enumerate(net.named_parameters()):
                values = numbers(parameter.shape, salt + 1)
                norm_weight = name.startswith("bn") and name.endswith("weight")
                parameter.copy_(values * 0.25 + (1 if norm_weight else 0))
        images = ((numbers((6, 3, image_size, image_size), 100) + 1) / 2).requires_grad_()
        labels = torch.arange(6) * 3 % CLASSES

        def keep(name, values):
            fixtures[f"{image_size}.{name}"] = values.detach().float().contiguous()

        logits = net(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
        loss.backward()
        keep("train.logits", logits)
        keep("train.loss", loss)
        keep("train.grad.images", sample(images.grad))
        for name, parameter in net.named_parameters():
            keep(f"train.grad.{name}", sample(parameter.grad))
        for name, buffer in net.named_buffers():
            if "running" in name:
                keep(name, buffer)
        net.eval()
        images.grad = None
        logits = net(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        keep("evaluate.logits", logits)
        keep("evaluate.loss", loss)
        keep("evaluate.grad.images", sample(images.grad))
    path = Path(__file__).parent.parent / "fixtures" / "shapesnet.safetensors"
    save_file(fixtures, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
