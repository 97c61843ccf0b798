"""`Queue` as a handle: when it opens, what it shares, how it shows itself, closing, threads."""

import gc
import os
import threading
import weakref

import pytest

from simplebroker import Queue
from simplebroker._exceptions import OperationalError, QueueNameError, StopException
from simplebroker.ext import SQLiteRunner


def test_nothing_is_opened_before_the_first_operation(tmp_path):
    path = tmp_path / "deep" / "er" / "b.db"
    with Queue("q", db_path=str(path)) as queue:
        assert not path.parent.exists()
        queue.write("a")
    assert path.exists()


def test_str_and_repr(make_queue, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(make_queue()) == "q"
    assert repr(make_queue()) == f"Queue('q', db_path={path!r})"
    assert repr(make_queue(db_path=None)) == "Queue('q')"
    assert repr(make_queue(db_path="", persistent=True)) == "Queue('q', persistent=True)"
    assert repr(make_queue(persistent=True)) == f"Queue('q', db_path={path!r}, persistent=True)"


def test_with_a_runner_the_path_is_a_label(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SQLiteRunner(path) as runner, Queue("q", db_path="label.db", runner=runner) as queue:
        assert queue.write("a") and queue.read() == "a"
        assert queue.db_target == str(tmp_path / "label.db")
        assert repr(queue) == f"Queue('q', db_path={queue.db_target!r})"
        assert queue.conn is not None
    assert not (tmp_path / "label.db").exists()


def test_a_handle_can_be_used_after_close(queue):
    queue.write("a")
    queue.write("b")
    queue.close()
    queue.close()
    assert queue.read() == "a"
    with queue as same:
        assert same is queue
        queue.cleanup_connections()
        assert queue.read() == "b"


def test_a_queue_is_no_container(queue):
    for operation in (len, iter):
        with pytest.raises(TypeError):
            operation(queue)
    assert bool(queue)


def test_only_the_caller_keeps_a_queue_alive(make_queue, path):
    queue = Queue("q", db_path=path, persistent=True)
    queue.write("a")
    reference = weakref.ref(queue)
    queue.close()
    del queue
    gc.collect()
    assert reference() is None


def test_conn_is_there_for_a_persistent_queue_only(make_queue):
    assert make_queue().conn is None
    persistent = make_queue(persistent=True)
    assert persistent.conn is persistent.conn is not None


def test_get_connection_of_a_persistent_queue_is_one_for_each_thread(make_queue, elsewhere):
    queue = make_queue(persistent=True)

    def connection():
        with queue.get_connection() as broker:
            return broker

    assert connection() is connection()
    assert connection() is not elsewhere(connection)


def test_get_connection_passes_exceptions_through(queue):
    with pytest.raises(KeyError), queue.get_connection() as broker:
        broker.write("q", "a")
        raise KeyError
    assert queue.read() == "a"


def test_persistent_queues_of_one_file_share_their_connection(make_queue):
    with make_queue("a", persistent=True).get_connection() as one:
        with make_queue("b", persistent=True).get_connection() as two:
            assert one is two


def test_threads_share_a_queue(queue):
    threads = [
        threading.Thread(target=lambda: [queue.write("x") for _ in range(20)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.stats().pending == 80
    assert len({identity for _, identity in queue.peek_many(with_timestamps=True)}) == 80


def test_a_set_stop_event_ends_operations(queue):
    queue.write("a")
    event = threading.Event()
    queue.set_stop_event(event)
    assert queue.peek() == "a"
    event.set()
    with pytest.raises(StopException) as caught:
        queue.read()
    assert isinstance(caught.value, OperationalError) and caught.value.retryable is False
    queue.set_stop_event(None)
    assert queue.read() == "a"


def test_methods_can_be_overridden(path):
    class Loud(Queue):
        def write(self, message):
            return super().write(message.upper())

    with Loud("q", db_path=path) as queue:
        queue.write("a")
        assert queue.read() == "A"


def test_a_bad_name_is_refused_at_construction(path):
    with pytest.raises(QueueNameError):
        Queue("@q", db_path=path)


def test_old_names_that_programs_probe_for_are_not_there(queue, broker):
    for name in ("import_message", "import_messages", "write_reserved_message"):
        assert not hasattr(queue, name) and not hasattr(broker, name)


@pytest.mark.parametrize("closer", ["main thread", "another thread"])
def test_close_releases_the_connections_of_all_threads(path, elsewhere, closer):
    def open_files():
        names = [os.path.join("/proc/self/fd", number) for number in os.listdir("/proc/self/fd")]
        return [os.readlink(name) for name in names if os.path.islink(name)]

    queue = Queue("q", db_path=path, persistent=True)
    done, used = threading.Event(), []
    threads = [
        threading.Thread(target=lambda: (used.append(queue.write("x")), done.wait(10)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    queue.write("x")
    while len(used) < 3:
        queue.peek()
    assert path in open_files()
    elsewhere(queue.close) if closer == "another thread" else queue.close()
    assert path not in open_files()
    done.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("persistent", [False, True])
def test_a_stopped_queue__gives_out_no_connection(tmp_path, persistent):
    stop = threading.Event()
    with Queue("q", db_path=str(tmp_path / "a.db"), persistent=persistent) as queue:
        queue.set_stop_event(stop)
        with queue.get_connection() as broker:
            broker.write("q", "body")
        stop.set()
        with pytest.raises(StopException) as caught, queue.get_connection():
            pass
        assert caught.value.retryable is False
        stop.clear()
        with queue.get_connection() as broker:
            assert broker.peek_one("q", with_timestamps=False) == "body"


def test_a_derived_class__may_set_the_name(path):
    class Prefixed(Queue):
        def __init__(self, name, **keywords):
            super().__init__(name, **keywords)
            self.name = f"prefix.{name}"

    queue = Prefixed("q", db_path=path)
    queue.write("body")
    assert (queue.name, str(queue)) == ("prefix.q", "prefix.q")
    assert Queue("prefix.q", db_path=path).read() == "body"
