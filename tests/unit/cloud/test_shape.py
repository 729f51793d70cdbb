from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from otactl.cloud.ministack.shape import Changes, ShapeChanged, adapt, require


def foreign() -> Any:
    def greet(name: str) -> str:
        return f"hello {name}"

    return SimpleNamespace(greet=greet, other=1)


def test_a_wrapper_gets_the_function_and_what_it_is_called_with() -> None:
    module = foreign()

    def twice(changes: Changes) -> None:
        for mark in "?!":

            @changes.around(module, "greet", "name")
            def greet(inner: Any, name: str, mark: str = mark) -> str:
                return f"{inner(name)}{mark}"

    adapt(twice)

    assert module.greet("you") == "hello you?!"


def test_an_adaptation_that_does_not_fit_changes_nothing() -> None:
    module = foreign()
    table = {"key": 1}

    def half(changes: Changes) -> None:
        changes.put(module, "other", 2)
        changes.put_item(table, "key", 2)
        require(holds=False, expectation="something else")

    with pytest.raises(ShapeChanged, match="something else"):
        adapt(half)

    assert (module.other, table) == (1, {"key": 1})


def test_a_function_with_other_parameters_is_not_wrapped() -> None:
    module = foreign()

    with pytest.raises(ShapeChanged, match="person"):
        adapt(lambda changes: changes.around(module, "greet", "person"))
