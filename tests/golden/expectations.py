"""What transformers answers for a saved checkpoint: the contents of expected.json.

Everything is computed in float32 from the files as saved (so an F16 checkpoint's expectations hold its
rounded weights), one text at a time, without padding.
"""

import warnings

import numpy as np
import torch
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    pipeline,
)

import texts
from checkpoints import LIKE_ROBERTA
from feed_forward import FastFeedForward

AUTO = {
    "none": AutoModel,
    "masked_lm": AutoModelForMaskedLM,
    "sequence_classification": AutoModelForSequenceClassification,
    "token_classification": AutoModelForTokenClassification,
    "question_answering": AutoModelForQuestionAnswering,
    "replaced_token_detection": AutoModelForPreTraining,
}
STORED_HIDDEN_STATES = 2  # of the first texts, to keep the files small


class Oracle:
    """A checkpoint in transformers, each logit moved by plus or minus `noise`."""

    def __init__(
        self, path, head: str, limit: int | None = None, noise: float = 0.0, noise_seed: int = 0
    ):
        self.head = head
        self.tokenizer = AutoTokenizer.from_pretrained(path)
        options = {"dtype": torch.float32, "attn_implementation": "eager"}
        config = AutoConfig.from_pretrained(path)
        if head == "none" and config.model_type in ("bert", "mpnet", "nomic_bert", *LIKE_ROBERTA):
            options["add_pooling_layer"] = (
                False  # else transformers makes one up where there is none
            )
        self.model, info = AUTO[head].from_pretrained(path, output_loading_info=True, **options)
        if info["missing_keys"] or info["mismatched_keys"]:
            raise RuntimeError(f"{path}: the checkpoint lacks {info['missing_keys']}")
        self.model.eval()
        # Of the base model: with a head, transformers gives hidden states before ModernBERT's last norm.
        self.model.base_model.register_forward_hook(lambda _m, _i, out: self._keep(out))
        if self.model.config.model_type == "distilbert":  # whatever class the tokenizer says it is
            self.tokenizer.model_input_names = ["input_ids", "attention_mask"]
        self.types = getattr(config, "type_vocab_size", 0) > 1
        self.limit = limit or self.tokenizer.model_max_length
        if noise:
            generator = torch.Generator().manual_seed(noise_seed)
            self.model.register_forward_hook(
                lambda _m, _i, out: self._disturb(out, noise, generator)
            )

    def _keep(self, output) -> None:
        self.last_hidden_state = output[0]

    @staticmethod
    def _disturb(output, noise, generator):
        for name in ("logits", "start_logits", "end_logits"):
            if name in output:
                sign = torch.randint(0, 2, output[name].shape, generator=generator) * 2 - 1
                output[name] = output[name] + noise * sign
        return output

    def encode(self, text, pair=None):
        backend = self.tokenizer._tokenizer
        backend.no_padding()
        backend.enable_truncation(self.limit)
        return backend.encode(text, pair)

    @torch.no_grad()
    def forward(self, encoding):
        inputs = {"input_ids": torch.tensor([encoding.ids])}
        if self.types:
            inputs["token_type_ids"] = torch.tensor([encoding.type_ids])
        return self.model(**inputs)

    def case(self, text, pair=None, store_hidden=False) -> dict:
        encoding = self.encode(text, pair)
        FastFeedForward.margins.clear()
        output = self.forward(encoding)
        case = {"text": text}
        if pair is not None:
            case["text_pair"] = pair
        case["input_ids"] = encoding.ids
        case["type_ids"] = encoding.type_ids
        case["tokens"] = encoding.tokens
        case["offsets"] = [list(span) for span in encoding.offsets]
        if FastFeedForward.margins:
            case["fff_margin"] = min(FastFeedForward.margins)
        if store_hidden:
            case["last_hidden_state"] = self.last_hidden_state[0].tolist()
        if self.head == "masked_lm":
            case["masks"] = self._masks(encoding.ids, output.logits[0])
        elif self.head == "question_answering":
            case["logits"] = torch.stack(
                [output.start_logits[0], output.end_logits[0]], -1
            ).tolist()
        elif self.head == "replaced_token_detection":
            case["logits"] = output.logits[0].unsqueeze(-1).tolist()  # one a token
        elif self.head != "none":
            case["logits"] = output.logits[0].tolist()
        return case

    def _masks(self, ids, logits) -> list[dict]:
        masks = []
        for position, token in enumerate(ids):
            if token == self.tokenizer.mask_token_id:
                best = logits[position].topk(5)
                masks.append(
                    {
                        "position": position,
                        "ids": best.indices.tolist(),
                        "logits": best.values.tolist(),
                    }
                )
        return masks

    def embedding(self, text, pooling: str, normalize: bool) -> list[float]:
        """sentence-transformers' Pooling and Normalize; live/compare_sentence_transformers.py checks it."""
        self.forward(self.encode(text))
        rows = self.last_hidden_state[0]
        vector = {"mean": rows.mean(0), "cls": rows[0], "max": rows.max(0).values}[pooling]
        return (functional.normalize(vector, dim=0) if normalize else vector).tolist()


