#!/usr/bin/env python3
"""Makes nouns.bin, the table that table.rs reads, from WordNet 3.0's data.noun and index.noun.

    python3 src/data/wordnet/make.py /usr/share/wordnet

(Debian: package wordnet-base. The files are the same in WordNet-3.0.tar.gz of wordnet.princeton.edu.)
Their licence, which begins both files, is LICENSE.

The table is fixed arrays one after another, so that nothing but copying is left to do when the program
starts. Numbers have their lowest byte first.

    how many spellings, synsets, words and parents, 4 bytes each
    of each spelling, in the order of its lower case and then of itself: bytes, 1 byte
    of each synset, in the order of the offsets in data.noun:
        difference to the offset before, 2 bytes
    of each: words, 1 byte
    of each: parents (hypernyms "@" and instance hypernyms "@i"), 1 byte
    of each: edges of the shortest way up to the root, 1 byte
    of each: edges of the longest, 1 byte
    of each word of each synset, in WordNet's order: its spelling, 3 bytes
    of each: which sense of that word the synset is, the most frequent being 0, 1 byte
    of each parent of each synset, in WordNet's order: its place, 3 bytes
    the spellings, ASCII, blanks for "_"

The result depends on the input alone.
"""

import functools
import pathlib
import sys

PARENTS = ("@", "@i")


def lines(path):
    with open(path, encoding="utf-8") as text:
        # The licence's lines begin with blanks.
        yield from (line for line in text if not line.startswith("  "))


def synsets(path):
    """Offset: words, offsets of the parents."""
    found = {}
    for line in lines(path):
        # offset, lexicographer's file, part of speech, words in hex, (word, number) ..., pointers,
        # (sign, offset, part of speech, words that it joins) ..., | gloss
        fields = line.split(" | ")[0].split()
        offset, _, kind, count = fields[:4]
        assert kind == "n", line
        end = 4 + 2 * int(count, 16)
        pointers = fields[end + 1 :]
        assert len(pointers) == 4 * int(fields[end]), line
        pointers = zip(*[iter(pointers)] * 4)
        parents = [int(to) for sign, to, kind, _ in pointers if sign in PARENTS and kind == "n"]
        found[int(offset)] = (fields[4:end:2], parents)
    return dict(sorted(found.items()))


def senses(path):
    """Lemma: offsets, the most frequent sense first."""
    found = {}
    for line in lines(path):
        # lemma, part of speech, synsets, signs, sign ..., senses, senses in tagged texts, offset ...
        fields = line.split()
        found[fields[0]] = [int(offset) for offset in fields[-int(fields[2]) :]]
    return found


def packed(numbers, size):
    return b"".join(number.to_bytes(size, "little") for number in numbers)


def main():
    folder = pathlib.Path(sys.argv[1])
    nouns, senses_of = synsets(folder / "data.noun"), senses(folder / "index.noun")
    words = [(word, offset) for offset, (words, _) in nouns.items() for word in words]
    parents = [parent for _, parents in nouns.values() for parent in parents]
    spellings = {word.replace("_", " ") for word, _ in words}
    spellings = sorted(spellings, key=lambda word: (word.lower(), word))
    numbers = {word: at for at, word in enumerate(spellings)}
    places = {offset: at for at, offset in enumerate(nouns)}

    @functools.cache
    def depth(offset, choose):
        return choose((depth(parent, choose) + 1 for parent in nouns[offset][1]), default=0)

    offsets = list(nouns)
    table = b"".join([
        packed([len(spellings), len(nouns), len(words), len(parents)], 4),
        packed(map(len, spellings), 1),
        packed([offset - before for before, offset in zip([0, *offsets], offsets)], 2),
        packed([len(words) for words, _ in nouns.values()], 1),
        packed([len(parents) for _, parents in nouns.values()], 1),
        packed([depth(offset, min) for offset in offsets], 1),
        packed([depth(offset, max) for offset in offsets], 1),
        packed([numbers[word.replace("_", " ")] for word, _ in words], 3),
        packed([senses_of[word.lower()].index(offset) for word, offset in words], 1),
        packed([places[parent] for parent in parents], 3),
        "".join(spellings).encode("ascii"),
    ])
    out = pathlib.Path(__file__).with_name("nouns.bin")
    out.write_bytes(table)
    print(f"{out}: {len(nouns)} synsets, {len(spellings)} spellings, {len(table)} bytes")


main()
