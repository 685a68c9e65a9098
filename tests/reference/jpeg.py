"""Makes tests/fixtures/jpeg.safetensors: small JPEG files of every usual kind, and their pixels.

Run with Pillow (whose decoder is libjpeg-turbo) and safetensors: python tests/reference/jpeg.py
"""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file


def picture(height, width):
    """Smooth waves with some noise and a hard edge."""
    y, x = np.mgrid[0:height, 0:width]
    noise = (x * 7919 + y * 104729) % 31
    waves = [np.sin(x / 5 + c) * 70 + np.cos(y / 7 - c) * 50 + 128 + noise - 15 for c in range(3)]
    pixels = np.stack(waves, axis=-1)
    pixels[height // 3 : height // 2, width // 4 : width // 2] = [250, 10, 30]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def main():
    tensors = {}
    for height, width in [(37, 53), (16, 16), (1, 1), (9, 130)]:
        image = picture(height, width)
        kinds = {
            "444": dict(quality=92, subsampling=0),
            "422": dict(quality=75, subsampling=1),
            "420": dict(quality=75, subsampling=2),
            "420 rough": dict(quality=5, subsampling=2),
            "progressive": dict(quality=80, subsampling=2, progressive=True),
            "restart": dict(quality=80, restart_marker_blocks=2),
            "grey": dict(quality=85),
        }
        for kind, options in kinds.items():
            file = io.BytesIO()
            (image.convert("L") if kind == "grey" else image).save(file, "JPEG", **options)
            decoded = np.asarray(Image.open(file).convert("RGB"))
            name = f"{kind} {height}x{width}"
            tensors[f"{name} file"] = torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8)
            tensors[f"{name} pixels"] = torch.from_numpy(decoded.copy())
    path = Path(__file__).parent.parent / "fixtures" / "jpeg.safetensors"
    save_file(tensors, path)
    print(path, len(tensors), path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
