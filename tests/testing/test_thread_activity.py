"""Which threads count as working."""

from __future__ import annotations

import _thread
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from mockllm.testing.loop_thread import virtual_time
from mockllm.testing.patched_clock import ReentrantQueue
from mockllm.testing.thread_activity import ThreadActivity
from tests.waiting import PATIENCE, until


def test_thread_that_ends_counts_until_the_system_forgets_it() -> None:
    activity, ended, release = ThreadActivity(), threading.Event(), _thread.allocate_lock()

    def run() -> None:
        activity.add()
        activity.end()
        ended.set()
        release.acquire(timeout=PATIENCE)

    release.acquire()
    thread = threading.Thread(target=run)
    thread.start()
    ended.wait(PATIENCE)
    assert [activity.idle() for _ in range(50)] == [False] * 50
    release.release()
    thread.join()
    assert until(activity.idle)


def test_thread_that_waits_natively_counts_for_a_while() -> None:
    activity, begun, release = ThreadActivity(), threading.Event(), _thread.allocate_lock()

    def run() -> None:
        activity.add()
        begun.set()
        release.acquire(timeout=PATIENCE)

    release.acquire()
    thread = threading.Thread(target=run)
    thread.start()
    begun.wait(PATIENCE)
    assert not activity.idle()
    assert until(activity.idle)
    release.release()
    thread.join()


def test_executor_waits_in_a_queue_that_the_clock_sees() -> None:
    with virtual_time() as clock, ThreadPoolExecutor(1) as executor:
        worker = executor.submit(threading.get_ident).result()
        assert until(lambda: worker in vars(clock)["_waiting"])


def test_reentrant_queue_takes_a_put_during_a_get() -> None:
    jobs = ReentrantQueue()
    with jobs.mutex:
        jobs.put("late")
    assert jobs.get(timeout=PATIENCE) == "late"
    assert isinstance(jobs, queue.Queue)
