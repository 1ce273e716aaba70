"""Columns of other packages as lists of texts."""

import numpy as np
import pytest
import sapwood
from conftest import MODELS

TEXTS = ["a tree", "naïve café", "Prices rose."]


@pytest.fixture(scope="module")
def encoder():
    return sapwood.Encoder(str(MODELS / "minilm-fff-embed"))


@pytest.mark.parametrize("package,column", [
    ("pandas", lambda pandas: pandas.DataFrame({"text": TEXTS})["text"]),
    ("polars", lambda polars: polars.DataFrame({"text": TEXTS})["text"]),
    ("pyarrow", lambda pyarrow: pyarrow.table({"text": TEXTS})["text"]),
    ("pyarrow", lambda pyarrow: pyarrow.array(TEXTS)),
    ("numpy", lambda numpy: numpy.array(TEXTS, dtype=numpy.dtypes.StringDType())),
])
def test_a_column(encoder, package, column):
    texts = column(pytest.importorskip(package))
    np.testing.assert_array_equal(encoder.encode(texts), encoder.encode(TEXTS))


@pytest.mark.parametrize("package,column", [
    ("pandas", lambda pandas: pandas.Series([1, 2])),
    ("pandas", lambda pandas: pandas.Series(["a", None])),
    ("polars", lambda polars: polars.Series([1.5])),
    ("pyarrow", lambda pyarrow: pyarrow.array(["a", None])),
])
def test_a_column_of_other_things(encoder, package, column):
    with pytest.raises(TypeError, match="expected"):
        encoder.encode(column(pytest.importorskip(package)))
