"""Exceptions: their families, attributes, and where they come from."""

import pickle
import sqlite3

import pytest

from simplebroker import DumpClockSkewWarning, Queue, ext
from simplebroker._exceptions import StopException
from simplebroker.db import BrokerDB
from simplebroker.ext import (
    BrokerError,
    DatabaseError,
    DataError,
    IntegrityError,
    InvalidConfigError,
    MessageError,
    OperationalError,
    QueueNameError,
    SidecarUnavailableError,
    StopWatching,
    TimestampError,
    TimestampGenerator,
)

FAMILIES = {
    BrokerError: (Exception,),
    DatabaseError: (BrokerError, sqlite3.DatabaseError),
    OperationalError: (DatabaseError, sqlite3.OperationalError),
    StopException: (OperationalError,),
    IntegrityError: (DatabaseError, sqlite3.IntegrityError),
    DataError: (DatabaseError, sqlite3.DataError, ValueError),
    TimestampError: (BrokerError,),
    QueueNameError: (BrokerError, ValueError),
    MessageError: (BrokerError, ValueError),
    InvalidConfigError: (BrokerError, ValueError),
    SidecarUnavailableError: (BrokerError,),
    StopWatching: (Exception,),
    DumpClockSkewWarning: (UserWarning,),
}
OF_ONE_TEXT = [kind for kind in FAMILIES if kind is not InvalidConfigError]


@pytest.mark.parametrize("kind, bases", FAMILIES.items(), ids=lambda v: getattr(v, "__name__", ""))
def test_families(kind, bases):
    assert kind.__bases__ == bases
    assert not issubclass(kind, OSError)


def test_errors_of_storage_are_caught_as_those_of_sqlite3(queue):
    queue.insert_messages([("a", 5)])
    for family in (sqlite3.IntegrityError, sqlite3.DatabaseError, sqlite3.Error, BrokerError):
        with pytest.raises(family):
            queue.insert_messages([("b", 5)])


@pytest.mark.parametrize("kind", OF_ONE_TEXT, ids=lambda kind: kind.__name__)
def test_they_carry_a_text_and_can_be_pickled(kind):
    error = kind("the text")
    assert str(error) == "the text" and error.args == ("the text",)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind and str(again) == "the text"


def test_whether_a_retry_may_help():
    assert OperationalError("x").retryable is OperationalError.retryable is None
    assert StopException("x").retryable is False
    error = OperationalError("x")
    error.retryable = True
    assert error.retryable is True and OperationalError("y").retryable is None


def test_whether_a_failed_change_may_have_happened():
    assert TimestampError("x").outcome_ambiguous is False
    assert TimestampError("x", outcome_ambiguous=True).outcome_ambiguous is True
    for wrong in ((), ("x", True)):
        with pytest.raises(TypeError):
            TimestampError(*wrong)


def test_a_configuration_error_keeps_what_it_says():
    with pytest.raises(InvalidConfigError) as caught:
        Queue("q", db_path="unused", config={"BROKER_CACHE_MB": "x"})
    assert caught.value.key == "BROKER_CACHE_MB" and caught.value.value_display == "'x'"


def test_texts_that_are_no_time_are_timestamp_errors():
    for text in ("", "soon", "12x", "\ud800", "-5", "1" * 40):
        with pytest.raises(TimestampError):
            TimestampGenerator.validate(text)


@pytest.mark.parametrize("make", [BrokerDB, lambda path: Queue("q", db_path=path).peek()])
def test_a_foreign_database_is_refused(path, make):
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
    plain.execute("INSERT INTO meta VALUES ('magic', 'of another program')")
    plain.commit()
    with pytest.raises(RuntimeError):
        make(path)
    stored = plain.execute("SELECT value FROM meta WHERE key = 'magic'").fetchall()
    assert stored == [("of another program",)]
    plain.close()


def test_a_connection_that_cannot_be_had_says_why(tmp_path):
    with Queue("q", db_path=str(tmp_path)) as queue:
        with pytest.raises(RuntimeError, match="Failed to get database connection: ") as caught:
            queue.write("a")
        assert isinstance(caught.value.__cause__, Exception)
        assert queue.last_ts is None


def test_all_families_can_be_imported_from_ext():
    private = (StopException, DumpClockSkewWarning)
    assert all(getattr(ext, kind.__name__) is kind for kind in FAMILIES if kind not in private)
