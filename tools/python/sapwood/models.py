"""Loading: what a name means, options, notices, and what every object that holds a model has."""

import os
import sys
import warnings

from . import _native
from .errors import InvalidArgument, NotFound, SapwoodWarning, TruncationWarning, Unsupported

# The names that the reference packages have for types of weights.
_DTYPES = {"float32": "f32", "bfloat16": "bf16", "fp32": "f32"}
# Texts that go to the library at once: enough for all threads, few enough for memory, a progress bar and Ctrl-C.
CHUNK = 1024
# What the reference's classes have and this has not.
_REFERENCE = ("modules", "cache_folder", "use_auth_token", "model_kwargs", "processor_kwargs", "config_kwargs", "model_card_data", "backend",
              "tokenizer_kwargs", "automodel_args", "config_args")
_HERE = os.path.dirname(__file__) + os.sep


def find(name, revision=None, local_files_only=True, token=None):
    """The path of the model that `name` means: a path, a name in $SAPWOOD_MODELS, or what the cache of the Hugging Face libraries has of ORG/NAME.

    With `local_files_only` False what is not there is downloaded into that cache, by huggingface_hub, which must be installed.
    Errors: NotFound saying where it looked.
    """
    name = os.fspath(name)
    wanted = f"{name}@{revision}" if revision is not None else name
    try:
        return _native.find_model(wanted)
    except NotFound:
        if local_files_only:
            raise
    return _download(name, revision, token)


def _download(name, revision, token):
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError(f"local_files_only=False downloads {name!r} by huggingface_hub, which is not installed: pip install huggingface_hub") from error
    files = ["*.json", "*.txt", "*.safetensors"]
    other_engines = ["onnx/*", "openvino/*", "coreml/*"]
    path = snapshot_download(name, revision=revision, token=token, allow_patterns=files, ignore_patterns=other_engines)
    if not any(file.endswith(".safetensors") for file in os.listdir(path)):
        path = snapshot_download(name, revision=revision, token=token, allow_patterns=[*files, "pytorch_model*.bin"], ignore_patterns=other_engines)
    return _native.find_model(path)


def convert(model, path, dtype="int8"):
    """Writes a model directory as one file that is mapped at load, with weights of `dtype` (f32, bf16 or int8). Gives what was kept in bf16, by product."""
    report = _native.convert(find(model), os.fspath(path), _dtype(dtype))
    say(report["notices"])
    if report["not_finite"]:
        warn(f"tensors hold a NaN or an infinity: {', '.join(report['not_finite'])}")
    return report["kept"]


def _dtype(dtype):
    name = str(dtype).removeprefix("torch.")
    return _DTYPES.get(name, name)


def warn(message, category=SapwoodWarning):
    """A warning that names the caller's line, whichever of this package's functions it called."""
    frame, level = sys._getframe(1), 2
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def say(notices):
    """Whole sentences as warnings."""
    for notice in notices:
        warn(notice)


def refuse(function, **given):
    """Raises Unsupported for the first argument that is not at the reference's default: name=(value, *accepted values)."""
    for name, (value, *accepted) in given.items():
        if not any(value is each or (type(value) is type(each) and value == each) for each in accepted):
            raise Unsupported(f"{function}: {name}={value!r} is not supported; leave it out or give {' or '.join(map(repr, accepted))}")


def refuse_unknown(function, kwargs, known=""):
    """Raises TypeError for arguments that nothing has."""
    if kwargs:
        raise TypeError(f"{function}: unknown argument {next(iter(kwargs))!r}" + (f"; known are {known}" if known else ""))


def as_texts(inputs, what="inputs"):
    """A list of str. Of columns (pandas, Polars, Arrow, NumPy) that of their values. Errors: TypeError."""
    if isinstance(inputs, (list, tuple)):
        return inputs
    if isinstance(inputs, (str, bytes, bytearray, dict)) or inputs is None:
        raise TypeError(f"{what}: expected a list of str, found {type(inputs).__name__}")
    dtype = getattr(inputs, "dtype", None)
    if getattr(dtype, "kind", "O") not in "OUT":  # an array of numbers; StringDType is kind T
        raise TypeError(f"{what}: expected a list of str, found {type(inputs).__name__} of {dtype}")
    for convert_column in ("to_pylist", "to_list", "tolist"):  # Arrow; Polars and pandas; NumPy
        if hasattr(inputs, convert_column):
            texts = getattr(inputs, convert_column)()
            return texts if isinstance(texts, list) else [texts]
    try:
        return list(inputs)
    except TypeError:
        raise TypeError(f"{what}: expected a list of str, found {type(inputs).__name__}") from None


