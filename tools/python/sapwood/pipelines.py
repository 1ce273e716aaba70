"""Tasks as transformers has them: pipeline(task, model=...) and what it gives."""

import itertools
import types

from . import _native
from .errors import InvalidArgument, Unsupported
from .models import CHUNK, LoadedModel, as_texts, make_options, refuse, refuse_unknown, say, warn_truncated

_MAX_LENGTH_KEYS = ("truncation", "max_length", "padding")


class Pipeline(LoadedModel):
    """A model with a task. Called with a str it gives one answer, with a list one for each, with a generator or another iterable it yields them.

    Arguments of a call may be given when it is made, too. Texts over the model's limit are cut, with a TruncationWarning; truncation=False
    makes them an error. padding has no effect: there is none. batch_size says how many texts of a generator are answered together.
    """

    task = ""

    def __init__(self, model_name_or_path, *, batch_size=None, num_workers=None, loading=None, **parameters):
        super().__init__(model_name_or_path, **(loading or {}))
        self._batch_size = batch_size
        self._parameters = parameters
        self._prepare(**parameters)  # refuses what is wrong at once

    def __reduce__(self):
        state = dict(self._state)
        return _load, (type(self), state.pop("model_name_or_path"), self._batch_size, state, self._parameters)

    def __call__(self, inputs, *, batch_size=None, num_workers=None, **parameters):
        options = self._prepare(**{**self._parameters, **parameters})
        if self._is_single(inputs):
            return self._answer([inputs], options)[0]
        if isinstance(inputs, (list, tuple)):
            return self._answer_all(inputs, options)
        if isinstance(inputs, types.GeneratorType) or not hasattr(inputs, "__len__"):
            return self._stream(iter(inputs), options, batch_size or self._batch_size or 32)
        return self._answer_all(as_texts(inputs), options)

    def _answer_all(self, inputs, options):
        answers = []
        for start in range(0, len(inputs), CHUNK):
            answers += self._answer(list(inputs[start : start + CHUNK]), options)
        return answers

    def _stream(self, inputs, options, size):
        while chunk := list(itertools.islice(inputs, size)):
            yield from self._answer(chunk, options)

    @staticmethod
    def _is_single(inputs):
        if inputs is None or isinstance(inputs, (bytes, bytearray)):
            raise TypeError(f"inputs: expected a str or a list of str, found {type(inputs).__name__}")
        return isinstance(inputs, str)

    def _answered(self, answers_and_truncated, count, max_length=None):
        answers, truncated = answers_and_truncated
        warn_truncated(truncated, count, self._limit(max_length))
        return answers

    def _length(self, truncation=None, max_length=None, padding=None):
        """The fields of the library's options for these arguments of the tokenizers."""
        del padding
        names = {None: "longest_first", True: "longest_first", False: "none", "do_not_truncate": "none"}
        if not (truncation is None or isinstance(truncation, (bool, str))):
            raise TypeError(f"truncation: expected True, False or a strategy, found {truncation!r}")
        return {"truncation": names.get(truncation, truncation), "max_length": max_length}

    # Of each task: _prepare(**parameters) gives the options of a call, _answer(list, options) one answer for each input.


class TextClassificationPipeline(Pipeline):
    """Labels of texts: {"label", "score"}, or with top_k a list of them, the best first; top_k None: all labels.

    function_to_apply: "softmax", "sigmoid" or "none"; unset: as the model's problem needs. An input may be {"text", "text_pair"}.
    """

    task = "text-classification"

    def _prepare(self, top_k="", function_to_apply=None, **kwargs):
        length = self._length(**{key: kwargs.pop(key) for key in _MAX_LENGTH_KEYS if key in kwargs})
        refuse_unknown(self.task, kwargs, "top_k, function_to_apply, truncation, max_length")
        several = top_k is None or (isinstance(top_k, int) and not isinstance(top_k, bool))
        if not several and top_k != "":
            raise InvalidArgument(f"top_k: expected a whole number or None, found {top_k!r}")
        if several and top_k is not None and top_k < 1:
            raise InvalidArgument(f"top_k: expected 1 or more, or None, found {top_k}")
        function = function_to_apply.lower() if isinstance(function_to_apply, str) else function_to_apply
        count = (0 if top_k is None else top_k) if several else 1
        return make_options(_native.ClassifyOptions, top_k=count, function=function, **length), several

    def __call__(self, inputs, **kwargs):
        answers = super().__call__(inputs, **kwargs)
        # As there: what is called without top_k answers one text with a list.
        return [answers] if isinstance(inputs, str) and "top_k" not in kwargs else answers

    @staticmethod
    def _is_single(inputs):
        return isinstance(inputs, dict) or Pipeline._is_single(inputs)

    def _answer(self, inputs, prepared):
        options, several = prepared
        texts, pairs = _text_pairs(inputs)
        answers = self._answered(_native.classify(self._native, texts, pairs, options), len(texts), options.max_length)
        return answers if several else [labels[0] for labels in answers]


