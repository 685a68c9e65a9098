#!/usr/bin/env python3
"""Makes nouns.bin, the table that table.rs reads, from WordNet 3.0's data.noun and index.noun.

    python3 src/data/wordnet/make.py /usr/share/wordnet

(Debian: package wordnet-base. The files are the same in WordNet-3.0.tar.gz of wordnet.princeton.edu.)
Their licence, which begins both files, is LICENSE.

The table is a row of numbers, 7 bits a byte, the lowest first, the top bit set where more follow:

    spellings: how many; of each, in the order of its lower case and then of itself:
        bytes shared with the spelling before, further bytes, those bytes (ASCII, blanks for "_")
    synsets: how many; of each, in the order of the offsets in data.noun:
        difference to the offset before
        words: how many; of each, in WordNet's order: its spelling, and which sense of that word the
            synset is, the most frequent being 0
        parents: how many; of each, in WordNet's order: places further down than this one as 2n,
            places further up as 2n - 1 (hypernyms "@" and instance hypernyms "@i")

The result depends on the input alone.
"""

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


def number(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return out


def shared(a, b):
    return next((at for at, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def main():
    folder = pathlib.Path(sys.argv[1])
    nouns, senses_of = synsets(folder / "data.noun"), senses(folder / "index.noun")
    spellings = {word.replace("_", " ") for words, _ in nouns.values() for word in words}
    spellings = sorted(spellings, key=lambda word: (word.lower(), word))
    numbers = {word: at for at, word in enumerate(spellings)}
    table, before = number(len(spellings)), b""
    for word in spellings:
        word = word.encode("ascii")
        same = shared(before, word)
        table += number(same) + number(len(word) - same) + word[same:]
        before = word
    places = {offset: at for at, offset in enumerate(nouns)}
    table += number(len(nouns))
    before = 0
    for at, (offset, (words, parents)) in enumerate(nouns.items()):
        table += number(offset - before) + number(len(words))
        before = offset
        for word in words:
            table += number(numbers[word.replace("_", " ")])
            table += number(senses_of[word.lower()].index(offset))
        table += number(len(parents))
        for parent in parents:
            step = places[parent] - at
            table += number(2 * step if step > 0 else -2 * step - 1)
    out = pathlib.Path(__file__).with_name("nouns.bin")
    out.write_bytes(table)
    print(f"{out}: {len(nouns)} synsets, {len(spellings)} spellings, {len(table)} bytes")


main()
