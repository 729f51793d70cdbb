from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otactl.monitor.measured_column import MeasuredColumn

NUMBERS = st.none() | st.sampled_from([0.0, 1.0, 1.5, 2.0]) | st.floats(0, 1e9)


@given(st.lists(st.tuples(st.integers(0, 9), NUMBERS) | st.just("read"), max_size=60))
def test_whatever_is_set_in_between_the_order_is_that_of_what_stands_there(steps):
    column, plain = MeasuredColumn(), {}
    for row in range(10):
        column.append()
        plain[row] = None
    for step in steps:
        if step == "read":
            expected = sorted(number for number in plain.values() if number is not None)
            assert column.ascending() == expected
        else:
            row, number = step
            column.set(row, number)
            plain[row] = number
    assert column.ascending() == sorted(each for each in plain.values() if each is not None)