class TokenClassificationPipeline(Pipeline):
    """Labelled tokens {"entity", "score", "index", "word", "start", "end"}, or with an aggregation_strategy ("simple", "first", "average", "max") the
    entities {"entity_group", "score", "word", "start", "end"}. stride: long texts are read whole, in windows that share so many tokens."""

    task = "token-classification"

    def _prepare(self, aggregation_strategy="none", ignore_labels=None, stride=None, offset_mapping=None, is_split_into_words=False, delimiter=None, **kwargs):
        refuse(self.task, offset_mapping=(offset_mapping, None), is_split_into_words=(is_split_into_words, False), delimiter=(delimiter, None))
        refuse_unknown(self.task, kwargs, "aggregation_strategy, ignore_labels, stride")
        strategy = getattr(aggregation_strategy, "value", aggregation_strategy)  # transformers' enumeration
        return make_options(_native.NerOptions, aggregation=strategy.lower() if isinstance(strategy, str) else "none",
                            ignore_labels=["O"] if ignore_labels is None else list(ignore_labels), stride=stride or 0)

    def _answer(self, inputs, options):
        return self._answered(_native.ner(self._native, inputs, options), len(inputs))


class FillMaskPipeline(Pipeline):
    """What a mask stands for: {"score", "token", "token_str", "sequence"}, the best first; a list of such lists where a text has several masks.

    targets: words of which alone the mask is filled. tokenizer_kwargs: {"truncation", "max_length"}.
    """

    task = "fill-mask"

    def _prepare(self, top_k=None, targets=None, tokenizer_kwargs=None, **kwargs):
        refuse_unknown(self.task, kwargs, "top_k, targets, tokenizer_kwargs")
        tokenizer_kwargs = dict(tokenizer_kwargs or {})
        length = self._length(**{key: tokenizer_kwargs.pop(key) for key in _MAX_LENGTH_KEYS if key in tokenizer_kwargs})
        refuse_unknown(f"{self.task}: tokenizer_kwargs", tokenizer_kwargs, "truncation, max_length")
        words = [targets] if isinstance(targets, str) else list(targets or [])
        self._say_replaced(words)
        return make_options(_native.FillMaskOptions, top_k=5 if top_k is None else top_k, targets=words, **length)

    def _say_replaced(self, words):
        tokens = _native.mask_targets(self._native, words) if words else []
        say([f"the target {word!r} is no token of the vocabulary; its first part, {self.tokenizer.convert_ids_to_tokens(token)!r}, stands for it"
              for word, (token, exact) in zip(words, tokens) if not exact])

    def __call__(self, inputs, **kwargs):
        answers = super().__call__(inputs, **kwargs)
        return answers[0] if isinstance(inputs, list) and len(inputs) == 1 else answers  # as there

    def _answer(self, inputs, options):
        answers = self._answered(_native.fill_mask(self._native, inputs, options), len(inputs), options.max_length)
        return [masks[0] if len(masks) == 1 else masks for masks in answers]


class ZeroShotClassificationPipeline(Pipeline):
    """Which of candidate_labels a text is about, by a model of natural language inference: {"sequence", "labels", "scores"}, the best first."""

    task = "zero-shot-classification"

    def _prepare(self, candidate_labels=None, hypothesis_template="This example is {}.", multi_label=False, **kwargs):
        refuse_unknown(self.task, kwargs, "candidate_labels, hypothesis_template, multi_label")
        labels = [label.strip() for label in candidate_labels.split(",") if label.strip()] if isinstance(candidate_labels, str) else list(candidate_labels or [])
        return make_options(_native.ZeroShotOptions, labels=labels, hypothesis_template=hypothesis_template, multi_label=bool(multi_label))

    def __call__(self, sequences, *args, **kwargs):
        if len(args) > 1 or (args and "candidate_labels" in kwargs):
            raise TypeError("zero-shot-classification: expected the texts and candidate_labels")
        if args:
            kwargs["candidate_labels"] = args[0]
        return super().__call__(sequences, **kwargs)

    def _answer(self, inputs, options):
        if not options.labels:
            raise InvalidArgument("candidate_labels: expected at least one label")
        answers = self._answered(_native.zero_shot(self._native, inputs, options), len(inputs))
        return [{"sequence": text, "labels": [each["label"] for each in labels], "scores": [each["score"] for each in labels]}
                for text, labels in zip(inputs, answers)]


