"""Each protection that `make mutate-guards` takes out is still where it is looked for."""

from __future__ import annotations

import pytest

from tests.mutate import PROTECTIONS, TOP, Mutation


@pytest.mark.parametrize("mutation", PROTECTIONS, ids=lambda mutation: mutation.name)
def test_it_stands_there_once(mutation: Mutation):
    assert (TOP / mutation.file).read_text(encoding="utf-8").count(mutation.old) == 1
    assert mutation.new != mutation.old
