"""The PyTorch side of the benchmark, started by it.

`steps.py THREADS DEVICE PRECISION` reads a step's name a line, runs it once, prints the seconds it
took. With a STEP behind, it runs that three times and prints by how many bytes the process grew.
"""

import contextlib
import sys
import time

import torch
import torch.nn.functional as F
import torchvision

DEVICE = torch.device(sys.argv[2])
PRECISION = sys.argv[3]

ARCHS = {
    "alexnet": torchvision.models.alexnet,
    "vgg16": torchvision.models.vgg16,
    "resnet18": torchvision.models.resnet18,
}


def network(arch, size):
    if arch == "resnet18_small":
        model = torchvision.models.resnet18(num_classes=10)
        model.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
        model.maxpool = torch.nn.Identity()
        return model, 10
    return ARCHS[arch](), 1000


def convolution(direction, batch, inputs, size, outputs, kernel, stride, padding):
    images = torch.rand(batch, inputs, size, size, device=DEVICE)
    weight = torch.rand(outputs, inputs, kernel, kernel, device=DEVICE) - 0.5
    if PRECISION == "bf16":
        images, weight = images.bfloat16(), weight.bfloat16()
    grad = torch.rand_like(F.conv2d(images, weight, stride=stride, padding=padding))

    def backward(mask):
        torch.ops.aten.convolution_backward(
            grad, images, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask
        )

    def forward():
        with torch.no_grad():
            F.conv2d(images, weight, stride=stride, padding=padding)

    return {
        "forward": forward,
        "input": lambda: backward([True, False, False]),
        "weight": lambda: backward([False, True, False]),
    }[direction]


def whole(kind, arch, batch, size):
    model, classes = network(arch, size)
    model.to(DEVICE)
    images = torch.rand(batch, 3, size, size, device=DEVICE)
    labels = torch.arange(batch, device=DEVICE) % classes

    def forward():
        with torch.no_grad(), cast():
            model(images)

    def adversarial():
        model.eval()
        made = attack()
        model.train()
        train(made)

    def attack():
        bound = 4 / 255
        pixels = images + torch.empty_like(images).uniform_(-bound, bound)
        pixels = pixels.clamp_(0, 1)
        for _ in range(3):
            pixels.requires_grad_()
            with cast():
                loss = F.cross_entropy(model(pixels), labels)
            (grad,) = torch.autograd.grad(loss, pixels)
            pixels = pixels.detach() + bound / 2 * grad.sign()
            pixels = torch.min(torch.max(pixels, images - bound), images + bound).clamp_(0, 1)
        return pixels

    def train(images=images):
        optimizer.zero_grad(set_to_none=True)
        with cast():
            loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    def fgsm():
        pixels = images.clone().requires_grad_()
        with cast():
            loss = F.cross_entropy(model(pixels), labels)
        (grad,) = torch.autograd.grad(loss, pixels)
        (pixels.detach() + 4 / 255 * grad.sign()).clamp_(0, 1)

    if kind in ("train", "adversarial"):
        model.train()
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
        return {"train": train, "adversarial": adversarial}[kind]
    model.eval()
    return {"forward": forward, "fgsm": fgsm}[kind]


def cast():
    """bf16 as PyTorch's users have it: weights stay f32, convolutions and products are cast."""
    if PRECISION == "bf16":
        return torch.autocast(DEVICE.type, torch.bfloat16)
    return contextlib.nullcontext()


def wait():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def make(name):
    kind, first, *rest = name.split()
    if kind == "convolution":
        return convolution(first, *map(int, rest))
    return whole(kind, first, *map(int, rest))


def status(key):
    """Bytes; not getrusage's figure, which begins with what the parent process had."""
    with open("/proc/self/status") as lines:
        line = next(line for line in lines if line.startswith(key))
    return int(line.split()[1]) * 1024


torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
torch.backends.cuda.matmul.allow_tf32 = PRECISION == "tf32"
torch.backends.cudnn.allow_tf32 = PRECISION == "tf32"
if len(sys.argv) > 4:
    # Libraries load at the first use: that is not the step's.
    small = torch.rand(1, 3, 8, 8, requires_grad=True)
    F.conv2d(small, torch.rand(4, 3, 3, 3, requires_grad=True)).relu().sum().backward()
    F.linear(torch.rand(2, 64), torch.rand(64, 64))
    before = status("VmRSS")
    step = make(sys.argv[4])
    for _ in range(3):
        step()
    print(status("VmHWM") - before)
    raise SystemExit

known = None
for line in sys.stdin:
    name = line.strip()
    if name != known:
        step, known = make(name), name
        step()
    wait()
    start = time.perf_counter()
    step()
    wait()
    print(time.perf_counter() - start, flush=True)
