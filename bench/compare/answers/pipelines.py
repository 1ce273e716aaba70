"""The other engines from text to answer: pipeline(texts) -> array [texts, numbers], in batches of pipeline.batch."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy

from .. import artefacts, models
from ..engines import create
from .ways import REFERENCE, by_length


@dataclass(frozen=True)
class Wanted:
    model: str  # of SPECS
    dtype: str
    threads: int
    streams: int  # calls side by side
    limit: int  # tokens of the longest text
    pairs: bool


class Ids:
    """An engine that is fed with ids: Hugging Face's tokenizers before, the mean over tokens behind it."""

    def __init__(self, engine: str, wanted: Wanted):
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(models.directory(wanted.model) / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(wanted.limit)
        self.batch, self.pairs = 1, wanted.pairs
        if engine == REFERENCE:
            self.engine = Plain(wanted.model)
        else:
            extra = {"streams": wanted.streams} if engine == "ctranslate2" else {}
            self.engine = create(engine, wanted.model, wanted.dtype, max(1, wanted.threads // wanted.streams), True, **extra)
            self.engine.prepare(-1, -1)
        self.pool = ThreadPoolExecutor(wanted.streams) if wanted.streams > 1 else None

    def __call__(self, texts: list):
        texts = [tuple(text) for text in texts] if self.pairs else texts
        encoded = self.tokenizer.encode_batch(texts)
        batches = by_length([len(text.ids) for text in encoded], self.batch)
        answers: list = [None] * len(batches)

        def inputs(number: int) -> tuple:
            return padded([encoded[i] for i in batches[number]], self.pairs)

        def done(key, hidden) -> None:
            number, mask = key
            answers[number] = numpy.array(hidden) if self.pairs else mean(hidden, mask)

        def one(number: int) -> None:
            given = inputs(number)
            done((number, given[1]), self.engine.run(*given))

        if hasattr(self.engine, "run_all"):
            given = ((number, inputs(number)) for number in range(len(batches)))
            self.engine.run_all((((number, x[1]), x) for number, x in given), done)
        else:
            list(self.pool.map(one, range(len(batches))) if self.pool else map(one, range(len(batches))))
        return in_order(batches, numpy.concatenate(answers))


def padded(encoded: list, pairs: bool) -> tuple:
    shape = len(encoded), max(len(text.ids) for text in encoded)
    arrays = [numpy.zeros(shape, numpy.int64) for _ in range(3 if pairs else 2)]
    for row, text in enumerate(encoded):
        for array, values in zip(arrays, (text.ids, text.attention_mask, text.type_ids)):
            array[row, : len(text.ids)] = values
    return tuple(arrays)


def mean(hidden, mask):
    """Of the last hidden state over a text's tokens, of length 1."""
    weights = mask.astype(numpy.float32)
    vectors = numpy.matmul(weights[:, None], hidden)[:, 0]
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def in_order(batches: list[list[int]], rows):
    found = numpy.empty_like(rows)
    found[numpy.concatenate(batches)] = rows
    return found


class SentenceTransformers:
    """The library itself; it sorts by length."""

    def __init__(self, wanted: Wanted):
        import torch
        from sentence_transformers import CrossEncoder, SentenceTransformer

        torch.set_num_threads(wanted.threads)
        options = {"device": "cpu", "model_kwargs": {"dtype": torch.bfloat16 if wanted.dtype == "bf16" else torch.float32}}
        self.batch, folder = 1, str(models.directory(wanted.model))
        self.model = (CrossEncoder if wanted.pairs else SentenceTransformer)(folder, **options)
        self.pairs = wanted.pairs
        if wanted.pairs:
            self.options = {"activation_fn": torch.nn.Identity()}
        else:
            self.model.max_seq_length = wanted.limit
            self.options = {"normalize_embeddings": True}

    def __call__(self, texts: list):
        call = self.model.predict if self.pairs else self.model.encode
        rows = call(texts, batch_size=self.batch, show_progress_bar=False, **self.options)
        return numpy.asarray(rows, numpy.float32).reshape(len(texts), -1)


class Backend(SentenceTransformers):
    """The library over onnxruntime or OpenVINO."""

    def __init__(self, backend: str, wanted: Wanted):
        from sentence_transformers import SentenceTransformer

        folder = str(artefacts.sentence_transformers(wanted.model, backend, wanted.dtype))
        options = self.onnx(wanted.dtype, wanted.threads) if backend == "onnx" else self.openvino(wanted.dtype, wanted.threads)
        self.model = SentenceTransformer(folder, device="cpu", backend=backend, model_kwargs=options)
        self.model.max_seq_length = wanted.limit
        self.batch, self.pairs, self.options = 1, wanted.pairs, {"normalize_embeddings": True}

    @staticmethod
    def onnx(dtype: str, threads: int) -> dict:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
        name = "model_qint8_avx512_vnni.onnx" if dtype == "int8" else "model.onnx"
        return {"session_options": settings, "file_name": f"onnx/{name}", "provider": "CPUExecutionProvider"}

    @staticmethod
    def openvino(dtype: str, threads: int) -> dict:
        hint = {"INFERENCE_PRECISION_HINT": dtype, "INFERENCE_NUM_THREADS": str(threads)}
        return {"ov_config": hint | {"PERFORMANCE_HINT": "LATENCY"}}


class FastEmbed:
    """onnxruntime's fused graph as a custom model, from a local folder; it does not sort, so that we do."""

    def __init__(self, wanted: Wanted):
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType

        from ..specs import SPECS

        folder, name = artefacts.fastembed(wanted.model, wanted.dtype), f"bench/{wanted.model}-{wanted.dtype}"
        TextEmbedding.add_custom_model(
            model=name, pooling=PoolingType.MEAN, normalization=True, dim=SPECS[wanted.model].hidden,
            sources=ModelSource(hf=name), model_file="model.onnx",
        )  # fmt: skip
        self.model = TextEmbedding(
            name, threads=wanted.threads, specific_model_path=str(folder), local_files_only=True
        )
        self.batch = 1

    def __call__(self, texts: list):
        batches = by_length(list(map(len, texts)), self.batch)
        ordered = [texts[i] for batch in batches for i in batch]
        return in_order(batches, numpy.stack(list(self.model.embed(ordered, batch_size=self.batch))))


class Plain:
    """The plain encoder in PyTorch, f32: what all answers are compared with."""

    def __init__(self, model: str):
        import torch

        torch.set_num_threads(1)
        self.torch, self.network = torch, models.load_encoder(model)

    def run(self, *inputs):
        with self.torch.inference_mode():
            return self.network(*map(self.torch.from_numpy, inputs)).numpy()


def make(engine: str, **settings):
    wanted = Wanted(**settings)
    _, _, backend = engine.partition("sentence-transformers-")
    if backend:
        return Backend(backend, wanted)
    libraries = {"sentence-transformers": SentenceTransformers, "fastembed": FastEmbed}
    return libraries[engine](wanted) if engine in libraries else Ids(engine, wanted)
