"""Makes tests/fixtures/operators.safetensors: operators and their gradients as PyTorch computes them.

Run with PyTorch 2 and safetensors: python tests/reference/operators.py
Each case CASE has its arguments CASE.NAME, its result CASE.result, the gradient CASE.direction that
is sent back from there, and what arrives, CASE.grad.NAME. Computed in float64, stored in float32.
"""

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


for name, shape, outputs, kernel, stride, padding in [
    ("conv3x3", (3, 4, 9, 9), 5, 3, 1, 1),
    ("conv5x5_stride2", (2, 3, 15, 15), 4, 5, 2, 2),
    ("conv1x1", (2, 6, 5, 5), 7, 1, 1, 0),
    ("conv3x3_stride2_odd", (2, 3, 8, 10), 4, 3, 2, 1),
]:
    case(
        name,
        lambda images, weight, bias, s=stride, p=padding: F.conv2d(images, weight, bias, s, p),
        images=torch.randn(shape),
        weight=torch.randn(outputs, shape[1], kernel, kernel),
        bias=torch.randn(outputs),
    )

for name, relu in [("batch_norm", False), ("batch_norm_relu", True)]:
    mean, var = torch.zeros(5).double(), torch.ones(5).double()

    def batch_norm(maps, gamma, beta):
        result = F.batch_norm(maps, mean, var, gamma, beta, training=True, momentum=0.1, eps=1e-5)
        return F.relu(result) if relu else result

    maps = torch.randn(6, 5, 4, 7) * 3 + 2
    case(name, batch_norm, maps=maps, gamma=torch.randn(5), beta=torch.randn(5))
    fixtures[f"{name}.running_mean"], fixtures[f"{name}.running_var"] = mean, var

for name, kernel, stride, padding in [
    ("max_pool2", 2, 2, 0),
    ("max_pool3_overlapping", 3, 2, 1),
    ("max_pool3_alexnet", 3, 2, 0),
]:
    case(
        name,
        lambda maps, k=kernel, s=stride, p=padding: F.max_pool2d(maps, k, s, p),
        maps=torch.randn(2, 3, 9, 11),
    )

case("average_pool", lambda maps: maps.mean((2, 3)), maps=torch.randn(3, 4, 5, 6))

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
