"""Pairs of texts to scores: what sentence_transformers.CrossEncoder does."""

import numpy as np

from . import _native
from .encoder import _to_torch, bar_wanted, check_batch_size
from .errors import InvalidArgument, Unsupported
from .models import CHUNK, Progress, SentenceModel, as_texts, check_length, make_options, refuse, refuse_unknown, warn_truncated

_FUNCTIONS = {"Sigmoid": "sigmoid", "Identity": "none"}  # of torch.nn, by the library's names


class CrossEncoder(SentenceModel):
    """A model that scores pairs, with the methods, arguments and defaults of sentence_transformers.CrossEncoder. Options of loading: as Encoder's.

    activation_fn: what is made of the logits: torch.nn.Sigmoid(), torch.nn.Identity(), or a function of a NumPy array [pairs, labels].
    Without one: what the model's files name, else the sigmoid of a model with one label, and the logits of others.
    """

    _settings = ("prompts", "default_prompt_name", "activation_fn", "_max_length")

    def __init__(self, model_name_or_path, *, max_length=None, activation_fn=None, prompts=None, default_prompt_name=None, num_labels=None, **options):
        super().__init__(model_name_or_path, **options)
        if self.facts["head"] != "sequence_classification":
            raise Unsupported(f"{self.facts['path']}: a CrossEncoder needs a model with a sequence classification head, and this one has {self.facts['head']}")
        if num_labels is not None and num_labels != self.num_labels:
            raise Unsupported(f"num_labels={num_labels}: the model has {self.num_labels}, and Sapwood trains none")
        sentence = self.facts["sentence"] or {}
        self.prompts = dict(sentence.get("prompts", {}), **(prompts or {}))
        self.default_prompt_name = default_prompt_name if default_prompt_name is not None else sentence.get("default_prompt_name") or None
        self.activation_fn = activation_fn
        self._raw_by_default = sentence.get("pair_score") == "raw" if sentence.get("pair_score") else self.num_labels != 1
        self._max_length = check_length(max_length, self.facts["max_positions"])

    @property
    def num_labels(self):
        """Scores of one pair."""
        return len(self.facts["labels"])

    def predict(self, inputs, prompt_name=None, prompt=None, batch_size=32, show_progress_bar=None, activation_fn=None, apply_softmax=False,
                convert_to_numpy=True, convert_to_tensor=False, device=None, pool=None, chunk_size=None, **kwargs):
        """The scores of pairs: float32 [pairs], or [pairs, labels] where there are several; of one pair without its first dimension.

        inputs: a list of pairs of str, or one pair.
        apply_softmax: the labels' scores of a pair add up to 1.
        The other arguments: as Encoder.encode. Errors: TypeError, InvalidArgument, InvalidUtf8, Unsupported.
        """
        refuse("CrossEncoder.predict", device=(device, None, "cpu"), pool=(pool, None), chunk_size=(chunk_size, None))
        refuse_unknown("CrossEncoder.predict", kwargs)
        check_batch_size(batch_size)
        single, firsts, seconds = _pairs(inputs)
        scores = self._scores(firsts, seconds, self._prompt(prompt, prompt_name), activation_fn, batch_size, bar_wanted(show_progress_bar))
        if apply_softmax and scores.ndim > 1:
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            scores = powers / powers.sum(axis=1, keepdims=True)
        if convert_to_tensor or not convert_to_numpy:
            scores = _to_torch(scores, bool(convert_to_tensor) or single)
        return scores[0] if single else scores

    def rank(self, query, documents, top_k=None, return_documents=False, prompt_name=None, prompt=None, batch_size=32, show_progress_bar=None,
             activation_fn=None, device=None, pool=None, chunk_size=None):
        """The documents in the order in which they suit the query: a list of {"corpus_id", "score"} and, with return_documents, "text"; the best first.

        Errors: as predict; InvalidArgument for a model with several labels.
        """
        if self.num_labels != 1:
            raise InvalidArgument(f"rank() needs a model with one label; this one has {self.num_labels}: use predict()")
        if not isinstance(query, str):
            raise TypeError(f"query: expected a str, found {type(query).__name__}")
        texts = as_texts(documents, "documents")
        scores = self.predict([(query, text) for text in texts], prompt_name, prompt, batch_size, show_progress_bar, activation_fn,
                              device=device, pool=pool, chunk_size=chunk_size).tolist()
        ranked = [{"corpus_id": i, "score": scores[i]} for i in sorted(range(len(scores)), key=lambda i: -scores[i])][:top_k]
        for entry in ranked if return_documents else ():
            entry["text"] = texts[entry["corpus_id"]]
        return ranked

    # --- inside ----------------------------------------------------------------------------------

    def _prompt(self, prompt, prompt_name):
        name = self.default_prompt_name if prompt_name is None else prompt_name
        if prompt is not None or name is None:
            return prompt or ""
        if name not in self.prompts:
            raise InvalidArgument(f"prompt_name: there is no prompt {name!r}; there are {sorted(self.prompts)}")
        return self.prompts[name]

    def _function(self, activation_fn):
        """The library's function of the logits, and what NumPy does to its result."""
        chosen = self.activation_fn if activation_fn is None else activation_fn
        if chosen is None:
            return "none" if self._raw_by_default else "sigmoid", None
        if type(chosen).__module__.startswith("torch."):
            name = type(chosen).__name__
            if name not in _FUNCTIONS:
                raise Unsupported(f"activation_fn: of torch.nn {sorted(_FUNCTIONS)} are known, not {name}; give a function of a NumPy array")
            return _FUNCTIONS[name], None
        if not callable(chosen):
            raise TypeError(f"activation_fn: expected a function of a NumPy array [pairs, labels], found {type(chosen).__name__}")
        return "none", chosen

    def _scores(self, firsts, seconds, prompt, activation_fn, batch_size, shown):
        function, then = self._function(activation_fn)
        options = make_options(_native.ClassifyOptions, function=function, max_length=self._max_length)
        if prompt:
            firsts = [prompt + first for first in firsts]
        out = np.empty((len(firsts), self.num_labels), np.float32)
        truncated, step = 0, max(CHUNK, batch_size)
        with Progress(shown, len(firsts)) as bar:
            for start in range(0, len(firsts), step):
                end = start + step
                truncated += _native.score_rows(self._native, firsts[start:end], seconds[start:end], out[start:end], options)
                bar.update(len(firsts[start:end]))
        warn_truncated(truncated, len(firsts), self.max_seq_length)
        if then is not None:
            out = np.asarray(then(out), np.float32)
        return out[:, 0] if out.ndim > 1 and self.num_labels == 1 else out


def _pairs(inputs):
    """Whether it is one pair, all first texts, all second texts."""
    if isinstance(inputs, np.ndarray):
        if inputs.dtype.kind not in "OUT":
            raise TypeError(f"inputs: expected pairs of str, found an array of {inputs.dtype}")
        inputs = inputs.tolist()
    if isinstance(inputs, (str, bytes, dict)) or inputs is None:
        raise TypeError(f"inputs: expected a list of pairs of str, found {type(inputs).__name__}")
    pairs = inputs if isinstance(inputs, (list, tuple)) else list(inputs)
    single = len(pairs) > 0 and not isinstance(pairs[0], (list, tuple))
    if single:
        pairs = [pairs]
    for i, pair in enumerate(pairs):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            found = f"{len(pair)} of {[type(text).__name__ for text in pair]}" if isinstance(pair, (list, tuple)) else type(pair).__name__
            raise TypeError(f"inputs[{i}]: expected two str, found {found[:200]}")
    return single, [pair[0] for pair in pairs], [pair[1] for pair in pairs]
