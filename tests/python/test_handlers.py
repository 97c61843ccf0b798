"""The ready handlers of `simplebroker.watcher`."""

from __future__ import annotations

import json
import logging

import pytest

from simplebroker.watcher import (
    Message,
    default_error_handler,
    json_print_handler,
    logger_handler,
    simple_print_handler,
)

ID = 1837025672140161024


def test_simple_print_handler_prints_id_and_body(capsys: pytest.CaptureFixture[str]) -> None:
    simple_print_handler("two\nlines é", ID)
    assert capsys.readouterr().out == f"[{ID}] two\nlines é\n"


def test_json_print_handler_prints_one_line_with_an_id_of_19_digits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    json_print_handler('two\nlines "é"', ID)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"message": 'two\nlines "é"', "timestamp": str(ID)}


def test_logger_handler_logs_at_level_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="simplebroker.watcher"):
        logger_handler("body", ID)
    assert caplog.record_tuples == [("simplebroker.watcher", logging.INFO, f"Message {ID}: body")]


def test_default_error_handler_logs_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    assert default_error_handler(ValueError("broken"), "body", ID) is True
    assert caplog.record_tuples == [
        ("simplebroker.watcher", logging.ERROR, "Handler error: broken")
    ]


def test_message_is_a_named_tuple() -> None:
    assert Message(1, "b", 1, "q")._asdict() == {"id": 1, "body": "b", "timestamp": 1, "queue": "q"}
