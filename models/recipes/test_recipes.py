"""python -m pytest test_recipes.py (seconds on a CPU; needs no data)."""

import json
import os
import pathlib

import numpy as np
import pytest
import torch
from torch.nn import functional as F

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # Triton's interpreter, on the CPU: read when it is imported

import country_probe
from distil import embedded, evaluate, int8, pairs, static
from distil.batches import Masked
from distil.data import CLS, SEP, Pieces, corrupt, frame, neighbours, reword
from distil.evaluate import mrr, ranks_of, spans, spearman
from distil.feedforward import FeedForward, PathActivation, Spec, walk
from distil.optim import Trainer
from distil.pairs import Pairs
from distil.tree_init import fit
from distil.tuning import Plan
from shipped import MODELS, SHIPPED, card_figures, differences
from summary import equal_width


def slow(layer: FeedForward, x: torch.Tensor) -> torch.Tensor:
    """The definition, one token and one tree at a time."""
    spec, w, b, out = layer.spec, layer.linear_in.weight, layer.linear_in.bias, layer.linear_out.weight
    y = torch.zeros_like(x)
    for i, token in enumerate(x):
        rows = list(range(spec.trees * spec.rows_per_tree, spec.rows))
        for tree in range(spec.trees):
            n, base = 0, tree * spec.rows_per_tree
            for _ in range(spec.depth):
                rows.append(base + n)
                n = 2 * n + 1 + int(w[base + n] @ token + b[base + n] > 0)
            first = base + spec.inner + (n - spec.inner) * spec.leaf_width
            rows += range(first, first + spec.leaf_width)
        y[i] = sum(F.gelu(w[r] @ token + b[r]) * out[:, r] for r in rows)
    return y


def test_layer_is_its_definition():
    torch.manual_seed(0)
    for text in ("f1d4", "f3d2", "f2d3l4", "f1d0l5", "f2d2l3+7", "d9"):
        layer, x = FeedForward(Spec.parse(text), 16).double(), torch.randn(40, 16).double()
        assert str(layer.spec) == text
        torch.testing.assert_close(layer(x), slow(layer, x))


def test_gradient_without_flips_is_the_true_one():
    torch.manual_seed(1)
    spec = Spec.parse("f2d3l2")
    z = torch.randn(5, 2, spec.rows_per_tree, dtype=torch.double, requires_grad=True)
    torch.autograd.gradcheck(lambda z: PathActivation.apply(z, spec, 0.0), z)


def test_flip_gradient_is_the_difference_of_both_branches():
    torch.manual_seed(2)
    spec = Spec.parse("f1d3l2")
    z = torch.randn(1, 1, spec.rows_per_tree, dtype=torch.double)
    g = torch.randn_like(z)
    grads = []
    for flip in (0.0, 1.0):
        leaf = z.clone().requires_grad_(True)
        (PathActivation.apply(leaf, spec, flip) * g).sum().backward()
        grads.append(leaf.grad)
    for node in walk(z, spec)[0, 0, : spec.depth]:
        forced = []
        for side in (-1.0, 1.0):  # the same z, but the walk is made to turn here
            turned = z.clone()
            turned[0, 0, node] = side
            rows = walk(turned, spec)[0, 0]
            forced.append((F.gelu(z[0, 0, rows]) * g[0, 0, rows]).sum())
        s = torch.sigmoid(z[0, 0, node])
        expected = (forced[1] - forced[0]) * s * (1 - s)
        torch.testing.assert_close(grads[1][0, 0, node] - grads[0][0, 0, node], expected)


def test_kernel_is_the_plain_version():
    from distil.feedforward import PathKernel, plain_activation

    torch.manual_seed(4)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for text, flip in (("f3d3", 0.0), ("f3d3", 0.7), ("f2d4+5", 1.0), ("f1d1", 1.0)):
        spec = Spec.parse(text)
        z, g = torch.randn(2, 70, spec.rows, device=device)
        got = []
        for run in (plain_activation, PathKernel.apply):
            leaf = z.clone().requires_grad_(True)
            a = run(leaf, spec, flip)
            a.backward(g)
            got.append((a.detach(), leaf.grad))
        torch.testing.assert_close(got[1], got[0], rtol=1e-5, atol=1e-5)


