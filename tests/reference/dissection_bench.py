"""NetDissect-Lite's side of benches/dissection.rs, started by it.

python tests/reference/dissection_bench.py BRODEN FILE PROCESSES
FILE holds feature maps, thresholds, and the IoU that the other side found. Tallies as the published
code does: image by image and unit by unit, a unit whose largest value exceeds its threshold is
resized bilinearly in floating point, its pixels above the threshold are listed, and the labels there
counted by bincount. Images are dealt out to so many processes, as that code's PARALLEL does.
One thing is done as the definition says and not as that code: a unit's pixels count for a category
where the image has a label of it, not only where a label of it lies under one of them.
Prints the seconds of the tally, the largest difference of IoU, and the ratio of all.
"""

import sys
import time
from multiprocessing import get_context

import numpy as np
from dissection import Broden, ratios
from PIL import Image
from safetensors.numpy import load_file


def prepare(data, at):
    """Scalars, and label layers [layers, height, width], as its loader hands them over."""
    row, scalars, layers = data.index[at], [], []
    for category in data.categories:
        for item in filter(None, row[category].split(";")):
            if item.isdigit():
                scalars.append(int(item))
                continue
            levels = np.asarray(Image.open(data.folder / "images" / item).convert("RGB"), np.int64)
            layers.append(levels[:, :, 0] + 256 * levels[:, :, 1])
    return scalars, np.stack(layers) if layers else np.zeros((0, 0, 0), np.int64), (
        int(row["sh"]),
        int(row["sw"]),
    )


def tally(job):
    first, end = job
    units, size = MAPS.shape[1], len(DATA.names)
    both, pixels = np.zeros((units, size)), np.zeros(size)
    fired = np.zeros((units, len(DATA.categories)))
    for at in range(first, end):
        scalars, layers, (height, width) = LABELS[at]
        for scalar in scalars:
            pixels[scalar] += height * width
        counts = np.bincount(layers.ravel(), minlength=size)
        counts[0] = 0
        pixels += counts
        numbers = np.union1d(np.flatnonzero(counts), scalars).astype(int)
        present = np.unique(DATA.category_of[numbers - 1])
        for unit in range(units):
            feature_map = MAPS[at, unit]
            if feature_map.max() > LIMITS[unit]:
                mask = Image.fromarray(feature_map, "F").resize((width, height), Image.BILINEAR)
                indexes = np.argwhere(np.asarray(mask) > LIMITS[unit])
                found = np.bincount(layers[:, indexes[:, 0], indexes[:, 1]].ravel())
                if len(found):
                    found[0] = 0
                both[unit, : len(found)] += found
                for scalar in scalars:
                    both[unit, scalar] += len(indexes)
                fired[unit, present] += len(indexes)
    return both, fired, pixels


def main():
    global DATA, MAPS, LIMITS, LABELS
    processes = int(sys.argv[3])
    file = load_file(sys.argv[2])
    MAPS, LIMITS = file["maps"], file["thresholds"]
    DATA = Broden(sys.argv[1], len(MAPS))
    LABELS = [prepare(DATA, at) for at in range(len(MAPS))]
    begun = time.perf_counter()
    cuts = np.linspace(0, len(MAPS), processes + 1).astype(int)
    jobs = list(zip(cuts[:-1], cuts[1:]))
    if processes == 1:
        found = [tally(jobs[0])]
    else:
        with get_context("fork").Pool(processes) as pool:
            found = pool.map(tally, jobs)
    both, fired, pixels = (sum(parts) for parts in zip(*found))
    both, pixels = both[:, 1:], pixels[1:]
    union = fired[:, DATA.category_of] + pixels - both
    iou = np.divide(both, union, out=np.zeros_like(both), where=union > 0)
    seconds = time.perf_counter() - begun
    ratio = ratios(iou, DATA.category_of, len(DATA.categories))[-1]
    print(seconds, np.abs(iou - file["iou"]).max(), ratio)


if __name__ == "__main__":
    main()
