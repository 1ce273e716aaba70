#!/usr/bin/env python3
"""Writes golden/settings.json: what transformers' AutoTokenizer answers for folders whose files say the same thing twice.

Each case is a folder of small files (a vocabulary of 40 tokens), texts, and what the reference makes of them: ids, token types
and offsets, the side that is cut and the length. Where transformers 4.57 and 5.24 differ, `differs` says how, and the case
has the answer that is chosen here (tokenizer/KEYS.md).

usage: make_settings.py             asks the installed transformers (5.24) and writes the file
       make_settings.py --compare   asks the installed transformers (4.57) and prints where it differs from the file
"""
import json
import os
import pathlib
import sys
import tempfile
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
warnings.filterwarnings("ignore")
import tokenizers  # noqa: E402
import transformers  # noqa: E402
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors  # noqa: E402
from tokenizers.models import BPE, Unigram, WordPiece  # noqa: E402

FILE = pathlib.Path(__file__).resolve().parent / "golden" / "settings.json"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = SPECIAL + (
    "the The cafe café Café city City ##s ##ed a b c d e 中 国 中国 mark xy river < > e1 [ ] / loc LOC # ## , ."
).split()
OTHER = {"[PAD]": "<pad>", "[UNK]": "<unk>", "[CLS]": "<s>", "[SEP]": "</s>", "[MASK]": "<mask>"}
TEXTS = [["The Café City 中国 [MASK]  xy mark"], ["the marked city", "a river ."]]
BERT = {"model_type": "bert"}
NEXT = len(VOCABULARY)


