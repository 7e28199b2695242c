"""Python's command lines in forks of a process that has imported the largest libraries, which takes seconds each time.

What is started has its own arguments, environment, folder, import path and streams, and ends as `python` does; only
what is imported below was there before.
"""

import atexit
import gc
import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
import threading
import types
from collections.abc import Sequence
from multiprocessing import connection
from pathlib import Path

# None of them reads the environment when it is imported, as huggingface_hub does, and all that imports it.
LIBRARIES = ["torch", "torch._dynamo", "pandas", "pyarrow.dataset", "PIL.Image", "soundfile", "httpx", "requests"]
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(LIBRARIES)
_one_at_a_time = threading.Lock()  # starting a process also reads the exit codes of others, and each can be read once


class Fork:
    """A `subprocess.Popen` of `python`, as far as it is used here.

    Args:
        words: `-c` and code, `-m` and a module, or a script; and what these are given.
        out, err: files for its stdout and stderr.
    """

    def __init__(self, words: Sequence[str], env: dict[str, str], cwd: Path, out: Path, err: Path):
        self._process = SERVER.Process(target=_become, args=([*words], env, str(cwd), str(out), str(err)))
        with _one_at_a_time:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        with _one_at_a_time:
            return self._process.exitcode

    def wait(self, timeout: float) -> int | None:
        """The exit code, `None` if there is none after so many seconds."""
        connection.wait([self._process.sentinel], timeout)
        return self.returncode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def _become(words: list[str], env: dict[str, str], cwd: str, out: str, err: str) -> None:
    """Does what `python` with these words does."""
    gc.freeze()  # looking for garbage in what was there before takes as long as importing a library
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests in the background ignores it
    for stream, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, stream)
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    tempfile.tempdir = None  # TMPDIR may be another
    kind = words.pop(0) if words[0] in ("-c", "-m") else ""
    name = words.pop(0)
    first = {"-c": "", "-m": cwd}.get(kind, str(Path(name).parent))
    installed = [path for path in sys.path[1:] if path.startswith((sys.prefix, sys.base_prefix))]
    sys.path = [first, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep)), *installed]
    sys.argv = [kind or name, *words]
    try:
        if kind == "-c":
            main = sys.modules["__main__"] = types.ModuleType("__main__")
            exec(compile(name, "<string>", "exec"), main.__dict__)
        elif kind == "-m":
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(name, run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # which a process of multiprocessing leaves out