def _pipe(oracle: Oracle, task: str):
    return pipeline(task, model=oracle.model, tokenizer=oracle.tokenizer, device="cpu")


def classify(oracle: Oracle, inputs) -> list[dict]:
    pipe = _pipe(oracle, "text-classification")
    results = []
    for text, pair in inputs:
        item = {"text": text} if pair is None else {"text": text, "text_pair": pair}
        for function in (None, "softmax", "sigmoid", "none"):
            options = {} if function is None else {"function_to_apply": function}
            # A text alone goes in as a string: an empty dict entry would be read as a pair.
            source = text if pair is None else item
            answer = pipe(source, top_k=None, truncation=True, max_length=oracle.limit, **options)
            results.append({**item, "function_to_apply": function, "labels": answer})
    return results


def ner(oracle: Oracle, sentences) -> list[dict]:
    pipe = _pipe(oracle, "token-classification")
    results = []
    for strategy in ("none", "simple", "first", "average", "max"):
        for text in sentences:
            entities = pipe(text, aggregation_strategy=strategy)
            results.append({"text": text, "aggregation_strategy": strategy, "entities": entities})
    return results


def _ner_options(oracle: Oracle) -> list[dict]:
    pipe = _pipe(oracle, "token-classification")
    ignored = {"aggregation_strategy": "simple", "ignore_labels": ["B-LOC", "PER"]}
    text = texts.NER_TEXTS[1]
    results = [{"text": text, **ignored, "entities": pipe(text, **ignored)}]
    # Windows of 24 tokens, as transformers takes them: model_max_length is the window.
    text = texts.NER_LONG_TEXT
    oracle.tokenizer.model_max_length = 24
    for strategy in ("simple", "first", "average", "max"):
        for stride in (0, 6):
            entities = pipe(
                text, aggregation_strategy=strategy, **({"stride": stride} if stride else {})
            )
            asked = {"aggregation_strategy": strategy, "max_length": 24, "stride": stride}
            results.append({"text": text, **asked, "entities": entities})
    oracle.tokenizer.model_max_length = oracle.limit
    return results


def fill_mask(oracle: Oracle, sentences) -> list[dict]:
    pipe = _pipe(oracle, "fill-mask")
    return [{"text": text, "top_k": 5, "masks": pipe(text, top_k=5)} for text in sentences]


def answers(oracle: Oracle, questions) -> list[dict]:
    pipe = _pipe(oracle, "question-answering")
    results = []
    for question, context in questions:
        for impossible in (False, True):
            for max_seq_len, doc_stride, top_k in ((oracle.limit, 16, 3), (40, 12, 3), (40, 12, 1)):
                asked = {
                    "top_k": top_k,
                    "max_seq_len": max_seq_len,
                    "doc_stride": doc_stride,
                    "max_answer_len": 15,
                    "handle_impossible_answer": impossible,
                }
                found = pipe(question=question, context=context, **asked)
                found = found if isinstance(found, list) else [found]
                results.append(
                    {"question": question, "context": context, **asked, "answers": found}
                )
    return results


