"""When a watcher looks again: at once after a change, ever more seldom while nothing happens."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from ._activity import ActivityWaiter
from ._exceptions import StopException
from ._handlers import log_error
from ._native_waiter import NativeWaiter

_PIECE = 0.02  # seconds slept between two looks at the change counter
_LONGEST_WAIT = 0.1  # seconds on a foreign waiter, between two looks at what else has happened
_STEPS_TO_MAX = 100
_MAX_FAILURES = 10


class PollingStrategy:
    """Waits for activity: on a native waiter where there is one, else by polling a counter.

    Args:
        stop_event: ends every wait.
        initial_checks: checks with only `burst_sleep` between, after a start or a change.
        max_interval: seconds; the longest delay between checks.
        burst_sleep: seconds.
        jitter_factor: part of a delay by which it may be longer or shorter.
    """

    def __init__(
        self,
        stop_event: threading.Event,
        initial_checks: int = 100,
        max_interval: float = 0.1,
        burst_sleep: float = 0.0002,
        jitter_factor: float = 0.15,
    ) -> None:
        self._stop_event = stop_event
        self._initial_checks = initial_checks
        self._max_interval = max_interval
        self._burst_sleep = burst_sleep
        self._jitter_factor = jitter_factor
        self._check_count = 0
        self._provider: Callable[[], int | None] | None = None
        self._on_change: Callable[[], None] | None = None
        self._version: int | None = None
        self._failures = 0
        self._waiter: ActivityWaiter | None = None
        self._fallback_due = 0.0
        self._notified = False
        self._local_hint = False
        self._empty_check_hint = False
        self._native_hint = False

    def start(
        self,
        data_version_provider: Callable[[], int | None] | None = None,
        *,
        on_data_version_change: Callable[[], None] | None = None,
        activity_waiter: ActivityWaiter | None = None,
    ) -> None:
        """Begins anew, with a burst of checks.

        Args:
            data_version_provider: reads the change counter; None from it: unknown.
            on_data_version_change: called once for each new value.
            activity_waiter: installed; a different one installed before is closed.
        """
        self._provider = data_version_provider
        self._on_change = on_data_version_change
        self._version = None
        self._check_count = 0
        if activity_waiter is not self._waiter:
            if self._waiter is not None:
                self.close()
            self.replace_activity_waiter(activity_waiter)

    def wait_for_activity(self) -> None:
        """One step: returns after a change, a signal or one delay, and when stopped.

        Raises:
            RuntimeError: the change counter could not be read ten times.
        """
        if self._stop_event.is_set() or self._woken():
            return
        if self._waiter is None:
            self._poll()
            return
        own = isinstance(self._waiter, NativeWaiter)
        signalled = self._await_signal()
        if signalled and own:
            self._tell_of_change()  # known without a look, for which somebody would have to wait
        elif own and not self._stop_event.is_set():
            self._changed()

    def notify_activity(self) -> None:
        """Says that the caller itself saw or made activity: the next waits are short."""
        self._check_count = 0
        self._local_hint = True
        self._notified = True
        self._end_wait_on(self._waiter)

    def consume_local_activity_hint(self) -> bool:
        """Whether `notify_activity` was called since this was last asked."""
        hint, self._local_hint, self._notified = self._local_hint, False, False
        return hint

    def mark_local_activity_as_empty_check(self) -> None:
        """Turns local activity into one that only needs a look whether the queue is empty."""
        self._local_hint = False
        self._empty_check_hint = True

    def consume_local_empty_check_hint(self) -> bool:
        """Whether local activity was marked as an empty check since this was last asked."""
        hint, self._empty_check_hint = self._empty_check_hint, False
        return hint

    def consume_native_activity_hint(self) -> bool:
        """Whether a native waiter has signalled since this was last asked."""
        hint, self._native_hint = self._native_hint, False
        return hint

    def uses_native_activity(self) -> bool:
        """Whether a native waiter is installed."""
        return self._waiter is not None

    def detach_activity_waiter(
        self, *, expected: ActivityWaiter | None = None
    ) -> ActivityWaiter | None:
        """Gives the installed waiter back, open; None if there is none or not the expected one."""
        waiter = self._waiter
        if expected is not None and waiter is not expected:
            return None
        self._waiter = None
        self._end_wait_on(waiter)
        return waiter

    def replace_activity_waiter(
        self, activity_waiter: ActivityWaiter | None
    ) -> ActivityWaiter | None:
        """Installs a waiter (None: polls); gives the displaced one back, open."""
        displaced, self._waiter = self._waiter, activity_waiter
        if displaced is activity_waiter:
            return None
        self._schedule_fallback()
        self._end_wait_on(displaced)
        return displaced

    def close(self) -> None:
        """Closes the installed waiter. Repeatable."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.close()

    def _woken(self) -> bool:
        """Whether there was local activity since the last step."""
        notified, self._notified = self._notified, False
        return notified

    def _changed(self) -> bool:
        """Whether the change counter has moved. The first value seen is no activity."""
        if self._provider is None:
            return False
        try:
            version = self._provider()
        except StopException:
            raise
        except Exception as error:
            self._failures += 1
            if self._failures >= _MAX_FAILURES:
                raise RuntimeError(
                    f"data version could not be read {self._failures} times. Last error: {error}"
                ) from error
            return False
        if version is None or version == self._version:
            return False
        first, self._version = self._version is None, version
        self._tell_of_change()
        return not first

    def _tell_of_change(self) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change()
        except StopException:
            raise
        except Exception as error:
            log_error("data_version change callback failed", error)

    def _delay(self) -> float:
        if self._check_count < self._initial_checks:
            return self._burst_sleep
        grown = (self._check_count - self._initial_checks) / _STEPS_TO_MAX
        delay = min(1.0, grown) * self._max_interval
        return max(0.0, delay * (1 + random.uniform(-self._jitter_factor, self._jitter_factor)))

    def _poll(self) -> None:
        """Waits for a change, at most one delay."""
        if self._changed():
            return
        left = self._delay()
        self._check_count += 1
        while left > 0:
            piece = min(left, _PIECE)
            left -= piece
            if self._stop_event.wait(piece) or (left > 0 and self._changed()):
                return

    def _schedule_fallback(self) -> None:
        longest = max(1.0, 10 * self._max_interval)
        self._fallback_due = time.monotonic() + random.uniform(longest, 2 * longest)

    def _await_signal(self) -> bool:
        """Waits for the waiter installed at the time, at most until the fallback is due.

        Returns:
            Whether it signalled.
        """
        while not self._stop_event.is_set():
            waiter, left = self._waiter, self._fallback_due - time.monotonic()
            if waiter is None or left <= 0:
                self._schedule_fallback()
                return False
            if self._signals(waiter, left):
                self._native_hint = True
                return True
            if self._woken():
                return False
        return False

    def _signals(self, waiter: ActivityWaiter, timeout: float) -> bool:
        """Waits once. The library's own waiter hears of all that would end the wait."""
        if not isinstance(waiter, NativeWaiter):
            return waiter.wait(min(timeout, _LONGEST_WAIT))
        if not waiter.usable:  # closed by somebody, or the parent's
            if self._waiter is waiter:
                self._waiter = None
            return False
        if waiter.stop_event is not self._stop_event:
            return waiter.wait(min(timeout, _LONGEST_WAIT))
        if waiter.patient:
            self._schedule_fallback()  # for it is the shortest wait that is begun anew
            timeout = self._fallback_due - time.monotonic()
        return waiter.wait_unless(
            timeout, lambda: self._notified or self._waiter is not waiter, waiter.patient
        )

    def _end_wait_on(self, waiter: ActivityWaiter | None) -> None:
        """Lets another thread that waits see what has changed; foreign waiters are looked after."""
        if isinstance(waiter, NativeWaiter):
            waiter.wake()
