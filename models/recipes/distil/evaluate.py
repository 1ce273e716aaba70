"""What a student is judged by, in fp32, on text that no stage has seen.

Fidelity: the error of its hidden states relative to the teacher's variance, and cosine and agreement of the ten
nearest neighbours of its sentence embeddings with the teacher's (wikitext-2 test sentences). Tasks that need no
training: STS-B test (Spearman), retrieval over XQuAD-en (MRR@10). Health of the trees: leaves visited and path
entropy. Trained tasks: SST-2 accuracy, WikiANN span F1, masked-LM accuracy (`tasks.py`).
"""

import numpy as np
import torch
from torch.nn import functional as F

from distil.data import TAGS, MASK, Pieces, frame
from distil.model import Encoder, pool


def each_length(pieces: Pieces, device, tokens: int = 65536):
    """(indices, rows) over all texts, batches of one length; empty texts are left out."""
    for n, index in pieces.by_length().items():
        for part in np.array_split(index, -(-len(index) * (n + 2) // tokens)):
            yield part, pieces.rows(part).to(device)


@torch.no_grad()
def embed(encoder: Encoder, pieces: Pieces) -> torch.Tensor:
    device = encoder.shared[0].word.device
    out = torch.zeros(len(pieces), encoder.shared[0].word.shape[1], device=device)
    for index, rows in each_length(pieces, device):
        out[torch.from_numpy(index).to(device)] = pool(encoder.last(rows))
    return out


def spearman(a, b) -> float:
    def ranks(v):
        v = np.asarray(v, np.float64)
        _, inverse, counts = np.unique(v, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[inverse]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def sentence_tasks(encoder: Encoder, prepared: dict) -> dict:
    first, second, score = prepared["stsb_test"]
    cosine = (embed(encoder, first) * embed(encoder, second)).sum(1).cpu().numpy()
    paragraphs, questions, answer = prepared["xquad"]
    asked, texts = embed(encoder, questions), embed(encoder, paragraphs)
    rank = ranks_of(asked, texts, torch.tensor(answer, device=asked.device))
    return {"stsb": 100 * spearman(cosine, score), "mrr": mrr(rank), **held_pairs(encoder, prepared)}


def ranks_of(asked: torch.Tensor, texts: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """The rank, from 1, of text right[i] for query i; texts that are as near do not push it back."""
    similarity = asked @ texts.T
    return (similarity > similarity.gather(1, right[:, None])).sum(1) + 1


def mrr(rank: torch.Tensor) -> float:
    """Mean reciprocal rank in percent, ranks beyond 10 counting nothing."""
    return 100 * torch.where(rank <= 10, 1.0 / rank, 0.0).mean().item()


def held_pairs(encoder: Encoder, prepared: dict) -> dict:
    every = prepared["pairs"]["held"] if "pairs" in prepared else {}
    return pair_figures(every, lambda pieces: embed(encoder, pieces)) if every else {}


def pair_figures(every: dict, embedded, least: int = 30) -> dict:
    """MRR@10 over the open corpus's held-out pairs {source: (queries, passages)}, every held-out passage a candidate: of all, and
    of each source that has at least so many. `embedded`: vectors of unit length of Pieces."""
    asked, texts = (torch.cat([embedded(pair[i]) for pair in every.values()]) for i in (0, 1))
    rank = ranks_of(asked, texts, torch.arange(len(asked), device=asked.device))
    parts = zip(every, rank.split([len(pair[0]) for pair in every.values()]))
    return {"pairs": mrr(rank), "pairs_by_source": {name: round(mrr(part), 1) for name, part in parts if len(part) >= least}}


def neighbours(vectors: torch.Tensor) -> torch.Tensor:
    similarity = vectors @ vectors.T
    return similarity.fill_diagonal_(-1).topk(10, 1).indices


@torch.no_grad()
def fidelity(student: Encoder, imitates: list[int], teacher: Encoder, prepared: dict) -> dict:
    texts = prepared["wiki_test"]
    mine, theirs = embed(student, texts), embed(teacher, texts)
    shared = (neighbours(mine).unsqueeze(2) == neighbours(theirs).unsqueeze(1)).any(2).float().mean()
    error = torch.zeros(len(imitates), dtype=torch.float64)
    rows = wiki_rows(prepared, mine.device)[:512]
    for part in rows.split(256):
        hs, ht = student(part), teacher(part)
        for i, layer in enumerate(imitates):
            variance = (ht[layer] - ht[layer].mean((0, 1))).pow(2).mean()
            error[i] += ((hs[i] - ht[layer]).pow(2).mean() / variance).item() * len(part) / len(rows)
    return {
        "cos": (mine * theirs).sum(1).mean().item(),
        "knn": 100 * shared.item(),
        "hidden_error": [round(e, 4) for e in error.tolist()],
    }


def wiki_rows(prepared: dict, device, length: int = 128) -> torch.Tensor:
    stream = prepared["wiki_test_stream"].astype(np.int64)
    body = torch.from_numpy(stream[: len(stream) // (length - 2) * (length - 2)]).view(-1, length - 2)
    return frame(body).to(device)


@torch.no_grad()
def tree_health(student: Encoder, prepared: dict) -> dict:
    """Leaves visited and entropy of the leaves in bits, mean over trees, for each layer (wikitext-2 test)."""
    if not any(layer.ffn.spec.trees for layer in student.layers):
        return {}
    device = student.shared[0].word.device
    counts = [0] * len(student.layers)
    for rows in wiki_rows(prepared, device)[:1536].split(256):
        x = student.shared[0](rows)
        for i, layer in enumerate(student.layers):
            if layer.ffn.spec.trees:
                counts[i] = counts[i] + layer.ffn.leaf_counts(layer.attend(x).flatten(0, 1))
            x = layer(x)
    bits, visited = [], []
    for c in counts:
        if torch.is_tensor(c):
            p = c / c.sum(1, keepdim=True)
            bits.append(round((-(p * p.clamp_min(1e-12).log2()).sum(1).mean()).item(), 2))
            visited.append(round((c > 0).float().sum(1).mean().item(), 1))
    return {"leaf_entropy_bits": bits, "leaves_visited": visited}


def general(student, imitates, teacher, prepared) -> dict:
    student.eval()
    result = {**fidelity(student, imitates, teacher, prepared), **sentence_tasks(student, prepared)}
    result.update(tree_health(student, prepared))
    student.train()
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in result.items()}


@torch.no_grad()
def sst2_accuracy(logits, prepared, device) -> float:
    pieces, labels = prepared["sst2_dev"]
    right = 0
    for index, rows in each_length(pieces, device):
        right += int((logits(rows).argmax(-1).cpu().numpy() == labels[index]).sum())
    return 100 * right / len(labels)


def spans(tags):
    """Entity spans of IOB2 tags as seqeval reads them: an I that continues nothing starts a span."""
    found, start, kind = [], None, None
    for i, tag in enumerate(list(tags) + ["O"]):
        new = tag[2:] if tag != "O" else None
        if start is not None and (new != kind or tag.startswith("B-")):
            found.append((start, i, kind))
            start = None
        if new and start is None:
            start, kind = i, new
    return set(found)


@torch.no_grad()
def ner_f1(logits, prepared, device, split: str = "ner_test") -> float:
    pieces, labels = prepared[split]
    hit = predicted = gold = 0
    for index, rows in each_length(pieces, device):
        guess = logits(rows)[:, 1:-1].argmax(-1).cpu().numpy()
        for row, i in zip(guess, index):
            first = labels[i] >= 0
            a, b = spans([TAGS[t] for t in row[first]]), spans([TAGS[t] for t in labels[i][first]])
            hit, predicted, gold = hit + len(a & b), predicted + len(a), gold + len(b)
    return 100 * 2 * hit / max(predicted + gold, 1)


@torch.no_grad()
def mlm_accuracy(logits_at, prepared, device, share: float = 0.15, length: int = 128) -> dict:
    """Accuracy and pseudo-perplexity at 15 % masked pieces of wikitext-2 test, the same pieces for every model."""
    rows = wiki_rows(prepared, device, length)
    masked = torch.from_numpy(np.random.default_rng(0).random(tuple(rows.shape)) < share).to(device)
    masked[:, 0] = masked[:, -1] = False
    right, loss, count = 0, 0.0, 0
    for part, m in zip(rows.split(256), masked.split(256)):
        logits = logits_at(part.masked_fill(m, MASK), m).float()
        right += int((logits.argmax(-1) == part[m]).sum())
        loss += F.cross_entropy(logits, part[m], reduction="sum").item()
        count += int(m.sum())
    return {"mlm": 100 * right / count, "mlm_ppl": float(np.exp(loss / count))}