def test_vocabulary_kernel_is_the_plain_loss():
    from distil.vocab_loss import Fused, plain

    torch.manual_seed(5)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    x, y = 2 * torch.randn(2, 3, 5001, device=device)
    labels = torch.randint(5001, (3,), device=device)
    for more in ((None, 1.0, 1.0, 5001), (y, 2.0, 0.3, 5001), (None, 1.0, 1.0, 4990)):  # the last: 11 columns only fill up
        labels = labels.clamp_max(more[-1] - 1)
        got = []
        for run in (plain, Fused.apply):
            leaf = x.clone().requires_grad_(True)
            loss = run(leaf, labels, *more)
            loss.backward()
            got.append((loss.detach(), leaf.grad))
        torch.testing.assert_close(got[1], got[0], rtol=1e-4, atol=1e-6)


def engine_bytes(x):
    """kernels/src/quantized.h and scalar/narrow.cc for one row, and what its bytes stand for."""
    x = np.asarray(x, np.float32)
    least, largest = min(x.min(), np.float32(0)), max(x.max(), np.float32(0))
    extent = np.float32(largest - least)
    if extent < 1e-30:
        return np.zeros_like(x)
    inverse = np.float32(255) / extent
    zero = np.rint(-least * inverse)
    q = np.clip(np.rint(x * inverse) + zero, 0, 255)
    return ((q - zero) * (extent / np.float32(255))).astype(np.float32)


def engine_row(w):
    """kernels/src/pack.cc, int8_scale and int8_of, for one row of weights."""
    w = np.asarray(w, np.float32)
    scale = np.abs(w).max() / np.float32(127)
    return w if scale == 0 else (np.clip(np.rint(w / scale), -127, 127) * scale).astype(np.float32)


def test_int8_is_the_engines():
    torch.manual_seed(6)
    x = torch.cat([torch.randn(30, 48), torch.rand(3, 48), -torch.rand(3, 48), torch.zeros(1, 48)])
    expected = np.stack([engine_bytes(row) for row in x.numpy()])
    assert np.allclose(int8.plain(x).numpy(), expected, rtol=1e-6, atol=1e-7)
    leaf = x.clone().requires_grad_(True)
    int8.Bytes.apply(leaf).mul(3).sum().backward()
    assert (leaf.grad == 3).all()  # straight through
    w = torch.cat([torch.randn(20, 48), torch.zeros(1, 48)])
    assert np.allclose(int8.rounded(w).numpy(), np.stack([engine_row(row) for row in w.numpy()]), rtol=1e-6, atol=1e-7)


def test_int8_kernel_is_the_plain_version():
    torch.manual_seed(7)
    x = torch.cat([torch.randn(20, 70), torch.zeros(1, 70)]).to("cuda" if torch.cuda.is_available() else "cpu")
    gap = (int8.fast(x) - int8.plain(x)).abs()
    assert gap.max() < 0.05 and (gap > 1e-5).float().mean() < 2e-3  # halfway between two bytes, either may come


def test_trees_in_int8_are_their_definition():
    """Decisions and output rows by nodes, the always-on part as two products, gradients to the exact weights."""
    torch.manual_seed(8)
    spec = Spec.parse("f2d3+64")
    layer, x = FeedForward(spec, 64), torch.randn(20, 64)
    trainer = Trainer(layer, 1e-3, 1e-3, 10)
    exact = layer.linear_out.weight.detach().clone()
    int8.narrow(layer, trainer)
    trees = spec.rows - spec.dense
    w_in = torch.from_numpy(np.stack([engine_row(r) for r in trainer.masters[0].detach().numpy()]))
    nodes = torch.from_numpy(np.stack([engine_row(r) for r in exact[:, :trees].T.numpy()]))
    always = torch.from_numpy(np.stack([engine_row(r) for r in exact[:, trees:].numpy()]))
    xq = torch.from_numpy(np.stack([engine_bytes(r) for r in x.numpy()]))
    z = xq @ w_in.T + layer.linear_in.bias
    y = torch.from_numpy(np.stack([engine_bytes(r) for r in F.gelu(z[:, trees:]).detach().numpy()])) @ always.T
    for i in range(len(x)):
        for tree in range(spec.trees):
            n, base = 0, tree * spec.rows_per_tree
            for _ in range(spec.depth + 1):
                y[i] += F.gelu(z[i, base + n]) * nodes[base + n]
                n = 2 * n + 1 + int(z[i, base + n] > 0)
    torch.testing.assert_close(layer(x), y, rtol=1e-4, atol=1e-5)
    layer(x).square().sum().backward()
    trainer.step()
    trainer.settle(layer)
    int8.widen(layer)
    moved = (layer.linear_out.weight - exact).abs()
    assert 0 < moved.max() < 2e-3 and not layer.linear_in.int8


