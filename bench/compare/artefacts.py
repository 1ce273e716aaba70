"""What the peers load, made from the plain encoder once and kept: ONNX, OpenVINO, CTranslate2 and GGUF files."""

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


def inputs_of(model: str, ids, masked: bool) -> dict:
    """What a graph is fed with: ids; a mask where texts are padded; and types where it takes pairs, of equal lengths."""
    from .specs import SPECS

    found = {"ids": ids} | ({"mask": ids * 0 + 1} if masked else {})
    if SPECS[model].labels:
        types = ids * 0
        types[:, ids.shape[1] // 2 :] = 1
        found["types"] = types
    return found


def onnx(model: str, masked: bool) -> Path:
    """The graph as exported."""

    def make(path):
        import torch

        example = torch.randint(0, VOCABULARY, (2, 16))
        inputs = inputs_of(model, example, masked)
        axes = {name: {0: "batch", 1: "tokens"} for name in (*inputs, "hidden")}
        if "types" in inputs:
            axes["hidden"] = {0: "batch"}
        torch.onnx.export(
            models.load_encoder(model),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=["hidden"],
            dynamic_axes=axes,
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


def fastembed(model: str, dtype: str) -> Path:
    """A folder with the fused graph under the names of inputs that fastembed feeds, and the tokenizer."""

    def make(path):
        import onnx as library

        graph = library.load(fused_onnx(model, dtype, masked=True))
        names = {"ids": "input_ids", "mask": "attention_mask"}
        for value in graph.graph.input:
            value.name = names[value.name]
        for node in graph.graph.node:
            for i, name in enumerate(node.input):
                node.input[i] = names.get(name, name)
        path.mkdir()
        library.save(graph, path / "model.onnx")
        for file in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copyfile(models.directory(model) / file, path / file)

    return made(models.directory(model) / f"fastembed-{dtype}", make)


def sentence_transformers(model: str, backend: str, dtype: str) -> Path:
    """What the library itself exports and quantises, as it says for processors with VNNI."""

    def make(path):
        import sentence_transformers as library

        found = library.SentenceTransformer(str(models.directory(model)), device="cpu", backend=backend)
        found.save_pretrained(str(path))
        if dtype == "int8":
            library.export_dynamic_quantized_onnx_model(found, "avx512_vnni", str(path))

    kind = "int8" if dtype == "int8" else "f32"
    return made(models.directory(model) / f"sentence-transformers-{backend}-{kind}", make)


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
            samples = [inputs_of(model, ids, masked) for ids in random.integers(0, VOCABULARY, shape)]
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


GGUF_TYPES = {"f32": "F32", "bf16": "F16", "int8": "Q8_0"}  # of matrices
GGUF_NAMES = {"word": "token_embd", "position": "position_embd", "norm": "token_embd_norm"}
GGUF_PARTS = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "out": "attn_output", "norm1": "attn_output_norm"}
GGUF_PARTS |= {"ffn.0": "ffn_up", "ffn.2": "ffn_down", "norm2": "layer_output_norm"}


def gguf(model: str, dtype: str) -> Path:
    """llama.cpp's file, without a vocabulary: it is fed with ids."""

    def make(path):
        import gguf as library
        import numpy
        from safetensors.numpy import load_file

        from .specs import SPECS

        spec = SPECS[model]
        writer = library.GGUFWriter(str(path), "bert")
        writer.add_vocab_size(spec.vocabulary)
        writer.add_tokenizer_model("no_vocab")
        writer.add_context_length(spec.positions)
        writer.add_embedding_length(spec.hidden)
        writer.add_feed_forward_length(spec.width)
        writer.add_block_count(spec.layers)
        writer.add_head_count(spec.heads)
        writer.add_layer_norm_eps(1e-12)
        writer.add_causal_attention(False)
        writer.add_pooling_type(library.PoolingType.NONE)
        writer.add_token_type_count(1)
        writer.add_tensor("token_types.weight", numpy.zeros((1, spec.hidden), numpy.float32))
        for name, tensor in load_file(models.directory(model) / models.PLAIN).items():
            matrix = name.startswith("layers.") and tensor.ndim == 2
            kind = library.GGMLQuantizationType[GGUF_TYPES[dtype] if matrix else "F32"]
            data = library.quants.quantize(tensor, kind)
            writer.add_tensor(models.rename(name, GGUF_NAMES, "blk.", GGUF_PARTS), data, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    return made(models.directory(model) / f"{GGUF_TYPES[dtype].lower()}.gguf", make)
