"""Many texts on many machines, by Ray Data: columns of vectors or of answers, by a pool of workers that each hold the model.

A worker has one thread and asks for half a processor (`num_cpus`), so that readers and writers find room on machines whose processors all have workers:
pools that ask for all processors wait for ever. (A checkpoint takes one processor of Ray's count more.) Workers that die are started again and their batches done again; what is written is written once.
"""

import contextlib

import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.data.checkpoint import CheckpointConfig

from .encoder import Encoder
from .pipelines import pipeline


class Embedder:
    """What a worker of embed() is: from batches of columns to the same with a column of vectors."""

    def __init__(self, model, column, output, method, arguments, loading):
        self._encode = getattr(Encoder(model, **loading), method)
        self._column, self._output, self._arguments = column, output, arguments

    def __call__(self, batch):
        return {**batch, self._output: self._encode(batch[self._column], **self._arguments)}


class Predictor:
    """What a worker of predict() is: from batches of columns to the same with a column of answers."""

    def __init__(self, task, model, column, output, parameters, loading):
        self._pipeline = pipeline(task, model=model, **loading, **parameters)
        self._column, self._output = column, output

    def __call__(self, batch):
        return {**batch, self._output: self._pipeline(list(batch[self._column]))}


def embed(dataset, model, *, column="text", output="embedding", method="encode_document", arguments=None, workers=None, num_cpus=0.5,
          batch_size=1024, **loading):
    """The dataset with a column of vectors, float32 [dim] each.

    method, arguments: of sapwood.Encoder ("encode_query", {"normalize_embeddings": True}). workers: how many; None: one for each processor of the cluster.
    num_cpus: what one asks of the scheduler, less than 1. batch_size: texts a worker gets at once. loading: as Encoder, with one thread unless told otherwise.
    """
    given = {"model": model, "column": column, "output": output, "method": method, "arguments": arguments or {}, "loading": {"threads": 1, **loading}}
    return _map(dataset, Embedder, given, workers, num_cpus, batch_size)


def predict(dataset, task, model, *, column="text", output="prediction", parameters=None, workers=None, num_cpus=0.5, batch_size=1024, **loading):
    """The dataset with a column of what sapwood.pipeline(task, model, **parameters) answers. The other arguments: as embed()."""
    given = {"task": task, "model": model, "column": column, "output": output, "parameters": parameters or {}, "loading": {"threads": 1, **loading}}
    return _map(dataset, Predictor, given, workers, num_cpus, batch_size)


def _map(dataset, worker, given, workers, num_cpus, batch_size):
    if not ray.is_initialized():
        ray.init()
    processors = ray.cluster_resources().get("CPU", 1)
    count = max(1, int(processors)) if workers is None else workers
    filters = 1 if DataContext.get_current().checkpoint_config is not None else 0  # what leaves out the rows that are written has a processor
    if num_cpus * count + filters + 1 > processors:
        raise ValueError(f"{count} workers of num_cpus={num_cpus}{' and a checkpoint' * filters} leave less than one of {processors:g} processors, which reading "
                         "would wait for for ever; give fewer workers, a smaller num_cpus, or start Ray with more: ray.init(num_cpus=N) counts, it binds nothing")
    return dataset.map_batches(worker, fn_constructor_kwargs=given, compute=ActorPoolStrategy(size=count), num_cpus=num_cpus, batch_format="numpy",
                               batch_size=batch_size)


@contextlib.contextmanager
def checkpoint(id_column, path):
    """Within it, datasets that are read, computed and written keep in `path` which rows are written; run again after a failure they go on from there.

    id_column: a column of the input, unique, that is written, too. path: on storage that every machine sees. It is emptied when a job has ended well.
    """
    context = DataContext.get_current()
    before, context.checkpoint_config = context.checkpoint_config, CheckpointConfig(id_column=id_column, checkpoint_path=str(path))
    try:
        yield
    finally:
        context.checkpoint_config = before
