"""Makes tests/fixtures/dissection.safetensors: Network Dissection by NumPy.

Run with NumPy, Pillow and safetensors: python tests/reference/dissection.py SHAPES DATA
SHAPES is a Broden folder of scenes that the program drew; DATA holds broden-mini:
  GLASSBOX_WRITE_BRODEN=SHAPES,5,64,64 cargo test --test reference write_shapes -- --ignored

For both it stores feature maps, and of each neuron the value that 0.005 of its positions lie above,
its intersection over union with every concept, its best concept, and the share of neurons with one
above 0.04, by its category and over all; the same share with each image's labels laid over the maps
of the image before. Maps of scenes: labels of some concept, pooled, with noise; and noise alone. Of
photographs: red, green and blue, pooled, their differences and brightness, less the picture's mean,
each with both signs.

The method is that of Bau et al. (2017) with its published code (NetDissect, NetDissect-Lite):
- a concept belongs to the category of whose images it covers most (c_*.csv; ties: the later one),
- the map is upsampled bilinearly to the label map, half pixels at the border (align_corners=False),
- a neuron's pixels count in the union where the image has any label of the concept's category,
- labels of an image count by number, whichever column they stand in; of the whole image everywhere.
That code adds the maps of an image up, so that a pixel with one concept in two of them counts twice;
here, as in the definition, L_c is a set of pixels and counts it once.
All sums are of booleans and exact; interpolation is in double precision.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ABOVE, IOU = 0.005, 0.04


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Broden:
    """A folder in Broden's format."""

    def __init__(self, folder, limit=None):
        self.folder = Path(folder)
        self.index = rows(self.folder / "index.csv")[:limit]
        self.categories = [row["name"] for row in rows(self.folder / "category.csv")]
        labels = [(int(row["number"]), row["name"]) for row in rows(self.folder / "label.csv")]
        self.names = [""] * (max(number for number, _ in labels) + 1)
        for number, name in labels:
            self.names[number] = name
        best = [(-1.0, -1)] * len(self.names)
        for place, category in enumerate(self.categories):
            for row in rows(self.folder / f"c_{category}.csv"):
                number = int(row["number"])
                best[number] = max(best[number], (float(row["coverage"]), place))
        # By number, from 1 on.
        self.category_of = np.array([max(place, 0) for _, place in best[1:]])

    def labels(self, at):
        """{concept: the pixels that have it, [height, width]}."""
        row, found = self.index[at], {}
        size = int(row["sh"]), int(row["sw"])
        for category in self.categories:
            for item in filter(None, row[category].split(";")):
                if item.isdigit():
                    found[int(item)] = np.ones(size, bool)
                    continue
                levels = np.asarray(Image.open(self.folder / "images" / item).convert("RGB"))
                numbers = levels[:, :, 0].astype(int) + 256 * levels[:, :, 1].astype(int)
                assert numbers.shape == size, item
                for number in np.unique(numbers[numbers > 0]):
                    has = numbers == number
                    found[int(number)] = found.get(int(number), False) | has
        return found

    def picture(self, at):
        return Image.open(self.folder / "images" / self.index[at]["image"]).convert("RGB")


def interpolation(source, target):
    """[target, source]: what each new place takes of the old ones."""
    place = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    first = np.minimum(place.astype(int), source - 1)
    second = np.minimum(first + 1, source - 1)
    weights = np.zeros((target, source))
    np.add.at(weights, (np.arange(target), first), 1 - (place - first))
    np.add.at(weights, (np.arange(target), second), place - first)
    return weights


def thresholds(maps):
    """maps [images, neurons, height, width]: the value that ABOVE of a neuron's lie above."""
    values = np.sort(np.moveaxis(maps, 1, 0).reshape(maps.shape[1], -1), axis=1)[:, ::-1]
    return values[:, int(np.floor(ABOVE * values.shape[1]))]


