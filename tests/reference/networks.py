"""Makes tests/fixtures/networks.safetensors: logits and feature maps of every architecture.

Run with torch 2.15.0, torchvision 0.29.2 and safetensors: python tests/reference/networks.py
Weights, images and labels come from an integer hash that tests/reference/formula.rs repeats, so
they are not stored; of feature maps and gradients every n-th number is, 256 or fewer, and for maps
the mean. Computed in float64 from weights rounded to float32.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision.models as zoo
from formula import fill, images
from safetensors.torch import save_file
from torch import nn

CLASSES = 1000
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class CifarBlock(nn.Module):
    """Of akamaster/pytorch_resnet_cifar10, option A."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.halves = stride == 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.halves:
            pad = self.conv2.out_channels // 4
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, pad, pad))
        return F.relu(y + x)


class CifarResnet(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for stage, outputs in enumerate([16, 32, 64], start=1):
            layer = []
            for index in range(blocks):
                stride = 2 if stage > 1 and index == 0 else 1
                layer.append(CifarBlock(inputs, outputs, stride))
                inputs = outputs
            setattr(self, f"layer{stage}", nn.Sequential(*layer))
        self.linear = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def alexnet_small():
    net = zoo.alexnet(num_classes=CLASSES)
    net.features[0] = nn.Conv2d(3, 64, 3, 1, 1)
    net.avgpool = nn.AdaptiveAvgPool2d((3, 3))
    net.classifier[1] = nn.Linear(256 * 9, 1024)
    net.classifier[4] = nn.Linear(1024, 1024)
    net.classifier[6] = nn.Linear(1024, CLASSES)
    return net


def vgg16_small():
    net = zoo.vgg16(num_classes=CLASSES)
    net.avgpool = nn.AdaptiveAvgPool2d((1, 1))
    net.classifier[0] = nn.Linear(512, 512)
    net.classifier[3] = nn.Linear(512, 512)
    net.classifier[6] = nn.Linear(512, CLASSES)
    return net


def resnet18_small():
    net = zoo.resnet18(num_classes=CLASSES)
    net.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    net.maxpool = nn.Identity()
    return net


def sequential():
    """The list of tests/reference/networks.rs."""
    return nn.Sequential(
        nn.Conv2d(3, 12, 5, stride=2, padding=2, groups=3),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
        nn.BatchNorm2d(12),
        nn.Conv2d(12, 16, 3, dilation=2, bias=False),
        nn.AvgPool2d(2, stride=1),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, CLASSES),
    )


def resnet_taps(net):
    return ["conv1"] + [
        f"layer{stage}.{index}"
        for stage in range(1, 5)
        if hasattr(net, f"layer{stage}")
        for index in range(len(getattr(net, f"layer{stage}")))
    ]


def convs(net):
    return [name for name, module in net.named_modules() if isinstance(module, nn.Conv2d)]


def inception_taps(net):
    names = [name for name, _ in net.named_children()]
    return [name for name in names if name.startswith(("Conv2d", "Mixed"))]


def squeezenet_taps(net):
    fires = [name for name, module in net.named_modules() if type(module).__name__ == "Fire"]
    return ["features.0", *fires, "classifier.1"]


NETWORKS = {
    "alexnet": (zoo.alexnet, 224, convs),
    "vgg16": (zoo.vgg16, 224, convs),
    "resnet18": (zoo.resnet18, 224, resnet_taps),
    "inception_v3": (
        lambda: zoo.inception_v3(transform_input=True, init_weights=False),
        299,
        inception_taps,
    ),
    "squeezenet1_0": (zoo.squeezenet1_0, 224, squeezenet_taps),
    "alexnet_small": (alexnet_small, 32, convs),
    "vgg16_small": (vgg16_small, 32, convs),
    "resnet18_small": (resnet18_small, 32, resnet_taps),
    "resnet20": (lambda: CifarResnet(3), 32, resnet_taps),
    "sequential": (sequential, 30, convs),
}


def sample(values):
    values = values.detach().flatten()
    # Odd, so that the samples of a matrix do not all lie in one column.
    return values[:: -(-len(values) // 256) | 1].float().contiguous()


def normalise(x):
    return (x - torch.tensor(MEAN).view(1, -1, 1, 1)) / torch.tensor(STD).view(1, -1, 1, 1)


def where_to_read(net, name):
    """The module whose output, after ReLU, is the tap."""
    modules = dict(net.named_modules())
    if isinstance(net, nn.Sequential):
        after = str(int(name) + 1)
        return modules[after] if isinstance(modules[after], nn.BatchNorm2d) else modules[name]
    return net.bn1 if name == "conv1" else modules[name]


def main():
    torch.set_default_dtype(torch.float64)
    fixtures = {}
    for arch, (build, size, taps_of) in NETWORKS.items():
        net = build().eval()
        fill(net)
        read = {}

        def reader(name, net=net, read=read):
            def hook(module, inputs, output):
                # The second convolution of the plain network has no ReLU of its own behind it.
                plain = isinstance(net, nn.Sequential) and name == "5"
                read[name] = output.clone() if plain else F.relu(output)

            return hook

        for name in taps_of(net):
            where_to_read(net, name).register_forward_hook(reader(name))
        with torch.no_grad():
            fixtures[f"{arch}.logits"] = net(normalise(images(1, size))).float()
        for name, maps in read.items():
            fixtures[f"{arch}.tap.{name}"] = sample(maps)
            fixtures[f"{arch}.mean.{name}"] = maps.mean().float().view(1)
            fixtures[f"{arch}.shape.{name}"] = torch.tensor(maps.shape[1:], dtype=torch.int64)
        spread = fixtures[f"{arch}.logits"].std().item()
        print(f"{arch:15} {len(read):3} taps, logits ±{spread:.3g}")
        del net

    # Gradients of a network in evaluation: input, parameters, a tap.
    net = alexnet_small().eval()
    fill(net)
    x = images(2, 32).requires_grad_()
    kept = {}
    # Out of place, so that the map that is kept stays what it was.
    net.features[11] = nn.ReLU()
    net.features[11].register_forward_hook(lambda m, i, o: kept.update(conv5=o))
    net.features[11].register_forward_hook(lambda m, i, o: o.retain_grad())
    F.cross_entropy(net(normalise(x)), torch.tensor([3, 700])).backward()
    fixtures["gradient.images"] = sample(x.grad)
    fixtures["gradient.conv5"] = sample(kept["conv5"].grad)
    for name, parameter in net.named_parameters():
        fixtures[f"gradient.{name}"] = sample(parameter.grad)

    # The second head in training, and what comes back from it alone: no dropout lies there.
    net = zoo.inception_v3(num_classes=10, transform_input=True, init_weights=False).train()
    fill(net)
    auxiliary = net(normalise(images(2, 299)))[1]
    F.cross_entropy(auxiliary, torch.tensor([3, 7])).backward()
    fixtures["auxiliary.logits"] = auxiliary.detach().float()
    for name, parameter in net.named_parameters():
        if name.endswith("conv.weight") and name.startswith(("AuxLogits", "Mixed_6e", "Mixed_5b")):
            fixtures[f"auxiliary.{name}"] = sample(parameter.grad)

    path = Path(__file__).parent.parent / "fixtures" / "networks.safetensors"
    save_file(fixtures, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
