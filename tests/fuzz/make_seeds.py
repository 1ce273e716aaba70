#!/usr/bin/env python3
"""First inputs of the fuzz targets, from the golden checkpoints and by hand: make_seeds.py FOLDER [SAPWOOD].

Writes FOLDER/TARGET/NAME and a dictionary FOLDER/TARGET.dict of the keys that the inputs have. SAPWOOD is the program, by which
models are converted; without it there are no seeds of "converted". The standard library alone is used.
"""

import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

from seeds import SOURCE, Folder, parts, write
from seeds_by_hand import make_small, make_tokenizers
from seeds_pytorch import make_pytorch

GOLDEN = SOURCE / "tests/golden"
# One of each family, head and kind of tokenizer, and every rule of sentence-transformers.
MODELS = [GOLDEN / "data" / name for name in (
    "bert-fff-mlm", "bert-fff-ner", "bert-qa", "camembert-base", "distilbert-fff-dense-base", "distilbert-multilabel-relu",
    "electra-discriminator", "electra-generator", "modernbert-base", "modernbert-cross-encoder", "mpnet-mlm", "nomic-bert-mlm",
    "nomic-bert-sentiment", "roberta-multilabel", "xlm-roberta-mlm", "modernbert-byte-level-mlm")]
MODELS += sorted(path for path in (GOLDEN / "sentence").iterdir() if path.is_dir())
MODELS += sorted(path for path in (GOLDEN / "static").iterdir() if path.is_dir())
TOKENS = 20  # of a vocabulary
POSITIONS = 8
LAYERS = 1  # ModernBERT: 2, of which one is local


def tensors_of(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    return metadata, header, data[8 + size:]


def layers_of(config):
    return LAYERS + (config.get("model_type") == "modernbert")


def smaller(text, sizes):
    """JSON with fewer tokens and positions."""
    config = json.loads(text)
    for key in ("vocab_size", "max_position_embeddings", "n_positions"):
        if config.get(key) in sizes:
            config[key] = sizes[config[key]]
    for key in ("num_hidden_layers", "n_layers", "n_layer"):
        if key in config:
            config[key] = min(config[key], layers_of(config))
    if "layer_types" in config:
        config["layer_types"] = config["layer_types"][:layers_of(config)]
    return json.dumps(config, indent=1)


def small_tokenizer(text):
    """A tokenizer.json with the first tokens alone, and what its special ones need."""
    document = json.loads(text)
    model = document["model"]
    added = {token["content"] for token in document["added_tokens"]}
    if model["type"] == "Unigram":
        model["vocab"] = model["vocab"][:TOKENS - 1]
        count = len(model["vocab"])
    else:
        kept = [token for token, _ in sorted(model["vocab"].items(), key=lambda item: item[1])
                if token not in added][:TOKENS - len(added)]
        tokens = [*sorted(added), *kept]
        model["vocab"] = {token: i for i, token in enumerate(tokens)}
        count = len(tokens)
        merges = [merge if isinstance(merge, list) else merge.split(" ") for merge in model.get("merges", [])]
        if "merges" in model:
            model["merges"] = [merge for merge in merges
                               if all(part in model["vocab"] for part in (*merge, "".join(merge)))]
    ids = model["vocab"] if isinstance(model["vocab"], dict) else {}
    for token in document["added_tokens"]:
        if token["content"] in ids:
            token["id"] = ids[token["content"]]
        elif token["id"] >= count:
            token["id"] = count
            count += 1
    places = {token["content"]: token["id"] for token in document["added_tokens"]}
    processor = document.get("post_processor") or {}
    for name, token in (processor.get("special_tokens") or {}).items():
        token["ids"] = [places.get(name, 0)]
    for key in ("sep", "cls"):
        if key in processor:
            processor[key] = [processor[key][0], places[processor[key][0]]]
    # A table of 300 KB of which nothing smaller is the same.
    def without_tables(part):
        if isinstance(part, dict):
            if part.get("type") == "Precompiled" and len(part["precompiled_charsmap"]) > 4000:
                return {"type": "NFKC"}
            return {key: without_tables(value) for key, value in part.items()}
        return [without_tables(value) for value in part] if isinstance(part, list) else part
    document["normalizer"] = without_tables(document["normalizer"])
    return json.dumps(document, ensure_ascii=False)


def small_files(folder):
    """The files of a model by name, made small, and the sizes that were changed."""
    sizes, layers = {}, LAYERS
    for config in folder.rglob("config.json"):
        values = json.loads(config.read_text())
        layers = max(layers, layers_of(values))
        if "vocab_size" in values:
            sizes[values["vocab_size"]] = min(values["vocab_size"], TOKENS)
        for key in ("max_position_embeddings", "n_positions"):
            if values.get(key, 0) > 4 * POSITIONS:
                sizes[values[key]] = POSITIONS
    files, tensors = [], []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name == "vocab.txt":
            files.append((name, "\n".join(path.read_text().split("\n")[:TOKENS]) + "\n"))
        elif path.name == "tokenizer.json":
            files.append((name, small_tokenizer(path.read_text())))
        elif path.suffix == ".json" and path.name != "expected.json":
            text = path.read_text()
            files.append((name, smaller(text, sizes) if text.lstrip().startswith("{") else text))
        elif path.suffix == ".safetensors":
            file = "" if name == "model.safetensors" else name + "|"
            for tensor, place in tensors_of(path)[1].items():
                layer = re.search(r"layers?\.(\d+)\.", tensor)
                if layer and int(layer.group(1)) >= layers:
                    continue
                shape = place["shape"]
                if shape and (shape[0] != 64 or "position" in tensor):
                    shape = [sizes.get(shape[0], shape[0]), *shape[1:]]
                # Whole numbers are places in other tables: 0 is one that every table has.
                tensors.append((f"tensor {file}{tensor} {place['dtype']} {json.dumps(shape)}", "\0" if place["dtype"][0] in "IU" else ""))
    return files, tensors


def make_directories():
    for folder in MODELS:
        files, tensors = small_files(folder)
        write("config", folder.name, parts(files))
        if tensors:
            write("directory", folder.name, parts(files + tensors))
        for name, content in files:
            if name.endswith("tokenizer.json"):
                settings = dict(files).get(name.replace("tokenizer.json", "tokenizer_config.json"), "")
                write("tokenizer", folder.name, parts([
                    ("tokenizer.json", content), ("tokenizer_config.json", settings),
                    ("text", "The caf\u00e9 [MASK] can't<mask> \u4e2d\u6587 don't."), ("pair", "a b")]))


def tensor_part(description):
    file, name, dtype, shape = re.fullmatch(r"tensor (?:(\S+)\|)?(\S+) (\S+) (\[.*\])", description).groups()
    return file or "model.safetensors", (name, dtype, json.loads(shape))


SIZES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def safetensors(tensors):
    data, header = b"", {}
    for name, dtype, shape in tensors:
        size = SIZES[dtype]
        for n in shape:
            size *= n
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + size]}
        data += (b"\0" if dtype[0] in "IU" else b"\1") * size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def convert_all(sapwood):
    """The directories of "directory", converted for real and taken apart again."""
    for i, folder in enumerate(MODELS):
        files, tensors = small_files(folder)
        if not tensors:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            model = pathlib.Path(scratch) / "model"
            for name, content in files:
                (model / name).parent.mkdir(parents=True, exist_ok=True)
                (model / name).write_text(content)
            by_file = {}
            for description, _ in tensors:
                file, tensor = tensor_part(description)
                by_file.setdefault(file, []).append(tensor)
            for file, listed in by_file.items():
                (model / file).write_bytes(safetensors(listed))
            target = pathlib.Path(scratch) / "converted.safetensors"
            dtype = ("f32", "int8", "bf16")[i % 3]
            done = subprocess.run([sapwood, "convert", model, "-o", target, "--dtype", dtype], capture_output=True, text=True)
            if done.returncode != 0:
                print(f"{folder.name}: {done.stderr.strip()[:300]}", file=sys.stderr)
                continue
            metadata, header, data = tensors_of(target)
            listed = [(f"metadata {key}", value) for key, value in metadata.items()]
            for name, place in header.items():
                if name.startswith("__pad"):
                    continue
                begin, end = place["data_offsets"]
                value = data[begin:end].decode() if name.startswith("tokenizer.vocabulary") else ""
                listed.append((f"tensor {name} {place['dtype']} {json.dumps(place['shape'])}", value))
            write("converted", folder.name, parts(listed))


