#!/usr/bin/env python3
"""Checks the manifests in tools/serve/deploy against the schemas of Kubernetes and the models of KServe's client.

Kubernetes' objects are validated strictly by the schemas that kubernetes-validate ships. KServe's have no schema in a package; its
client has a class for each, with the name and type of every field: those are walked. The containers of a ServingRuntime are
validated as those of a pod, too. Manifests that are damaged on purpose must be found.

usage: check_manifests.py        (packages: requirements-manifests.txt)
"""
import copy
import pathlib
import re
import sys

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "tools/serve/deploy"
KUBERNETES = "1.37.0"
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def model_class(name):
    import kserve.models
    import kubernetes.client

    return getattr(kserve.models, name, None) or getattr(kubernetes.client, name, None)


def problems_of(value, kind, place):
    """What is not as the type says: one line each."""
    if found := re.fullmatch(r"[lL]ist\[(.*)\]", kind):
        if not isinstance(value, list):
            return [f"{place}: expected a list"]
        return [p for i, each in enumerate(value) for p in problems_of(each, found.group(1), f"{place}[{i}]")]
    if found := re.fullmatch(r"[dD]ict[(\[]str, (.*)[)\]]", kind):
        if not isinstance(value, dict):
            return [f"{place}: expected an object"]
        return [p for key, each in value.items() for p in problems_of(each, found.group(1), f"{place}.{key}")]
    if kind in PLAIN:
        right = isinstance(value, PLAIN[kind]) and (kind == "bool" or not isinstance(value, bool))
        return [] if right else [f"{place}: expected {kind}, found {value!r}"]
    if kind in ("object", "ResourceQuantity"):
        return []
    return problems_of_object(value, kind, place)


def problems_of_object(value, kind, place):
    described = model_class(kind)
    if described is None:
        return [f"{place}: nothing describes the type {kind}"]
    if not isinstance(value, dict):
        return [f"{place}: expected an object"]
    names = {given: name for name, given in described.attribute_map.items()}
    problems = [f"{place}.{key}: {kind} has no such field" for key in value if key not in names]
    known = {names[key]: each for key, each in value.items() if key in names}
    for name, each in known.items():
        problems += problems_of(each, described.openapi_types[name], f"{place}.{described.attribute_map[name]}")
    try:
        described(**known)
    except ValueError as error:  # a field that must be there
        problems.append(f"{place}: {error}")
    return problems


def kubernetes_problems(manifest):
    import kubernetes_validate

    try:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{manifest.get('kind')}: {error.message}"]
    return []


def problems_of_manifest(manifest):
    kinds = {"ServingRuntime": "V1alpha1ServingRuntime", "InferenceService": "V1beta1InferenceService"}
    version = str(manifest.get("apiVersion"))
    if not version.startswith("serving.kserve.io/"):
        return kubernetes_problems(manifest)
    kind = kinds[manifest["kind"]]
    if version.split("/")[1] not in kind.lower():
        return [f"{manifest['kind']} is not of version {version}"]
    problems = problems_of(manifest, kind, manifest["kind"])
    if manifest["kind"] == "ServingRuntime":
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "any"}, "spec": {"containers": manifest.get("spec", {}).get("containers")}}
        problems += kubernetes_problems(pod)
    return problems


def damaged(manifest):
    """The manifest with one field misspelt, or one value of a wrong type, at each place."""
    def places(value, path=()):
        if isinstance(value, dict):
            for key, each in value.items():
                yield (*path, key)
                yield from places(each, (*path, key))
        elif isinstance(value, list):
            for i, each in enumerate(value):
                yield from places(each, (*path, i))

    # Below these, names are the user's own; and what quantities are, no type says.
    free = {"labels", "matchLabels", "annotations", "selector", "apiVersion", "kind", "requests", "limits"}
    for path in places(manifest):
        if free & {part for part in path[:-1] if isinstance(part, str)} or path[-1] in free:
            continue
        copied = copy.deepcopy(manifest)
        inner = copied
        for part in path[:-1]:
            inner = inner[part]
        inner[str(path[-1]) + "x"] = inner.pop(path[-1])
        yield ".".join(map(str, path)), copied


def main():
    try:
        import kserve.models  # noqa: F401
        import kubernetes_validate  # noqa: F401
        import yaml
    except ImportError as error:
        print(f"skipped: {error}; pip install -r tests/live/requirements-manifests.txt")
        return 0
    failed = checked = found = 0
    for name in ("kubernetes.yaml", "kserve.yaml"):
        for manifest in yaml.safe_load_all((DEPLOY / name).read_text()):
            checked += 1
            for problem in problems_of_manifest(manifest):
                print(f"FAILED: {name}: {problem}")
                failed += 1
            for place, wrong in damaged(manifest):
                if problems_of_manifest(wrong):
                    found += 1
                else:
                    print(f"FAILED: {name}: a misspelt {manifest['kind']} {place} is not found")
                    failed += 1
    print(f"{checked} manifests checked, {found} damaged ones found, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
