from __future__ import annotations

from pathlib import Path

from lab.demo import material


def test_the_same_seed_chooses_the_same_usable_files():
    chosen = material.choose(50, seed=3)
    assert chosen == material.choose(50, seed=3)
    assert len(set(chosen)) == len(chosen)
    assert all(file.is_file() and not file.is_symlink() for file in chosen)
    assert all(0 < file.stat().st_size <= material.MAX_FILE_BYTES for file in chosen)


def test_copies_keep_folders_and_content(tmp_path: Path):
    files = material.choose(5, seed=3)
    for file, copied in zip(files, material.copy(files, tmp_path), strict=True):
        assert copied == tmp_path / file.relative_to("/")
        assert copied.read_bytes() == file.read_bytes()


def test_pieces_make_the_whole_file_and_depend_on_the_seed_alone():
    pieces = list(material.pieces(1000, 10, seed=1))
    assert [len(piece) for piece in pieces] == [100] * 10
    assert pieces == list(material.pieces(1000, 10, seed=1)) != list(material.pieces(1000, 10, seed=2))
