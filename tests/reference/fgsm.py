"""Makes tests/fixtures/fgsm.safetensors: FGSM images of shapesnet in PyTorch, in double precision.

Run with PyTorch 2 and safetensors: python tests/reference/fgsm.py
Network, images and labels are those of shapesnet.py. `*.sure` is 1 where the gradient is large
enough (1e-3 of the image's largest) for single precision to have the same sign.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from shapesnet import CLASSES, WIDTHS, Shapesnet, numbers

SIZE, EPSILON = 32, 4


def main():
    torch.set_default_dtype(torch.float64)
    net = Shapesnet(3, SIZE, WIDTHS).eval()
    with torch.no_grad():
        for salt, (name, parameter) in enumerate(net.named_parameters()):
            norm_weight = name.startswith("bn") and name.endswith("weight")
            parameter.copy_(numbers(parameter.shape, salt + 1) * 0.25 + (1 if norm_weight else 0))
    images = (numbers((3, 3, SIZE, SIZE), 100) + 1) / 2
    labels = torch.arange(3) * 3 % CLASSES
    logits = net(images)
    least = logits.argmin(1)
    fixtures = {"logits": logits.detach().float(), "least_likely": least.to(torch.uint32)}
    for name, goal, direction in [("untargeted", labels, 1), ("targeted", least, -1)]:
        x = images.clone().requires_grad_()
        # One image at a time: nothing that a batch could mix.
        for one, label in zip(x.split(1), goal.split(1)):
            F.cross_entropy(net(one), label).backward()
        moved = x + direction * EPSILON / 255 * x.grad.sign()
        size = x.grad.abs()
        fixtures[f"{name}.images"] = moved.clamp(0, 1).detach().float().contiguous()
        fixtures[f"{name}.sure"] = (size > 1e-3 * size.amax((1, 2, 3), True)).to(torch.uint8)
        print(name, "sure:", fixtures[f"{name}.sure"].double().mean().item())
    path = Path(__file__).parent.parent / "fixtures" / "fgsm.safetensors"
    save_file(fixtures, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