def tokenizer_json(lowercase=True, special=SPECIAL, **changes):
    ids = {token: i for i, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens(special)
    document = json.loads(tokenizer.to_str())
    document.update(changes)
    return document


def vocab_txt(names=None):
    return "".join((names or {}).get(token, token) + "\n" for token in VOCABULARY)


def added(content, **flags):
    token = dict(content=content, lstrip=False, rstrip=False, single_word=False, normalized=False, special=True)
    return {**token, **flags}


def decoder(*tokens, **own):
    """added_tokens_decoder as a saved tokenizer has it: the special tokens, then others from the end on."""
    entries = {str(i): {**added(token), **own.get(token.strip("[]").lower(), {})} for i, token in enumerate(SPECIAL)}
    entries.update({str(NEXT + i): token for i, token in enumerate(tokens)})
    return entries


class Cases:
    def __init__(self):
        self.list = []
        self.like = {}

    def add(self, name, files, texts=TEXTS, config=BERT, differs=None, like=None):
        """`like`: the tokenizer.json whose answers are chosen in place of those of AutoTokenizer."""
        self.list.append({"name": name, "files": {"config.json": config, **files}, "texts": texts, "differs": differs})
        if like is not None:
            self.like[name] = like

    def json(self, name, settings, document=None, other=None, **more):
        files = {"tokenizer.json": document or tokenizer_json(), "tokenizer_config.json": settings, **(other or {})}
        self.add(name, {k: v for k, v in files.items() if v is not None}, **more)

    def vocab(self, name, settings, other=None, names=None, **more):
        files = {"vocab.txt": vocab_txt(names), "tokenizer_config.json": settings, **(other or {})}
        self.add(name, {k: v for k, v in files.items() if v is not None}, **more)


def settings(**more):
    return {"tokenizer_class": "BertTokenizer", **more}


def text_cases(cases):
    """What the configuration says of text counts more than tokenizer.json, and so do the class's defaults."""
    cased = tokenizer_json(lowercase=False)
    cases.json("cased file, lower-cased configuration", settings(do_lower_case=True), cased)
    cases.json("lower-cased file, cased configuration", settings(do_lower_case=False))
    cases.json("lower-cased file, accents kept", settings(do_lower_case=True, strip_accents=False))
    cases.json("cased file, accents stripped", settings(do_lower_case=False, strip_accents=True), cased)
    cases.json("no spaces between Chinese characters", settings(tokenize_chinese_chars=False))
    cases.json("cased file, nothing said", settings(), cased)
    cases.json("cased file, no tokenizer_config.json", None, cased)
    cases.json("cased file, DistilBERT", {"tokenizer_class": "DistilBertTokenizerFast"}, cased)
    cases.json("cased file, ELECTRA's class", {"tokenizer_class": "ElectraTokenizer"}, cased)
    cases.json("cased file, the class from config.json", {}, cased, config={"model_type": "distilbert"},
               differs="transformers 5 takes BERT's class, with token types, which DistilBERT does not read: as in 4.57")
    for name in ("PreTrainedTokenizerFast", "TokenizersBackend"):
        more = {"differs": "transformers 5 gives such a class no token types, 4.57 those of the file: the file's"}
        if name == "TokenizersBackend":
            more = {"differs": "transformers 4.57 has no such class"}
        cases.json(f"cased file, {name}", {"tokenizer_class": name, "do_lower_case": True}, cased, **more)
    unclean = tokenizer_json()
    unclean["normalizer"]["clean_text"] = False
    cases.json("control characters kept by the file", settings(), unclean, texts=[["the\u0007 city"]],
               differs="transformers 5 makes its own normalizer and removes them: the file's")


def added_cases(cases):
    texts = [["the <e1> city <e2>mark [MASK]  river<E1>"], ["<e1>", "a <e2> b"]]
    one, two = added("<e1>"), added("<e2>", special=False)
    cases.vocab("added_tokens.json beside vocab.txt", settings(), {"added_tokens.json": {"<e1>": NEXT, "<e2>": NEXT + 1}},
                texts=texts)
    cases.vocab("added_tokens_decoder beside vocab.txt", settings(added_tokens_decoder=decoder(one, two)), texts=texts)
    cases.vocab("additional special tokens and their ids beside vocab.txt",
                settings(additional_special_tokens=["<e1>"]), {"added_tokens.json": {"<e1>": NEXT, "<e2>": NEXT + 1}},
                texts=texts)
    names = {"additional_special_tokens": ["<e1>", "<e2>"], "mask_token": "[MASK]"}
    cases.vocab("special_tokens_map.json beside vocab.txt", settings(), {"special_tokens_map.json": names}, texts=texts)
    cases.json("added_tokens.json beside tokenizer.json", settings(), other={"added_tokens.json": {"<e1>": NEXT}}, texts=texts)
    cases.json("added_tokens_decoder beside tokenizer.json", settings(added_tokens_decoder=decoder(one, two)), texts=texts)
    flags = [added("<e1>", lstrip=True, rstrip=True), added("<e2>", single_word=True, special=False)]
    cases.json("flags of added tokens", settings(added_tokens_decoder=decoder(*flags)), texts=texts)
    cases.vocab("flags of added tokens beside vocab.txt", settings(added_tokens_decoder=decoder(*flags)), texts=texts)
    normal = [added("River", normalized=True, special=False), added("<e2>", normalized=True)]
    cases.json("added tokens that are looked for in normalized text", settings(added_tokens_decoder=decoder(*normal)),
               texts=[["the RIVER <E2> city", ], ["a rivers"]])
    cases.json("the mask takes the space before it", settings(added_tokens_decoder=decoder(mask={"lstrip": True})))
    cases.vocab("a mask of vocab.txt takes the space before it", settings(mask_token={**added("[MASK]", lstrip=True), "__type": "AddedToken"}))
    cases.json("additional special tokens, one of the vocabulary",
               settings(additional_special_tokens=["mark", "<e1>", {**added("<e2>", lstrip=True), "__type": "AddedToken"}]),
               texts=[["the mark marked <e1> city  <e2>"]])
    cases.json("extra special tokens by name", settings(extra_special_tokens={"query_token": "<e1>"}), texts=texts)
    cases.json("a special token under a name of its own", settings(query_token="<e1>"), texts=texts,
               differs="transformers 4.57 passes over it: as in 5.24")
    cases.json("a file without special tokens", settings(mask_token="[MASK]", pad_token="[PAD]", cls_token="[CLS]",
               sep_token="[SEP]", unk_token="[UNK]"), tokenizer_json(special=[]), texts=[["the [MASK] [PAD] city [SEP]"]])
    cases.json("special tokens are plain text", settings(split_special_tokens=True), texts=[["a [MASK] city"]])
    cases.json("an id that cannot be had", settings(added_tokens_decoder={**decoder(), str(NEXT + 7): one}), texts=texts)


def name_cases(cases):
    roles = {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"}
    texts = [["the city <mask> of a"], ["xyz </s> the", "a"]]
    objects = {key: {**added(value, lstrip=key == "mask_token"), "__type": "AddedToken"} for key, value in roles.items()}
    cases.vocab("other names in tokenizer_config.json", settings(**roles), names=OTHER, texts=texts)
    cases.vocab("other names in special_tokens_map.json", settings(), {"special_tokens_map.json": roles}, names=OTHER, texts=texts)
    cases.vocab("other names as objects", settings(**objects), names=OTHER, texts=texts)
    cases.vocab("special_tokens_map.json counts more", settings(**{**roles, "mask_token": "mark"}),
                {"special_tokens_map.json": roles}, names=OTHER, texts=texts)
    cases.vocab("added_tokens_decoder hides special_tokens_map.json",
                settings(**roles, added_tokens_decoder={str(i): added(OTHER[t]) for i, t in enumerate(SPECIAL)}),
                {"special_tokens_map.json": {"mask_token": "mark"}, "added_tokens.json": {"<e1>": NEXT}}, names=OTHER, texts=texts)


def length_cases(cases):
    section = {"direction": "Right", "max_length": 12, "strategy": "LongestFirst", "stride": 0}
    cut = tokenizer_json(truncation=section)
    left = tokenizer_json(truncation={**section, "direction": "Left"})
    cases.json("a section of truncation beside a configuration", settings(), cut)
    cases.json("model_max_length and a section", settings(model_max_length=64), cut)
    cases.json("max_len of old files", settings(max_len=33), cut)
    cases.json("truncation_side", settings(truncation_side="left", model_max_length=6))
    cases.json("a section that cuts at the left", settings(model_max_length=6), left)
    cases.json("truncation_side against a section", settings(truncation_side="right", model_max_length=6), left)
    cases.json("padding_side changes nothing of one text", settings(padding_side="left"))


def type_cases(cases):
    cases.json("no token types asked for", settings(model_input_names=["input_ids", "attention_mask"]))
    cases.json("DistilBERT's class has no token types", {"tokenizer_class": "DistilBertTokenizer"})
    cases.json("DistilBERT's class, types asked for",
               {"tokenizer_class": "DistilBertTokenizer", "model_input_names": ["input_ids", "token_type_ids", "attention_mask"]})
    cases.vocab("no token types beside vocab.txt", settings(model_input_names=["input_ids", "attention_mask"]))
    sequence = tokenizer_json()
    sequence["post_processor"] = {"type": "Sequence", "processors": [sequence["post_processor"]]}
    cases.json("a sequence of one post-processor", settings(), sequence)


def byte_level_json(prefix, trim=True):
    """A tokenizer.json as RoBERTa's class writes it."""
    special = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4}
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("c", "a"), ("ca", "t"), ("Ġ", "cat")]
    tokens = ["Ġ", "t", "h", "e", "c", "a", *("".join(pair) for pair in merges)]
    tokenizer = Tokenizer(BPE({**special, **{token: 5 + i for i, token in enumerate(tokens)}}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=trim, add_prefix_space=prefix)
    tokenizer.add_special_tokens(list(special))
    return json.loads(tokenizer.to_str())


def metaspace_json(scheme, sequence=False):
    """A tokenizer.json as XLM-RoBERTa's class writes it."""
    pieces = [("<s>", 0), ("<pad>", 0), ("</s>", 0), ("<unk>", 0), ("▁the", -1), ("the", -2), ("▁cat", -1), ("cat", -2), ("▁", -4)]
    tokenizer = Tokenizer(Unigram([(piece, float(score)) for piece, score in pieces], unk_id=3))
    metaspace = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    parts = [pre_tokenizers.WhitespaceSplit(), metaspace]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts) if sequence else metaspace
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    return json.loads(tokenizer.to_str())


