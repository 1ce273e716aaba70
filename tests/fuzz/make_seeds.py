#!/usr/bin/env python3
"""First inputs of the fuzz targets, from the golden checkpoints and by hand: make_seeds.py FOLDER [SAPWOOD].

Writes FOLDER/TARGET/NAME and a dictionary FOLDER/TARGET.dict of the keys that the inputs have. SAPWOOD is the program, by which
models are converted; without it there are no seeds of "converted". The standard library alone is used.
"""

import json
import pathlib
import pickle
import re
import struct
import subprocess
import sys
import tempfile
import types

SOURCE = pathlib.Path(__file__).resolve().parents[2]
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


def write(target, name, content):
    folder = OUT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def parts(files):
    """The files as one input: tests/fuzz/files.h."""
    return "\n".join(f"=== {name}\n{content}" for name, content in files)


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
    write("safetensors", "html", "<!DOCTYPE html><html></html>")
    write("safetensors", "lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    write("safetensors", "zip", "PK\3\4 something")


def torch_names():
    """Stand-ins for what a pickle of PyTorch names, so that the standard pickler writes them."""
    made = {}
    for module, names in {"torch._utils": ["_rebuild_tensor_v2", "_rebuild_tensor", "_rebuild_parameter"],
                          "torch": ["FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage", "DoubleStorage", "Size"]}.items():
        sys.modules[module] = types.ModuleType(module)
        for name in names:
            value = type(name, (), {"__module__": module})
            setattr(sys.modules[module], name, value)
            made[name] = value
    return made


NAMES = torch_names()


class Reduced:
    """Pickles as a call of `name`."""

    def __init__(self, name, *arguments):
        self.name, self.arguments = name, arguments

    def __reduce__(self):
        return NAMES[self.name], self.arguments


class Storage:
    def __init__(self, kind, key, count):
        self.persistent = ("storage", NAMES[kind], key, "cpu", count)


def dump(value, legacy=False, protocol=2):
    import io

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if not isinstance(item, Storage):
                return None
            return (*item.persistent, None) if legacy else item.persistent

    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def make_pytorch():
    from collections import OrderedDict

    def tensor(kind, key, count, offset, shape, strides):
        return Reduced("_rebuild_tensor_v2", Storage(kind, key, count), offset, shape, strides, False, OrderedDict())

    state = OrderedDict()
    state["plain"] = tensor("FloatStorage", "0", 6, 0, (2, 3), (3, 1))
    state["transposed"] = tensor("FloatStorage", "0", 6, 0, (3, 2), (1, 3))
    state["half"] = Reduced("_rebuild_parameter", tensor("HalfStorage", "1", 4, 1, (3,), (1,)), True, OrderedDict())
    state["old"] = Reduced("_rebuild_tensor", Storage("LongStorage", "2", 2), 0, (2,), (1,))
    state["far"] = tensor("FloatStorage", "0", 6, 0, (2, 1, 2), (1, (1 << 63) - 1, 3))
    state["scalar"] = tensor("BFloat16Storage", "3", 1, 0, (), ())
    state["empty"] = tensor("DoubleStorage", "4", 0, 0, (0, 4), (4, 1))
    state["other"] = [1, 2.5, None, True, "text", {"a": (1, -(1 << 40))}, b"bytes"]
    data = {"0": b"\0" * 24, "1": b"\0" * 8, "2": b"\1" * 16, "3": b"\0\0", "4": b""}

    def archive(pickled, storages, extra=()):
        out = b"=== archive/data.pkl\n" + pickled
        for name, content in [("archive/byteorder", b"little"), *extra,
                              *((f"archive/data/{key}", content) for key, content in storages.items()),
                              ("archive/version", b"3\n")]:
            out += b"\n=== " + name.encode() + b"\n" + content
        return out

    write("pytorch", "state", archive(dump(state), data))
    write("pytorch", "protocol_4", archive(dump(state, protocol=4), data))
    write("pytorch", "wrapped", archive(dump({"state_dict": state, "epoch": 3}), data))
    write("pytorch", "model", archive(dump({"model": dict(state)}), data, [("archive/.data/serialization_id", b"0")]))
    write("pytorch", "big_endian", archive(dump(state), data).replace(b"little", b"big"))
    legacy = dump(0x1950A86A20F9469CFC6C) + dump(1001) + dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2}})
    legacy += dump(state, legacy=True) + dump(list(data))
    for key, content in data.items():
        size = {"0": 4, "1": 2, "2": 8, "3": 2, "4": 8}[key]
        legacy += struct.pack("<q", len(content) // size) + content
    write("pytorch", "legacy", legacy)
    write("pytorch", "global", archive(b"\x80\x02cos\nsystem\n(X\x01\x00\x00\x00atR.", {}))
    write("pytorch", "module", archive(b"\x80\x02c__torch__\nModel\n)\x81}b.", {}, [("archive/constants.pkl", b"")]))


REQUESTS = [
    "GET /a%20b?c=d HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\": 12}",
    "POST http://h/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    "a;b=\"c\\\"\";d\r\n0123456789\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
    "\r\nOPTIONS * HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: h\r\nX: folded\r\n line\r\nContent-Length: 0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n", "GET /%2e%2e/%zz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n-2\r\n",
    "HEAD /v1/models HTTP/1.1\r\nHost: [::1]:80\r\nExpect: x\r\nContent-Length: +1\r\n\r\n", "\x16\x03\x01\x02"]

DOCUMENTS = [
    '{"a":[1,-2.5e+3,0.1E-2,true,false,null,"\\u00fc\\ud83d\\ude00\\n\\/"],"b":{"c":{}},"a":1}', "[]", ' "text" ', "-0", "1e999",
    '{"x":"\\ud800"}', "\ufeff[1]", "[" * 63 + "]" * 63, "[" * 65 + "]" * 65, "[1,]", "nul", '{"a" 1}', '"\u2028\u0000"', "99999999999999999999",
    '["\u00e9\u4e2d\U0001F600"]', '{"":{"":[""]}}', "[1] x", '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9}']

TEXTS = [
    "The UNwanted \u00e9\u0301 can't, don't! [MASK]<mask> \u4e2d\u6587", "abcabcab aaab \u4e2d\u4e2d\u4e2d q\u00e9", "a" * 101 + " " + "ab" * 50,
    "  lead and trail  ", "\u00a0\u2003\u3000x\u200bx\ufeff", "\u0130\u00df\u03a3 K\u0101nt\u014d \u1100\u1161", "[CLS][SEP]</s><s>", "'s 't 're 12ab_\r\n\tx",
    "\U0001F600\U0001F468\u200d\U0001F469 \ue000\U000E0001", "[UNK] ##a <unk>", "."]

RECORDS = {
    0: ["one\ntwo\r\n\nthree", "\ufeffx\n"],
    1: ['{"text":"a"}\n{"text":"b","pair":null}\n"c"\n\n{"text":1}\n[]', '{"text":[1,2]}\n{"text":"q","texts":["a","b"]}'],
    2: ['text,pair\na,b\n"x ""y"", z\nw",q\r\n"bad"x,1\n\n1,2,3\n', ' Text \na\n"open'],
    3: ['text\tpair\na\t"b\tc"\n'],
    4: ['[{"text":"a"},"b",\n{"text":"c\\"]"}]\n', '{"text":"a"}\n{"text":"b"}', "[1,,2]", "[1] 2", '["a" "b"]']}

BODIES = """embed|{"inputs":["a dog","b"],"truncate":true,"normalize":false,"dimensions":8}
models/embed/embed|{"inputs":[[5,6,7],"b"],"truncation_direction":"left","prompt_name":"query"}
embed_all|{"inputs":"a dog"}
embed_sparse|{"inputs":"a"}
models/sparse/embed_sparse|{"inputs":["a","b"]}
similarity|{"inputs":{"source_sentence":"a","sentences":["b","c"]},"parameters":{"truncate":true}}
tokenize|{"inputs":["a dog","\\u00fc"],"add_special_tokens":false}
decode|{"ids":[[5,6,7]],"skip_special_tokens":false}
models/classify/predict|{"inputs":[["a"],["b","c"]],"raw_scores":true}
models/classify|{"inputs":"good","parameters":{"top_k":1,"function_to_apply":"none"}}
models/nli|{"inputs":"good","parameters":{"candidate_labels":["a","b"],"hypothesis_template":"{}","multi_label":true}}
models/cross/rerank|{"query":"a","texts":["b","c"],"return_text":true,"raw_scores":true}
rerank|{"model":"cross","query":"a","documents":["b",{"text":"c"}],"top_n":1}
v1/rerank|{"model":"cross","query":"a","documents":["b"],"return_documents":true}
v2/rerank|{"model":"cross","query":"a","documents":["b","c"],"top_n":1}
v1/embeddings|{"input":["a","b"],"model":"embed","encoding_format":"base64","dimensions":4}
v1/embed|{"model":"embed","texts":["a"],"input_type":"search_query","embedding_types":["int8","float","ubinary"]}
api/embed|{"model":"embed","input":["a"],"truncate":true}
api/embeddings|{"model":"embed","prompt":"a"}
models/ner|{"inputs":"Anna in Rome","parameters":{"aggregation_strategy":"max","stride":2}}
models/mlm|{"inputs":"a [MASK]","parameters":{"top_k":2,"targets":["a"]}}
models/qa|{"inputs":{"question":"a?","context":"b c d"},"parameters":{"top_k":2,"doc_stride":4}}
v2/models/embed/infer|{"id":"1","inputs":[{"name":"text","shape":[2],"datatype":"BYTES","data":["a","b"]}],"outputs":[{"name":"embedding"}]}
vertex|{"instances":[{"inputs":"a"},{"type":"rerank","query":"a","texts":["b"]}]}
v1/tokenize|{"model":"embed","text":"a"}""".split("\n")


def make_small():
    for i, request in enumerate(REQUESTS):
        write("http", f"{i:02}", request.encode("latin-1"))
    for i, document in enumerate(DOCUMENTS):
        write("json", f"{i:02}", document)
    for i, text in enumerate(TEXTS):
        write("text", f"{i:02}", text)
    for kind, texts in RECORDS.items():
        for schema in range(4):
            for i, text in enumerate(texts):
                write("records", f"{kind}{schema}{i}", bytes([kind + 5 * schema]) + text.encode())
    for i, body in enumerate(BODIES):
        write("body", f"{i:02}", body.replace("|", "\n", 1))


# Steps of a tokenizer.json that the golden ones do not have, each put into one of them.
NORMALIZERS = [
    {"type": "Lowercase"}, {"type": "StripAccents"}, {"type": "NFD"}, {"type": "NFKD"}, {"type": "NFC"}, {"type": "NFKC"}, {"type": "Nmt"},
    {"type": "Strip", "strip_left": True, "strip_right": False}, {"type": "Prepend", "prepend": "_"},
    {"type": "Replace", "pattern": {"String": "a"}, "content": "bb"}, {"type": "Replace", "pattern": {"Regex": "(a|b)+?c"}, "content": ""},
    {"type": "ByteLevel"}, {"type": "Precompiled", "precompiled_charsmap": "AAAAAA=="}, {"type": "Sequence", "normalizers": []}]
PRE_TOKENIZERS = [
    {"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "MergedWithNext"}, {"type": "Digits", "individual_digits": True},
    {"type": "UnicodeScripts"}, {"type": "CharDelimiterSplit", "delimiter": "x"}, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True},
    {"type": "Split", "pattern": {"Regex": "\\w+(?=d)"}, "behavior": "Isolated", "invert": True}, {"type": "Split", "pattern": {"String": " "}, "behavior": "Removed", "invert": False},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": False}, {"type": "FixedLength", "length": 2}, {"type": "Sequence", "pretokenizers": []}]
DECODERS = [
    {"type": "BPEDecoder", "suffix": "</w>"}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    {"type": "Replace", "pattern": {"String": "a"}, "content": "b"}, {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
    {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}, {"type": "Sequence", "decoders": []}]
MODEL_KEYS = [
    {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 5, "vocab": {"[UNK]": 0, "a": 1, "##b": 2, "line\nend": 3}},
    {"type": "BPE", "dropout": None, "unk_token": "u", "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>", "fuse_unk": True, "byte_fallback": False, "ignore_merges": True,
     "vocab": {"u": 0, "a": 1, "##b": 2, "ab": 3, "b</w>": 4}, "merges": ["a ##b"]},
    {"type": "BPE", "unk_token": None, "byte_fallback": True, "vocab": {"<0x61>": 0, "<0xC3>": 1, "<0xA9>": 2, "b": 3, "bb": 4}, "merges": [["b", "b"]]},
    {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [["<unk>", 0.0], ["<0x61>", -1.0], ["b", -2.25], ["bb", -1e-3]]},
    {"type": "Unigram", "unk_id": None, "vocab": [["a", 0], ["a", -1]]}]


def make_tokenizers():
    base = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": None, "decoder": None, "model": MODEL_KEYS[0]}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[UNK]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"[UNK]": {"id": "[UNK]", "ids": [0], "tokens": ["[UNK]"]}}}
    added = [{"id": 9, "content": "[X y]", "single_word": True, "lstrip": True, "rstrip": True, "normalized": True, "special": False},
             {"id": 10, "content": "\u00e9", "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": True}]
    truncation = {"direction": "Left", "max_length": 4, "strategy": "OnlyFirst", "stride": 1}
    padding = {"strategy": {"Fixed": 6}, "direction": "Left", "pad_to_multiple_of": 4, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    cases = [{"normalizer": step} for step in NORMALIZERS] + [{"pre_tokenizer": step} for step in PRE_TOKENIZERS]
    cases += [{"decoder": step} for step in DECODERS] + [{"model": model} for model in MODEL_KEYS]
    cases += [{"normalizer": {"type": "Sequence", "normalizers": NORMALIZERS[:8]}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": PRE_TOKENIZERS[:4]},
               "decoder": {"type": "Sequence", "decoders": DECODERS[:5]}},
              {"post_processor": template, "added_tokens": added, "truncation": truncation, "padding": padding},
              {"post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel", "trim_offsets": True}, template]}},
              {"post_processor": {"type": "RobertaProcessing", "sep": ["[UNK]", 0], "cls": ["a", 1], "trim_offsets": True, "add_prefix_space": True}}]
    for i, case in enumerate(cases):
        write("tokenizer", f"step_{i:02}", parts([
            ("tokenizer.json", json.dumps({**base, **case}, ensure_ascii=False)), ("tokenizer_config.json", "{}"),
            ("text", "a ab\u00e9 [X y]  Ab12 _x, \u4e2d"), ("pair", "a")]))
    settings = json.loads((SOURCE / "tests/tokenizer/golden/settings.json").read_text())
    for i, case in enumerate(settings["cases"]):
        files = [(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for name, value in case["files"].items()]
        write("config", f"settings_{i:02}", parts(files))
    write("tokenizer", "vocabulary", parts([("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\r\n\u4e2d\n"), ("text", "ab A [MASK]\u4e2d")]))


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
    OUT = pathlib.Path(sys.argv[1])
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
