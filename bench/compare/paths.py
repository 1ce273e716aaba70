"""Where things are."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "bench"  # models, artefacts, raw results: everything that can be made again
RAW = WORK / "raw"
MODELS = WORK / "models"
LOGS = WORK / "logs"
REPORT = ROOT / "bench" / "report"
BINARIES = ROOT / "build" / "release"
SAPWOOD = BINARIES / "sapwood"
OPTIMUM = WORK / "optimum"  # packages that want an older transformers: requirements-optimum.txt
TOKENIZER = WORK / "tokenizer"  # BERT's uncased one, from a shipped model's file by write_tokenizer()
SHIPPED = ROOT / "models" / "minilm-fff-sst2" / "model.safetensors"
GOLDEN = ROOT / "tests" / "golden"


def write_tokenizer() -> None:
    """Takes the tokenizer that a converted model carries out into a folder of its own."""
    if (TOKENIZER / "tokenizer_config.json").exists():
        return
    with open(SHIPPED, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        tokenizer = json.loads(header["__metadata__"]["sapwood.tokenizer"])
        if "tokenizer.vocabulary" in header:  # since format version 3; before, it was in the metadata
            begin, end = header["tokenizer.vocabulary"]["data_offsets"]
            file.seek(begin, 1)
            lines = file.read(end - begin).decode().split("\n")
            tokenizer["model"]["vocab"] |= {token: i for i, token in enumerate(lines) if token}
    TOKENIZER.mkdir(parents=True, exist_ok=True)
    (TOKENIZER / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}
    (TOKENIZER / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
