"""Checks what a finished run says its neurons detect, against PyTorch and NumPy: every neuron of every
layer with every concept, on real and on adversarial images.

Run with PyTorch, torchvision, Pillow and safetensors:
  python tests/reference/dissection_run.py RUN DATA
RUN is the folder of a run with [dissect] on shapesnet, resnet20 or squeezenet1_0, none of whose images
was damaged. DATA is the Broden folder that was dissected; for shapes one that the program writes of the
same scenes:
  GLASSBOX_WRITE_BRODEN=DATA,SEED,IMAGES,SIDE cargo test --test reference write_shapes -- --ignored
with data.seed, as many images as the run dissected, and data.image_size.

Real pictures are read from DATA and scaled, adversarial ones are the PNGs below dissect/adversarial.
Thresholds are found anew, and are ours to 2^-12 of them; intersections over unions are counted anew
by dissection.py's method above the run's own thresholds. Every one may differ by 1e-4, their mean by
1e-5. A threshold is itself a value of its neuron, and rounding alone moves that value across it: where
more differs, ours must lie between the counts above a threshold 3e-6 of the neuron's largest value
lower and higher. Neurons whose best concepts differ are counted, and may only be those of which two
concepts are that near.
Ends with 1 if anything differs by more.
"""

import json
import sys
import tomllib
from pathlib import Path

import neurons_run
import numpy as np
from dissection import Broden, dissect, ratios
from neurons_run import in_batches, picture
from PIL import Image
from safetensors.numpy import load_file

CLOSE, MEAN, ROUNDING = 1e-4, 1e-5, 3e-6


def attacked(run, name):
    folder = run / "dissect/adversarial"
    tried = [folder / name, (folder / name).with_suffix(".png"), folder / f"{name}.png"]
    return next(path for path in tried if path.exists())


def quantile(maps, share):
    """The value that a share of each neuron's values lie above."""
    values = np.moveaxis(maps, 1, 0).reshape(maps.shape[1], -1)
    rank = values.shape[1] - 1 - int(np.floor(share * values.shape[1]))
    return np.partition(values, rank, axis=1)[:, rank]


def beyond_rounding(maps, labels, above, category_of, ours):
    """How far one neuron's IoUs lie outside what rounding at its threshold can make of them."""
    nudge = ROUNDING * np.abs(maps).max()
    counted = [dissect(maps, labels, above + by, category_of)[0][0] for by in (-nudge, nudge)]
    return np.maximum(np.maximum(np.min(counted, 0) - ours, ours - np.max(counted, 0)), 0)


class Differences:
    def __init__(self):
        self.worst, self.sum, self.count, self.best, self.wrong = 0.0, 0.0, 0, 0, []
        self.at_threshold = 0

    def of_iou(self, what, ours, theirs, beyond):
        difference = np.abs(ours - theirs)
        self.sum += difference.sum()
        for neuron in np.flatnonzero((difference > CLOSE).any(1)):
            self.at_threshold += 1
            difference[neuron] = beyond(neuron)
        self.worst = max(self.worst, difference.max())
        self.count += difference.size
        other = ours.argmax(1) != theirs.argmax(1)
        self.best += other.sum()
        near = theirs.max(1) - theirs[np.arange(len(theirs)), ours.argmax(1)] <= CLOSE
        if difference.max() > CLOSE or (other & ~near).any():
            self.wrong.append(f"{what}: IoU differs by {difference.max():.1e}")

    def of_shares(self, what, ours, theirs, near):
        # A neuron whose best IoU lies that near the threshold may count or not.
        off = np.abs(np.array(ours) - theirs).max()
        if off > near + 1e-12:
            self.wrong.append(f"{what}: ratios differ by {off:.4f}")
        return off


