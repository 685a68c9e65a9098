"""Loads a weights file of shapesnet into PyTorch: python tests/reference/load_strict.py FILE

Prints the logits of an image that tests/weights/strict.rs repeats.
"""

import sys

import torch
from safetensors.torch import load_file
from shapesnet import MEAN, STD, WIDTHS, Shapesnet  # noqa: F401  (the network normalises by them)

net = Shapesnet(3, 32, WIDTHS)
print(net.load_state_dict(load_file(sys.argv[1]), strict=True))
net.eval()
with torch.no_grad():
    pixels = (torch.arange(3 * 32 * 32) * 7919 % 256).float() / 255
    print(*net(pixels.reshape(1, 3, 32, 32))[0].tolist())
