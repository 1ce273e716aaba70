"""What goes wrong, as exceptions: one class for each code of the library, which is also the built-in exception that fits."""

from . import _native


class SapwoodError(Exception):
    """Any error of the library. `code` is its name for programs; the message says what was expected, what was found, what to do."""

    code = "unknown"


class InvalidArgument(SapwoodError, ValueError):
    """A value is out of its documented range, or the model is closed."""

    code = "invalid_argument"


class NotFound(SapwoodError, FileNotFoundError):
    """A file, model, label or tensor does not exist."""

    code = "not_found"


class ReadFailed(SapwoodError, OSError):
    """The operating system refused a read, a write or a mapping."""

    code = "io"


class Malformed(SapwoodError, ValueError):
    """Bytes that are not what their format says."""

    code = "malformed"


class Mismatch(SapwoodError, ValueError):
    """Well-formed parts that contradict each other."""

    code = "mismatch"


class Unsupported(SapwoodError, NotImplementedError):
    """Well-formed, but something that Sapwood does not have: an argument of the reference packages, a task that the model has no head for."""

    code = "unsupported"


class InvalidUtf8(SapwoodError, ValueError):
    """A text that has no UTF-8: a str with a lone surrogate."""

    code = "invalid_utf8"


class TooLong(SapwoodError, ValueError):
    """A text over the limit while cutting it is refused."""

    code = "too_long"


class IsaUnavailable(SapwoodError, RuntimeError):
    """An instruction set was asked for that this processor or build lacks."""

    code = "isa_unavailable"


class OutOfMemory(SapwoodError, MemoryError):
    """An allocation failed."""

    code = "out_of_memory"


class SapwoodWarning(UserWarning):
    """What a user should know and is no error."""


class TruncationWarning(SapwoodWarning):
    """Texts were longer than the limit and cut."""


for _class in (InvalidArgument, NotFound, ReadFailed, Malformed, Mismatch, Unsupported, InvalidUtf8, TooLong, IsaUnavailable, OutOfMemory):
    _native.use_error(_class.code, _class)
for _code in ("overloaded", "deadline_exceeded", "cancelled"):
    _native.use_error(_code, SapwoodError)
