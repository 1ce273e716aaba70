"""python -m pytest test_scratch.py (seconds on a CPU; needs no data): training from scratch."""

import dataclasses
import json
import lzma
import os

import numpy as np
import pytest
import torch
from torch.nn import functional as F

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # Triton's interpreter, on the CPU: read when it is imported

from distil import corpus
from distil.data import CLS, MASK, SEP, Pieces
from distil.feedforward import Spec, plain_activation
from distil.general import parse_member
from scratch import kernels, train, trainer
from scratch.model import MaskedLM
from scratch.rows import ASKED, Rows, leaf_entropy, measure, held_out_sets
from scratch.trees import FromLeaves

torch.set_num_threads(1)
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("text", ["f3d3", "f2d4+5", "f1d1"])
def test_trees_from_the_leaves_are_the_plain_version(text):
    torch.manual_seed(0)
    spec = Spec.parse(text)
    z, g = torch.randn(2, 21, spec.rows, device=DEVICE)
    got = []
    for run in (plain_activation, lambda *a: FromLeaves.apply(*a, 4)):
        leaf = z.clone().requires_grad_(True)
        a = run(leaf, spec, 0.7)
        a.backward(g)
        got.append((a.detach(), leaf.grad))
    torch.testing.assert_close(got[1], got[0], rtol=1e-5, atol=1e-5)


