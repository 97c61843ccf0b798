"""Ready handlers for watchers: print a message, print it as JSON, log it, log an error."""

from __future__ import annotations

_LOGGER = "simplebroker.watcher"


def log_error(text: str, cause: BaseException | None = None) -> None:
    """Logs a text, and the traceback of its cause, at level ERROR on the watchers' logger."""
    import logging

    logging.getLogger(_LOGGER).error("%s", text, exc_info=cause)


def log_debug(text: str, cause: BaseException | None = None) -> None:
    """The same at level DEBUG."""
    import logging

    logging.getLogger(_LOGGER).debug("%s", text, exc_info=cause)


def simple_print_handler(msg: str, ts: int) -> None:
    """Prints `[id] body`."""
    print(f"[{ts}] {msg}")


def json_print_handler(msg: str, ts: int) -> None:
    """Prints the message as one line of JSON, the id as a string of 19 digits."""
    import json

    from ._ids import format_message_id

    print(json.dumps({"message": msg, "timestamp": format_message_id(ts)}, ensure_ascii=False))


def logger_handler(msg: str, ts: int) -> None:
    """Logs the message at level INFO on logger `simplebroker.watcher`."""
    import logging

    logging.getLogger(_LOGGER).info("Message %d: %s", ts, msg)


def default_error_handler(exc: Exception, message: str, timestamp: int) -> bool:
    """Logs a handler's failure at level ERROR.

    Returns:
        True: the watcher goes on.
    """
    log_error(f"Handler error: {exc}")
    return True
