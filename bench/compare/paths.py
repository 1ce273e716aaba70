"""Where things are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "bench"  # models, artefacts, raw results: everything that can be made again
RAW = WORK / "raw"
MODELS = WORK / "models"
LOGS = WORK / "logs"
REPORT = ROOT / "bench" / "report"
BINARIES = ROOT / "build" / "release"
SAPWOOD = BINARIES / "sapwood"
TOKENIZER = ROOT / "models" / "distilbert-sst2-fff-3l"  # ships BERT's uncased vocabulary
GOLDEN = ROOT / "tests" / "golden"
