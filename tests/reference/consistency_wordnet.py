"""Makes tests/fixtures/consistency_wordnet.safetensors: level and consistency of made-up neurons.

Run with NumPy and safetensors: python tests/reference/consistency_wordnet.py DATA
DATA holds wordnet-3.0 and imagenet-samples. Reads WordNet's data.noun itself, and computes with
matrices over all nouns above the classes: `up`, the fewest edges from each class to each of them, by
relaxing; from it distances, what two classes have in common, affinities, then LC, consis, CS1, CS2
and what CS2 is by chance, in float64. Neurons are lists of labels: of their real images, of the
originals of their adversarial ones, of what those are taken for. Their classes are drawn from few or
from many, so that all levels are there.

Three sets of classes: `shapes`, the 16 of this project's own pictures; `few`, 24 of ImageNet's, with
every affinity; `imagenet`, all 1,000.
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

SHAPES = """n01503061 n02512053 n02274259 n01944390 n11669921 n12997919 n13104059 n03544360
n02958343 n04490091 n04128499 n03147509 n04398044 n04507155 n04380533 n03046257"""
SIGMAS = (1.0, 2.0, 3.0)


def hypernyms(path):
    """Offset of each noun: offsets of those that it is a kind or an instance of."""
    parents = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):
            continue
        head = line.split("|")[0].split()
        words = int(head[3], 16)
        rest = head[5 + 2 * words :]
        parents[int(head[0])] = [
            int(rest[at + 1]) for at in range(0, len(rest), 4) if rest[at] in ("@", "@i")
        ]
    return parents


def relations(parents, classes):
    """Distances and Wu and Palmer's similarities between classes, both [classes, classes]."""
    above, todo = set(classes), list(classes)
    while todo:
        new = [parent for parent in parents[todo.pop()] if parent not in above]
        above.update(new)
        todo.extend(new)
    above = sorted(above)
    place = {offset: at for at, offset in enumerate(above)}
    edges = [(place[child], place[parent]) for child in above for parent in parents[child]]
    # Longest way up to the root, and fewest edges from each class up to each noun.
    depth = np.zeros(len(above))
    up = np.full((len(classes), len(above)), np.inf)
    for row, offset in enumerate(classes):
        up[row, place[offset]] = 0
    while True:
        before = depth.copy(), up.copy()
        for child, parent in edges:
            depth[child] = max(depth[child], depth[parent] + 1)
            up[:, parent] = np.minimum(up[:, parent], up[:, child] + 1)
        if (before[0] == depth).all() and (before[1] == up).all():
            break
    distance = np.zeros((len(classes), len(classes)))
    similarity = np.zeros_like(distance)
    for row in range(len(classes)):
        both = up[row] + up  # [classes, above], infinite where it is above one of them only
        distance[row] = both.min(1)
        common = np.where(np.isfinite(both), depth, -1)
        deepest = common.max(1, keepdims=True)
        edges_up = np.where(common == deepest, both, np.inf).min(1)
        doubled = 2 * (deepest[:, 0] + 1)
        similarity[row] = doubled / (edges_up + doubled)
    return distance, similarity


def affinities(parents, classes):
    distance, similarity = relations(parents, classes)
    found = {"wu-palmer": similarity, "path": 1 / (1 + distance)}
    for sigma in SIGMAS:
        found[f"gaussian.{sigma:g}"] = np.exp(-(distance**2) / (2 * sigma**2))
        found[f"exponential.{sigma:g}"] = np.exp(-distance / sigma)
    return found


def labels(random, neurons, images, classes):
    """Of each neuron, drawn from 1, 2, 4, … of the classes."""
    rows = [
        random.choice(random.choice(classes, min(2 ** (n % 9), classes), replace=False), images)
        for n in range(neurons)
    ]
    return np.array(rows, np.uint32)


def main():
    data = Path(sys.argv[1])
    parents = hypernyms(data / "wordnet-3.0/dict/data.noun")
    imagenet = sorted(int(folder.name[1:]) for folder in (data / "imagenet-samples").iterdir())
    assert len(imagenet) == 1000
    random = np.random.default_rng(7)
    sets = {
        "shapes": ([int(wnid[1:]) for wnid in SHAPES.split()], 12, 40),
        "few": (sorted(random.choice(imagenet, 24, replace=False).tolist()), 12, 40),
        "imagenet": (imagenet, 18, 50),
    }
    fixtures = {}
    for name, (classes, neurons, images) in sets.items():
        count = len(classes)
        fixtures[f"{name}.classes"] = np.array(classes, np.uint32)
        real = labels(random, neurons, images, count)
        # Some of the adversarial images stay, others come from anywhere.
        stay = random.random(real.shape) < random.random((neurons, 1))
        original = np.where(stay, real, labels(random, neurons, images, count)).astype(np.uint32)
        target = random.integers(0, count, real.shape, dtype=np.uint32)
        p, q, t = (
            np.stack([np.bincount(row, minlength=count) / images for row in which])
            for which in (real, original, target)
        )
        fixtures |= {f"{name}.real": real, f"{name}.original": original, f"{name}.target": target}
        norm = np.linalg.norm
        fixtures[f"{name}.cs1"] = (p * q).sum(1) / norm(p, axis=1) / norm(q, axis=1)
        fixtures[f"{name}.cs2"] = (p * t).sum(1) / norm(p, axis=1) / norm(t, axis=1)
        fixtures[f"{name}.chance"] = 1 / (np.sqrt(count) * norm(p, axis=1))
        for affinity, between in affinities(parents, classes).items():
            if count < 100:
                fixtures[f"{name}.{affinity}.between"] = between
            fixtures[f"{name}.{affinity}.expected"] = np.einsum("na,ab,nb->n", p, between, p)
            fixtures[f"{name}.{affinity}.expected_adversarial"] = ((q @ between) * q).sum(1)
        print(name, fixtures[f"{name}.gaussian.2.expected"].round(4))
    path = Path(__file__).parent.parent / "fixtures" / "consistency_wordnet.safetensors"
    save_file({name: np.ascontiguousarray(value) for name, value in fixtures.items()}, path)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
