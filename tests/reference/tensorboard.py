"""What TensorBoard itself reads of a run's event files.

    python tests/reference/tensorboard.py FOLDER

prints one JSON value: version, scalars {tag: [[step, value]...]}, images {tag: [[step, width,
height, [r, g, b] of the first pixel]...]}, tensors [tag...] and complaints, what TensorBoard warned of.
Needs the package tensorboard (2.13 or later); exits with 77 where it is missing.
"""

import json
import logging
import struct
import sys
import zlib

# This file has the package's own name.
del sys.path[0]

try:
    import tensorboard
    from tensorboard.backend.event_processing import event_accumulator
except ImportError:
    print("no package tensorboard for", sys.executable)
    sys.exit(77)


class Complaints(logging.Handler):
    """Whatever TensorBoard says is wrong with a file."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def first_pixel(png):
    """Red, green, blue of the top left pixel of a PNG of 8 bits a channel: filters leave it be."""
    at, data = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IHDR":
            depth, colour = png[at + 16], png[at + 17]
            assert (depth, colour) == (8, 2), (depth, colour)
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    return list(zlib.decompress(data)[1:4])


def main(folder):
    complaints = Complaints()
    logging.getLogger("tensorboard").addHandler(complaints)
    keep_all = {name: 0 for name in event_accumulator.DEFAULT_SIZE_GUIDANCE}
    events = event_accumulator.EventAccumulator(folder, size_guidance=keep_all)
    events.Reload()
    tags = events.Tags()
    scalars = {
        tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in tags["scalars"]
    }
    images = {
        tag: [
            [image.step, image.width, image.height, first_pixel(image.encoded_image_string)]
            for image in events.Images(tag)
        ]
        for tag in tags["images"]
    }
    out = {
        "version": tensorboard.__version__,
        "scalars": scalars,
        "images": images,
        "tensors": tags["tensors"],
        "complaints": complaints.texts,
    }
    json.dump(out, sys.stdout)


main(sys.argv[1])
