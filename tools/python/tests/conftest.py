"""The two packages whose interface is one: every test that takes `api` runs against Sapwood and against the reference."""

import os
import pathlib
import types
import warnings

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = SOURCE / "tests/golden/data"  # small checkpoints with random weights
MODELS = SOURCE / "models"

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _sapwood():
    import sapwood

    return types.SimpleNamespace(name="sapwood", Encoder=sapwood.Encoder, CrossEncoder=sapwood.CrossEncoder, pipeline=sapwood.pipeline,
                                 Tokenizer=sapwood.Tokenizer.from_pretrained)


def _reference():
    try:
        import transformers
    except ImportError as error:
        pytest.skip(f"transformers is not installed: {error}")
    transformers.logging.set_verbosity_error()
    encoders = {"Encoder": _missing, "CrossEncoder": _missing}
    try:
        import sentence_transformers

        encoders = {"Encoder": sentence_transformers.SentenceTransformer, "CrossEncoder": sentence_transformers.CrossEncoder}
    except ImportError:
        pass
    return types.SimpleNamespace(name="reference", pipeline=transformers.pipeline, Tokenizer=transformers.AutoTokenizer.from_pretrained, **encoders)


def _missing(*_, **__):
    pytest.skip("sentence-transformers is not installed, or not for these transformers")


_MAKERS = {"sapwood": _sapwood, "reference": _reference}
_loaded = {}


@pytest.fixture(params=["sapwood", "reference"])
def api(request):
    return _MAKERS[request.param]()


@pytest.fixture
def both():
    """Sapwood and the reference, for comparing numbers."""
    return _sapwood(), _reference()


def load(api, kind, name, **options):
    """A model by the class's name, loaded once."""
    key = api.name, kind, str(name), repr(options)
    if key not in _loaded:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = str(GOLDEN / name)
            # The reference computes in the type that config.json names, be it float16.
            exact = {"dtype": "float32"} if "-" in kind or api.name == "sapwood" else {"model_kwargs": {"dtype": "float32"}}
            _loaded[key] = api.pipeline(kind, model=path, **exact, **options) if "-" in kind else getattr(api, kind)(path, **exact, **options)
    return _loaded[key]