def prefix_cases(cases):
    """add_prefix_space and trim_offsets count more than the file, for the classes that set them."""
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

    def add(name, of, document, model="roberta", **more):
        texts = [["the cat the"], [" cat", "the"]]
        cases.json(name, {"tokenizer_class": of, **names, **more.pop("says", {})}, document, texts=texts,
                   config={"model_type": model}, **more)

    for of in ("RobertaTokenizer", "GPT2TokenizerFast"):
        for prefix in (False, True):
            for says in ({}, {"add_prefix_space": False}, {"add_prefix_space": True}):
                add(f"{of}, the file {prefix}, the configuration {says}", of, byte_level_json(prefix), says=says)
    for trim in (False, True):
        for says in ({}, {"trim_offsets": False}):
            add(f"RobertaTokenizerFast trims, the file {trim}, the configuration {says}", "RobertaTokenizerFast",
                byte_level_json(False, trim), says=says)
    own = "transformers 4.57 lets the configuration count, absent false: the file's"
    add("no class in particular, the file has the space", "PreTrainedTokenizerFast", byte_level_json(True), differs=own)
    add("no class in particular, the configuration denies the space", "PreTrainedTokenizerFast", byte_level_json(True),
        says={"add_prefix_space": False}, differs=own)
    own = "transformers 4.57 passes over it, 5.24 also splits at white space: the file's with the configuration's setting"
    for of, model in (("XLMRobertaTokenizer", "xlm-roberta"), ("CamembertTokenizer", "camembert")):
        for sequence in (False, True):
            for scheme, says in (("always", False), ("never", True)):
                other = "always" if says else "never"
                add(f"{of}, {scheme} in the file, {says} in the configuration" + ", a sequence" * sequence, of,
                    metaspace_json(scheme, sequence), model, says={"add_prefix_space": says}, differs=own,
                    like=metaspace_json(other, sequence))
    add("XLMRobertaTokenizer, never in the file, nothing in the configuration", "XLMRobertaTokenizer", metaspace_json("never"),
        "xlm-roberta", differs="transformers 5 takes always: the file's")


