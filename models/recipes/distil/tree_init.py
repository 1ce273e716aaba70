"""Trees that start as an approximation of the teacher's feedforward layer (DISTILLATION finding 3).

Trees are grown one after another on what the ones before leave unexplained. In every node of a level, at
once for all nodes (median splits leave them equally many tokens):

  direction  the best rank-1 ridge regression of the residual on the input; sign: the side that explains more
  split      the median of that projection
  output     regression of the residual on gelu(z); its term is subtracted before the next level

A leaf of one neuron sits on the almost linear part of gelu and carries the mean of its tokens. A wide leaf, or
an always-on part, takes the teacher's own neurons that matter most for its tokens, and one that is constant.
Last, all output rows are refitted jointly. Tokens weigh 1/var(a + FFN(a)), as the norm that follows divides by it.
"""

import torch
from torch.nn import functional as F

from distil.feedforward import FeedForward, Spec


def ridge(gram: torch.Tensor, cross: torch.Tensor, strength: float) -> torch.Tensor:
    """Solves (gram + strength * mean diagonal) B = cross, batched."""
    diagonal = gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None].clamp_min(1e-12)
    eye = torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    factor, _ = torch.linalg.cholesky_ex(gram + strength * diagonal * eye)
    return torch.cholesky_solve(cross, factor)


def best_direction(x, r, w):
    """Rank-1 ridge regression of r on x in each node. x, r [nodes, m, H], w [nodes, m, 1] -> [nodes, H], unscaled."""
    total = w.sum(1, keepdim=True)
    xc = x - (w * x).sum(1, keepdim=True) / total
    rc = r - (w * r).sum(1, keepdim=True) / total
    gram, cross = xc.mT @ (w * xc), xc.mT @ (w * rc)
    b = ridge(gram, cross, 1e-3 + 0.2 * x.shape[2] / x.shape[1])
    v = cross.pow(2).sum(1).sqrt().unsqueeze(2)  # a start that is not orthogonal to anything of weight
    for _ in range(16):
        v = cross.mT @ (b @ v)
        v = v / v.norm(dim=1, keepdim=True).clamp_min(1e-20)
    return (b @ v).squeeze(2)


def fit_output(z, r, w):
    """The row v that fits r by gelu(z) v, and the weighted energy it explains. z [nodes, m]."""
    a = F.gelu(z).unsqueeze(2)
    v = (w * a * r).sum(1) / (w * a * a).sum(1).clamp_min(1e-6)
    return v, (w * a * a).sum((1, 2)) * v.pow(2).sum(1)


