"""A helper that programs of the 2.5 series import from here."""

from __future__ import annotations

import threading
import time


def interruptible_sleep(
    seconds: float, stop_event: threading.Event | None = None, *, chunk_size: float = 0.1
) -> bool:
    """Sleeps until the time is over or the event is set.

    Args:
        seconds: how long; 0 and less return at once.
        stop_event: ends the sleep; None: nothing does.
        chunk_size: seconds; accepted for older programs, an event needs no pieces.

    Returns:
        True when the whole time has passed, False when the event ended it.
    """
    if stop_event is not None:
        return not stop_event.wait(max(0.0, seconds))
    if seconds > 0:
        time.sleep(seconds)
    return True
