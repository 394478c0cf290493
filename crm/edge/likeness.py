"""What a sentence is most like, learned from examples: by its words and pieces of words, and by a sentence-embedding
model such as all-MiniLM-L6-v2 where there is one on this machine.

What is learned is a kernel ridge regression, whose kernel counts what occurs together for more than each by itself. Its
features of words need no model: they take two seconds at start and a millisecond for a sentence. Pieces of words are
what survives a transcriber's mistakes; kinds of words, such as months and pets, are what examples teach of words that
they do not have.

The model is a folder of the user's with `model.onnx` and `tokenizer.json`. It takes some milliseconds a sentence on one
thread, and needs onnxruntime and tokenizers, which come with the transcriber's packages.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

FILES = ("model.onnx", "tokenizer.json")
"""Of a model's folder."""
LONGEST = 64
"""Tokens of a sentence that are looked at."""
AT_A_TIME = 32
"""Examples that a model is given together: half the time of one by one."""
WIDTH = 1 << 14
"""Numbers that features are hashed to."""
STIFFNESS = 0.1
"""Of the regression: how little a single example counts (lambda)."""
MEANING = 2.0
"""What likeness in meaning, by a sentence model, counts beside likeness in words."""
NUMERAL = "0"
"""Stands for every word that begins with a digit where kinds of words are named."""
PAIR, GAP, PIECE = 0.7, 0.4, 0.35
"""What two words in a row, two with one between them, and pieces of a word count beside a word or its kind."""


class NoSuchModel(Exception):
    """The folder holds no model that can be loaded; the text says why."""


