"""What the peers load, made from the plain encoder once and kept: ONNX, OpenVINO and CTranslate2 files."""

import shutil
from pathlib import Path

from . import models
from .specs import VOCABULARY

CALIBRATION_TEXTS = 32
CALIBRATION_TOKENS = 64


def made(path: Path, make) -> Path:
    """`path`, made by make(temporary path) where it is missing; an interrupted try leaves nothing behind."""
    if not path.exists():
        print(f"making {path.parent.name}/{path.name}", flush=True)
        partial = path.with_name("partial-" + path.name)
        if partial.is_dir():
            shutil.rmtree(partial)
        make(partial)
        partial.rename(path)
    return path


def variant(masked: bool) -> str:
    return "masked" if masked else "plain"


def onnx(model: str, masked: bool) -> Path:
    """The graph as exported."""

    def make(path):
        import torch

        example = torch.randint(0, VOCABULARY, (2, 16))
        inputs = {"ids": example} | ({"mask": torch.ones_like(example)} if masked else {})
        torch.onnx.export(
            models.load_encoder(model),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=["hidden"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in (*inputs, "hidden")},
            opset_version=17,
            dynamo=False,
        )

    return made(models.directory(model) / f"{variant(masked)}.onnx", make)


def fused_onnx(model: str, dtype: str, masked: bool) -> Path:
    """onnxruntime's transformer optimizer, then dynamic quantisation, weights per channel."""

    def fuse(path):
        from onnxruntime.transformers import optimizer
        from onnxruntime.transformers.fusion_options import FusionOptions

        from .specs import SPECS

        spec = SPECS[model]
        options = FusionOptions("bert")
        options.enable_embed_layer_norm = False
        optimized = optimizer.optimize_model(
            str(onnx(model, masked)),
            model_type="bert",
            num_heads=spec.heads,
            hidden_size=spec.hidden,
            optimization_options=options,
        )
        print(f"  fused: {optimized.get_fused_operator_statistics()}", flush=True)
        optimized.save_model_to_file(str(path))

    def quantise(path):
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(
            str(fused_onnx(model, "f32", masked)),
            str(path),
            op_types_to_quantize=["MatMul", "Attention"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            # Types that shape inference cannot know behind onnxruntime's own operators.
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": 1},
        )

    path = models.directory(model) / f"{variant(masked)}-{dtype}-fused.onnx"
    return made(path, fuse if dtype == "f32" else quantise)


def openvino(model: str, dtype: str, masked: bool) -> Path:
    """OpenVINO's own file; int8: post-training quantisation by NNCF, calibrated with random ids."""

    def make(path):
        import nncf
        import numpy
        import openvino as ov

        graph = ov.Core().read_model(onnx(model, masked))
        if dtype == "int8":
            random = numpy.random.default_rng(0)
            shape = (CALIBRATION_TEXTS, 1, CALIBRATION_TOKENS)
            samples = [
                {"ids": ids} | ({"mask": numpy.ones_like(ids)} if masked else {})
                for ids in random.integers(0, VOCABULARY, shape)
            ]
            graph = nncf.quantize(
                graph,
                nncf.Dataset(samples),
                model_type=nncf.ModelType.TRANSFORMER,
                subset_size=CALIBRATION_TEXTS,
            )
        path.mkdir()
        ov.save_model(graph, path / "model.xml", compress_to_fp16=False)

    folder = made(models.directory(model) / f"openvino-{variant(masked)}-{dtype}", make)
    return folder / "model.xml"


def ctranslate2(model: str, dtype: str) -> Path:
    def make(path):
        import ctranslate2

        quantization = {"f32": None, "bf16": "bfloat16", "int8": "int8"}[dtype]
        converter = ctranslate2.converters.TransformersConverter(str(models.directory(model)))
        converter.convert(str(path), quantization=quantization)

    return made(models.directory(model) / f"ctranslate2-{dtype}", make)
