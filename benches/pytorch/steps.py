"""The PyTorch side of the benchmark: reads one step's name a line, runs it once, prints seconds.

Started by the benchmark itself; `threads` is the first argument.
"""

import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)


def conv(direction, batch, inputs, size, outputs, kernel, stride, padding):
    images = torch.rand(batch, inputs, size, size)
    weight = torch.rand(outputs, inputs, kernel, kernel) - 0.5
    out = F.conv2d(images, weight, stride=stride, padding=padding)
    grad = torch.rand_like(out)

    def forward():
        with torch.no_grad():
            F.conv2d(images, weight, stride=stride, padding=padding)

    def backward(mask):
        torch.ops.aten.convolution_backward(
            grad, images, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask
        )

    return {
        "forward": forward,
        "input": lambda: backward([True, False, False]),
        "weight": lambda: backward([False, True, False]),
    }[direction]


def step(name):
    kind, *rest = name.split()
    if kind == "conv":
        return conv(rest[0], *map(int, rest[1:]))
    raise SystemExit(f"unknown step {name}")


steps = {}
for line in sys.stdin:
    name = line.strip()
    if name not in steps:
        steps = {name: step(name)}
        steps[name]()
    start = time.perf_counter()
    steps[name]()
    print(time.perf_counter() - start, flush=True)
