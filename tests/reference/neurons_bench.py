"""The PyTorch side of benches/neurons.rs, started by it.

python tests/reference/neurons_bench.py DATA WEIGHTS IMAGES THREADS TAP…
runs shapesnet of WEIGHTS over Fashion-MNIST's first training images and keeps of every tap, in one
pass, each neuron's nine most exciting images and its dissection threshold. Prints the seconds it took
and the bytes that the process came to hold, then a line for each tap: the sum of the activations
found, and of the thresholds. The threshold is exact here too: as many of the largest values are kept
as lie above it, batch by batch, which is what PyTorch has for it.
"""

import gzip
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

TOP, ABOVE, BATCH = 9, 0.005, 100


def status(key):
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(key))
    return int(line.split()[1]) * 1024


def features(weights, pixels):
    """Every convolution's map after its ReLU, and the logits; mean 0.5 and deviation 0.25."""
    x, maps = (pixels - 0.5) / 0.25, {}
    for number in range(1, 6):
        if number > 2:
            x = F.max_pool2d(x, 2)
        conv = weights[f"conv{number}.weight"]
        x = F.conv2d(x, conv, padding=conv.shape[-1] // 2)
        names = ["running_mean", "running_var", "weight", "bias"]
        x = F.relu(F.batch_norm(x, *(weights[f"bn{number}.{name}"] for name in names)))
        maps[f"conv{number}"] = x
    return maps, F.linear(x.mean((2, 3)), weights["fc.weight"], weights["fc.bias"])


@torch.no_grad()
def main():
    data, file, count, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    taps = sys.argv[5:]
    torch.set_num_threads(threads)
    weights = load_file(file)
    raw = gzip.open(data / "fashion-mnist/train-images-idx3-ubyte.gz").read()[16:]
    levels = np.frombuffer(raw, np.uint8).reshape(-1, 1, 28, 28)[:count]
    begun = time.perf_counter()
    best = {tap: None for tap in taps}
    largest = {tap: None for tap in taps}
    for first in range(0, count, BATCH):
        pixels = torch.from_numpy(levels[first : first + BATCH].astype(np.float32)) / 255
        maps, logits = features(weights, pixels)
        predictions = logits.argmax(1)
        for tap in taps:
            values, at = maps[tap].flatten(2).max(2)
            indices = torch.arange(first, first + len(pixels))[:, None].expand_as(values)
            found = [values, indices, predictions[:, None].expand_as(values), at]
            if best[tap] is not None:
                found = [torch.cat([old, new]) for old, new in zip(best[tap], found)]
            order = found[0].argsort(dim=0, descending=True, stable=True)[:TOP]
            best[tap] = [part.gather(0, order) for part in found]
            every = maps[tap].transpose(0, 1).flatten(1)
            needed = int(ABOVE * count * maps[tap][0, 0].numel()) + 1
            if largest[tap] is not None:
                every = torch.cat([largest[tap], every], 1)
            largest[tap] = every.topk(min(needed, every.shape[1]), sorted=False).values
    thresholds = {tap: values.amin(1) for tap, values in largest.items()}
    print(time.perf_counter() - begun, status("VmHWM"))
    for tap in taps:
        print(tap, best[tap][0].double().sum().item(), thresholds[tap].double().sum().item())


if __name__ == "__main__":
    main()
