"""Makes tests/fixtures/operators.safetensors: operators and their gradients as PyTorch computes them.

Run with PyTorch 2 and safetensors: python tests/reference/operators.py
Each case CASE has its arguments CASE.NAME, perhaps CASE.numbers that describe it, its result CASE.result, the gradient CASE.direction that
is sent back from there, and what arrives, CASE.grad.NAME. Computed in float64, stored in float32.
"""

import random
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(20)
fixtures = {}


def case(name, operator, **arguments):
    inputs = {key: value.float().double().requires_grad_() for key, value in arguments.items()}
    result = operator(**inputs)
    direction = torch.randn_like(result).float().double()
    result.backward(direction)
    for key, value in inputs.items():
        fixtures[f"{name}.{key}"] = value.detach()
        fixtures[f"{name}.grad.{key}"] = value.grad
    fixtures[f"{name}.result"] = result.detach()
    fixtures[f"{name}.direction"] = direction


def numbers(name, *values):
    """What the other side needs to know of a case."""
    fixtures[f"{name}.numbers"] = torch.tensor(values)


chance = random.Random(21)
convolutions = [
    # batch, inputs, height, width, outputs, kernel, stride, padding, dilation (h, w each), groups
    (3, 4, 9, 9, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1),
    (2, 6, 5, 5, 7, 1, 1, 1, 1, 0, 0, 1, 1, 1),
    (1, 4, 9, 12, 6, 1, 7, 1, 1, 0, 3, 1, 1, 1),
    (1, 4, 12, 9, 6, 7, 1, 1, 1, 3, 0, 1, 1, 1),
    # Winograd's, with tiles that hang over the edge.
    (2, 16, 18, 19, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1),
]
while len(convolutions) < 40:
    groups = chance.choice([1, 1, 1, 2, 3])
    height, width = chance.randint(4, 10), chance.randint(4, 10)
    kernel = [chance.randint(1, 5), chance.randint(1, 5)]
    stride = [chance.randint(1, 3), chance.randint(1, 3)]
    padding = [chance.randint(0, 3), chance.randint(0, 3)]
    dilation = [chance.randint(1, 2), chance.randint(1, 2)]
    fits = zip([height, width], kernel, padding, dilation)
    if all(size + 2 * p >= d * (k - 1) + 1 for size, k, p, d in fits):
        channels = (groups * chance.randint(1, 3), groups * chance.randint(1, 3))
        sizes = (chance.randint(1, 3), channels[0], height, width, channels[1])
        convolutions.append((*sizes, *kernel, *stride, *padding, *dilation, groups))
for index, shape in enumerate(convolutions):
    batch, inputs, height, width, outputs, kh, kw, sh, sw, ph, pw, dh, dw, groups = shape
    name = f"convolution{index}"
    numbers(name, kh, kw, sh, sw, ph, pw, dh, dw, groups)
    case(
        name,
        lambda images, weight, bias: F.conv2d(
            images, weight, bias, (sh, sw), (ph, pw), (dh, dw), groups
        ),
        images=torch.randn(batch, inputs, height, width),
        weight=torch.randn(outputs, inputs // groups, kh, kw),
        bias=torch.randn(outputs),
    )

for name, relu in [("batch_norm", False), ("batch_norm_relu", True)]:
    mean, var = torch.zeros(5).double(), torch.ones(5).double()

    def batch_norm(maps, gamma, beta, residual):
        result = F.batch_norm(maps, mean, var, gamma, beta, training=True, momentum=0.1, eps=1e-5)
        return F.relu(result + residual) if relu else result + residual

    maps = torch.randn(6, 5, 4, 7) * 3 + 2
    residual = torch.randn(6, 5, 4, 7)
    case(name, batch_norm, maps=maps, gamma=torch.randn(5), beta=torch.randn(5), residual=residual)
    fixtures[f"{name}.running_mean"], fixtures[f"{name}.running_var"] = mean, var

poolings = [
    # kernel, stride, padding (h, w each), ceil_mode, count_include_pad
    (2, 2, 2, 2, 0, 0, 0, 1),
    (3, 3, 2, 2, 1, 1, 0, 1),
    (3, 3, 2, 2, 0, 0, 1, 1),
    (3, 3, 2, 2, 1, 1, 1, 0),
    (3, 3, 1, 1, 1, 1, 0, 1),
    (1, 3, 2, 1, 0, 1, 0, 0),
    (5, 2, 3, 2, 2, 1, 1, 1),
]
for index, (kh, kw, sh, sw, ph, pw, ceil, count_pad) in enumerate(poolings):
    maps = torch.randn(2, 3, 10, 11)
    sizes = ((kh, kw), (sh, sw), (ph, pw))
    name = f"max_pool{index}"
    numbers(name, kh, kw, sh, sw, ph, pw, ceil, count_pad)
    case(name, lambda maps: F.max_pool2d(maps, *sizes, ceil_mode=bool(ceil)), maps=maps)
    name = f"average_pool{index}"
    numbers(name, kh, kw, sh, sw, ph, pw, ceil, count_pad)
    pool = torch.nn.AvgPool2d(*sizes, bool(ceil), bool(count_pad))
    case(name, lambda maps: pool(maps), maps=maps)

for index, (size, out) in enumerate([((6, 6), (6, 6)), ((13, 13), (6, 6)), ((5, 7), (1, 1)), ((2, 3), (7, 4))]):
    numbers(f"adaptive{index}", *out)
    case(f"adaptive{index}", lambda maps: F.adaptive_avg_pool2d(maps, out), maps=torch.randn(2, 3, *size))

for index, (batch, inputs, outputs) in enumerate([(3, 37, 11), (40, 19, 23)]):
    case(
        f"linear{index}",
        F.linear,
        input=torch.randn(batch, inputs),
        weight=torch.randn(outputs, inputs),
        bias=torch.randn(outputs),
    )

labels = torch.randint(0, 7, (9,))
fixtures["labels"] = labels
for name, smoothing, reduction in [
    ("cross_entropy", 0.0, "mean"),
    ("cross_entropy_smooth", 0.1, "mean"),
    ("cross_entropy_each", 0.1, "none"),
]:
    case(
        name,
        lambda logits, s=smoothing, r=reduction: F.cross_entropy(
            logits, labels, label_smoothing=s, reduction=r
        ),
        logits=torch.randn(9, 7) * 4,
    )

fixtures = {
    key: value.float().contiguous() if value.is_floating_point() else value.to(torch.uint32)
    for key, value in fixtures.items()
}
path = Path(__file__).parent.parent / "fixtures" / "operators.safetensors"
save_file(fixtures, path)
print(path, path.stat().st_size, "bytes")
