"""What lies in folders that others write to."""

from __future__ import annotations

from pathlib import Path

from crm.edge.folders import files_in


def test_what_is_gone_by_the_time_it_is_looked_at_is_left_out(tmp_path: Path) -> None:
    for name in ("b.wav", "a.wav", "a.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.wav").mkdir()
    # As one that is removed between the two looks: its name is there, it is not.
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing")
    assert [(path.name, found.st_size) for path, found in files_in(tmp_path, ".wav")] == [("a.wav", 5), ("b.wav", 5)]
    assert [path.name for path, _ in files_in(tmp_path)] == ["a.txt", "a.wav", "b.wav"]


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert list(files_in(tmp_path / "nothing")) == []