def test_norm_kernel_is_the_plain_version():
    torch.manual_seed(1)
    x, dy = 3 + torch.randn(2, 10, 48, device=DEVICE)
    w, b = torch.randn(2, 48, device=DEVICE)
    got = []
    for run in (lambda x, w, b: F.layer_norm(x, (48,), w, b, 1e-12), lambda x, w, b: kernels.LayerNorm.apply(x, w, b, 1e-12)):
        leaves = [t.clone().requires_grad_(True) for t in (x, w, b)]
        y = run(*leaves)
        y.backward(dy)
        got.append([y.detach(), *(t.grad for t in leaves)])
    torch.testing.assert_close(got[1], got[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("step", [kernels.adamw, trainer.adamw])
def test_adamw_is_torchs(step):
    torch.manual_seed(2)
    layer = torch.nn.Linear(7, 5)
    other = torch.nn.Linear(7, 5)
    other.load_state_dict(layer.state_dict())
    flat = trainer.Flat(layer.to(DEVICE), DEVICE)
    other.to(DEVICE)
    groups = [{"params": [other.weight], "weight_decay": 0.1}, {"params": [other.bias], "weight_decay": 0.0}]
    theirs = torch.optim.AdamW(groups, lr=1e-2, betas=trainer.BETAS, eps=1e-8)
    b1, b2 = trainer.BETAS
    table = torch.tensor([[1e-2, 1 - b1**t, (1 - b2**t) ** 0.5] for t in (1, 2, 3)], device=DEVICE)
    for t in range(3):
        gradients = [torch.randn_like(p) for p in flat.params]
        torch._foreach_copy_(flat.grads, gradients)
        other.weight.grad, other.bias.grad = (0.5 * g.float() for g in gradients)
        step(flat, table, torch.tensor([t], device=DEVICE), torch.tensor([0.5], device=DEVICE), 0.1, trainer.BETAS)
        theirs.step()
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if DEVICE.type == "cpu" else {"rtol": 1e-2, "atol": 1e-3}  # gradients in bf16
    torch.testing.assert_close(flat.masters["weight"], other.weight.data, **tolerance)
    torch.testing.assert_close(flat.masters["bias"], other.bias.data, **tolerance)


def test_rates():
    rates = trainer.trapezoid(1e-3, 2000, 500)
    assert rates[0] == pytest.approx(2e-6) and set(rates[499 : trainer.fall(2000)]) == {1e-3}
    assert rates[trainer.fall(2000) + 400] == pytest.approx(5e-4) and rates[-1] == pytest.approx(1e-5)
    assert trainer.triangle(1.0, 10) == pytest.approx([1, 1, 8 / 9, 7 / 9, 6 / 9, 5 / 9, 4 / 9, 3 / 9, 2 / 9, 1 / 9])


def test_first_layers_have_their_own_specification():
    specs, flip = parse_member("d64/f8d7~")
    assert list(map(str, specs)) == ["d64"] + ["f8d7"] * 5 and flip == 1.0
    with pytest.raises(ValueError, match="2 specifications for 1 layers"):
        parse_member("1L:d64/f8d7")


def test_neurons_that_fill_up_stay_zero_and_are_not_stored():
    torch.manual_seed(3)
    model = MaskedLM(100, 16, 2, [Spec.parse("d9"), Spec.parse("f3d2+1")], flip=1.0)
    model.start()
    assert model.word.shape[0] == 128 and model.layers[1].ffn.linear_in.weight.shape[0] == 24
    ids, where = torch.randint(100, (4, 12)), torch.arange(0, 48, 5)
    loss = lambda *batch: F.cross_entropy(model(*batch)[:, :100].float(), ids.flatten()[where])
    learner = trainer.Trainer(model, loss, [1e-2] * 3, torch.device("cpu"))
    learner.run([torch.stack([ids] * 3), torch.stack([where] * 3)])
    assert not model.layers[1].ffn.linear_in.weight[22:].any() and not model.layers[0].ffn.linear_out.weight[:, 9:].any()
    stored = model.stored(model.state_dict())
    assert stored["word"].shape[0] == 100 and stored["layers.1.ffn.linear_out.weight"].shape[1] == 22
    again = MaskedLM(100, 16, 2, [Spec.parse("d9"), Spec.parse("f3d2+1")], flip=1.0)
    again.load(stored)
    torch.testing.assert_close(again(ids, where)[:, :100], model(ids, where)[:, :100])
    with pytest.raises(ValueError, match="word has 99 rows, expected 100"):
        again.load({**stored, "word": stored["word"][:99]})


def test_rows_ask_the_same_number_and_follow_from_seed_and_step():
    stream = np.arange(1000, 1000 + 126 * 40).astype(np.uint16)
    first = Rows(stream, 8, 5, torch.device("cpu"))
    ids, where, labels = first(0, 4)
    assert ids.shape == (4, 8, 128) and where.shape == labels.shape == (4, 8 * ASKED)
    assert (ids[..., 0] == CLS).all() and (ids[..., -1] == SEP).all()
    asked = ids.flatten(1).gather(1, where)
    assert 0.6 < (asked == MASK).float().mean() < 0.95 and not (where % 128 == 0).any() and not (where % 128 == 127).any()
    positions = where % 128
    starts = labels - positions
    assert all(len(set(starts[0, r * ASKED : (r + 1) * ASKED].tolist())) == 1 for r in range(8))  # labels are the text's pieces
    first(4, 4)
    for a, b in zip(first(8, 4), Rows(stream, 8, 5, torch.device("cpu"))(8, 4)):
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match="too few for a batch of 80 rows"):
        Rows(stream, 80, 5, torch.device("cpu"))


def prepared() -> dict:
    rng = np.random.default_rng(0)
    text = rng.integers(1000, 1050, 126 * 40).astype(np.uint16)
    pieces, tags = Pieces([[1001, 1002 + i % 5] for i in range(40)]), [np.array([0, 1 + i % 2]) for i in range(40)]
    labels = np.arange(40) % 2
    return {"stream": text, "held": {"books": text[:300]}, "wiki_test_stream": text[500:900], "sst2": (pieces, labels),
            "sst2_dev": (pieces, labels), "ner": (pieces, tags), "ner_test": (pieces, tags)}


def arguments(folder, **more):
    size = train.Size(hidden=16, heads=2, layers=2, rows=4, evaluate_every=10, probe_steps=2, probe_seeds=1)
    return train.argparse.Namespace(work=folder / "work", out=folder / "out", keep="", deadline=float("inf"), size=size, **more)


def test_an_interrupted_run_goes_on_and_lengths_share_their_flat_part(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "VOCAB", 1100)
    monkeypatch.setattr(train, "CHUNK", 2)
    monkeypatch.setattr(train, "SAVE_SECONDS", float("inf"))
    device, results = torch.device("cpu"), {}
    for name, lengths in (("whole", (20,)), ("both", (10, 20))):
        args = arguments(tmp_path / name)
        assert train.Run(train.Job("d8/f2d2~", 3, lengths), prepared(), device, args).train()
        results[name] = json.loads((args.work / "scratch/scratch-d8_f2d2-flip-s3-20.json").read_text())
    args, stops = arguments(tmp_path / "stopped"), 0
    job = train.Job("d8/f2d2~", 3, (10, 20))
    while True:
        run = train.Run(job, prepared(), device, args)
        clock = iter(range(10**6))
        steps = run.trainer.run
        run.trainer.run = lambda batches: (steps(batches), setattr(args, "deadline", 0.0 if next(clock) == 1 else args.deadline))
        args.deadline = float("inf")
        if run.train():
            break
        stops += 1
        assert stops < 20
    results["stopped"] = json.loads((args.work / "scratch/scratch-d8_f2d2-flip-s3-20.json").read_text())
    assert stops > 3 and not run.state_path().exists()
    for found in results.values():
        assert found["test"] == results["whole"]["test"] and found["loss"] == results["whole"]["loss"] and found["steps"] == 20
    assert results["whole"]["leaf_entropy_bits"][0] is None and len(results["whole"]["sst2"]) == 1
    short = json.loads((args.work / "scratch/scratch-d8_f2d2-flip-s3-10.json").read_text())
    assert short["loss"][0] == found["loss"][0] and short["test"] != found["test"]


def test_a_kept_model_is_exported_under_the_authors_names(tmp_path, monkeypatch):
    from safetensors.torch import load_file

    from scratch.export import export

    monkeypatch.setattr(train, "VOCAB", 1100)
    monkeypatch.setattr(train, "CHUNK", 2)
    args = arguments(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"[MASK]": 103}}}))
    for member in ("f3d2", "d8/f3d2"):
        job = train.Job(member, 0, (10,))
        args.keep = job.name(10)
        assert train.Run(job, prepared(), torch.device("cpu"), args).train()
    export(tmp_path / "out/scratch-f3d2-s0-10", tmp_path / "tokenizer.json", tmp_path / "model")
    stored = load_file(tmp_path / "model/model.safetensors")
    assert stored["encoder.layers.1.ffn.linear_out.weight"].shape == (16, 21) and stored["decoder.weight"].shape == (1100, 16)
    arch = json.loads((tmp_path / "model/config.json").read_text())["arch"]
    assert (arch["intermed_type"], arch["intermed_size"], arch["intermed_depth"]) == ("fff", 3, 2)
    assert json.loads((tmp_path / "model/tokenizer.json").read_text())["model"]["vocab"] == {"<mask>": 103}
    with pytest.raises(ValueError, match=r"its layers differ \(d8, f3d2\)"):
        export(tmp_path / "out/scratch-d8_f3d2-s0-10", tmp_path / "tokenizer.json", tmp_path / "model")


