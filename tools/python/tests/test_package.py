"""What the package is by itself: errors, closing, pickling, threads, forks, warnings, the hub, and what an import costs."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import types
import warnings

import numpy as np
import pytest
import sapwood
from conftest import GOLDEN, MODELS, SOURCE
from sapwood import _native

EMBED = str(MODELS / "minilm-fff-embed")


@pytest.fixture(scope="module")
def encoder():
    return sapwood.Encoder(EMBED)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", [3, None, b"bytes", ["a", 3], ["a", None], [b"a"], [["a", "b"]], {"text": "a"}, np.zeros(3), np.zeros((2, 2)), object()])
def test_what_is_no_text_is_a_type_error(encoder, inputs):
    with pytest.raises(TypeError, match="expected"):
        encoder.encode(inputs)


def test_a_str_where_a_list_is_meant():
    model = sapwood.CrossEncoder(str(GOLDEN / "bert-cross-encoder"))
    for call in (lambda: model.predict("ab"), lambda: model.predict(["ab", "cd", "ef"]), lambda: model.predict([("a",)]), lambda: model.rank("q", "documents"),
                 lambda: model.rank(["q"], ["a"]), lambda: model.predict([("a", 3)])):
        with pytest.raises(TypeError, match="expected"):
            call()
    with pytest.raises(TypeError):
        sapwood.Tokenizer(EMBED)(3)
    with pytest.raises(TypeError):
        sapwood.pipeline("ner", model=str(MODELS / "minilm-fff-ner"))(None)


def test_lone_surrogates_are_named(encoder):
    for texts, place in (("a\ud800", r"texts\[0\].*character 1 of 2"), (["fine", "b\udfff"], r"texts\[1\].*character 1 of 2")):
        with pytest.raises(sapwood.InvalidUtf8, match=place):
            encoder.encode(texts)
    assert encoder.encode("\U0001f333\0").shape == (384,)  # an astral character and a NUL are text


@pytest.mark.parametrize("name,value", [("device", "cuda"), ("pool", {}), ("chunk_size", 3), ("output_value", None), ("processing_kwargs", {})])
def test_what_is_not_supported_is_refused_by_name(encoder, name, value):
    with pytest.raises(sapwood.Unsupported, match=name):
        encoder.encode(["a"], **{name: value})


def test_unknown_arguments(encoder):
    with pytest.raises(TypeError, match="sentnces"):
        encoder.encode(["a"], sentnces=1)
    for arguments in ({"backend": "onnx"}, {"model_kwargs": {}}, {"device": "cuda"}, {"trust_remote_code": True}, {"cache_folder": "x"}):
        with pytest.raises(sapwood.Unsupported, match=next(iter(arguments))):
            sapwood.Encoder(EMBED, **arguments)
    for arguments in ({"tokenizer": "x"}, {"device": 0}, {"pipeline_class": object}):
        with pytest.raises(sapwood.Unsupported, match=next(iter(arguments))):
            sapwood.pipeline("ner", **arguments)
    with pytest.raises(sapwood.Unsupported, match="text-generation"):
        sapwood.pipeline("text-generation")


def test_a_model_without_the_head():
    for task in ("text-classification", "ner", "fill-mask", "question-answering", "zero-shot-classification"):
        with pytest.raises(sapwood.Unsupported, match="head"):
            sapwood.pipeline(task, model=EMBED)("a [MASK]", *(["x"] if task.startswith("zero") else []), **({"context": "c"} if False else {})) \
                if task != "question-answering" else sapwood.pipeline(task, model=EMBED)(question="q", context="c")
    with pytest.raises(sapwood.Unsupported, match="head"):
        sapwood.CrossEncoder(EMBED)


def test_errors_are_the_built_in_ones_too(tmp_path):
    with pytest.raises(FileNotFoundError):
        sapwood.Encoder("no/such-model")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError) as caught:
        sapwood.Encoder(tmp_path)
    assert isinstance(caught.value, sapwood.SapwoodError) and caught.value.code == "malformed"
    with pytest.raises(ValueError, match="threads"):
        sapwood.Encoder(EMBED, threads=-1)
    with pytest.raises(ValueError, match="dtype|type|precision"):
        sapwood.Encoder(EMBED, dtype="fp7")
    with pytest.raises(ValueError, match="1 to"):
        sapwood.Encoder(EMBED).max_seq_length = 100_000


def test_arrays_of_the_wrong_kind(encoder):
    vectors = encoder.encode(["a", "b"])
    for wrong in (np.array(["a", "b"]), None, np.zeros((2, 2, 2)), [["a"]], [[1, 2], [3]]):
        with pytest.raises((TypeError, ValueError), match="expected|numbers"):
            encoder.similarity(vectors, wrong)
    with pytest.raises(ValueError, match="384.*383"):
        encoder.similarity(vectors, vectors[:, 1:])
    options = _native.EmbedOptions()
    read_only = np.empty((1, 384), np.float32)
    read_only.flags.writeable = False
    for out in (np.empty((1, 384)), np.empty((1, 384), np.float32)[:, ::2], read_only, np.empty(384, np.float32)):
        with pytest.raises((TypeError, ValueError)):
            _native.embed_rows(encoder._native, ["a"], out, options)


def test_read_only_texts(encoder):
    texts = np.array(["a", "b"])
    texts.flags.writeable = False
    assert encoder.encode(texts).shape == (2, 384)


# --- life of a model -----------------------------------------------------------------------------


def test_closed():
    with sapwood.Encoder(EMBED) as encoder:
        assert encoder.encode("a").shape == (384,)
    for call in (lambda: encoder.encode("a"), lambda: encoder.encode(["a"] * 3)):
        with pytest.raises(sapwood.InvalidArgument, match="closed"):
            call()
    encoder.close()


def test_pickled_by_path(encoder):
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.encode("a tree"), encoder.encode("a tree"))
    assert len(pickle.dumps(encoder)) < 2000
    changed = sapwood.Encoder(EMBED, truncate_dim=8, similarity_fn_name="dot", threads=1)
    changed.max_seq_length = 5
    changed.prompts["q"] = "query: "
    changed.default_prompt_name = "q"
    before = changed.encode("a tree")
    changed = pickle.loads(pickle.dumps(changed))
    np.testing.assert_array_equal(changed.encode("a tree"), before)
    np.testing.assert_array_equal(changed.encode("a tree"), changed.encode("query: a tree", prompt=""))
    assert (changed.truncate_dim, changed.similarity_fn_name, changed.max_seq_length) == (8, "dot", 5)
    ner = pickle.loads(pickle.dumps(sapwood.pipeline("ner", model=str(MODELS / "minilm-fff-ner"), aggregation_strategy="simple")))
    assert ner("Ada Lovelace lived in London .")[0]["entity_group"] == "PER"
    reranker = pickle.loads(pickle.dumps(sapwood.CrossEncoder(str(GOLDEN / "bert-cross-encoder"), max_length=9)))
    assert reranker.max_seq_length == 9
    assert pickle.loads(pickle.dumps(sapwood.Tokenizer(EMBED)))("a")["input_ids"] == sapwood.Tokenizer(EMBED)("a")["input_ids"]


def test_many_threads_at_once(encoder):
    texts = [f"text number {i} of some" for i in range(64)]
    expected = encoder.encode(texts)
    results, errors = [None] * 8, []

    def work(i):
        try:
            for _ in range(5):
                results[i] = encoder.encode(texts)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for result in results:
        np.testing.assert_array_equal(result, expected)


class Busy:
    """A thread that computes from the time this is entered until it is left."""

    def __init__(self, encoder):
        self._encoder, self._stop = encoder, False

    def _work(self):
        while not self._stop:
            self._encoder.encode(["word " * 200] * 64)

    def __enter__(self):
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        while _native.calls_under_way() == 0:  # seen by this thread only because the lock is free
            pass

    def __exit__(self, *_):
        self._stop = True
        self._thread.join()


def test_the_lock_is_free_during_a_call(encoder):
    with warnings.catch_warnings(), Busy(encoder):
        assert _native.calls_under_way() >= 1


def in_child(work):
    """The status of a forked child that calls work()."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        except BaseException:  # noqa: BLE001
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_computes(encoder):
    texts = [f"text number {i}" for i in range(50)]
    expected = encoder.encode(texts)
    assert in_child(lambda: np.array_equal(encoder.encode(texts), expected)) == 0