class QuestionAnsweringPipeline(Pipeline):
    """Answers that stand in a context: {"score", "start", "end", "answer"}, or with top_k a list of them, as transformers 4.57 has it.

    Called with question=, context= (one of each, one context for several questions, or as many of both), with {"question", "context"}, or a list of
    those. Arguments: top_k, doc_stride, max_answer_len, max_seq_len, handle_impossible_answer, align_to_words.
    """

    task = "question-answering"

    def _prepare(self, top_k=1, doc_stride=None, max_answer_len=15, max_seq_len=None, max_question_len=None, handle_impossible_answer=False,
                 align_to_words=True, padding=None, **kwargs):
        del padding
        refuse(self.task, max_question_len=(max_question_len, None))
        refuse_unknown(self.task, kwargs, "top_k, doc_stride, max_answer_len, max_seq_len, handle_impossible_answer, align_to_words")
        return make_options(_native.AnswerOptions, top_k=top_k, max_answer_length=max_answer_len, max_seq_length=max_seq_len, stride=doc_stride,
                            handle_impossible_answer=bool(handle_impossible_answer), align_to_words=bool(align_to_words))

    def __call__(self, *args, question=None, context=None, **kwargs):
        examples = _examples(args, question, context)
        answers = super().__call__(examples, **kwargs)
        return answers[0] if isinstance(answers, list) and len(answers) == 1 else answers

    def _answer(self, inputs, options):
        for i, example in enumerate(inputs):
            if not isinstance(example, dict) or not {"question", "context"} <= set(example):
                raise TypeError(f"inputs[{i}]: expected {{'question': str, 'context': str}}, found {type(example).__name__}")
        questions, contexts = [example["question"] for example in inputs], [example["context"] for example in inputs]
        answers = self._answered(_native.answer(self._native, questions, contexts, options), len(inputs))
        return [found[0] if len(found) == 1 else found for found in answers]


class FeatureExtractionPipeline(Pipeline):
    """The last hidden state: of each text nested lists [1][tokens][hidden]; with return_tensors="np" an array of that shape, with "pt" a tensor."""

    task = "feature-extraction"

    def _prepare(self, truncation=None, tokenize_kwargs=None, return_tensors=None, **kwargs):
        refuse_unknown(self.task, kwargs, "truncation, tokenize_kwargs, return_tensors")
        refuse(self.task, return_tensors=(return_tensors, None, False, True, "np", "pt"))
        tokenize_kwargs = dict(tokenize_kwargs or {})
        if truncation is not None:
            tokenize_kwargs["truncation"] = truncation
        length = self._length(**{key: tokenize_kwargs.pop(key) for key in _MAX_LENGTH_KEYS if key in tokenize_kwargs})
        refuse_unknown(f"{self.task}: tokenize_kwargs", tokenize_kwargs, "truncation, max_length")
        return make_options(_native.EmbedOptions, prompt="", **length), return_tensors

    def _answer(self, inputs, prepared):
        options, kind = prepared
        arrays = self._answered(_native.embed_tokens(self._native, inputs, options), len(inputs), options.max_length)
        if kind in (True, "pt"):
            from .encoder import _to_torch

            return [_to_torch(array[None], True) for array in arrays]
        return [array[None] if kind == "np" else [array.tolist()] for array in arrays]


_PIPELINES = {each.task: each for each in (TextClassificationPipeline, TokenClassificationPipeline, FillMaskPipeline, ZeroShotClassificationPipeline,
                                           QuestionAnsweringPipeline, FeatureExtractionPipeline)}
_ALIASES = {"sentiment-analysis": "text-classification", "ner": "token-classification"}
_DEFAULTS = {"text-classification": "minilm-fff-sst2", "token-classification": "minilm-fff-ner", "fill-mask": "minilm-fff-mlm",
             "feature-extraction": "minilm-fff-embed"}
