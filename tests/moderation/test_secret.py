"""The secret that keys are hashed with."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from moderation.errors import BadSetting
from moderation.secret import keyed_hash, load_secret
from tests.moderation.elsewhere import start, together


@pytest.fixture
def file(tmp_path):
    return tmp_path / "var" / "secret"


def test_a_missing_file_is_made_and_read_again(file):
    assert load_secret(None, file) == load_secret(None, file)


def test_a_new_secret_is_long_and_new(file, tmp_path):
    one, other = load_secret(None, file), load_secret(None, tmp_path / "other")
    assert len(one) == 64
    assert one != other


def test_a_new_file_is_its_owner_s_alone(file):
    load_secret(None, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_is_given_needs_no_file(file):
    assert load_secret("one secret of many", file) == b"one secret of many"
    assert not file.exists()


def test_a_secret_in_a_file_is_read_without_its_newline(tmp_path):
    (tmp_path / "secret").write_text("one secret of many\n")
    assert load_secret(None, tmp_path / "secret") == b"one secret of many"


def test_a_short_secret_is_refused(file):
    with pytest.raises(BadSetting, match="secret: must have at least 16 characters"):
        load_secret("fifteen letters", file)


@pytest.mark.parametrize("text", ["\n", "fifteen letters\n", " " * 40])
def test_a_file_without_a_secret_is_refused_and_kept(tmp_path, text):
    (tmp_path / "secret").write_text(text)
    with pytest.raises(BadSetting, match="secret_file: .*/secret holds no secret"):
        load_secret(None, tmp_path / "secret")
    assert (tmp_path / "secret").read_text() == text


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(BadSetting, match="secret_file: .*Is a directory"):
        load_secret(None, tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "var").write_text("")
    with pytest.raises(BadSetting, match="secret_file"):
        load_secret(None, tmp_path / "var" / "secret")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff" * 40)
    with pytest.raises(BadSetting, match="secret_file"):
        load_secret(None, tmp_path / "secret")


def test_two_processes_that_start_together_have_one_secret(file):
    processes = [start("secret", str(file)) for _ in range(2)]
    one, other = together(*processes)
    assert one == other != ""


def test_threads_that_start_together_have_one_secret(tmp_path):
    def begin(file: Path) -> bytes:
        barrier.wait()
        return load_secret(None, file)

    barrier = Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        for turn in range(100):
            file = tmp_path / str(turn)
            assert len(set(pool.map(begin, [file] * 8))) == 1


def test_a_keyed_hash_is_the_same_for_the_same():
    assert keyed_hash(b"secret", "key", "x") == keyed_hash(b"secret", "key", "x")
    assert len(keyed_hash(b"secret", "key", "x")) == 64


@pytest.mark.parametrize("other", [(b"other", "key", "x"), (b"secret", "mark", "x"), (b"secret", "key", "y")])
def test_a_keyed_hash_tells_secrets_purposes_and_values_apart(other):
    assert keyed_hash(*other) != keyed_hash(b"secret", "key", "x")
