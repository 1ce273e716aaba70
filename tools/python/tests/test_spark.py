"""A Spark job by predict_batch_udf, as SPARK.md shows it."""

import os
import sys

import numpy as np
import pytest
import sapwood
from conftest import MODELS

pytest.importorskip("pyspark")

EMBED = str(MODELS / "minilm-fff-embed")
TEXTS = [f"text number {i}" for i in range(40)]


def test_vectors_by_spark():
    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql import SparkSession
    from pyspark.sql.types import ArrayType, FloatType

    path = EMBED

    def make_encoder():  # called once in each of Spark's Python processes, which do not have this module
        import sapwood

        encoder = sapwood.Encoder(path, threads=1)
        return lambda texts: encoder.encode(texts)

    os.environ["PYSPARK_PYTHON"] = sys.executable  # else Spark's processes are those of the python3 in PATH
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1").getOrCreate()
    try:
        embed = predict_batch_udf(make_encoder, return_type=ArrayType(FloatType()), batch_size=16)
        frame = spark.createDataFrame(list(enumerate(TEXTS)), "id int, text string").repartition(4)
        rows = frame.withColumn("embedding", embed("text")).collect()
    finally:
        spark.stop()
    assert sorted(row.id for row in rows) == list(range(40))
    expected = sapwood.Encoder(EMBED).encode(TEXTS)
    np.testing.assert_allclose([row.embedding for row in sorted(rows, key=lambda row: row.id)], expected, atol=1e-6)
