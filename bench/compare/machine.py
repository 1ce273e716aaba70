"""What the figures were measured on and with."""

import os
import platform
import re
import time
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "onnxruntime",
    "openvino",
    "nncf",
    "ctranslate2",
    "mkl",
    "sentence-transformers",
    "fastembed",
    "llama_cpp_python",
    "fastapi",
    "uvicorn",
)
FEATURES = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def slug(machine: dict) -> str:
    """The name of a machine's report: "amd-epyc-26-2"."""
    return "-".join(re.findall(r"[a-z0-9]+", f"{machine['cpu']} {machine['family']}".lower()
                               .replace("family ", "").replace("model ", "")))


def cores() -> int:
    return len(os.sched_getaffinity(0))


def describe() -> dict:
    info = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        info.setdefault(name.strip(), value.strip())
    flags = set(info.get("flags", "").split())
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return {
        "cpu": info.get("model name", platform.machine()),
        "family": f"family {info.get('cpu family')} model {info.get('model')}",
        "cores": cores(),
        "features": [feature for feature in FEATURES if feature in flags],
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "kernel": platform.release().partition("-")[0],
        "versions": versions,
        "date": time.strftime("%Y-%m-%d"),
    }