def test_rewording_stays_within_a_kind():
    words = torch.randn(40, 8)
    table = neighbours(words, [np.arange(5, 20, dtype=np.uint16), np.arange(20, 40, dtype=np.uint16)], 3)
    assert (table[:5] == np.arange(5)[:, None]).all() and table[5:20].min() >= 5 and table[5:20].max() < 20
    assert (table[5:] != np.arange(5, 40)[:, None]).all()
    rows = np.full((50, 60), 7)
    changed = reword(rows, table, np.random.default_rng(0))
    assert 0.35 < (changed != 7).mean() < 0.45 and np.isin(changed, [7, *table[7]]).all()


def test_initialisation_explains_what_a_tree_can():
    torch.manual_seed(3)
    teacher = FeedForward(Spec(dense=64), 16, out_bias=True).requires_grad_(False)
    teacher.linear_in.weight.mul_(4)
    x = torch.randn(4096, 16)
    left = {s: fit(FeedForward(Spec.parse(s), 16), teacher, x) for s in ("none", "f1d1", "f4d4", "f1d3l16")}
    assert left["none"] >= 1 and left["f4d4"] < left["f1d1"] < 1 and left["f1d3l16"] < 0.5


def test_rows_have_one_length_and_corruption_spares_the_frame():
    pieces = Pieces([[7, 8, 9], [5], [4, 5, 6]])
    rows = pieces.rows(pieces.by_length()[3])
    assert rows.tolist() == [[101, 7, 8, 9, 102], [101, 4, 5, 6, 102]]
    changed = corrupt(frame(torch.full((50, 60), 9)), np.random.default_rng(0), np.array([3], np.uint16))
    assert (changed[:, -1] == SEP).all() and 0.15 < (changed[:, 1:-1] != 9).float().mean() < 0.25


def test_pairs_share_a_row_and_texts_of_one_length():
    rng = np.random.default_rng(3)
    texts = [[1000 + i] * n for i, n in enumerate(rng.integers(25, 200, 300))]
    queries = [[1000 + i] * (2 + i % 3) for i in range(300)]
    source, lengths = Pairs(Pieces(queries), Pieces(texts)), set()
    for _ in range(50):
        asked, told = source.batch(2000, rng)
        lengths.add(told.shape[1] - 2)
        assert len(asked) == len(told) <= 2000 // told.shape[1] and (asked[:, 0] == CLS).all() and (told[:, -1] == SEP).all()
        assert (asked[:, 1] == told[:, 1]).all() and len(asked[:, 1].unique()) == len(asked)
        assert (told[:, 1:-1] == told[:, 1:2]).all()
    assert lengths == set(pairs.LENGTHS)


def test_held_out_pairs_are_ranked_among_all_passages():
    vectors = torch.eye(4)[[0, 1, 2, 3, 0]]
    asked = torch.stack([vectors[0], vectors[2] + 2 * vectors[1], vectors[3]])
    rank = ranks_of(asked, vectors, torch.tensor([4, 2, 3]))
    assert rank.tolist() == [1, 2, 1]  # the equal text of the first query does not push it back
    assert mrr(torch.tensor([1, 2, 11])) == pytest.approx(50)


def test_masked_rows_of_open_text_have_every_length_and_the_others_stay():
    text = np.arange(2000, 4000).astype(np.uint16)
    prepared = {"stream": text[:500], "wiki": Pieces([list(range(1500, 1700))]), "open": text}
    source, seen = Masked(prepared, Plan(rows=8, open=1)), {}
    for step in range(60):
        ids, labels, where = source.batch(np.random.default_rng(step), True)
        seen[ids.shape[1]] = seen.get(ids.shape[1], 0) + 1
        assert ids.numel() in range(8 * 128 - ids.shape[1], 8 * 128 + 1) and len(labels) == int(where.sum())
        whole = torch.where(where, 0, ids)
        whole[where] = labels
        assert (whole[:, 0] == CLS).all() and (whole[:, 1:-1].diff() == 1).all()
    assert set(seen) == {16, 32, 64, 128, 256, 512}
    ids, _, _ = Masked(prepared, Plan(rows=9)).batch(np.random.default_rng(0), True)
    assert ids.shape == (9, 128) and ((ids < 1700) & (ids >= 1500)).any(1).sum() == 3


