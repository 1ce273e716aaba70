#!/usr/bin/env python3
"""Runs the clients that people have against `sapwood serve`, unchanged, and compares with the command line's answers.

Each client is used as its own documentation uses it: happy paths, and what it does with refusals. A client whose package is
not installed is skipped by name; two environments are needed for all of them, as some exclude each other.

usage: serve_clients.py [--sapwood BINARY] [--only NAME ...]
"""
import argparse
import base64
import concurrent.futures
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

# Nobody is told of these runs, and no list of prices is fetched.
os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "ANONYMIZED_TELEMETRY": "False", "HAYSTACK_TELEMETRY_ENABLED": "False",
               "HF_HUB_DISABLE_TELEMETRY": "1"}

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/data"
TEXTS = ["heartwood is dead", "sapwood is alive", "it 's a charming and often affecting journey ."]
MODELS = {
    "embed": "minilm-fff-embed",
    "sst2": "minilm-fff-sst2",
    "ner": "minilm-fff-ner",
    "mlm": "minilm-fff-mlm",
    "cross": str(GOLDEN / "bert-cross-encoder"),
    "qa": str(GOLDEN / "bert-qa"),
}


class Server:
    """`sapwood serve` on a free port, until the end of a with block."""

    def __init__(self, sapwood, *options, models=MODELS):
        arguments = [sapwood, "serve", "--port", "0", "--quiet", *options]
        for name, path in models.items():
            arguments += ["-m", f"{name}={path}"]
        self.process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found.group(1)
                break
        else:
            raise RuntimeError("the server did not start: " + "".join(self.lines))
        threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        if self.process.wait(30) != 0:
            raise RuntimeError("the server ended badly: " + "".join(self.lines))


def close(found, expected, tolerance=1e-5):
    assert len(found) == len(expected), (len(found), len(expected))
    worst = max(abs(a - b) for a, b in zip(found, expected))
    assert worst <= tolerance, worst


def answers(sapwood, command, model, texts, *options):
    run = subprocess.run([sapwood, command, "-m", MODELS[model], "--format", "jsonl", "-q", *options, *texts], check=True,
                         capture_output=True, text=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def embeddings(sapwood, texts):
    return [row["embedding"] for row in answers(sapwood, "embed", "embed", texts, "--normalize")]


def post(url, body, headers=()):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **dict(headers)})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


# --- one function a client; each raises where something is wrong


def client_openai(sapwood, url):
    import openai

    client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)
    expected = embeddings(sapwood, TEXTS)
    found = client.embeddings.create(model="embed", input=TEXTS)  # base64, by default
    for row, vector in zip(found.data, expected):
        close(row.embedding, vector)
    assert found.usage.total_tokens > 0 and found.model == "embed"
    assert [row.index for row in found.data] == [0, 1, 2]
    close(client.embeddings.create(model="embed", input=TEXTS[0], encoding_format="float").data[0].embedding, expected[0])
    assert "embed" in [model.id for model in client.models.list()]
    for wrong in (dict(model="no-such-model", input="x"), dict(model="embed", input=[])):
        try:
            client.embeddings.create(**wrong)
        except (openai.NotFoundError, openai.BadRequestError, openai.UnprocessableEntityError) as error:
            assert error.body and error.body.get("message"), error.body
        else:
            raise AssertionError(f"{wrong} was accepted")


def client_openai_retries(sapwood, url):
    """A refusal is retried after the time that the server names, and none is lost."""
    import openai

    with Server(sapwood, "--threads", "1", "--max-wait", "5", models={"embed": MODELS["embed"]}) as server:
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=100)
        text = " ".join(TEXTS * 20)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: client.embeddings.create(model="embed", input=text), range(64)))
        assert len(found) == 64
        metrics = urllib.request.urlopen(server.url + "/metrics").read().decode()
        refused = [float(line.split()[-1]) for line in metrics.splitlines() if "429" in line or "overloaded" in line]
        assert sum(refused) > 0, "nothing was refused, so that nothing was tried"


