#!/usr/bin/env python3
"""Makes nouns.txt.gz, the table that src/data/wordnet.rs reads, from WordNet 3.0's data.noun.

    python3 src/data/wordnet/make.py /usr/share/wordnet/data.noun

(Debian: package wordnet-base. The file is the same in WordNet-3.0.tar.gz of wordnet.princeton.edu.)

One line a noun synset, in the order of their offsets: the difference to the offset before it, a
tab, the first lemma with spaces for underscores. The result depends on the input alone.
"""

import gzip
import io
import pathlib
import sys


def rows(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("  "):  # the licence, which LICENSE holds
                continue
            # offset, lexicographer file, part of speech, number of words (hex), first word, ...
            offset, _, kind, _, lemma = line.split(" ", 5)[:5]
            assert kind == "n", line
            yield int(offset), lemma.replace("_", " ")


def main():
    table = sorted(rows(sys.argv[1]))
    before = 0
    text = io.StringIO()
    for offset, lemma in table:
        text.write(f"{offset - before}\t{lemma}\n")
        before = offset
    out = pathlib.Path(__file__).with_name("nouns.txt.gz")
    with open(out, "wb") as raw:
        # No name and no time in the header, so that the same input gives the same file.
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as packed:
            packed.write(text.getvalue().encode("utf-8"))
    print(f"{out}: {len(table)} synsets, {out.stat().st_size} bytes")


main()