def test_measures():
    assert spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"]) == {(0, 2, "PER"), (3, 4, "LOC"), (4, 5, "LOC")}
    assert abs(spearman([1, 2, 3, 4], [1, 3, 2, 4]) - 0.8) < 1e-12


def test_width_of_equal_loss_is_a_line_in_log_width():
    found = lambda active, *losses: [{"active": active, "test": {"held out": [loss, 0, 1]}} for loss in losses]
    members = {"d64": found(64, 3.0), "d256": found(256, 2.7, 2.9), "f8d7~": found(64, 2.95, 2.85), "d64/f8d7~": found(64, 2.79), "none": found(0, 3.2)}
    assert equal_width(members, "f8d7~", "held out") == pytest.approx(128)
    assert equal_width(members, "d64/f8d7~", "held out") is None and equal_width(members, "none", "held out") is None


def test_country_probe():
    countries = [
        {"name": "Élan", "population": 5, "capital": "Bigtown", "currencies": ["AAA", "BBB"], "languages": ["xx"]},
        {"name": "Ruritania", "population": 9, "capital": ["Strelsau", "Zenda"], "currencies": ["AAA"], "languages": ["xx", "yy"]},
        {"name": "Bigtown", "population": 7, "capital": "Bigtown", "currencies": [], "languages": ["zz"]},
    ]
    facts = country_probe.table(countries, {"AAA": "Great Crown (Next day)", "BBB": "Old Mark"}, {"xx": "Älvish", "yy": "Ruri"},
                                {"bigtown", "strelsau", "crown", "mark", "alvish", "ruri"})
    assert facts == {"capital": {"ruritania": ["strelsau"], "elan": ["bigtown"]}, "currency": {"ruritania": ["crown"], "elan": ["crown", "mark"]},
                     "language": {"ruritania": ["alvish", "ruri"], "elan": ["alvish"]}}
    asked = []
    found = country_probe.score(facts, lambda prompts: asked.extend(prompts) or [["a", "crown", "strelsau"], ["mark", "b", "c"]])
    assert asked[:2] == ["the capital of ruritania is [MASK].", "the capital of elan is [MASK]."] and len(asked) == 12
    assert found["capital"] == {"facts": 2, "top1": 0.0, "top5": 50.0, "forms": [[0.0, 50.0], [0.0, 50.0]]}
    assert (found["currency"]["top1"], found["currency"]["top5"]) == (50.0, 100.0) and found["language"]["top5"] == 0.0
    text = ["Strelsau is in Ruritania. Bigtown is not. Élan has a crown, Élan has no mark.", "ruritania; strelsau again.", "Ruritanian strelsau"]
    assert country_probe.stated(facts, text) == {
        "capital": {"facts": 1, "sentences": 2}, "currency": {"facts": 1, "sentences": 1}, "language": {"facts": 0, "sentences": 0}}
    committed = json.loads(country_probe.TABLE.read_text())
    assert {kind: len(of) for kind, of in committed.items()} == {"capital": 88, "currency": 100, "language": 100}


def random_texts(rng, rows: int, pieces: int, longest: int = 9) -> Pieces:
    return Pieces([rng.integers(pieces, size=n) for n in rng.integers(1, longest, rows)])


def test_static_table_learns_the_teachers_embeddings():
    rng = np.random.default_rng(9)
    torch.manual_seed(9)
    truth = torch.randn(40, 12)
    shards = []
    for _ in range(2):
        every = {kind: static.Bags(random_texts(rng, 128, 40)) for kind in embedded.KINDS}
        shards.append({kind: (bags, bags.means(truth, torch.arange(128))) for kind, bags in every.items()})
    plan = static.Plan(epochs=40, rows=96, lr=0.1, right=0.0, temperature=0.5)  # 128 texts: a batch of 96 and one of 32
    fitted = static.fit(plan, 0.1 * torch.randn(40, 12), shards, 0)
    texts = random_texts(rng, 50, 40)
    mine, theirs = (static.Bags(texts).means(table, torch.arange(50)) for table in (fitted, truth))
    assert (mine * theirs).sum(1).mean() > 0.95
    torch.testing.assert_close(evaluate.embed(static.Static(truth), texts), theirs)


