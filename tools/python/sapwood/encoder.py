"""Texts to vectors: what sentence_transformers.SentenceTransformer does."""

import logging

import numpy as np

from . import _native, vectors
from .errors import InvalidArgument
from .models import CHUNK, Progress, SentenceModel, as_texts, make_options, refuse, refuse_unknown, warn, warn_truncated

_logger = logging.getLogger("sapwood")
_MOST_OPTIONS = 64  # kept at once


def bar_wanted(show_progress_bar):
    """None: where the logger "sapwood" speaks of such things, as in sentence-transformers."""
    return _logger.getEffectiveLevel() in (logging.INFO, logging.DEBUG) if show_progress_bar is None else show_progress_bar


def check_batch_size(batch_size):
    """A batch size as the reference takes it. Errors: InvalidArgument."""
    if not isinstance(batch_size, int) or batch_size < 1:
        raise InvalidArgument(f"batch_size: expected a positive whole number, found {batch_size!r}")


class Encoder(SentenceModel):
    """An embedding model, with the methods, arguments and defaults of SentenceTransformer.

    model_name_or_path: a directory, a converted file, a name in $SAPWOOD_MODELS, or ORG/NAME in the cache of the Hugging Face libraries.
    dtype: of the weights: "auto" (what a converted file holds, f32 of a directory), "f32", "bf16" or "int8".
    threads: of one call; 0: all that this process may use.
    local_files_only: False lets huggingface_hub download what is not in the cache.

    Any number of threads may call it at once; the interpreter's lock is free meanwhile. It is pickled by its path.
    """

    _settings = ("prompts", "default_prompt_name", "truncate_dim", "similarity_fn_name", "_max_length")

    def __init__(self, model_name_or_path, *, prompts=None, default_prompt_name=None, similarity_fn_name=None, truncate_dim=None, **options):
        super().__init__(model_name_or_path, **options)
        sentence = self.facts["sentence"] or {}
        self.prompts = {"query": "", "document": "", **sentence.get("prompts", {}), **(prompts or {})}  # as sentence-transformers 6 begins
        self.default_prompt_name = default_prompt_name if default_prompt_name is not None else sentence.get("default_prompt_name") or None
        if self.default_prompt_name is not None and self.default_prompt_name not in self.prompts:
            raise InvalidArgument(f"default_prompt_name: there is no prompt {self.default_prompt_name!r}; there are {sorted(self.prompts)}")
        self.truncate_dim = truncate_dim if truncate_dim is not None else sentence.get("truncate_dim")
        self.similarity_fn_name = similarity_fn_name if similarity_fn_name is not None else sentence.get("similarity", "cosine")
        self._max_length = None
        self._options = {}

    # --- what is known of it -------------------------------------------------------------------

    def get_max_seq_length(self):
        """As max_seq_length."""
        return self.max_seq_length

    def get_embedding_dimension(self):
        """Numbers of one vector."""
        return self._options_for(False, "", self.truncate_dim)[1]

    def get_sentence_embedding_dimension(self):
        """The older name of get_embedding_dimension."""
        return self.get_embedding_dimension()

    @property
    def similarity_fn_name(self):
        """How similarity() compares: "cosine", "dot", "euclidean" or "manhattan"; may be set."""
        return self._similarity

    @similarity_fn_name.setter
    def similarity_fn_name(self, name):
        name = getattr(name, "value", name)
        if name not in vectors.SIMILARITIES:
            raise InvalidArgument(f"similarity_fn_name: expected one of {vectors.SIMILARITIES}, found {name!r}")
        self._similarity = name

    # --- texts to vectors ----------------------------------------------------------------------

    def encode(self, inputs=None, prompt_name=None, prompt=None, batch_size=32, show_progress_bar=None, output_value="sentence_embedding",
               precision="float32", convert_to_numpy=True, convert_to_tensor=False, device=None, normalize_embeddings=False,
               truncate_dim=None, pool=None, chunk_size=None, **kwargs):
        """The vectors of texts: float32 [texts, dim]; of one str, [dim].

        inputs: a str, or a list, tuple, array or column of str.
        prompt, prompt_name: what stands before every text, or its name in `prompts`.
        batch_size: has no effect on results; at least 1,024 texts go to the library at once.
        show_progress_bar: by tqdm.
        output_value: "token_embeddings" gives a list of arrays [tokens, hidden] instead.
        precision: "float32", "int8", "uint8", "binary" or "ubinary", of the vectors (not of the model: that is `dtype` at loading).
        convert_to_tensor: a torch.Tensor instead of an array; convert_to_numpy False: a list of them.
        normalize_embeddings: vectors of length 1, also where the model does not make them so.
        truncate_dim: the first so many numbers of each vector.

        Texts over max_seq_length are cut, with a TruncationWarning. Errors: TypeError, InvalidArgument, InvalidUtf8, Unsupported.
        """
        if kwargs:
            inputs = self._older_name(inputs, kwargs)
        if device is not None or pool is not None or chunk_size is not None:
            refuse("Encoder.encode", device=(device, None, "cpu"), pool=(pool, None), chunk_size=(chunk_size, None))
        check_batch_size(batch_size)
        if precision not in vectors.PRECISIONS:
            raise InvalidArgument(f"precision: expected one of {vectors.PRECISIONS}, found {precision!r}")
        single = isinstance(inputs, str)
        texts = [inputs] if single else as_texts(inputs)
        options, width = self._options_for(normalize_embeddings, self._prompt(prompt, prompt_name), self.truncate_dim if truncate_dim is None else truncate_dim)
        shown = bar_wanted(show_progress_bar)
        if output_value != "sentence_embedding":
            refuse("Encoder.encode", output_value=(output_value, "sentence_embedding", "token_embeddings"))
            tokens = self._encode_tokens(texts, options, batch_size, shown)
            return tokens[0] if single else tokens
        embeddings = self._encode(texts, options, width, batch_size, shown)
        if precision != "float32" and len(embeddings):
            embeddings = vectors.quantize(embeddings, precision)
        if convert_to_tensor or not convert_to_numpy:
            embeddings = _to_torch(embeddings, bool(convert_to_tensor) or single)
        return embeddings[0] if single else embeddings

    def encode_query(self, inputs=None, prompt_name=None, prompt=None, *args, **kwargs):
        """encode() with the prompt "query", which is empty unless the model's files or `prompts` say otherwise."""
        if prompt_name is None and prompt is None:
            prompt_name = "query"
        return self.encode(inputs, prompt_name, prompt, *args, **kwargs)

    def encode_document(self, inputs=None, prompt_name=None, prompt=None, *args, **kwargs):
        """encode() with the prompt "document", which is empty unless the model's files or `prompts` say otherwise."""
        if prompt_name is None and prompt is None:
            prompt_name = "document"
        return self.encode(inputs, prompt_name, prompt, *args, **kwargs)

    def similarity(self, embeddings1, embeddings2):
        """[n1, n2]: each of the first embeddings with each of the second, by similarity_fn_name; more is nearer."""
        return vectors.similarity(self._similarity, embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1, embeddings2):
        """[n]: the i-th of the first embeddings with the i-th of the second."""
        return vectors.similarity_pairwise(self._similarity, embeddings1, embeddings2)

    # --- inside ----------------------------------------------------------------------------------

    @staticmethod
    def _older_name(inputs, kwargs):
        if inputs is None and "sentences" in kwargs:
            warn("the argument `sentences` is now called `inputs`", DeprecationWarning)
            inputs = kwargs.pop("sentences")
        refuse("Encoder.encode", task=(kwargs.pop("task", None), None, "query", "document"), processing_kwargs=(kwargs.pop("processing_kwargs", None), None))
        refuse_unknown("Encoder.encode", kwargs)
        return inputs

    def _prompt(self, prompt, prompt_name):
        if prompt is not None:
            if prompt_name is not None:
                warn("prompt and prompt_name were both given; prompt_name is ignored")
            return prompt
        name = self.default_prompt_name if prompt_name is None else prompt_name
        if name is None:
            return ""
        if name not in self.prompts:
            raise InvalidArgument(f"prompt_name: there is no prompt {name!r}; there are {sorted(self.prompts)}")
        return self.prompts[name]

    def _options_for(self, normalize, prompt, dimensions):
        """The library's options of a call, and the numbers of its vectors."""
        key = (bool(normalize), prompt, dimensions, self._max_length)
        found = self._options.get(key)
        if found is None:
            options = make_options(_native.EmbedOptions, normalize=True if normalize else None, prompt=prompt, dimensions=dimensions, max_length=self._max_length)
            found = options, _native.embedding_size(self._native, options)
            if len(self._options) >= _MOST_OPTIONS:
                self._options.clear()
            self._options[key] = found
        return found

    def _encode(self, texts, options, width, batch_size, shown):
        out = np.empty((len(texts), width), np.float32)
        if len(texts) <= CHUNK and not shown:
            truncated = _native.embed_rows(self._native, texts, out, options)
        else:
            truncated, step = 0, max(CHUNK, batch_size)
            with Progress(shown, len(texts)) as bar:
                for start in range(0, len(texts), step):
                    chunk = texts[start : start + step]
                    truncated += _native.embed_rows(self._native, chunk, out[start : start + step], options)
                    bar.update(len(chunk))
        warn_truncated(truncated, len(texts), self.max_seq_length)
        return out

    def _encode_tokens(self, texts, options, batch_size, shown):
        arrays, truncated, step = [], 0, max(batch_size, 64)
        with Progress(shown, len(texts)) as bar:
            for start in range(0, len(texts), step):
                chunk = texts[start : start + step]
                found, cut = _native.embed_tokens(self._native, chunk, options)
                arrays += found
                truncated += cut
                bar.update(len(chunk))
        warn_truncated(truncated, len(texts), self.max_seq_length)
        return arrays


def _to_torch(array, whole):
    try:
        import torch
    except ImportError as error:
        raise ImportError("convert_to_tensor and convert_to_numpy=False give torch.Tensors, and torch is not installed") from error
    tensor = torch.from_numpy(array)
    return tensor if whole else list(tensor)