def grow_tree(x, r, w, spec: Spec, teacher: FeedForward, importance):
    """Rows of one tree (w_in, b, in row order); r [n, H] is reduced in place by what the inner nodes explain."""
    n, hidden = x.shape
    order = torch.arange(n, device=x.device)
    rows, biases = [], []
    for level in range(spec.depth):
        shape = (2**level, n >> level)
        xb, rb, wb = x[order].view(*shape, hidden), r[order].view(*shape, hidden), w[order].view(*shape, 1)
        u = best_direction(xb, rb, wb)
        z = torch.einsum("nmh,nh->nm", xb, u)
        scale = 1.5 / z.std(1).clamp_min(1e-12)
        u, z = u * scale[:, None], z * scale[:, None]
        middle = z.sort(1).values[:, shape[1] // 2 - 1 : shape[1] // 2 + 1].mean(1)
        z = z - middle[:, None]
        (v, gain), (v_neg, gain_neg) = fit_output(z, rb, wb), fit_output(-z, rb, wb)
        sign = torch.where(gain_neg > gain, -1.0, 1.0)
        v = torch.where((sign < 0)[:, None], v_neg, v)
        z = z * sign[:, None]
        rows.append(u * sign[:, None])
        biases.append(-middle * sign)
        r[order] -= (F.gelu(z).unsqueeze(2) * v.unsqueeze(1)).view(n, hidden)
        order = order.view(shape).gather(1, z.argsort(1)).flatten()
    shape = (2**spec.depth, n >> spec.depth)
    if spec.leaf_width == 1:
        w_in, b = mean_leaves(x[order].view(*shape, hidden), r[order].view(*shape, hidden), w[order].view(*shape, 1))
    else:
        w_in, b = neuron_leaves(importance[order].view(*shape, -1).mean(1), spec.leaf_width, teacher)
    return torch.cat(rows + [w_in]), torch.cat(biases + [b])


def mean_leaves(x, r, w, height: float = 2.0):
    """One neuron a leaf: gelu(z) ~ the size of the residual along the leaf's mean, predicted from x."""
    total = w.sum(1, keepdim=True)
    mean = (w * r).sum(1) / total.squeeze(1)
    along = torch.einsum("nmh,nh->nm", r, mean / mean.pow(2).sum(1, keepdim=True).clamp_min(1e-20))
    xm = (w * x).sum(1, keepdim=True) / total
    xc = x - xm
    u = ridge(xc.mT @ (w * xc), xc.mT @ (w * (along - 1).unsqueeze(2)), 1e-2 + 0.5 * x.shape[2] / x.shape[1])
    u = u.squeeze(2) * height
    spread = torch.einsum("nmh,nh->nm", xc, u).std(1).clamp_min(1e-12)
    u = u * (height / 2 / spread).clamp_max(1.0)[:, None]
    return u, height - torch.einsum("nh,nh->n", xm.squeeze(1), u)


def neuron_leaves(importance, width: int, teacher: FeedForward):
    """`width` - 1 of the teacher's neurons for each group, by importance [groups, neurons], and one constant."""
    chosen = importance.topk(width - 1, 1).indices
    w_in, b = teacher.linear_in.weight[chosen], teacher.linear_in.bias[chosen]
    w_in = torch.cat([w_in, torch.zeros_like(w_in[:, :1])], 1)
    b = torch.cat([b, torch.ones_like(b[:, :1])], 1)
    return w_in.flatten(0, 1), b.flatten()


@torch.no_grad()
def fit(layer: FeedForward, teacher: FeedForward, x: torch.Tensor) -> float:
    """Initialises `layer` from the teacher's layer and its inputs x [n, H] (fp32). Returns the weighted error
    that is left, relative to the variance of the teacher's output."""
    spec = layer.spec
    x = x[: x.shape[0] >> max(spec.depth, 1) << max(spec.depth, 1)]
    hidden = F.gelu(teacher.linear_in(x))
    y = F.linear(hidden, teacher.linear_out.weight, teacher.linear_out.bias)
    w = 1.0 / (x + y).var(1, keepdim=True)
    w = w / w.mean()
    variance = (w * (y - (w * y).mean(0)).pow(2)).sum()
    if not spec.rows:
        return (w * y.pow(2)).sum().item() / variance.item()
    importance = None
    if spec.leaf_width > 1 or spec.dense:
        importance = w * (hidden - hidden.mean(0)).pow(2) * teacher.linear_out.weight.pow(2).sum(0)
    del hidden
    residual, rows, biases = y.clone(), [], []
    always = None
    if spec.dense:
        always = neuron_leaves(importance.mean(0, keepdim=True), spec.dense, teacher)
        a = F.gelu(F.linear(x, *always))
        residual -= a @ ridge(a.mT @ (w * a), a.mT @ (w * residual), 1e-4)
    for _ in range(spec.trees):
        w_in, b = grow_tree(x, residual, w, spec, teacher, importance)
        rows.append(w_in)
        biases.append(b)
        if spec.leaf_width > 1 and spec.trees > 1:  # what this tree's leaves explain, before the next one grows
            residual = y - predict(Spec(len(rows), spec.depth, spec.leaf_width), rows, biases, x, w, y)
    if always is not None:
        rows.append(always[0])
        biases.append(always[1])
    layer.linear_in.weight.copy_(torch.cat(rows))
    layer.linear_in.bias.copy_(torch.cat(biases))
    out = refit(layer, x, w, y)
    layer.linear_out.weight.copy_(out.mT)
    error = sum((w[i] * (y[i] - layer(x[i])).pow(2)).sum() for i in torch.arange(len(x)).split(65536))
    return error.item() / variance.item()


def predict(spec, rows, biases, x, w, y):
    layer = FeedForward(spec, x.shape[1]).to(x.device)
    layer.linear_in.weight.copy_(torch.cat(rows))
    layer.linear_in.bias.copy_(torch.cat(biases))
    layer.linear_out.weight.copy_(refit(layer, x, w, y).mT)
    return torch.cat([layer(part) for part in x.split(65536)])


def refit(layer: FeedForward, x, w, y):
    """Output rows [neurons, H] by ridge regression of y on the active neurons of each token."""
    spec, gram, cross = layer.spec, 0.0, 0.0
    for xs, ws, ys in zip(x.split(65536), w.split(65536), y.split(65536)):
        z = layer.linear_in(xs)
        a = layer.activation(z) if spec.trees else F.gelu(z)
        gram = gram + a.mT @ (ws * a)
        cross = cross + a.mT @ (ws * ys)
    return ridge(gram, cross, 1e-3)