def client_huggingface_hub(sapwood, url):
    import huggingface_hub

    client = huggingface_hub.InferenceClient(base_url=url) if "base_url" in huggingface_hub.InferenceClient.__init__.__code__.co_varnames \
        else huggingface_hub.InferenceClient(url)
    expected = embeddings(sapwood, TEXTS[:1])[0]
    found = client.feature_extraction(TEXTS[0], normalize=True)
    close([float(x) for x in found.reshape(-1)], expected)

    def at(name):
        return huggingface_hub.InferenceClient(model=f"{url}/models/{name}")

    label = at("sst2").text_classification(TEXTS[2])[0]
    want = answers(sapwood, "classify", "sst2", [TEXTS[2]])[0]
    assert label.label == want["label"] and abs(label.score - want["score"]) < 1e-5
    text = "Maria Keller moved to Berlin"
    groups = at("ner").token_classification(text, aggregation_strategy="simple")
    wanted = answers(sapwood, "ner", "ner", [text], "--aggregation", "simple")[0]
    assert [g.word for g in groups] == [w["word"] for w in wanted], (groups, wanted)
    fills = at("mlm").fill_mask("The sap of a [MASK] rises in spring.")
    assert fills[0].token_str == answers(sapwood, "fill-mask", "mlm", ["The sap of a [MASK] rises in spring."])[0][0]["token_str"]
    answer = at("qa").question_answering(question="Where?", context="It stands in Berlin.")
    assert (answer[0] if isinstance(answer, list) else answer).answer is not None
    scores = client.sentence_similarity(TEXTS[0], TEXTS[1:])
    assert len(scores) == 2
    try:
        at("sst2").text_classification("")
    except huggingface_hub.errors.HfHubHTTPError as error:
        assert error.response.status_code in (400, 413, 422)


def client_cohere(sapwood, url):
    import cohere

    client = cohere.ClientV2(api_key="none", base_url=url)
    found = client.rerank(model="cross", query="a tree", documents=TEXTS, top_n=2)
    wanted = answers(sapwood, "rerank", "cross", TEXTS, "--query", "a tree")[0][:2]
    assert [row.index for row in found.results] == [row["index"] for row in wanted]
    close([row.relevance_score for row in found.results], [row["score"] for row in wanted])
    try:
        client.rerank(model="no-such-model", query="a", documents=["b"])
    except cohere.errors.NotFoundError:
        pass


def client_tritonclient(sapwood, url):
    import numpy
    import tritonclient.http as triton

    client = triton.InferenceServerClient(url.removeprefix("http://"))
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("embed")
    metadata = client.get_model_metadata("embed")
    given = triton.InferInput(metadata["inputs"][0]["name"], [len(TEXTS)], "BYTES")
    given.set_data_from_numpy(numpy.array([t.encode() for t in TEXTS], dtype=object))  # binary, by default
    found = client.infer("embed", [given]).as_numpy(metadata["outputs"][0]["name"])
    for row, vector in zip(found, embeddings(sapwood, TEXTS)):
        close(row.tolist(), vector)
    try:
        client.infer("no-such-model", [given])
    except triton.InferenceServerException:
        pass
    else:
        raise AssertionError("a model that does not exist was accepted")


def client_ollama(sapwood, url):
    import ollama

    client = ollama.Client(host=url)
    found = client.embed(model="embed", input=TEXTS)
    for row, vector in zip(found["embeddings"], embeddings(sapwood, TEXTS)):
        close(row, vector)
    try:
        client.embed(model="no-such-model", input="x")
    except ollama.ResponseError as error:
        assert error.status_code == 404


def client_litellm(sapwood, url):
    import litellm

    found = litellm.embedding(model="openai/embed", input=TEXTS, api_base=url + "/v1", api_key="none")
    for row, vector in zip(found.data, embeddings(sapwood, TEXTS)):
        close(row["embedding"], vector)


def client_langchain_openai(sapwood, url):
    from langchain_openai import OpenAIEmbeddings

    client = OpenAIEmbeddings(model="embed", base_url=url + "/v1", api_key="none", check_embedding_ctx_length=False)
    for row, vector in zip(client.embed_documents(TEXTS), embeddings(sapwood, TEXTS)):
        close(row, vector)
    close(client.embed_query(TEXTS[0]), embeddings(sapwood, TEXTS[:1])[0])


