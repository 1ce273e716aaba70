"""What a masked LM knows that a user asks first: capitals, currencies and languages of countries.

    python country_probe.py --make --tokenizer TOKENIZER.json              # countries.json (needs countryinfo and babel)
    python country_probe.py --sapwood BIN MODEL... [--text FILE...]        # results/countries.json

The table: of the most populous countries of the Python package countryinfo the first 100 of each kind whose answer is one
piece of the vocabulary and is not in the country's own name; names of currencies and languages are CLDR's (babel). A country
may have several right answers. Each fact is asked in two forms; a prompt counts where a right answer is the first, or one of
the first five. --text counts the sentences of training text (.txt or .txt.xz) that have a country and its answer in them.
"""

import argparse
import json
import lzma
import pathlib
import re
import subprocess
import sys
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "countries.json"
FORMS = {
    "capital": ("the capital of {} is [MASK].", "[MASK] is the capital of {}."),
    "currency": ("the currency of {} is the [MASK].", "people in {} pay with the [MASK]."),
    "language": ("the language of {} is [MASK].", "people in {} speak [MASK]."),
}
COUNTRIES = 100


def plain(text: str) -> str:
    """Lower case without accents, as an uncased vocabulary has it."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")


def table(countries: list[dict], currencies: dict, languages: dict, vocabulary) -> dict:
    """{kind: {country: [answers]}} of entries of countryinfo; currencies, languages: {code: English name}."""
    answers = {
        "capital": lambda c: c["capital"] if isinstance(c.get("capital"), list) else [c.get("capital") or ""],
        "currency": lambda c: [currencies.get(code, "").split(" (")[0].split(" ")[-1] for code in c.get("currencies") or []],
        "language": lambda c: [languages.get(code, "") for code in c.get("languages") or []],
    }
    found = {kind: {} for kind in FORMS}
    for country in sorted(countries, key=lambda c: -(c.get("population") or 0)):
        name = plain(country["name"])
        for kind, of in answers.items():
            right = sorted({a for a in map(plain, of(country)) if a in vocabulary and a not in name.split()})
            if right and len(found[kind]) < COUNTRIES:
                found[kind][name] = right
    return found


def make(tokenizer: pathlib.Path) -> None:
    from babel import Locale
    from countryinfo import CountryInfo

    english = Locale("en")
    vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    every = {c["name"]: c for c in CountryInfo("france").all().values()}
    made = table(list(every.values()), english.currencies, english.languages, vocabulary)
    lines = [f' "{kind}": {{\n' + ",\n".join(f"  {json.dumps(c)}: {json.dumps(a)}" for c, a in facts.items()) + "\n }" for kind, facts in made.items()]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print({kind: len(facts) for kind, facts in made.items()})


def fill(sapwood: pathlib.Path, model: pathlib.Path, prompts: list[str]) -> list[list[str]]:
    """The five likeliest words for each prompt."""
    done = subprocess.run([sapwood, "fill-mask", "-m", model, "--format", "jsonl", "-q", "--top-k", "5", "--threads", "1"],
                          input="\n".join(prompts) + "\n", capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{model}: {done.stderr.strip()}")
    answers = [[a["token_str"].strip() for a in json.loads(line)] for line in done.stdout.splitlines()]
    if len(answers) != len(prompts):
        sys.exit(f"{model}: {len(answers)} answers to {len(prompts)} prompts")
    return answers


def score(facts: dict, ask) -> dict:
    """{kind: {"facts", "top1", "top5" (percent of both forms), "forms": [[top1, top5], ...]}}; ask: prompts -> words."""
    out = {}
    for kind, forms in FORMS.items():
        right, shares = facts[kind], []
        for form in forms:
            answers = ask([form.format(country) for country in right])
            hits = [[bool(set(words[:k]) & set(a)) for words, a in zip(answers, right.values())] for k in (1, 5)]
            shares.append([round(100 * sum(h) / len(h), 1) for h in hits])
        top1, top5 = (round(sum(s) / len(s), 1) for s in zip(*shares))
        out[kind] = {"facts": len(right), "top1": top1, "top5": top5, "forms": shares}
    return out


def stated(facts: dict, lines) -> dict:
    """{kind: {"facts": facts that a sentence states, "sentences"}}: sentences with the country's name and an answer."""
    names = sorted({c for kind in facts.values() for c in kind}, key=len, reverse=True)
    country = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b")
    counts = {kind: {} for kind in facts}
    for line in lines:
        line = plain(line) if not line.isascii() else line.lower()
        if not country.search(line):
            continue
        for sentence in re.split(r"(?<=[.!?])\s", line):
            for name in set(country.findall(sentence)):
                words = set(re.findall(r"[a-z]+", sentence.replace(name, " ")))
                for kind, of in facts.items():
                    if name in of and words & set(of[name]):
                        counts[kind][name] = counts[kind].get(name, 0) + 1
    return {kind: {"facts": len(found), "sentences": sum(found.values())} for kind, found in counts.items()}


def read(files):
    for path in files:
        with (lzma.open if path.suffix == ".xz" else open)(path, "rt", encoding="utf-8", errors="replace") as file:
            yield from file


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--make", action="store_true")
    p.add_argument("--tokenizer", type=pathlib.Path)
    p.add_argument("--sapwood", type=pathlib.Path)
    p.add_argument("models", nargs="*", type=pathlib.Path, help="what the engine loads, with a masked-LM head")
    p.add_argument("--text", nargs="*", type=pathlib.Path, default=[])
    p.add_argument("--text-name", default="text", help="what the files of --text are, in the results")
    p.add_argument("--results", type=pathlib.Path, default=HERE / "results/countries.json")
    args = p.parse_args()
    if args.make:
        if not args.tokenizer:
            p.error("--make needs --tokenizer")
        return make(args.tokenizer)
    if args.models and not args.sapwood:
        p.error("models need --sapwood")
    facts = json.loads(TABLE.read_text())
    results = json.loads(args.results.read_text()) if args.results.exists() else {"models": {}, "texts": {}}
    for model in args.models:
        name = model.parent.name if model.is_file() else model.name
        results["models"][name] = score(facts, lambda prompts: fill(args.sapwood, model, prompts))
        print(name, json.dumps(results["models"][name]))
    if args.text:
        results["texts"][args.text_name] = stated(facts, read(args.text))
        print(args.text_name, json.dumps(results["texts"][args.text_name]))
    args.results.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
