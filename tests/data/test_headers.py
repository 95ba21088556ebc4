"""Column names: none empty, none twice, the user's own spelling otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.data.headers import check_header, column_names


@given(st.lists(st.text(alphabet="ab_2 \n", max_size=4)))
def test_names_are_filled_and_unique_and_kept_where_they_can_be(raw):
    names, notes = column_names(raw)

    assert len(names) == len(set(names)) == len(raw)
    assert all(names)
    cleaned = [" ".join(name.split()) for name in raw]
    assert len(notes) == sum(name != given for name, given in zip(names, cleaned, strict=True))
    for name in set(cleaned) - {""}:
        assert names[cleaned.index(name)] == name


def test_a_header_of_numbers_is_data():
    with pytest.raises(Invalid, match="has no column names"):
        check_header(["1", "2.5", "-3e4"], "x.csv")
    check_header(["2019", "2020", "city"], "x.csv")