def client_llama_index(sapwood, url):
    from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

    client = TextEmbeddingsInference(model_name="embed", base_url=url)
    for row, vector in zip(client.get_text_embedding_batch(TEXTS), embeddings(sapwood, TEXTS)):
        close(row, vector)


def client_llama_index_rerank(sapwood, url):
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
    from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

    client = TextEmbeddingInference(base_url=url + "/models/cross", top_n=2)
    nodes = [NodeWithScore(node=TextNode(text=t)) for t in TEXTS]
    assert len(client.postprocess_nodes(nodes, QueryBundle("a tree"))) == 2


def client_haystack(sapwood, url):
    from haystack import Document
    from haystack_integrations.components.embedders.huggingface_api import HuggingFaceAPIDocumentEmbedder, HuggingFaceAPITextEmbedder

    parameters = dict(api_type="text_embeddings_inference", api_params={"url": url}, token=None, normalize=True)
    close(HuggingFaceAPITextEmbedder(**parameters).run(TEXTS[0])["embedding"], embeddings(sapwood, TEXTS[:1])[0])
    documents = HuggingFaceAPIDocumentEmbedder(**parameters).run([Document(content=t) for t in TEXTS])["documents"]
    for document, vector in zip(documents, embeddings(sapwood, TEXTS)):
        close(document.embedding, vector)


def client_chromadb(sapwood, url):
    from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

    for row, vector in zip(HuggingFaceEmbeddingServer(url=url + "/embed")(TEXTS), embeddings(sapwood, TEXTS)):
        close(list(row), vector)


def client_plain(sapwood, url):
    """No package: the routes as curl would use them."""
    for row, vector in zip(post(url + "/embed", {"inputs": TEXTS}), embeddings(sapwood, TEXTS)):
        close(row, vector)
    body = post(url + "/v1/embeddings", {"model": "embed", "input": TEXTS[0], "encoding_format": "base64"})
    assert len(base64.b64decode(body["data"][0]["embedding"])) == 4 * len(embeddings(sapwood, TEXTS[:1])[0])
    for path in ("/health", "/ping", "/metrics", "/info", "/v1/models", "/v2/health/ready", "/openapi.json"):
        assert urllib.request.urlopen(url + path).status == 200
    for path, given, status in (("/embed", {"inputs": []}, (400, 413, 422)), ("/embed", {"input": 1}, (400, 422)), ("/nowhere", {}, (404,))):
        try:
            post(url + path, given)
        except urllib.error.HTTPError as error:
            assert error.code in status, (path, given, error.code)
            assert json.load(error)["error"]
        else:
            raise AssertionError(f"{path} {given} was accepted")


PACKAGES = {"openai": "openai", "openai_retries": "openai", "huggingface_hub": "huggingface_hub", "cohere": "cohere",
            "tritonclient": "tritonclient.http", "ollama": "ollama", "litellm": "litellm", "langchain_openai": "langchain_openai", "llama_index": "llama_index.embeddings.text_embeddings_inference",
            "llama_index_rerank": "llama_index.postprocessor.tei_rerank", "haystack": "haystack_integrations.components.embedders.huggingface_api", "chromadb": "chromadb", "plain": "json"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sapwood", default=str(ROOT / "build/release/sapwood"))
    parser.add_argument("--only", nargs="+", choices=sorted(PACKAGES))
    arguments = parser.parse_args()
    passed = failed = skipped = 0
    with Server(arguments.sapwood) as server:
        for name, package in PACKAGES.items():
            if arguments.only and name not in arguments.only:
                continue
            try:
                importlib.import_module(package)
            except ImportError as error:
                print(f"skipped: {name}: {error}")
                skipped += 1
                continue
            begin = time.monotonic()
            try:
                globals()["client_" + name](arguments.sapwood, server.url)
            except Exception as error:  # whatever a client raises is a failure of its test
                print(f"FAILED: {name}: {type(error).__name__}: {error}")
                failed += 1
            else:
                print(f"ok: {name} ({time.monotonic() - begin:.1f} s)")
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