def test_a_fork_beside_a_computing_thread_is_refused_with_what_to_do(encoder):
    other = sapwood.Encoder(EMBED)

    def child():
        try:
            other.encode("a")
            return False
        except sapwood.InvalidArgument as error:
            return "load it after the fork" in str(error) and sapwood.Encoder(EMBED).encode("a").shape == (384,)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Busy(encoder):
            while _native.calls_under_way() == 0:
                pass
            status = in_child(child)
    assert status == 0
    assert other.encode("a").shape == (384,)  # the parent goes on


def _length(encoder, text):
    return len(encoder.encode(text))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(encoder, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.starmap(_length, [(encoder, "a"), (encoder, "b")]) == [384, 384]


# --- warnings, progress, the hub -----------------------------------------------------------------


def test_cut_texts_are_a_warning(encoder):
    with pytest.warns(sapwood.TruncationWarning, match="1 of 2 texts were longer than 256 tokens") as caught:
        encoder.encode(["word " * 400, "a"])
    assert caught[0].filename == __file__
    classify = sapwood.pipeline("text-classification", model=str(GOLDEN / "distilbert-sentiment-f16"))
    with pytest.warns(sapwood.TruncationWarning):
        classify("word " * 1000)
    with pytest.raises(sapwood.TooLong):
        classify("word " * 1000, truncation=False)


def test_notices_are_warnings(tmp_path):
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        (tmp_path / name).symlink_to(GOLDEN / "bert-ner-vocab-cased" / name)
    vocabulary = (GOLDEN / "bert-ner-vocab-cased" / "vocab.txt").read_text()
    (tmp_path / "vocab.txt").write_text(vocabulary)
    (tmp_path / "tokenizer_config.json").unlink()
    with pytest.warns(sapwood.SapwoodWarning, match="lower") as caught:
        sapwood.pipeline("ner", model=str(tmp_path))
    assert caught[0].filename == __file__


def test_progress(encoder, capsys):
    pytest.importorskip("tqdm")
    encoder.encode(["a"] * 3, show_progress_bar=True)
    assert "3/3" in capsys.readouterr().err
    encoder.encode(["a"] * 3)
    assert capsys.readouterr().err == ""


def test_names_in_the_hub_cache(tmp_path, monkeypatch):
    snapshot = tmp_path / "models--org--tiny/snapshots" / ("0" * 40)
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(GOLDEN / "st-bert-mean")
    (tmp_path / "models--org--tiny/refs").mkdir()
    (tmp_path / "models--org--tiny/refs/main").write_text("0" * 40)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert sapwood.Encoder("org/tiny").encode("a").shape == (32,)
    assert sapwood.Encoder("org/tiny", revision="main").encode("a").shape == (32,)
    with pytest.raises(FileNotFoundError):
        sapwood.Encoder("org/tiny", revision="other")


def test_downloads_only_when_asked(monkeypatch):
    asked = []
    hub = types.ModuleType("huggingface_hub")
    hub.snapshot_download = lambda name, **options: asked.append((name, options["revision"])) or str(GOLDEN / "st-bert-mean")
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    with pytest.raises(FileNotFoundError):
        sapwood.Encoder("org/not-there")
    assert not asked
    assert sapwood.Encoder("org/not-there", local_files_only=False, revision="v1").encode("a").shape == (32,)
    assert asked == [("org/not-there", "v1")]
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match="pip install huggingface_hub"):
        sapwood.Encoder("org/not-there", local_files_only=False)