def dissect(maps, labels, limits, category_of):
    """IoU [neurons, concepts], and of each concept its images and pixels."""
    neurons, concepts = maps.shape[1], len(category_of)
    categories = category_of.max() + 1
    both = np.zeros((neurons, concepts))
    fired = np.zeros((neurons, categories))
    pixels, images = np.zeros(concepts), np.zeros(concepts)
    for image, found in zip(maps, labels):
        if not found:
            continue
        numbers = np.array(sorted(found))
        has = np.stack([found[number] for number in numbers])
        rows_, columns = (interpolation(s, t) for s, t in zip(image.shape[1:], has.shape[1:]))
        large = np.einsum("hi,nij,wj->nhw", rows_, image.astype(np.float64), columns)
        fires = large > limits.astype(np.float64)[:, None, None]
        fires, has = fires.reshape(neurons, -1), has.reshape(len(numbers), -1)
        both[:, numbers - 1] += fires.astype(float) @ has.T.astype(float)
        present = np.unique(category_of[numbers - 1])
        fired[:, present] += fires.sum(1)[:, None]
        pixels[numbers - 1] += has.sum(1)
        images[numbers - 1] += 1
    union = fired[:, category_of] + pixels - both
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0), images, pixels


def ratios(iou, category_of, categories, least=IOU):
    """Share of neurons whose best concept is above `least`: by category, then of all."""
    best = iou.argmax(1)
    detects = iou.max(1) > least
    of = [np.sum(detects & (category_of[best] == place)) for place in range(categories)]
    return np.array([*of, detects.sum()]) / len(iou)


def pooled(planes, side):
    """[..., height, width] to [..., side, side], the mean of equal windows."""
    *rest, height, width = planes.shape
    cut = planes.reshape(*rest, side, height // side, side, width // side)
    return cut.mean((-3, -1))


def maps_of_scenes(data, random):
    labels = [data.labels(at) for at in range(len(data.index))]
    area = np.zeros(len(data.names))
    for found in labels:
        for number, has in found.items():
            area[number] += has.mean() / len(labels)
    maps = []
    for category in range(len(data.categories)):
        # Of every kind of concept three: a frequent one, and two others.
        numbers = 1 + np.flatnonzero(data.category_of == category)
        numbers = numbers[np.argsort(-area[numbers])][[0, 2, 4]]
        for number in numbers:
            own = [found.get(int(number), np.zeros((64, 64), bool)) for found in labels]
            own = pooled(np.stack(own).astype(np.float64), 8)
            maps.append(own + 0.25 * random.standard_normal(own.shape) - 0.3)
    for _ in range(6):
        noise = random.standard_normal((len(labels), 10, 10))
        maps.append(sum(noise[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3)) / 3)
    # Behind a ReLU, as a network's.
    return np.maximum(np.stack(maps, 1), 0).astype(np.float32)


def maps_of_photographs(data):
    maps = []
    for at in range(len(data.index)):
        levels = np.asarray(data.picture(at), np.float64).transpose(2, 0, 1) / 255
        red, green, blue = pooled(levels, 14)
        planes = [red, green, blue, red - green, green - blue, (red + green + blue) / 3]
        # Against the picture's own mean: levels of 0 and 255, which are many, do not become equal.
        maps.append([sign * (plane - plane.mean()) for plane in planes for sign in (1, -1)])
    return np.array(maps, np.float32)


def part(name, data, maps):
    labels = [data.labels(at) for at in range(len(data.index))]
    limits = thresholds(maps)
    iou, images, pixels = dissect(maps, labels, limits, data.category_of)
    null, _, _ = dissect(maps, labels[1:] + labels[:1], limits, data.category_of)
    count = len(data.categories)
    print(f"{name}: {maps.shape}, {len(data.category_of)} concepts, {(iou > IOU).sum()} above {IOU}")
    for neuron, best in enumerate(iou.argmax(1)):
        print(f"  {neuron}: {data.names[best + 1]} {iou[neuron, best]:.4f}")
    print("  ratio", ratios(iou, data.category_of, count), "null", ratios(null, data.category_of, count))
    return {
        f"{name}.maps": maps,
        f"{name}.thresholds": limits,
        f"{name}.iou": iou,
        f"{name}.best": np.where(iou.max(1) > 0, iou.argmax(1) + 1, 0).astype(np.int64),
        f"{name}.ratio": ratios(iou, data.category_of, count),
        f"{name}.null_ratio": ratios(null, data.category_of, count),
        f"{name}.concept_images": images.astype(np.int64),
        f"{name}.concept_pixels": pixels.astype(np.int64),
    }


def main():
    from safetensors.numpy import save_file

    scenes, photographs = Broden(sys.argv[1]), Broden(Path(sys.argv[2]) / "broden-mini", 40)
    tensors = part("shapes", scenes, maps_of_scenes(scenes, np.random.default_rng(6)))
    tensors |= part("broden", photographs, maps_of_photographs(photographs))
    fixture = Path(__file__).parents[1] / "fixtures/dissection.safetensors"
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, fixture)
    print(fixture, fixture.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