_OF_HEADS = {"sequence_classification": "text-classification", "token_classification": "token-classification", "masked_lm": "fill-mask",
             "question_answering": "question-answering", "none": "feature-extraction"}


def pipeline(task=None, model=None, config=None, tokenizer=None, feature_extractor=None, image_processor=None, video_processor=None, processor=None,
             revision=None, use_fast=True, token=None, device=None, device_map=None, dtype="auto", trust_remote_code=None, model_kwargs=None,
             pipeline_class=None, *, threads=0, isa="auto", copy_weights=False, batch_tokens=4096, local_files_only=True, **parameters):
    """A pipeline for a task, with the names, arguments and defaults of transformers.pipeline.

    task: "text-classification" ("sentiment-analysis"), "token-classification" ("ner"), "fill-mask", "question-answering", "zero-shot-classification",
    "feature-extraction"; without one it is that of the model's head. model: as Encoder's model_name_or_path; without one a small one that comes
    with the source tree. The last arguments but for `parameters`, which are those of the task: as Encoder's.
    Errors: Unsupported for what Sapwood does not have, by name.
    """
    refuse("pipeline", config=(config, None), tokenizer=(tokenizer, None), feature_extractor=(feature_extractor, None), image_processor=(image_processor, None),
           video_processor=(video_processor, None), processor=(processor, None), use_fast=(use_fast, True), device_map=(device_map, None, "cpu"),
           model_kwargs=(model_kwargs, None, {}), pipeline_class=(pipeline_class, None), device=(getattr(device, "type", device), None, "cpu", -1))
    loading = {"dtype": dtype, "threads": threads, "isa": isa, "copy_weights": copy_weights, "batch_tokens": batch_tokens, "revision": revision,
               "local_files_only": local_files_only, "token": token, "trust_remote_code": trust_remote_code}
    name = _ALIASES.get(task, task)
    if name is None:
        if model is None:
            raise InvalidArgument("pipeline: expected a task or a model")
        with LoadedModel(model, **loading) as looked_at:
            head = looked_at.facts["head"]
        if head not in _OF_HEADS:
            raise Unsupported(f"pipeline: no task reads a head for {head}; give the task")
        name = _OF_HEADS[head]
    if name not in _PIPELINES:
        raise Unsupported(f"pipeline: the task {task!r} is not supported; there are {sorted([*_PIPELINES, *_ALIASES])}")
    if model is None and name not in _DEFAULTS:
        raise InvalidArgument(f"pipeline: {name} has no model of its own; give model=")
    return _PIPELINES[name](_DEFAULTS[name] if model is None else model, loading=loading, **parameters)


def _load(cls, path, batch_size, loading, parameters):
    return cls(path, batch_size=batch_size, loading=loading, **parameters)


def _text_pairs(inputs):
    """The texts of inputs, and their pairs: None where there are none."""
    if not any(isinstance(each, dict) for each in inputs):
        return inputs, None
    for i, each in enumerate(inputs):
        if not isinstance(each, dict) or not {"text"} <= set(each) <= {"text", "text_pair"}:
            raise TypeError(f"inputs[{i}]: expected {{'text': str, 'text_pair': str}} as the others, found {str(each)[:100]}")
    pairs = [each.get("text_pair") for each in inputs]
    if all(pair is None for pair in pairs):
        return [each["text"] for each in inputs], None
    return [each["text"] for each in inputs], pairs


def _examples(args, question, context):
    """The inputs of question answering, as one example or a list of them."""
    if args:
        if question is not None or context is not None or len(args) > 2:
            raise TypeError("question-answering: expected question= and context=, or examples")
        if len(args) == 1:
            return [args[0]] if isinstance(args[0], dict) else args[0]
        question, context = args
    if isinstance(question, str) and isinstance(context, str):
        return [{"question": question, "context": context}]
    if isinstance(question, (list, tuple)) and isinstance(context, str):
        context = [context] * len(question)
    if not isinstance(question, (list, tuple)) or not isinstance(context, (list, tuple)):
        raise TypeError(f"question-answering: expected str or lists of str, found {type(question).__name__} and {type(context).__name__}")
    if len(question) != len(context):
        raise InvalidArgument(f"question-answering: found {len(question)} questions and {len(context)} contexts")
    return [{"question": each, "context": text} for each, text in zip(question, context)]
