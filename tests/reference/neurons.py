"""Makes tests/fixtures/neurons.safetensors: what excites neurons, as PyTorch and NumPy have it.

Run with PyTorch, torchvision, Pillow and safetensors: python tests/reference/neurons.py DATA
DATA holds cifar-10-subset, imagenet-samples and weights. For some taps of four networks, on real and
on adversarial images: each neuron's nine most exciting images and its answers to them (ties by
index), the value that 0.005 of all real positions lie above, where the upsampled map is larger than
that, what hiding a patch of a picture changes. Adversarial images are FGSM's with epsilon 4: of those
the signs are stored, one bit a pixel. All in double precision from weights rounded to single.

Besides, receptive fields of every network, from how far gradients reach: each layer is put in place
of itself with one channel and equal weights, each max pooling becomes a mean of the same windows.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.models as zoo
from networks import CifarResnet, convs, inception_taps, resnet_taps, squeezenet_taps, where_to_read
from PIL import Image
from safetensors.torch import save_file
from shapesnet import WIDTHS, Shapesnet, numbers
from torch import nn
from torchvision import transforms

TOP, ABOVE, EPSILON, PATCH, STRIDE = 9, 0.005, 4, 11, 3


def cifar(data, count):
    records = np.fromfile(data / "cifar-10-subset/test_batch.bin", np.uint8).reshape(-1, 3073)[:count]
    return torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy()), records[:, 0].tolist()


def photographs(data, count, resize, crop):
    """Every 15th of the thousand classes."""
    paths = sorted((data / "imagenet-samples").glob("*/*.jpg"))[::15][:count]
    prepare = transforms.Compose(
        [transforms.Resize(resize), transforms.CenterCrop(crop), transforms.PILToTensor()]
    )
    pictures = torch.stack([prepare(Image.open(path).convert("RGB")) for path in paths])
    return pictures, [15 * place for place in range(len(paths))]


def shapesnet():
    net = Shapesnet(3, 32, WIDTHS)
    with torch.no_grad():
        for salt, (name, parameter) in enumerate(net.named_parameters()):
            norm_weight = name.startswith("bn") and name.endswith("weight")
            parameter.copy_(numbers(parameter.shape, salt + 1) * 0.25 + (1 if norm_weight else 0))
    return net


def resnet20(data):
    net = CifarResnet(3)
    net.linear = nn.Linear(64, 10)
    weights = torch.load(data / "weights/cifar10-resnet/resnet20-12fca82f.th", map_location="cpu")
    state = {key.removeprefix("module."): value for key, value in weights["state_dict"].items()}
    net.load_state_dict(state, strict=True)
    return net


def squeezenet(data):
    net = zoo.squeezenet1_0()
    file = data / "weights/imagenet-squeezenet/squeezenet1_0-deep-compression.pth"
    net.load_state_dict(torch.load(file), strict=True)
    return net


class Read:
    """A network from pixels in 0..1, and its feature maps after their ReLU."""

    def __init__(self, net, mean, std, taps):
        self.net, self.maps = net.double().eval(), {}
        self.mean, self.std = (torch.tensor(x).double().view(3, 1, 1) for x in (mean, std))
        modules = dict(net.named_modules())
        for tap in taps:
            # shapesnet's normalisation has its convolution's number.
            norm = "bn" + tap.removeprefix("conv")
            module = modules[norm] if tap.startswith("conv") else modules[tap]

            def keep(module, inputs, output, tap=tap):
                self.maps[tap] = F.relu(output)

            module.register_forward_hook(keep)

    def logits(self, pixels):
        return self.net((pixels - self.mean) / self.std)

    @torch.no_grad()
    def features(self, pixels, taps):
        """Of 8-bit pictures, or of pixels in 0..1."""
        pixels = pixels.double() / 255 if pixels.dtype == torch.uint8 else pixels
        found = {tap: [] for tap in taps}
        for batch in pixels.split(32):
            self.logits(batch)
            for tap in taps:
                found[tap].append(self.maps[tap].clone())
        return {tap: torch.cat(maps) for tap, maps in found.items()}


def signs(read, pictures, labels):
    """Of the gradient of the loss of the true classes."""
    found = []
    for picture, label in zip(pictures.double() / 255, labels):
        x = picture[None].clone().requires_grad_()
        F.cross_entropy(read.logits(x), torch.tensor([label])).backward()
        assert (x.grad != 0).all()
        found.append(x.grad.sign())
    return torch.cat(found)


def top_images(maps):
    """Indices and values [neurons, TOP], and the smallest step from one to the next, relative."""
    maxima = maps.flatten(2).amax(2).numpy()
    order = np.argsort(-maxima, axis=0, kind="stable")
    values = np.take_along_axis(maxima, order, 0)
    ahead, next_one = values[:TOP], values[1 : TOP + 1]
    apart = ahead > next_one
    gap = ((ahead - next_one)[apart] / ahead[apart]).min()
    return order[:TOP].T.copy(), values[:TOP].T.copy(), gap


def runs(mask):
    """Lengths of runs in reading order; the first is of what does not fire."""
    flat = np.concatenate([[0], mask.flatten().astype(np.int8)])
    ends = np.flatnonzero(np.diff(flat)) if mask.any() else np.array([], dtype=np.int64)
    return np.diff(np.concatenate([[0], ends, [mask.size]]))


def case(name, read, taps, pictures, labels, attacked, hidden, noise, fixtures):
    side = pictures.shape[-1]
    adversarial = None
    if attacked:
        sign = signs(read, pictures[:attacked], labels[:attacked])
        levels = pictures[:attacked].double() + EPSILON * sign
        adversarial = levels.clamp(0, 255).to(torch.uint8)
        fixtures[f"{name}.signs"] = torch.from_numpy(np.packbits(sign.flatten(1).numpy() > 0, axis=1))
    thresholds = {}
    for kind, images in [("real", pictures), ("adversarial", adversarial)]:
        if images is None:
            continue
        for tap, maps in read.features(images, taps).items():
            indices, values, gap = top_images(maps)
            key = f"{name}.{kind}.{tap}"
            fixtures[f"{key}.top"] = torch.from_numpy(indices.astype(np.uint8))
            fixtures[f"{key}.values"] = torch.from_numpy(values).float()
            print(f"{key}: {maps.shape}, smallest step between ranks {gap:.1e}", flush=True)
            if kind == "real":
                all_values = np.sort(maps.transpose(0, 1).flatten(1).numpy(), axis=1)
                count = all_values.shape[1]
                exact = all_values[:, count - int(np.floor(ABOVE * count)) - 1]
                thresholds[tap] = exact
                fixtures[f"{name}.{tap}.thresholds"] = torch.from_numpy(exact).float()
            firing = np.flatnonzero(values[:, 1] > np.maximum(thresholds[tap], 0))
            chosen = firing[:: max(1, len(firing) // 4)][:4]
            found = []
            for neuron in chosen:
                for image in indices[neuron, :2]:
                    one = maps[image : image + 1, neuron : neuron + 1]
                    large = F.interpolate(one, (side, side), mode="bilinear", align_corners=False)
                    mask = (large > thresholds[tap][neuron]).numpy()
                    found.append(runs(mask))
            fixtures[f"{key}.neurons"] = torch.from_numpy(chosen.astype(np.int64))
            fixtures[f"{key}.regions"] = torch.from_numpy(np.concatenate(found).astype(np.int32))
    for picture in range(2) if hidden else []:
        neurons = {tap: fixtures[f"{name}.real.{tap}.neurons"][:2].tolist() for tap in taps}
        maps = discrepancy(read, pictures[picture].double() / 255, neurons, noise)
        for tap in taps:
            fixtures[f"{name}.{tap}.discrepancy.{picture}"] = maps[tap].float()


def discrepancy(read, picture, neurons, noise):
    """By tap [neurons, rows, columns]."""
    places = range(0, picture.shape[-1] - PATCH + 1, STRIDE)
    hidden = [picture]
    for top in places:
        for left in places:
            one = picture.clone()
            one[:, top : top + PATCH, left : left + PATCH] = noise
            hidden.append(one)
    answers = {tap: [] for tap in neurons}
    for batch in torch.stack(hidden).split(32):
        for tap, maps in read.features(batch, list(neurons)).items():
            answers[tap].append(maps[:, neurons[tap]].amax((2, 3)))
    change = {tap: torch.cat(found) for tap, found in answers.items()}
    change = {tap: (found[1:] - found[0]).abs().T for tap, found in change.items()}
    return {tap: found.reshape(-1, len(places), len(places)) for tap, found in change.items()}


class Reach(nn.Module):
    """A layer's windows, on the mean of what it reads."""

    def __init__(self, conv):
        super().__init__()
        self.out_channels = conv.out_channels
        self.how = {"stride": conv.stride, "padding": conv.padding, "dilation": conv.dilation}
        self.kernel = torch.ones(1, 1, *conv.kernel_size)

    def forward(self, x):
        return F.conv2d(x.mean(1, keepdim=True), self.kernel, **self.how)