def test_types_of_weights(tmp_path):
    source = GOLDEN / "st-bert-mean"
    kept = sapwood.convert(str(source), tmp_path / "model.safetensors", "int8")
    assert isinstance(kept, dict)
    assert sapwood.Encoder(tmp_path / "model.safetensors").config["dtype"] == "int8"
    exact = sapwood.Encoder(source).encode("a tree")
    for name, stored in (("float32", "f32"), ("bf16", "bf16"), ("torch.bfloat16", "bf16")):
        model = sapwood.Encoder(source, dtype=name)
        assert model.encode("a tree") == pytest.approx(exact, abs=0.05), stored


# --- the package itself --------------------------------------------------------------------------


def test_an_import_brings_numpy_alone():
    code = "import numpy, sys; before = set(sys.modules); import sapwood; print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "sapwood" in done.stdout.split()
    for heavy in ("torch", "transformers", "tqdm", "huggingface_hub", "email", "importlib.metadata"):
        assert heavy not in done.stdout.split()


def test_typed_and_versioned():
    folder = os.path.dirname(sapwood.__file__)
    assert os.path.exists(os.path.join(folder, "py.typed")) and os.path.exists(os.path.join(folder, "_native.pyi"))
    assert f"project(sapwood VERSION {sapwood.__version__} " in (SOURCE / "CMakeLists.txt").read_text()
    assert all(getattr(sapwood, name) is not None for name in sapwood.__all__)
