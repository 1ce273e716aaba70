"""First inputs that are written by hand: requests, JSON, texts, records, bodies, and steps of tokenizers."""

import json

from seeds import SOURCE, parts, write

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