def test_jobs_are_checked():
    job = train.Job.parse("d64/f8d7~:2:20000+30500")
    assert job == train.Job("d64/f8d7~", 2, (20000, 30500)) and job.name(20000) == "scratch-d64_f8d7-flip-s2-20000"
    with pytest.raises(ValueError, match="no multiples of 50"):
        train.Job.parse("d64:0:20010")
    with pytest.raises(ValueError, match="feedforward 'x9'"):
        train.Job.parse("x9:0:20000")


def test_measures_of_held_out_text():
    model = MaskedLM(1100, 16, 2, [Spec.parse("f2d3")] * 2)
    model.start()
    sets = held_out_sets(prepared(), torch.device("cpu"))
    found = measure(model, sets)
    assert found["held out"] == found["books"] and 6 < found["wikitext-2"][0] < 8 and found["wikitext-2"][2] > 20
    assert all(0 <= bits <= 3 for bits in leaf_entropy(model, sets["wikitext-2"][0]))


def test_documents_and_what_is_left_out(tmp_path):
    with lzma.open(tmp_path / "wiki_en_1.txt.xz", "wt") as file:
        file.write("a b\nc\n\n\nd e\n")
    assert corpus.documents(tmp_path / "wiki_en_1.txt.xz") == [["a b", "c"], ["d e"]]
    with lzma.open(tmp_path / "novels.txt.xz", "wt") as file:
        file.write("\n".join(f"line {i}" for i in range(90)) + "\n")
    assert list(map(len, corpus.documents(tmp_path / "novels.txt.xz"))) == [40, 40, 10]
    assert corpus.source_of("corpus/open/wiki_en_1.txt.xz") == "wiki_en" and corpus.source_of("english_novels.txt.xz") == "english_novels"

    class Tokenizer:
        def encode_batch_fast(self, texts, add_special_tokens):
            return [dataclasses.make_dataclass("E", ["ids"])([len(t)]) for t in texts]

    test = "One, two three four five six seven eight nine ten eleven twelve thirteen fourteen."
    corpus.shared.update(tokenizer=Tokenizer(), tests=corpus.runs(test))
    planted = ["before.", "And two: three FOUR five six seven eight nine ten eleven twelve thirteen fourteen!"]
    near = ["three four five six seven eight nine ten eleven twelve thirteen fourteen"]
    train_part, held, left_out = corpus.pieces([planted, near, ["other words"] * 3])
    assert left_out == 1 and sorted(np.concatenate([train_part, held]).tolist()) == [11, 11, 11, len(near[0])]