def warn_truncated(truncated, count, limit):
    """A warning where texts were cut."""
    if truncated:
        warn(f"{truncated} of {count} texts were longer than {limit} tokens and cut", TruncationWarning)


class Progress:
    """A bar by tqdm where it is asked for."""

    def __init__(self, shown, total):
        self._bar = None
        if shown:
            try:
                from tqdm.auto import tqdm
            except ImportError as error:
                raise ImportError("show_progress_bar needs tqdm, which is not installed: pip install tqdm") from error
            self._bar = tqdm(total=total, desc="Texts", unit="text")

    def __enter__(self):
        return self

    def update(self, count):
        if self._bar is not None:
            self._bar.update(count)

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()


def make_options(options_class, **fields):
    """Options of the library with these fields set."""
    options = options_class()
    for name, value in fields.items():
        setattr(options, name, value)
    return options


class LoadedModel:
    """A model from a directory or a file, and the options it was loaded with; pickled by them."""

    def __init__(self, model_name_or_path, *, dtype="auto", threads=0, isa="auto", copy_weights=False, batch_tokens=4096,
                 device=None, revision=None, local_files_only=True, token=None, trust_remote_code=False, **reference):
        where = type(self).__name__
        refuse(where, device=(device, None, "cpu"), trust_remote_code=(trust_remote_code, False, None),
               **{name: (reference.pop(name), None) for name in list(reference) if name in _REFERENCE})
        refuse_unknown(where, reference)
        options = make_options(_native.LoadOptions, dtype=_dtype(dtype), threads=threads, isa=isa, copy_weights=copy_weights, batch_tokens=batch_tokens)
        path = find(model_name_or_path, revision, local_files_only, token)
        self._native = _native.Model.load(path, options)
        self.facts = self._native.facts()
        # Loaded again, it is this file, whatever its name means by then.
        self._state = {"model_name_or_path": os.path.abspath(path), "dtype": dtype, "threads": threads, "isa": isa,
                       "copy_weights": copy_weights, "batch_tokens": batch_tokens}
        say(self.facts["notices"])

    def close(self):
        """Gives the model's memory back once no call is under way. Later calls raise InvalidArgument."""
        self._native.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        facts = self.facts
        return f"{type(self).__name__}({facts['path']!r}, {facts['architecture']}, {facts['dtype']}, {facts['isa']})"

    @property
    def device(self):
        """Always "cpu"."""
        return "cpu"

    @property
    def config(self):
        """What the model's files say: architecture, head, labels, hidden, max_length, dtype, isa, ..., by name."""
        return dict(self.facts)

    @property
    def tokenizer(self):
        """The model's tokenizer."""
        if getattr(self, "_tokenizer", None) is None:
            from .tokenizer import Tokenizer

            self._tokenizer = Tokenizer(self.facts["path"])
        return self._tokenizer

    def _limit(self, max_length):
        return self.facts["max_length"] if max_length is None else max_length


class SentenceModel(LoadedModel):
    """What Encoder and CrossEncoder share: a limit of tokens, and settings that are pickled as they stand."""

    _settings = ()  # names of attributes that may be set after loading

    def __reduce__(self):
        return _load, (type(self), self._state, {name: getattr(self, name) for name in self._settings})

    @property
    def max_seq_length(self):
        """The most tokens of a text or a pair that are read, special tokens included; may be set."""
        return self._limit(self._max_length)

    @max_seq_length.setter
    def max_seq_length(self, value):
        self._max_length = check_length(value, self.facts["max_positions"])


def _load(cls, state, settings):
    model = cls(**state)
    for name, value in settings.items():  # also where that is None
        setattr(model, name, value)
    return model


def check_length(max_length, most):
    """A limit of tokens, checked. Errors: InvalidArgument."""
    if max_length is not None and (not isinstance(max_length, int) or isinstance(max_length, bool) or not 1 <= max_length <= most):
        raise InvalidArgument(f"max_seq_length: expected 1 to {most}, found {max_length!r}")
    return max_length
