#!/usr/bin/env python3
"""Holds `sapwood serve` to its own /openapi.json: good and bad requests of every route, made from the description.

openapi-spec-validator checks the description itself. schemathesis then sends what the description allows and what it does not, and
checks every answer: its status and body are described, bad data is refused, nothing is a failure of the service, and nobody gets in
without the API key. At the end prometheus-client reads /metrics, whose counts must agree with each other.

usage: serve_schemathesis.py [--sapwood BINARY] [--max-examples N] [--seed N]     (packages: requirements-serve.txt)
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

from serve_clients import MODELS, ROOT, Server

KEY = "secret-of-the-test"
# Described data that a model, a limit of the configuration or the state of the service may still refuse.
CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", 503]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 404, 413, 422, 424, 429, 503]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 404, 405, 411, 413, 415, 422, 424, 429, 503]
"""


def fetch(url):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request) as response:
        return response.headers, response.read().decode()


def for_this_server(description):
    """The description with what it leaves to the configuration: models' names, and a key that is asked for."""
    description["security"] = [{"key": []}]
    description["components"]["parameters"]["Model"]["schema"]["enum"] = list(MODELS)
    for schema in description["components"]["schemas"].values():
        # Of requests; in answers it is one of these names, too.
        if isinstance(schema, dict) and "model" in schema.get("properties", {}):
            schema["properties"]["model"]["enum"] = [*MODELS, None]
    # A deadline of 1 ms, the first that is tried with everything else, leaves nothing to be seen of it.
    for path, item in description["paths"].items():
        for operation in (item[method] for method in item if method == "post" and path != "/predict"):
            operation["parameters"] = [p for p in operation.get("parameters", []) if not p["$ref"].endswith("/Timeout")]
    # What is sent here is HTTP as it should be: every answer is described by its status.
    for item in description["paths"].values():
        for method in item.keys() & {"get", "post"}:
            del item[method]["responses"]["default"]
    return description


def check_description(description):
    from openapi_spec_validator import validate

    validate(description)
    print("ok: openapi-spec-validator")


def run_schemathesis(server, description, arguments):
    """Whether it found nothing."""
    with tempfile.TemporaryDirectory() as folder:
        schema, configuration = pathlib.Path(folder, "openapi.json"), pathlib.Path(folder, "schemathesis.toml")
        schema.write_text(json.dumps(for_this_server(description)))
        configuration.write_text(CONFIGURATION)
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", configuration, "run", schema, "--url", server.url]
        command += ["--checks", "all", "--phases", "examples,coverage,fuzzing", "--max-examples", str(arguments.max_examples)]
        command += ["--header", f"Authorization: Bearer {KEY}", "--seed", str(arguments.seed)]
        command += ["--workers", "2", "--request-timeout", "30", "--suppress-health-check", "all", "--warnings", "off"]
        command += ["--continue-on-failure", "--no-shrink"]
        done = subprocess.run(list(map(str, command)), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout[-60000:] if done.returncode else "ok: schemathesis: " + done.stdout.strip().splitlines()[-1].strip("= "))
    return done.returncode == 0


def check_metrics(server):
    from prometheus_client.parser import text_string_to_metric_families

    headers, text = fetch(server.url + "/metrics")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers["Content-Type"]
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(family.type != "unknown" and family.documentation for family in families.values()), text

    def total(name, **labels):
        samples = [s for f in families.values() for s in f.samples if s.name in (name, name + "_total")]
        assert samples, name
        return sum(s.value for s in samples if all(s.labels.get(k) == v for k, v in labels.items()))

    for family in families.values():
        if family.type != "histogram":
            continue
        buckets = [s.value for s in family.samples if s.name.endswith("_bucket")]
        assert buckets == sorted(buckets) and buckets[-1] == total(family.name + "_count"), family
        assert total(family.name + "_sum") > 0, family
    asked, answered = total("te_request_count"), total("te_request_success")
    assert asked == answered + total("te_request_failure"), text
    assert total("te_request_duration_count") == answered > 0, text
    assert total("te_queue_size") == total("sapwood_requests_under_way") == 0, text
    statuses = {s.labels["status"] for f in families.values() for s in f.samples if s.name == "sapwood_responses_total"}
    assert statuses <= {"200", "400", "401", "404", "405", "408", "411", "413", "414", "415", "417", "422", "424", "429", "431", "499", "501", "503", "505"}, statuses
    assert {"200", "400", "401", "404", "405", "415", "422", "424"} <= statuses, statuses
    print(f"ok: prometheus-client: {len(families)} families, {int(asked)} requests, statuses {' '.join(sorted(statuses))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sapwood", default=str(ROOT / "build/release/sapwood"))
    parser.add_argument("--max-examples", type=int, default=25, help="of each operation, besides those of its edges")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with Server(arguments.sapwood, "--api-key", KEY, "--max-wait", "60000") as server:
        description = json.loads(fetch(server.url + "/openapi.json")[1])
        check_description(description)
        good = run_schemathesis(server, description, arguments)
        check_metrics(server)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
