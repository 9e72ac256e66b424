"""Tab-separated files: quotes are text, bad lines are named."""

from __future__ import annotations

import pytest

from binbench.errors import UserError
from binbench.tasks.tsv import read_labelled, read_pairs

HEADER = "score\tsentence1\tsentence2\n"


def test_quotes_and_strange_characters_are_text(tmp_path):
    path = tmp_path / "pairs.tsv"
    lines = '2.5\t"Unbalanced\tsays \'he\'\n0\tline\u2028separator\t""\n'
    path.write_bytes(("\ufeff" + HEADER + lines).replace("\n", "\r\n").encode())
    pairs = read_pairs(path)
    assert pairs.scores.tolist() == [2.5, 0]
    assert pairs.first == ['"Unbalanced', "line\u2028separator"]
    assert pairs.second == ["says 'he'", '""']


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "1\ta\tb\n2\tonly\n", ":3: expected 3 columns separated by tabs, found 2"),
        (HEADER + "1\ta\tb\n2\ta\tb\tc\n", ":3: expected 3 columns separated by tabs, found 4"),
        (HEADER + "1\ta\tb\n\n2\ta\tb\n", ":3: expected 3 columns separated by tabs, found 1"),
        (HEADER + "one\ta\tb\n", ":2: the score 'one' is not a number"),
        (HEADER + "nan\ta\tb\n", ":2: the score 'nan' is not a number"),
        (HEADER + "1\ta\t \n", ":2: column 3 is empty"),
        ("1\ta\tb\n2\tc\td\n", ":1: expected the header score⇥sentence1⇥sentence2"),
        ("", ":1: expected the header"),
        (HEADER + "1\ta\tb\n", " holds 1 pairs; a correlation needs two or more"),
    ],
)
def test_bad_pairs(tmp_path, content, message):
    path = tmp_path / "pairs.tsv"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        read_pairs(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_labelled_texts(tmp_path):
    path = tmp_path / "train.tsv"
    path.write_text('How far is "it" ?\tNUM\nWho ?\tHUM\n')
    texts, labels = read_labelled(path)
    assert texts == ['How far is "it" ?', "Who ?"]
    assert labels.tolist() == ["NUM", "HUM"]


def test_bad_labelled_texts(tmp_path):
    path = tmp_path / "train.tsv"
    with pytest.raises(UserError, match="does not exist"):
        read_labelled(path)
    path.write_text("")
    with pytest.raises(UserError, match="is empty"):
        read_labelled(path)
    path.write_text("text\tlabel\ntext\n")
    with pytest.raises(UserError, match=r"train.tsv:2: expected 2 columns separated by tabs, found 1"):
        read_labelled(path)
    path.write_bytes(b"text\tlabel\n\xff\tlabel\n")
    with pytest.raises(UserError, match="not UTF-8"):
        read_labelled(path)
