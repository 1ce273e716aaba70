"""Texts to token ids and back, as the tokenizers of transformers do it."""

import os

import numpy as np

from . import _native
from .errors import InvalidArgument, Unsupported
from .models import as_texts, find, make_options, refuse, refuse_unknown, say

_PADDINGS = {True: "longest", False: None, "do_not_pad": None, "longest": "longest", "max_length": "max_length"}
_TRUNCATIONS = {True: "longest_first", "longest_first": "longest_first", "only_first": "only_first", "only_second": "only_second"}
_SPECIALS = ("cls", "sep", "mask", "pad", "unk")


class Encoding(dict):
    """What a tokenizer gives: lists by name ("input_ids", "attention_mask", ...), which are attributes, too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def word_ids(self, batch_index=0):
        """The word that each token belongs to; None for special tokens."""
        return self._windows[batch_index]["word_ids"]

    def sequence_ids(self, batch_index=0):
        """Which text of a pair each token comes from; None for special tokens."""
        return self._windows[batch_index]["sequence_ids"]


class Tokenizer:
    """The tokenizer of a model, without the model: a directory, a converted file, a tokenizer.json, a vocab.txt, or a name as Encoder takes it."""

    def __init__(self, name_or_path, *, revision=None, local_files_only=True, token=None, use_fast=True, **reference):
        refuse("Tokenizer", use_fast=(use_fast, True))
        refuse_unknown("Tokenizer", reference)
        self.name_or_path = os.path.abspath(find(name_or_path, revision, local_files_only, token))
        self._native = _native.Tokenizer.load(self.name_or_path)
        self.facts = self._native.facts()
        self.vocab_size = self.facts["vocab_size"]
        limit = self.facts["max_length"] or self.facts["model_max_length"]
        self.model_max_length = int(1e30) if limit is None else limit
        for name in _SPECIALS:
            number = self.facts[f"{name}_token_id"]
            setattr(self, f"{name}_token_id", number)
            setattr(self, f"{name}_token", None if number is None else self._native.token(number))
        say(self.facts["notices"])

    @classmethod
    def from_pretrained(cls, name_or_path, **options):
        """As Tokenizer(name_or_path)."""
        return cls(name_or_path, **options)

    def __reduce__(self):
        return type(self), (self.name_or_path,)

    def __len__(self):
        return self.vocab_size

    def __repr__(self):
        return f"Tokenizer({self.name_or_path!r}, {self.facts['model_type']}, {self.vocab_size} tokens)"

    def __call__(self, text, text_pair=None, *, add_special_tokens=True, padding=False, truncation=None, max_length=None, stride=0,
                 is_split_into_words=False, pad_to_multiple_of=None, padding_side="right", return_tensors=None, return_token_type_ids=None,
                 return_attention_mask=None, return_overflowing_tokens=False, return_special_tokens_mask=False, return_offsets_mapping=False,
                 return_length=False, verbose=True, **kwargs):
        """Token ids of a text or a list of texts, or of pairs: an Encoding of lists.

        truncation: False, True, "longest_first", "only_first", "only_second"; to max_length, else to the model's limit. padding: False, True
        ("longest"), "max_length". return_tensors: "np", or "pt" where torch is installed. return_token_type_ids: unset, of WordPiece alone.
        Offsets count characters. Errors: TypeError, InvalidArgument, InvalidUtf8, TooLong, Unsupported.
        """
        refuse("Tokenizer", is_split_into_words=(is_split_into_words, False), return_tensors=(return_tensors, None, "np", "pt"),
               padding_side=(padding_side, "right", "left", None))
        refuse_unknown("Tokenizer", kwargs)
        single = isinstance(text, str)
        texts = [text] if single else as_texts(text, "text")
        pairs = None if text_pair is None else [text_pair] if single else as_texts(text_pair, "text_pair")
        if pairs is None and not single and any(isinstance(each, (list, tuple)) for each in texts):
            texts, pairs = [each[0] for each in texts], [each[1] for each in texts]
        options = self._options(add_special_tokens, truncation, max_length, stride, return_overflowing_tokens)
        encodings = self._native.encode(texts, pairs, options)
        windows, owners = [], []
        for i, encoding in enumerate(encodings):
            own = [encoding, *(encoding["overflowing"] if return_overflowing_tokens else [])]
            windows += own
            owners += [i] * len(own)
        types = self.facts["model_type"] == "WordPiece" if return_token_type_ids is None else return_token_type_ids
        columns = self._columns(windows, types, return_attention_mask is not False, return_special_tokens_mask, return_offsets_mapping)
        length = self._padded_length(padding, options.max_length, pad_to_multiple_of, columns["input_ids"])
        if length is not None:
            self._pad(columns, length, padding_side or "right")
        if return_overflowing_tokens:
            columns["overflow_to_sample_mapping"] = owners
        if return_length:
            columns["length"] = [len(ids) for ids in columns["input_ids"]]
        return _encoding(columns, windows, single and not return_overflowing_tokens, return_tensors)

    def encode(self, text, text_pair=None, **options):
        """The token ids of a text or a pair."""
        return self(text, text_pair, **options)["input_ids"]

    def tokenize(self, text, pair=None, add_special_tokens=False, **options):
        """The tokens of a text or a pair."""
        return self.convert_ids_to_tokens(self.encode(text, pair, add_special_tokens=add_special_tokens, **options))

    def decode(self, token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=None, **kwargs):
        """The text of token ids; of lists of them a list."""
        refuse("Tokenizer.decode", clean_up_tokenization_spaces=(clean_up_tokenization_spaces, None, False))
        refuse_unknown("Tokenizer.decode", kwargs)
        ids = np.asarray(token_ids).tolist() if not isinstance(token_ids, (list, tuple)) else list(token_ids)
        if ids and isinstance(ids[0] if isinstance(ids, list) else ids, (list, tuple, np.ndarray)):
            return [self.decode(each, skip_special_tokens) for each in ids]
        return self._native.decode([ids] if isinstance(ids, int) else [int(i) for i in ids], skip_special_tokens)

    def batch_decode(self, sequences, skip_special_tokens=False, **kwargs):
        """The texts of lists of token ids."""
        return [self.decode(each, skip_special_tokens, **kwargs) for each in sequences]

    def convert_ids_to_tokens(self, ids, skip_special_tokens=False):
        """The token of an id, or those of a list of ids."""
        if isinstance(ids, int):
            return self._native.token(ids)
        return [self._native.token(int(i)) for i in ids if not (skip_special_tokens and self._native.is_special(int(i)))]

    def convert_tokens_to_ids(self, tokens):
        """The id of a token, or those of a list of tokens; that of the unknown token where the vocabulary has none."""
        if isinstance(tokens, str):
            number = self._native.id(tokens)
            return self.unk_token_id if number is None else number
        return [self.convert_tokens_to_ids(token) for token in tokens]

    def convert_tokens_to_string(self, tokens):
        """The text of tokens."""
        return self._native.join(list(tokens))

    def num_special_tokens_to_add(self, pair=False):
        """Tokens that are added to a text or a pair."""
        return len(self._native.encode([""], [""] if pair else None, _native.EncodeOptions())[0]["ids"])

    # --- inside ----------------------------------------------------------------------------------

    def _options(self, add_special_tokens, truncation, max_length, stride, overflowing):
        strategy = None
        if truncation in (None, False, "do_not_truncate"):
            strategy = "longest_first" if truncation is None and max_length is not None else None
        elif truncation in _TRUNCATIONS:
            strategy = _TRUNCATIONS[truncation]
        else:
            raise InvalidArgument(f"truncation: expected True, False or one of {[*_TRUNCATIONS][1:]}, found {truncation!r}")
        limit = max_length if max_length is not None else self.model_max_length
        return make_options(_native.EncodeOptions, add_special_tokens=bool(add_special_tokens), stride=stride, overflowing=bool(overflowing),
                            truncation=strategy or "longest_first", truncation_side=self.facts["truncation_side"],
                            max_length=None if strategy is None or limit > 2**30 else limit)

    @staticmethod
    def _columns(windows, types, mask, special, offsets):
        columns = {"input_ids": [window["ids"] for window in windows]}
        if types:
            columns["token_type_ids"] = [window["type_ids"] for window in windows]
        if mask:
            columns["attention_mask"] = [[1] * len(window["ids"]) for window in windows]
        if special:
            columns["special_tokens_mask"] = [window["special_tokens_mask"] for window in windows]
        if offsets:
            columns["offset_mapping"] = [window["offsets"] for window in windows]
        return columns

    def _padded_length(self, padding, max_length, multiple, rows):
        if padding not in _PADDINGS:
            raise InvalidArgument(f"padding: expected one of {list(_PADDINGS)}, found {padding!r}")
        how = _PADDINGS[padding]
        if how is None:
            return None
        if self.pad_token_id is None:
            raise Unsupported("padding: the tokenizer has no padding token")
        length = max(map(len, rows), default=0)
        if how == "max_length":
            length = max_length if max_length is not None else self.model_max_length
            if length > 1 << 20:
                raise InvalidArgument("padding='max_length': the tokenizer has no limit; give max_length")
        return length if not multiple else -(-length // multiple) * multiple

    def _pad(self, columns, length, side):
        fillers = {"input_ids": self.pad_token_id, "token_type_ids": 0, "attention_mask": 0, "special_tokens_mask": 1, "offset_mapping": (0, 0)}
        for name, rows in columns.items():
            for i, row in enumerate(rows):
                more = [fillers[name]] * (length - len(row))
                rows[i] = row + more if side == "right" else more + row


def _encoding(columns, windows, single, tensors):
    if tensors:
        columns = {name: _array(rows, name) for name, rows in columns.items()}
        if tensors == "pt":
            import torch

            columns = {name: torch.from_numpy(array) for name, array in columns.items()}
    elif single:
        columns = {name: rows[0] for name, rows in columns.items()}
    encoding = Encoding(columns)
    for window in windows:
        for name in ("word_ids", "sequence_ids"):
            window[name] = [None if each < 0 else each for each in window[name]]
    object.__setattr__(encoding, "_windows", windows)
    return encoding


def _array(rows, name):
    try:
        return np.array(rows, dtype=np.int64)
    except ValueError:
        raise InvalidArgument(f"return_tensors: the rows of {name} have different lengths; give padding=True") from None
