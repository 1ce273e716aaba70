"""sapwood.ray: a worker that is killed, a job that fails and goes on, and what is refused."""

import os
import pathlib
import signal
import threading
import time

import numpy as np
import pytest
import sapwood
from conftest import MODELS

ray = pytest.importorskip("ray")
pytest.importorskip("pyarrow")

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

EMBED = str(MODELS / "minilm-fff-embed")
ROWS = 1500
TEXTS = [f"text number {i} of some that speak of trees " + "and of wood " * 20 for i in range(ROWS)]


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 256 * 1024  # several blocks of few texts
    yield
    ray.shutdown()


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for part in range(10):
        rows = range(part * ROWS // 10, (part + 1) * ROWS // 10)
        pq.write_table(pa.table({"id": list(rows), "text": [TEXTS[i] for i in rows]}), folder / f"{part}.parquet")
    return folder


def written(folder):
    """The rows that were written: ids, and their vectors in the order of the ids."""
    table = ray.data.read_parquet(str(folder)).to_pandas().sort_values("id")
    return table["id"].tolist(), np.stack(table["embedding"].to_numpy())


def workers():
    """Processes of the pool's workers, of which every one was started by this test's Ray."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"ray::MapWorker(MapBatches(Embedder" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_killed_worker_loses_and_doubles_nothing(cluster, source, tmp_path):
    import sapwood.ray

    killed = []

    def kill_one():
        deadline = time.monotonic() + 120
        while not killed and time.monotonic() < deadline:
            if any((tmp_path / "out").glob("*.parquet")) and workers():
                killed.append(workers()[0])
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.05)

    thread = threading.Thread(target=kill_one)
    thread.start()
    dataset = ray.data.read_parquet(str(source))
    sapwood.ray.embed(dataset, EMBED, workers=2, batch_size=32).write_parquet(str(tmp_path / "out"))
    thread.join()
    assert killed, "the job ended before a worker could be killed"
    assert len(list((tmp_path / "out").glob("*.parquet"))) > 2
    ids, vectors = written(tmp_path / "out")
    assert ids == list(range(ROWS))
    np.testing.assert_array_equal(vectors, sapwood.Encoder(EMBED).encode(TEXTS))


def test_a_failed_job_goes_on_where_it_was(cluster, source, tmp_path):
    import sapwood.ray

    broken = tmp_path / "broken"
    broken.touch()

    def stumble(batch):
        if 1400 in batch["id"] and os.path.exists(broken):
            time.sleep(3)  # others are written meanwhile
            raise RuntimeError("a bad day")
        with open(tmp_path / f"seen-{os.getpid()}", "a") as file:
            file.write("".join(f"{i}\n" for i in batch["id"]))
        return batch

    def run():
        with sapwood.ray.checkpoint("id", tmp_path / "checkpoint"):
            dataset = ray.data.read_parquet(str(source)).map_batches(stumble, batch_size=None, num_cpus=0.5)
            sapwood.ray.embed(dataset, EMBED, workers=1, batch_size=64).write_parquet(str(tmp_path / "out"), mode="append")

    with pytest.raises(Exception, match="a bad day"):
        run()
    before = len(list((tmp_path / "out").glob("*.parquet")))
    for seen in tmp_path.glob("seen-*"):
        seen.unlink()
    broken.unlink()
    run()
    again = sum(len(seen.read_text().split()) for seen in tmp_path.glob("seen-*"))
    ids, _ = written(tmp_path / "out")
    assert ids == list(range(ROWS))
    assert 0 < before and again < ROWS, "nothing was kept of the first run"


def test_answers_and_refusals(cluster, source):
    import sapwood.ray

    dataset = ray.data.from_items([{"text": "a triumph"}, {"text": "dull and lifeless"}])
    rows = sapwood.ray.predict(dataset, "sentiment-analysis", str(MODELS / "minilm-fff-sst2"), workers=1).take_all()
    assert sorted((row["text"], row["prediction"]["label"]) for row in rows) == [("a triumph", "POSITIVE"), ("dull and lifeless", "NEGATIVE")]
    with pytest.raises(ValueError, match="for ever"):
        sapwood.ray.embed(dataset, EMBED, workers=3, num_cpus=1)
    with pytest.raises(ValueError, match="and a checkpoint"), sapwood.ray.checkpoint("id", "/tmp"):
        sapwood.ray.embed(dataset, EMBED, workers=3)
