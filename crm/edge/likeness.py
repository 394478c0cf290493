"""How alike sentences are in meaning, by a sentence-embedding model on this machine, such as all-MiniLM-L6-v2.

The model is a folder of the user's with `model.onnx` and `tokenizer.json`. A sentence takes some milliseconds on one
thread. Needs onnxruntime and tokenizers, which come with the transcriber's packages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FILES = ("model.onnx", "tokenizer.json")
"""Of a model's folder."""
LONGEST = 64
"""Tokens of a sentence that are looked at."""


class NoSuchModel(Exception):
    """The folder holds no model that can be loaded; the text says why."""


class SentenceLikeness:
    """Likens a sentence to examples, by the cosine of their embeddings."""

    def __init__(self, folder: Path, examples: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """`examples` are pairs of a name and a sentence, by language. Blocks for a second or two.

        Raises NoSuchModel.
        """
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise NoSuchModel(f"{error.name} is not installed: `script/setup voice` installs it") from error
        for name in FILES:
            if not (folder / name).is_file():
                raise NoSuchModel(f"{folder} has no {name}")
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
        self._known = {language: self._embedded(pairs) for language, pairs in examples.items() if pairs}

    def scores(self, text: str, language: str) -> Sequence[tuple[str, float]]:
        """Names with the likeness of their nearest example, the highest first; none in a language without examples."""
        if language not in self._known:
            return []
        names, vectors = self._known[language]
        best: dict[str, float] = {}
        for name, likeness in zip(names, vectors @ self._vector(text), strict=True):
            best[name] = max(best.get(name, -1.0), float(likeness))
        return sorted(best.items(), key=lambda one: -one[1])

    def _embedded(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[str], Any]:
        return [name for name, _ in pairs], np.array([self._vector(text) for _, text in pairs])

    def _vector(self, text: str) -> Any:
        """Of length 1: the mean of its tokens' embeddings."""
        coded = self._tokenizer.encode(text.lower())
        given = {"input_ids": coded.ids, "attention_mask": coded.attention_mask, "token_type_ids": coded.type_ids}
        fed = {name: np.array([values], dtype=np.int64) for name, values in given.items() if name in self._inputs}
        found = self._model.run(None, fed)[0]
        vector = found[0].mean(0) if found.ndim == 3 else found[0]
        return vector / max(float(np.linalg.norm(vector)), 1e-9)