def replace(module):
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            setattr(module, name, Reach(child))
        elif isinstance(child, nn.MaxPool2d):
            pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
            setattr(module, name, pool)
        elif isinstance(child, (nn.BatchNorm2d, nn.Linear, nn.Dropout)):
            setattr(module, name, nn.Identity())
        else:
            replace(child)


def fields(net, taps, side):
    """[taps, 3]: size, stride, centre of the first position's square."""
    modules = {tap: where_to_read(net, tap) for tap in taps}
    names = {tap: next(n for n, m in net.named_modules() if m is modules[tap]) for tap in taps}
    replace(net.eval())
    found = {}
    for tap, name in names.items():
        net.get_submodule(name).register_forward_hook(lambda m, i, o, tap=tap: found.update({tap: o}))
    pixels = torch.ones(1, 3, side, side, requires_grad=True)
    net(pixels)
    rows = []
    for tap in taps:
        maps = found[tap]
        middle = maps.shape[-1] // 2

        def reach(place, maps=maps):
            (grad,) = torch.autograd.grad(maps[0, :, place, place].sum(), pixels, retain_graph=True)
            along = torch.nonzero(grad.abs().sum((0, 1, 2)))
            first, last = along[0].item(), along[-1].item()
            assert first > 0 and last < side - 1, f"{tap}: {first} to {last} of {side}"
            return first, last + 1

        (first, end), (next_first, _) = reach(middle), reach(middle + 1)
        stride = next_first - first
        rows.append([end - first, stride, (first + end) / 2 - middle * stride])
    return torch.tensor(rows)