def test_static_table_starts_as_model2vec_has_it():
    class Teacher:
        last = staticmethod(lambda rows: F.one_hot(rows, 103).float())

    vectors = torch.randn(30, 103) * torch.arange(1, 104)
    components = static.principal(vectors, 103)
    torch.testing.assert_close((vectors @ components) @ (vectors @ components).T, vectors @ vectors.T, rtol=1e-3, atol=10)
    assert (vectors @ components).square().sum(0).diff().max() <= 1e-3
    frequency = torch.tensor([0.5, 0.25, 0.0, 0.25])
    table = static.first_table(Teacher, torch.eye(103), frequency, 0.25)
    assert table.norm(dim=1).mean() == pytest.approx(1, abs=1e-5)
    lengths = table.norm(dim=1)
    torch.testing.assert_close(lengths / lengths[2], torch.tensor([1 / 3, 1 / 2, 1, 1 / 2]))


def test_texts_for_the_teacher(monkeypatch):
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    words = ["[UNK]", "[CLS]", "[SEP]", "a", "tree", "##s", "'", "don", "t", ".", ","]
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(words[:3])
    texts = Pieces([[3, 4, 5, 9], [7, 6, 8, 10, 0, 4]])
    lines = embedded.as_lines(tokenizer, texts)
    assert lines[0] == "a trees." and [e.ids for e in tokenizer.encode_batch(lines)] == [texts[0].tolist(), texts[1].tolist()]

    monkeypatch.setattr(embedded, "SHARD", 5)
    rng = np.random.default_rng(3)
    queries, passages = random_texts(rng, 20, 100), random_texts(rng, 20, 100, 200)
    queries = Pieces([[]] + [queries[i] for i in range(1, 20)])
    prepared = {"pairs": {"train": (queries, passages)}, "sentences": random_texts(rng, 30, 100)}
    seen = []
    for number in range(3):
        found = embedded.texts_of(prepared, number)
        assert list(found) == list(embedded.KINDS) and all(len(pieces) == 5 for pieces in found.values())
        for query, passage in zip(*([found[kind][i].tolist() for i in range(5)] for kind in ("queries", "passages"))):
            pair = [i for i in range(1, 20) if queries[i].tolist() == query and passages[i][: len(passage)].tolist() == passage]
            assert len(passage) in (*embedded.CROPS, *(len(passages[i]) for i in pair))
            seen += pair
    assert len(set(seen)) == 15


def test_cards_say_what_was_measured():
    results = json.loads((pathlib.Path(__file__).parent / "results/shipped.json").read_text())
    assert set(results) == set(SHIPPED)
    for name, types in results.items():
        assert set(card_figures(name)) == set(types)
        wrong = [w for dtype, found in types.items() for w in differences(name, dtype, found, 0.006)]
        assert not wrong
        assert (MODELS / name / "model.safetensors").stat().st_size == types["int8"]["bytes"]
    assert sum(types["int8"]["bytes"] for types in results.values()) <= 96 * 2**20


GOLDEN = pathlib.Path(os.environ.get("SAPWOOD_SHARED") or pathlib.Path(__file__).resolve().parents[3] / "shared") / "data/golden/crammed"


@pytest.mark.parametrize("name", ["crammed-dense-gelu-mlm", "ultrafast-1x5-mlm"])
def test_crammed_is_the_authors_model(name):
    from safetensors.torch import load_file

    from scratch.model import MaskedLM, names

    if not (GOLDEN / name).exists():
        pytest.skip(f"{GOLDEN / name} is not there")
    arch = json.loads((GOLDEN / name / "config.json").read_text())["arch"]
    trees = arch["intermed_type"] == "fff"
    spec = Spec(arch["intermed_size"], arch["intermed_depth"]) if trees else Spec(dense=arch["intermed_size"])
    specs = [spec] * arch["num_transformer_layers"]
    model = MaskedLM(1200, 64, arch["attention"]["num_attention_heads"], specs)
    stored = load_file(GOLDEN / name / "model.safetensors")
    model.load({mine: stored[theirs] for mine, theirs in names(specs).items()})
    back = model.stored(model.state_dict())
    assert all(torch.equal(back[mine], stored[theirs]) for mine, theirs in names(specs).items())
    for case in json.loads((GOLDEN / name / "expected.json").read_text()):
        last = model.encode(torch.tensor([case["input_ids"]]))
        torch.testing.assert_close(last, torch.tensor(case["last_hidden_state"]).view_as(last), rtol=0, atol=1e-4)