def _rerank(oracle: Oracle) -> list[dict]:
    results = []
    for query, passages in texts.RANKINGS:
        logits = [
            oracle.forward(oracle.encode(query, passage)).logits[0, 0].item()
            for passage in passages
        ]
        order = sorted(range(len(passages)), key=lambda i: -logits[i])
        ranked = [
            {"index": i, "score": float(1 / (1 + np.exp(-logits[i]))), "raw_score": logits[i]}
            for i in order
        ]
        results.append({"query": query, "texts": passages, "ranking": ranked})
    return results


def zero_shot(oracle: Oracle) -> list[dict]:
    pipe = _pipe(oracle, "zero-shot-classification")
    results = []
    for text in texts.ZERO_SHOT_TEXTS:
        for labels, template in texts.CANDIDATES:
            for multi_label in (False, True):
                asked = {
                    "candidate_labels": labels,
                    "hypothesis_template": template,
                    "multi_label": multi_label,
                }
                found = pipe(text, **asked)
                pairs = zip(found["labels"], found["scores"])
                ranked = [{"label": label, "score": score} for label, score in pairs]
                results.append({"text": text, **asked, "labels": ranked})
    return results


def expect(oracle: Oracle, tasks: dict) -> dict:
    """`tasks`: head-specific wishes of the checkpoint: pairs, rerank, zero_shot, pooling, normalize."""
    warnings.simplefilter("ignore")
    mask = oracle.tokenizer.mask_token
    masked = [text.replace("[MASK]", mask) for text in texts.MASKED_TEXTS]
    if oracle.head == "masked_lm":
        inputs = [(text, None) for text in masked]
    elif oracle.head == "token_classification":
        inputs = [(text, None) for text in texts.NER_TEXTS]
    elif oracle.head == "question_answering":
        inputs = texts.QUESTIONS
    elif tasks.get("pairs"):
        inputs = texts.PAIRS
    else:
        inputs = [(text, None) for text in texts.TEXTS]
        if oracle.head == "none":
            inputs += texts.PAIRS[:2]
        if oracle.head == "none" and oracle.model.config.model_type in ("mpnet", *LIKE_ROBERTA):
            # Their positions leave out the padding token, wherever it comes from.
            inputs.insert(0, (texts.PADDED.format(pad=oracle.tokenizer.pad_token), None))

    expected = {"cases": []}
    for number, (text, pair) in enumerate(inputs):
        stored = number < STORED_HIDDEN_STATES or (oracle.head == "none" and pair is not None)
        expected["cases"].append(oracle.case(text, pair, stored))
    if oracle.head == "sequence_classification":
        expected["classify"] = classify(oracle, inputs)
        if tasks.get("rerank"):
            expected["rerank"] = _rerank(oracle)
        if tasks.get("zero_shot"):
            expected["zero_shot"] = zero_shot(oracle)
    elif oracle.head == "token_classification":
        expected["ner"] = ner(oracle, texts.NER_TEXTS) + _ner_options(oracle)
    elif oracle.head == "masked_lm":
        expected["fill_mask"] = fill_mask(oracle, masked)
    elif oracle.head == "question_answering":
        expected["qa"] = answers(oracle, texts.QUESTIONS)
    elif "pooling" in tasks:
        own = tasks.get("sentence_transformers")
        poolings = [(p, n) for p in ("mean", "cls", "max") for n in (False, True)]
        expected["embed"] = [
            {"text": text, "pooling": p, "normalize": n, "embedding": oracle.embedding(text, p, n)}
            for text in (texts.TEXTS if own else texts.TEXTS[:4])
            for p, n in ([(tasks["pooling"], tasks["normalize"])] if own else poolings)
        ]
    return expected