def all_fields(fixtures):
    torch.set_default_dtype(torch.float64)
    # Gradients of a maximum would reach one pixel of its window.
    maximum = F.max_pool2d
    F.max_pool2d = lambda x, kernel_size, stride=None, **_: F.avg_pool2d(x, kernel_size, stride)
    inception = zoo.inception_v3(init_weights=False)
    shapes = {size: Shapesnet(3, size, WIDTHS) for size in [32, 64]}
    shape_taps = [f"conv{number}" for number in range(1, 6)]
    for name, net, taps, side in [
        ("alexnet", zoo.alexnet(), convs, 600),
        ("vgg16", zoo.vgg16(), convs, 600),
        ("resnet18", zoo.resnet18(), resnet_taps, 1000),
        ("resnet20", CifarResnet(3), resnet_taps, 300),
        ("squeezenet1_0", zoo.squeezenet1_0(), squeezenet_taps, 600),
        ("inception_v3", inception, inception_taps, 2400),
        ("shapesnet_32", shapes[32], lambda net: shape_taps, 300),
        ("shapesnet_64", shapes[64], lambda net: shape_taps, 600),
    ]:
        fixtures[f"fields.{name}"] = found = fields(net, taps(net), side).float()
        print(name, found[-1].tolist(), flush=True)
    F.max_pool2d = maximum
    torch.set_default_dtype(torch.float32)


def main():
    data = Path(sys.argv[1])
    noise = torch.rand(3, PATCH, PATCH, generator=torch.Generator().manual_seed(5)).double()
    noise = noise.float().double()
    fixtures = {"noise": noise.float()}
    resnet_norm = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    squeeze_norm = [123 / 255, 117 / 255, 104 / 255], [1.0, 1.0, 1.0]
    all_fields(fixtures)
    taps = ["conv1", "conv3", "conv5"]
    # It normalises by itself.
    read = Read(shapesnet(), [0.0] * 3, [1.0] * 3, taps)
    case("shapesnet", read, taps, *cifar(data, 200), 48, True, noise, fixtures)
    taps = ["conv1", "layer2.1", "layer3.2"]
    read = Read(resnet20(data), *resnet_norm, taps)
    case("resnet20", read, taps, *cifar(data, 200), 48, True, noise, fixtures)
    taps = ["features.3", "features.7", "features.12"]
    read = Read(squeezenet(data), *squeeze_norm, taps)
    case("squeezenet_227", read, taps, *photographs(data, 64, 232, 227), 0, False, noise, fixtures)
    case("squeezenet_113", read, taps, *photographs(data, 64, 116, 113), 16, True, noise, fixtures)
    path = Path(__file__).parent.parent / "fixtures" / "neurons.safetensors"
    save_file({name: value.contiguous() for name, value in fixtures.items()}, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
