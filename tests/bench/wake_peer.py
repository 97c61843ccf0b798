"""Watches or writes, with whichever `simplebroker` is importable: ours or the reference.

    watch DB consume|peek COUNT   prints "ready", then number and time of each message, in ns
    write DB COUNT FROM TO        messages after idle gaps of so many ms; prints the same
    idle DB                       prints "ready" and watches until it is killed
    idle-thread DB                the same in a thread
    aio-idle DB                   the same with asyncio
    aio DB QUEUES                 awaits one message in each of so many queues
"""

import random
import sys
import time


def watch(path, mode, count):
    from simplebroker import QueueWatcher
    from simplebroker.watcher import StopWatching

    seen = []

    def handle(body, timestamp):
        now = time.monotonic_ns()
        seen.append((int(body), now))
        if len(seen) == count:
            raise StopWatching

    watcher = QueueWatcher("q", handle, db=path, peek=mode == "peek")
    print("ready", flush=True)
    watcher.run_forever()
    for number, moment in seen:
        print(number, moment)


def write(path, count, from_ms, to_ms):
    from simplebroker import Queue

    stamps = []
    queue = Queue("q", db_path=path, persistent=True)
    for number in range(count):
        time.sleep(random.uniform(from_ms, to_ms) / 1000)
        queue.write(f"{number:<100}")
        stamps.append(time.monotonic_ns())
    queue.close()
    for number, moment in enumerate(stamps):
        print(number, moment)


def idle(path):
    from simplebroker import QueueWatcher

    watcher = QueueWatcher("q", print, db=path)
    print("ready", flush=True)
    watcher.run_forever()


def idle_thread(path):
    from simplebroker import QueueWatcher

    thread = QueueWatcher("q", print, db=path).run_in_thread()
    print("ready", flush=True)
    thread.join()


def aio_idle(path):
    import asyncio

    from simplebroker.aio import AsyncQueue, async_broker

    async def main():
        async with async_broker(path) as broker:
            print("ready", flush=True)
            await AsyncQueue("q", broker).get()

    asyncio.run(main())


def aio(path, count):
    import asyncio
    import threading

    from simplebroker.aio import AsyncQueue, async_broker

    async def main():
        async with async_broker(path) as broker:
            tasks = [asyncio.ensure_future(AsyncQueue(f"q{i}", broker).get())
                     for i in range(count)]
            while await broker.read("none") is not None:  # all have begun to wait by then
                pass
            await asyncio.sleep(0.5)
            print("ready", flush=True)
            await asyncio.gather(*tasks)
            print(time.monotonic_ns(), threading.active_count(), flush=True)

    asyncio.run(main())


if __name__ == "__main__":
    part, database, *rest = sys.argv[1:]
    numbers = [int(a) if a.isdigit() else a for a in rest]
    {"watch": watch, "write": write, "idle": idle, "idle-thread": idle_thread,
     "aio-idle": aio_idle, "aio": aio}[part](database, *numbers)
