"""Makes tests/fixtures/cifar_logits.safetensors: what two published networks say of the first 200 test
images of CIFAR-10, [200, 10] each.

Run with PyTorch and safetensors: python tests/reference/cifar_logits.py DATA
DATA holds cifar-10-subset/test_batch.bin (the first records of the original) and
weights/cifar10-resnet (github.com/akamaster/pytorch_resnet_cifar10). Where PyTorch's logits are at
hand in DATA/oracles, they are compared.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FILES = {"resnet20": "resnet20-12fca82f.th", "resnet56": "resnet56-4bfd9763.th"}
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def forward(weights, images):
    """He et al. 2016, section 4.2, with option A: shortcuts drop every other pixel and add zeros."""

    def conv_bn(x, conv, bn, stride):
        x = F.conv2d(x, weights[f"{conv}.weight"], stride=stride, padding=1)
        names = ["running_mean", "running_var", "weight", "bias"]
        return F.batch_norm(x, *(weights[f"{bn}.{name}"] for name in names))

    x = F.relu(conv_bn(images, "conv1", "bn1", 1))
    for layer, channels in enumerate([16, 32, 64], start=1):
        block = 0
        while f"layer{layer}.{block}.conv1.weight" in weights:
            name = f"layer{layer}.{block}"
            stride = 2 if layer > 1 and block == 0 else 1
            y = F.relu(conv_bn(x, f"{name}.conv1", f"{name}.bn1", stride))
            y = conv_bn(y, f"{name}.conv2", f"{name}.bn2", 1)
            if stride == 2:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, channels // 4, channels // 4))
            x = F.relu(x + y)
            block += 1
    return F.linear(x.mean((2, 3)), weights["linear.weight"], weights["linear.bias"])


def main():
    data = Path(sys.argv[1])
    records = np.fromfile(data / "cifar-10-subset/test_batch.bin", np.uint8).reshape(-1, 3073)[:200]
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32)).float() / 255
    images = (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    logits = {}
    for name, file in FILES.items():
        weights = torch.load(data / "weights/cifar10-resnet" / file, map_location="cpu")
        weights = {key.removeprefix("module."): value for key, value in weights["state_dict"].items()}
        with torch.no_grad():
            logits[name] = forward(weights, images).contiguous()
    known = data / "oracles/cifar10_logits_test0-199.npz"
    if known.exists():
        for name, values in logits.items():
            print(name, "differs by", np.abs(np.load(known)[name] - values.numpy()).max())
    path = Path(__file__).parent.parent / "fixtures" / "cifar_logits.safetensors"
    save_file(logits, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
