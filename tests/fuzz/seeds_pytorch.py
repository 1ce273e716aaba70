"""First inputs of the target "pytorch": what torch.save writes, by the standard pickler and stand-ins for PyTorch's names."""

import io
import pickle
import struct
import sys
import types
from collections import OrderedDict

from seeds import write


def torch_names():
    """Stand-ins for what a pickle of PyTorch names, so that the standard pickler writes them."""
    made = {}
    for module, names in {"torch._utils": ["_rebuild_tensor_v2", "_rebuild_tensor", "_rebuild_parameter"],
                          "torch": ["FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage", "DoubleStorage", "Size"]}.items():
        sys.modules[module] = types.ModuleType(module)
        for name in names:
            value = type(name, (), {"__module__": module})
            setattr(sys.modules[module], name, value)
            made[name] = value
    return made


NAMES = torch_names()


class Reduced:
    """Pickles as a call of `name`."""

    def __init__(self, name, *arguments):
        self.name, self.arguments = name, arguments

    def __reduce__(self):
        return NAMES[self.name], self.arguments


class Storage:
    def __init__(self, kind, key, count):
        self.persistent = ("storage", NAMES[kind], key, "cpu", count)


def dump(value, legacy=False, protocol=2):
    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if not isinstance(item, Storage):
                return None
            return (*item.persistent, None) if legacy else item.persistent

    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def make_pytorch():
    def tensor(kind, key, count, offset, shape, strides):
        return Reduced("_rebuild_tensor_v2", Storage(kind, key, count), offset, shape, strides, False, OrderedDict())

    state = OrderedDict()
    state["plain"] = tensor("FloatStorage", "0", 6, 0, (2, 3), (3, 1))
    state["transposed"] = tensor("FloatStorage", "0", 6, 0, (3, 2), (1, 3))
    state["half"] = Reduced("_rebuild_parameter", tensor("HalfStorage", "1", 4, 1, (3,), (1,)), True, OrderedDict())
    state["old"] = Reduced("_rebuild_tensor", Storage("LongStorage", "2", 2), 0, (2,), (1,))
    state["far"] = tensor("FloatStorage", "0", 6, 0, (2, 1, 2), (1, (1 << 63) - 1, 3))
    state["scalar"] = tensor("BFloat16Storage", "3", 1, 0, (), ())
    state["empty"] = tensor("DoubleStorage", "4", 0, 0, (0, 4), (4, 1))
    state["other"] = [1, 2.5, None, True, "text", {"a": (1, -(1 << 40))}]
    data = {"0": b"\0" * 24, "1": b"\0" * 8, "2": b"\1" * 16, "3": b"\0\0", "4": b""}

    def archive(pickled, storages, extra=()):
        out = b"=== archive/data.pkl\n" + pickled
        for name, content in [("archive/byteorder", b"little"), *extra,
                              *((f"archive/data/{key}", content) for key, content in storages.items()),
                              ("archive/version", b"3\n")]:
            out += b"\n=== " + name.encode() + b"\n" + content
        return out

    write("pytorch", "state", archive(dump(state), data))
    write("pytorch", "protocol_4", archive(dump(state, protocol=4), data))
    write("pytorch", "wrapped", archive(dump({"state_dict": state, "epoch": 3}), data))
    write("pytorch", "model", archive(dump({"model": dict(state)}), data, [("archive/.data/serialization_id", b"0")]))
    write("pytorch", "big_endian", archive(dump(state), data).replace(b"little", b"big"))
    legacy = dump(0x1950A86A20F9469CFC6C) + dump(1001) + dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2}})
    legacy += dump(state, legacy=True) + dump(list(data))
    for key, content in data.items():
        size = {"0": 4, "1": 2, "2": 8, "3": 2, "4": 8}[key]
        legacy += struct.pack("<q", len(content) // size) + content
    write("pytorch", "legacy", legacy)
    write("pytorch", "global", archive(b"\x80\x02cos\nsystem\n(X\x01\x00\x00\x00atR.", {}))
    write("pytorch", "module", archive(b"\x80\x02c__torch__\nModel\n)\x81}b.", {}, [("archive/constants.pkl", b"")]))