def main():
    run, data = Path(sys.argv[1]), sys.argv[2]
    spec = tomllib.loads((run / "spec.toml").read_text())
    found = json.loads((run / "results/dissect.json").read_text())
    if found["damaged"]:
        sys.exit("images of this run were damaged: their places are unknown here")
    data = Broden(data, found["images"])
    side, count = found["image_size"], found["images"]
    assert len(data.index) == count, f"{len(data.index)} images in DATA, {count} in the run"
    assert data.categories == found["categories"], "other categories"
    names = [row["image"] for row in data.index]
    scaled = [data.picture(at).resize((side, side), Image.BILINEAR) for at in range(count)]
    real = np.stack([np.asarray(image).transpose(2, 0, 1) for image in scaled])
    labels = [data.labels(at) for at in range(count)]
    taps = getattr(neurons_run, spec["model"]["arch"])(run, spec)
    layers = [layer["layer"] for layer in found["layers"]]
    how = (spec["model"]["mean"], spec["model"]["std"], layers)
    maps = {"real": in_batches(taps, real, *how)}
    if found["adversarial_images"]:
        assert found["adversarial_images"] == count, "not every image was attacked"
        images = np.stack([picture(attacked(run, name)) for name in names])
        print(f"adversarial pictures differ from the real ones by at most "
              f"{np.abs(images.astype(int) - real).max()} levels")
        maps["adversarial"] = in_batches(taps, images, *how)

    all_, of_threshold, of_ratio, neurons = Differences(), 0.0, 0.0, 0
    for layer in found["layers"]:
        name, stored = layer["layer"], load_file(run / layer["iou"])
        limits = np.array([neuron["threshold"] for neuron in layer["neurons"]])
        neurons += len(limits)
        theirs = quantile(maps["real"][name], found["quantile"])
        scale = np.maximum(np.abs(maps["real"][name]).max((0, 2, 3)), 1e-12)
        off = np.abs(limits - theirs) - np.abs(theirs) / 4096
        of_threshold = max(of_threshold, (np.abs(limits - theirs) / scale).max())
        if (off > 1e-4 * scale).any():
            all_.wrong.append(f"{name}: thresholds differ")
        sides = [("real", "real", limits)]
        if "adversarial" in maps:
            again = quantile(maps["adversarial"][name], found["quantile"])
            sides.append(("adversarial", "adversarial", limits))
            sides.append(("rethresholded", "adversarial", again))
        for side_, key, above in sides:
            iou, images, pixels = dissect(maps[key][name], labels, above, data.category_of)
            what = f"{name} {side_}"
            of_layer = maps[key][name]

            def beyond(neuron, of_layer=of_layer, above=above, ours=stored[side_]):
                only = slice(neuron, neuron + 1)
                return beyond_rounding(of_layer[:, only], labels, above[only], data.category_of, ours[neuron])

            all_.of_iou(what, stored[side_], iou, beyond)
            least = layer["threshold"]
            share = ratios(iou, data.category_of, len(data.categories), least)
            ours = [layer["ratio"][side_].get(category, 0.0) for category in [*data.categories, "all"]]
            top = np.sort(iou, axis=1)
            doubtful = (np.abs(top[:, -1] - least) <= CLOSE) | (top[:, -1] - top[:, -2] <= CLOSE)
            off = all_.of_shares(what, ours, share, doubtful.mean())
            of_ratio = max(of_ratio, off)
            print(f"  {what}: ratio {100 * share[-1]:.1f} %, ours {100 * ours[-1]:.1f} %")
            if side_ == "real":
                of_concepts = {concept["number"]: concept for concept in found["concepts"]}
                for number in range(1, len(data.names)):
                    if not data.names[number]:
                        continue
                    ours = of_concepts[number]["images"], of_concepts[number]["pixels"]
                    if ours != (images[number - 1], pixels[number - 1]):
                        all_.wrong.append(f"concept {number}: {ours} images and pixels")
    mean = all_.sum / max(all_.count, 1)
    print(f"{run.name}: {neurons} neurons, {count} images, {all_.count} intersections over unions")
    print(f"  IoU differs by at most {all_.worst:.1e}, {mean:.1e} in the mean")
    print(f"  {all_.at_threshold} neurons have a value that rounding moves across their threshold")
    print(f"  best concepts: {all_.best} differ")
    print(f"  thresholds differ by at most {of_threshold:.1e} of the neuron's largest value")
    print(f"  ratios differ by at most {of_ratio:.4f}")
    for line in all_.wrong:
        print("  WRONG", line)
    sys.exit(bool(all_.wrong or mean > MEAN))


if __name__ == "__main__":
    main()
