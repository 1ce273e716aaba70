#!/usr/bin/env python3
"""What the package costs and gains: a call, an import, and many texts beside the command line and sentence-transformers, in turns.

usage: bench.py --model DIR --program build/release/sapwood --sentences sts-test.tsv [--dtype f32 int8] [--rounds N]
DIR: a sentence-transformers directory. The sentences are the sixth and seventh column. sentence-transformers is measured where it is installed.
Rates are texts a second on all threads that this process may use, of the fastest round; loading is not counted.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import sapwood
from sapwood import _native


def best(function, rounds, calls=1):
    """Seconds of one call, in the fastest round."""
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(calls):
            function()
        seconds.append((time.perf_counter() - begin) / calls)
    return min(seconds)


def measure_call(model):
    """Of one short text on one thread: encode() beside the extension's own function, which is the library's call and the conversions."""
    encoder = sapwood.Encoder(model, threads=1)
    options, width = encoder._options_for(False, "", None)
    out = np.empty((1, width), np.float32)
    native = best(lambda: _native.embed_rows(encoder._native, ["a tree"], out, options), 20, 50)
    whole = best(lambda: encoder.encode("a tree"), 20, 50)
    print(f"one call: {1e6 * whole:.1f} us, of which {1e6 * (whole - native):.1f} us are Python")


def measure_import():
    """Milliseconds beyond NumPy's own, of new interpreters."""
    def run(code):
        return best(lambda: subprocess.run([sys.executable, "-c", code], check=True), 7)

    print(f"import: {1e3 * (run('import numpy, sapwood') - run('import numpy')):.1f} ms beyond NumPy's")


def program_seconds(program, model, texts, folder):
    """Of `sapwood embed`, without its start and loading."""
    def run(lines):
        (folder / "texts.txt").write_text("\n".join(lines) + "\n")
        begin = time.perf_counter()
        subprocess.run([program, "embed", "-q", "-m", model, "-i", folder / "texts.txt", "-o", folder / "out.npy"], check=True)
        return time.perf_counter() - begin

    start = min(run(texts[:1]) for _ in range(3))
    return run(texts) - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--sentences", type=pathlib.Path, required=True)
    parser.add_argument("--dtype", nargs="+", default=["f32", "int8"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    texts = [text for line in arguments.sentences.read_text().splitlines() for text in line.split("\t")[5:7]]
    measure_call(arguments.model)
    measure_import()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        competitors, vectors = {}, {}
        for dtype in arguments.dtype:
            path = str(folder / f"{dtype}.safetensors")
            sapwood.convert(arguments.model, path, dtype)
            encoder = sapwood.Encoder(path)
            vectors[dtype] = encoder.encode(texts)
            competitors[f"{dtype}, Python"] = lambda encoder=encoder: best(lambda: encoder.encode(texts), 1)
            competitors[f"{dtype}, command line"] = lambda path=path: program_seconds(arguments.program, path, texts, folder)
        try:
            from sentence_transformers import SentenceTransformer

            reference = SentenceTransformer(arguments.model, device="cpu")
            expected = reference.encode(texts)
            competitors["sentence-transformers"] = lambda: best(lambda: reference.encode(texts), 1)
            for dtype, found in vectors.items():
                cosine = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
                print(f"{dtype}: smallest cosine with sentence-transformers {cosine.min():.5f}")
        except ImportError as error:
            print(f"skipped: sentence-transformers: {error}")
        seconds = {name: [] for name in competitors}
        for _ in range(arguments.rounds):
            for name, measure in competitors.items():
                seconds[name].append(measure())
        for name, each in seconds.items():
            print(f"{name}: {len(texts) / min(each):.0f} texts/s of {len(texts)}")


if __name__ == "__main__":
    main()
