"""A budget of time for a training, with Python's own library alone, so that a peer's environment can import it."""

import time


class Budget:
    """Time that a training may take: by the wall clock, or CPU time of all its threads together.

    A thread that waits for another spins, and spinning counts: two threads beside other work lose CPU time to it.
    """

    def __init__(self, minutes: float, cpu_minutes: float | None):
        self._in_cpu_time = cpu_minutes is not None
        self.seconds = 60 * (minutes if cpu_minutes is None else cpu_minutes)
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def spent(self) -> dict[str, float]:
        """Minutes since the start, by either clock."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return {"minutes": round(wall / 60, 2), "cpu_minutes": round(cpu / 60, 2)}

    @property
    def progress(self) -> float:
        """The share that is spent."""
        elapsed = time.process_time() - self._cpu if self._in_cpu_time else time.perf_counter() - self._wall
        return elapsed / self.seconds

    def over(self) -> bool:
        return self.progress >= 1