def make_safetensors():
    one = [("a", "F32", [2, 3]), ("b.weight", "F16", [4]), ("c", "BF16", []), ("d", "I64", [0, 5])]
    write("safetensors", "types", safetensors(one))
    write("safetensors", "all_types", safetensors([(name.lower(), name, [2]) for name in SIZES]))
    header = json.dumps({"__metadata__": {"format": "pt", "x": "\u00fc\n"},
                         "w": {"dtype": "F8_E4M3", "shape": [3], "data_offsets": [0, 3]}}).encode()
    write("safetensors", "metadata", struct.pack("<Q", len(header) + 3) + b" \n " + header + b"abc")
    write("safetensors", "blocks", safetensors([(name.lower(), name, [40]) for name in ("F64", "F32", "F16", "BF16")]))
    for name, shape in {"many": [1] * 33, "elements": [4194305, 4194305, 211106198978564], "bytes": [1 << 61], "wide": [1 << 70]}.items():
        header = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
        write("safetensors", name, struct.pack("<Q", len(header)) + header + b"abcd")
    write("safetensors", "html", "<!DOCTYPE html><html></html>")
    write("safetensors", "lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    write("safetensors", "zip", "PK\3\4 something")


def make_dictionaries():
    """Keys and short strings of each target's seeds, for the fuzzer to put in."""
    for folder in sorted(OUT.iterdir()):
        if not folder.is_dir():
            continue
        words = set()
        for path in folder.iterdir():
            words |= set(re.findall(rb'"([A-Za-z_][A-Za-z0-9_.]{1,30})"', path.read_bytes()))
            words |= set(re.findall(rb"=== [ -~]{3,60}", path.read_bytes()))
        lines = sorted(b'"' + word.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"' for word in words)
        if lines:
            (OUT / f"{folder.name}.dict").write_bytes(b"\n".join(lines[:800]) + b"\n")


if __name__ == "__main__":
    OUT = Folder.path = pathlib.Path(sys.argv[1])
    for source in pathlib.Path(__file__).parent.glob("*_fuzz.cc"):
        (OUT / source.name.removesuffix("_fuzz.cc")).mkdir(parents=True, exist_ok=True)
    make_small()
    make_safetensors()
    make_pytorch()
    make_tokenizers()
    make_directories()
    if len(sys.argv) > 2:
        convert_all(sys.argv[2])
    make_dictionaries()
