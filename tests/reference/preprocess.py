"""Makes tests/fixtures/preprocess.safetensors: photographs as torchvision's evaluation transform
leaves them.

Run with torchvision and Pillow: python tests/reference/preprocess.py DATA
DATA holds imagenet-samples (github.com/EliSchwartz/imagenet-sample-images). The photographs are not
ours to ship: of every 50th, some pixel values are kept, every 97th of the result and every 997th of
the decoded picture.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import transforms

# Short side and centre: enlarged (these photographs have 192 pixels), and reduced.
SIZES = [(256, 224), (128, 112), (80, 64)]


def main():
    folder = Path(sys.argv[1]) / "imagenet-samples"
    photographs = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in [".jpg", ".jpeg"])
    fixtures = {}
    for path in photographs[::50]:
        name = path.relative_to(folder).as_posix()
        image = Image.open(path).convert("RGB")
        pixels = np.asarray(image).transpose(2, 0, 1).reshape(-1)
        fixtures[f"{name} decoded"] = torch.from_numpy(pixels[::997].copy())
        for resize, crop in SIZES:
            transform = transforms.Compose(
                [transforms.Resize(resize), transforms.CenterCrop(crop), transforms.PILToTensor()]
            )
            fixtures[f"{name} {resize} {crop}"] = transform(image).flatten()[::97].clone()
    path = Path(__file__).parent.parent / "fixtures" / "preprocess.safetensors"
    save_file(fixtures, path)
    print(path, len(fixtures), path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
