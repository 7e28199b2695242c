"""The command line of the studio, up to where it would serve."""

import runpy
import sys

import pytest

from gan.studio.launch import main, usual_threads


def test_a_wrong_model_ends_the_program_with_one_sentence(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--models", "./nowhere"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("port", ["99999", "0", "-1", "x"])
def test_a_port_that_cannot_be_ends_the_program(port, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--port", port])
    assert stopped.value.code == 2
    assert "argument --port" in capsys.readouterr().err


@pytest.mark.parametrize(("cores", "threads"), [("0.5", 1), ("2", 1), ("64", 4), ("500m", None), ("", None)])
def test_threads_follow_the_cores_of_a_space(cores, threads, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    monkeypatch.setenv("CPU_CORES", cores)
    assert usual_threads() == (threads or 2)


def test_threads_that_cannot_be_end_the_program(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--num_threads", "0"])
    assert stopped.value.code == 2
    assert "argument --num_threads" in capsys.readouterr().err


def test_a_folder_for_files_that_cannot_be_written_is_named_with_its_variable(tmp_path, monkeypatch, capsys):
    (tmp_path / "taken").write_text("by somebody else")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "taken" / "gradio"))
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path}/taken/gradio" in sentence and "GRADIO_TEMP_DIR" in sentence


def test_the_package_can_be_run(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["", "--help"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("gan.studio", run_name="__main__")
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("usage: python -m gan.studio ")
