"""Python's command lines in forks of a process that has imported the largest libraries, which takes seconds each time.

What is started has its own arguments, environment, folder, import path and streams, and ends as `python` does; only
what is imported below was there before.
"""

import contextlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

# None of them reads the environment when it is imported, as huggingface_hub does, and all that imports it.
LIBRARIES = ["torch", "torch._dynamo", "pandas", "pyarrow.dataset", "PIL.Image", "soundfile", "httpx", "requests"]
NUMBER = struct.Struct("i")


class Fork:
    """A `subprocess.Popen` of `python`, as far as it is used here.

    Args:
        words: `-c` and code, `-m` and a module, or a script; and what these are given.
        out, err: files for its stdout and stderr.
    """

    _server: tuple[socket.socket, subprocess.Popen] | None = None
    _starting = threading.Lock()

    def __init__(self, words: Sequence[str], env: dict[str, str], cwd: Path, out: Path, err: Path):
        self._socket, theirs = socket.socketpair()
        with self._starting, theirs:
            if Fork._server is None:
                Fork._server = _start_server()
            socket.send_fds(Fork._server[0], [b"."], [theirs.fileno()])
        request = {"words": words, "env": env, "cwd": str(cwd), "out": str(out), "err": str(err)}
        self._socket.sendall(json.dumps(request).encode())
        self._socket.shutdown(socket.SHUT_WR)
        self.returncode: int | None = None
        self.pid = self._read()

    def _read(self) -> int:
        (number,) = NUMBER.unpack(self._socket.recv(NUMBER.size, socket.MSG_WAITALL))
        return number

    def wait(self, timeout: float) -> int | None:
        """The exit code, `None` if there is none after so many seconds."""
        if self.returncode is None and select.select([self._socket], [], [], timeout)[0]:
            self.returncode = self._read()
            self._socket.close()
        return self.returncode

    def poll(self) -> int | None:
        return self.wait(0)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _start_server() -> tuple[socket.socket, subprocess.Popen]:
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-u", __file__, str(theirs.fileno())]
        return ours, subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])


def _serve(control: socket.socket) -> dict[str, Any]:
    """Forks for every request; returns it in the fork that is to become what was asked for."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks that wait
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    while True:
        asked, sockets, *_ = socket.recv_fds(control, 1, 1)
        if not asked:  # they have ended
            sys.exit()
        with socket.socket(fileno=sockets[0]) as client:
            if os.fork() == 0:
                control.close()
                return _fork_and_wait(client)


def _fork_and_wait(client: socket.socket) -> dict[str, Any]:
    """Tells the client the process that returns from here, and its exit code."""
    with client.makefile("rb") as file:
        request = json.load(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return request
    with contextlib.suppress(OSError):  # the client has gone
        client.sendall(NUMBER.pack(pid))
        client.sendall(NUMBER.pack(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
    os._exit(0)


def _become(words: list[str], env: dict[str, str], cwd: str, out: str, err: str) -> None:
    """Does what `python` with these words does."""
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
    if kind == "-c":
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(name, "<string>", "exec"), main.__dict__)
    elif kind == "-m":
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(name, run_name="__main__")


if __name__ == "__main__":
    for library in LIBRARIES:
        import_module(library)
    _become(**_serve(socket.socket(fileno=int(sys.argv[1]))))