def answer(case):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in case["files"].items():
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            pathlib.Path(folder, name).write_text(text, encoding="utf-8")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    limit = tokenizer.model_max_length if tokenizer.model_max_length < 1e9 else None
    answers = []
    for text in case["texts"]:
        encoding = tokenizer(*text, return_offsets_mapping=True, truncation=limit is not None)
        ids = encoding["input_ids"]
        types = encoding.get("token_type_ids") or [0] * len(ids)
        answers.append({"ids": ids, "types": types, "offsets": [list(pair) for pair in encoding["offset_mapping"]]})
    return {"max_length": limit, "side": tokenizer.truncation_side, "answers": answers}


def chosen(case, got, like):
    """The answers that are chosen where the two versions differ and it is not that of 5.24."""
    if "the file's" in (case["differs"] or "") or case["name"].startswith("cased file, TokenizersBackend"):
        tokenizer = Tokenizer.from_str(json.dumps(like or case["files"]["tokenizer.json"]))
        encodings = [tokenizer.encode(*text) for text in case["texts"]]
        got["answers"] = [{"ids": e.ids, "types": e.type_ids, "offsets": [list(o) for o in e.offsets]} for e in encodings]
    if case["name"] == "cased file, the class from config.json":
        for one in got["answers"]:
            one["types"] = [0] * len(one["ids"])
    return got


def main():
    cases = Cases()
    for group in (text_cases, added_cases, name_cases, length_cases, type_cases, prefix_cases):
        group(cases)
    if "--compare" in sys.argv:
        for case, stored in zip(cases.list, json.loads(FILE.read_text(encoding="utf-8"))["cases"], strict=True):
            try:
                got = answer(case)
            except Exception as error:  # noqa: BLE001
                got = repr(error)[:200]
            same = got == {key: stored[key] for key in ("max_length", "side", "answers")}
            if not same:
                print(case["name"], "|", case["differs"], "|", got)
        return
    lines = [json.dumps({**case, **chosen(case, answer(case), cases.like.get(case["name"]))}, ensure_ascii=False)
             for case in cases.list]
    made = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}"
    FILE.write_text(f'{{"made_with": "{made}", "cases": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
