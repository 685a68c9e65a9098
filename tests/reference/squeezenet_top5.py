"""Makes tests/fixtures/squeezenet_top5.safetensors: what torchvision's SqueezeNet 1.0 says of 1,000
photographs.

Run with torchvision: python tests/reference/squeezenet_top5.py DATA
DATA holds imagenet-samples (github.com/EliSchwartz/imagenet-sample-images) and the weights of
SqueezeNet-Deep-Compression, decoded. `top5` [1000, 5] are class indices, `chances` their
probabilities; photographs in the order of their paths.
"""

import sys
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import models, transforms

MEAN = [123 / 255, 117 / 255, 104 / 255]


def main():
    data = Path(sys.argv[1])
    net = models.squeezenet1_0()
    weights = data / "weights/imagenet-squeezenet/squeezenet1_0-deep-compression.pth"
    net.load_state_dict(torch.load(weights), strict=True)
    net.eval()
    prepare = transforms.Compose([
        transforms.Resize(232), transforms.CenterCrop(227), transforms.ToTensor(),
        transforms.Normalize(MEAN, [1, 1, 1]),
    ])
    photographs = sorted((data / "imagenet-samples").glob("*/*.jpg"))
    classes = sorted({path.parent.name for path in photographs})
    top5, chances, right = [], [], 0
    with torch.no_grad():
        for begin in range(0, len(photographs), 50):
            paths = photographs[begin : begin + 50]
            images = torch.stack([prepare(Image.open(path).convert("RGB")) for path in paths])
            found = net(images).softmax(1).topk(5)
            top5.append(found.indices.int())
            chances.append(found.values)
            labels = torch.tensor([classes.index(path.parent.name) for path in paths])
            right += (found.indices[:, 0] == labels).sum().item()
    path = Path(__file__).parent.parent / "fixtures" / "squeezenet_top5.safetensors"
    save_file({"top5": torch.cat(top5), "chances": torch.cat(chances)}, path)
    print(path, path.stat().st_size, "bytes;", len(photographs), "photographs,", right, "right")


if __name__ == "__main__":
    main()