class SentenceModel:
    """Sentences as vectors that are near each other where they mean the same."""

    def __init__(self, folder: Path) -> None:
        """Raises NoSuchModel."""
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise NoSuchModel(f"{error.name} is not installed: `script/setup voice` installs it") from error
        for name in FILES:
            if not (folder / name).is_file():
                raise NoSuchModel(f"{folder} has no {name}")
        weights = (folder / FILES[0]).stat()
        self.mark = f"{weights.st_size}-{weights.st_mtime_ns}"
        """Of its weights."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._model = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise NoSuchModel(f"{folder} holds no model that can be loaded: {error}") from error
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.no_padding()
        self._inputs = {one.name for one in self._model.get_inputs()}

    def vectors(self, texts: Sequence[str]) -> Any:
        """One of length 1 for each text: the mean of its tokens' embeddings."""
        coded = [self._tokenizer.encode(text.lower()) for text in texts]
        # What is about as long is done together, since the shorter ones are padded.
        order = sorted(range(len(texts)), key=lambda at: len(coded[at].ids))
        found: dict[int, Any] = {}
        for begin in range(0, len(order), AT_A_TIME):
            some = order[begin : begin + AT_A_TIME]
            found.update(zip(some, self._embedded([coded[at] for at in some]), strict=True))
        return np.array([found[at] for at in range(len(texts))], np.float32)

    def _embedded(self, coded: Sequence[Any]) -> Any:
        width = max(len(one.ids) for one in coded)
        padded = {name: np.zeros((len(coded), width), np.int64) for name in self._inputs}
        mask = np.zeros((len(coded), width, 1), np.float32)
        for at, one in enumerate(coded):
            given = {"input_ids": one.ids, "attention_mask": one.attention_mask, "token_type_ids": one.type_ids}
            for name in self._inputs:
                padded[name][at, : len(one.ids)] = given[name]
            mask[at, : len(one.ids)] = 1
        out = self._model.run(None, padded)[0]
        vectors = (out * mask).sum(1) / mask.sum(1) if out.ndim == 3 else out
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class Likeness:
    """Says how much a sentence is like the examples of each name, in the languages that there are examples in.

    It learns when it is asked first, or by `prepare`, which takes a second, and with a model five more: of what a model
    made of the examples is then a copy in the file `kept`. May be shared by threads.
    """

    def __init__(
        self,
        examples: Mapping[str, Sequence[tuple[str, str]]],
        plain: Callable[[str], str],
        models: Mapping[str, SentenceModel] | None = None,
        kept: Path | None = None,
        kinds: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`examples` are pairs of a name and a sentence, by language; `plain` makes words with single spaces of a
        sentence; `kinds` are those of words that have one, by language."""
        self._examples, self._plain, self._models, self._kept = examples, plain, models or {}, kept
        self._kinds = kinds or {}
        self._known: dict[str, _Learned] | None = None
        self._learning = threading.Lock()

    def prepare(self) -> None:
        self._learned()

    def scores(self, text: str, language: str) -> Sequence[tuple[str, float]]:
        """Names with their likeness, about from 0 to 1, the highest first; none in a language without examples."""
        known = self._learned()
        return known[language].scores(text) if language in known else []

    def _learned(self) -> dict[str, _Learned]:
        with self._learning:
            if self._known is None:
                self._known = {
                    language: _Learned(
                        pairs,
                        self._plain,
                        self._kinds.get(language, {}),
                        model := self._models.get(language),
                        model and self._meant(model, pairs),
                    )
                    for language, pairs in self._examples.items()
                    if pairs
                }
            return self._known

    def _meant(self, model: SentenceModel, pairs: Sequence[tuple[str, str]]) -> Any:
        """The examples' vectors, as they are kept, or else by the model."""
        texts = [text for _, text in pairs]
        mark = hashlib.sha256("\0".join([model.mark, *texts]).encode()).hexdigest()
        if self._kept:
            with contextlib.suppress(OSError, ValueError, KeyError), np.load(self._kept, allow_pickle=False) as file:
                if str(file["mark"]) == mark:
                    return file["vectors"]
        vectors = model.vectors(texts)
        if self._kept:
            new = self._kept.with_name(f"{self._kept.stem}.{os.getpid()}.npz")
            with contextlib.suppress(OSError):
                np.savez(new, mark=np.array(mark), vectors=vectors)
                new.replace(self._kept)  # Never half of one.
        return vectors


class _Learned:
    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        plain: Callable[[str], str],
        kinds: Mapping[str, str],
        model: SentenceModel | None,
        meant: Any,
    ) -> None:
        self._plain, self._kinds, self._model, self._meant = plain, kinds, model, meant
        self.names = sorted({name for name, _ in pairs})
        counts = [dict(_features(plain(text), kinds)) for _, text in pairs]
        seen = np.zeros(WIDTH, np.float32)
        for one in counts:
            seen[list(one)] += 1
        # A feature of all sentences tells nothing.
        self._weights = np.sqrt(np.log(len(pairs) / np.maximum(seen, 1)) * (seen > 0))
        self._index([self._weighed(one) for one in counts])
        wanted = np.zeros((len(pairs), len(self.names)), np.float32)
        for at, (name, _) in enumerate(pairs):
            wanted[at, self.names.index(name)] = 1
        alike = np.exp(self._in_common() - 1)
        if model:
            alike += MEANING * _near(self._meant @ self._meant.T)
        alike[np.diag_indices_from(alike)] += STIFFNESS
        self._shares = np.linalg.solve(alike, wanted)

    def _weighed(self, counts: Mapping[int, float]) -> tuple[Any, Any]:
        """Places of features, and their weights as a vector of length 1."""
        places = np.fromiter(counts, np.int32, len(counts))
        weights = np.fromiter(counts.values(), np.float32, len(counts)) * self._weights[places]
        return places, weights / max(float(np.linalg.norm(weights)), 1e-9)

    def _index(self, sentences: Sequence[tuple[Any, Any]]) -> None:
        """The examples by their features, most of which few of them have."""
        places = np.concatenate([places for places, _ in sentences])
        order = np.argsort(places, kind="stable")
        self._who = np.repeat(np.arange(len(sentences)), [len(places) for places, _ in sentences])[order]
        self._worth = np.concatenate([weights for _, weights in sentences])[order]
        self._begins = np.searchsorted(places[order], np.arange(WIDTH + 1))
        self._count = len(sentences)

    def _in_common(self) -> Any:
        """The cosine of each two examples."""
        found = np.zeros((self._count, self._count), np.float32)
        for begin, end in zip(self._begins, self._begins[1:], strict=False):
            if end > begin + 1:
                who, worth = self._who[begin:end], self._worth[begin:end]
                found[np.ix_(who, who)] += np.outer(worth, worth)
        np.fill_diagonal(found, 1)
        return found

    def scores(self, text: str) -> list[tuple[str, float]]:
        near = np.zeros(self._count, np.float32)
        for place, weight in zip(*self._weighed(dict(_features(self._plain(text), self._kinds))), strict=True):
            have = slice(self._begins[place], self._begins[place + 1])
            near[self._who[have]] += weight * self._worth[have]
        alike = np.exp(near - 1)
        if self._model:
            alike = alike + MEANING * _near(self._meant @ self._model.vectors([text])[0])
        found = alike @ self._shares
        return sorted(zip(self.names, map(float, found), strict=True), key=lambda one: -one[1])


def _near(cosine: Any) -> Any:
    """A Gaussian kernel of vectors of length 1: what is far apart counts less than in proportion."""
    return np.exp(2 * cosine - 2)


def _features(text: str, kinds: Mapping[str, str]) -> Iterator[tuple[int, float]]:
    """Words, pairs of words, pieces of words and the same with kinds of words, as places of a vector, and what each
    counts."""
    words = ["^", *text.split(), "$"]
    yield from _pairs(words, "")
    for word in words[1:-1]:
        yield _place(f"w{word}"), 1.0
        closed = f"<{word}>"
        for length in (3, 4):
            for at in range(len(closed) - length + 1):
                yield _place(f"p{closed[at : at + length]}"), PIECE
    told = [kinds.get(NUMERAL if word[0].isdigit() else word, word) for word in words]
    for word, kind in zip(words, told, strict=True):
        if kind is not word:
            yield _place(f"k{kind}"), 1.0
    yield from ((place, weight) for place, weight in _pairs(told, "k"))


def _pairs(words: Sequence[str], mark: str) -> Iterator[tuple[int, float]]:
    for pairs, weight in ((pairwise(words), PAIR), (zip(words, words[2:], strict=False), GAP)):
        for first, second in pairs:
            yield _place(f"{mark}{weight}{first} {second}"), weight


def _place(feature: str) -> int:
    return zlib.crc32(feature.encode()) % WIDTH
