"""A Whisper model of two megabytes in CTranslate2's format, made here: whatever it hears, it writes one given text.

The decoder's position picks the token: position embeddings are one-hot, everything else is zero, and the output layer
maps the n-th direction to the n-th token of the text. So the real library loads, decodes and detokenizes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

WIDTH = 128
"""Of the model; a text has fewer tokens, which are single bytes here."""


def make(folder: Path, text: str, names: str = "") -> Path:
    """Writes the model for `text` (ASCII) into a new folder; for a transcriber that is told exactly these `names`."""
    from ctranslate2.specs import WhisperSpec

    tokenizer = _tokenizer()
    vocabulary = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    vocabulary += [f"<|{0.02 * step:.2f}|>" for step in range(1501)]
    tokens = [*tokenizer.encode(f" {text}", add_special_tokens=False).ids, tokenizer.token_to_id("<|endoftext|>")]
    assert len(tokens) < WIDTH, "the text is too long for this model"

    spec = WhisperSpec(1, 1, 1, 1)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = _zeros(WIDTH, 80, 3), _zeros(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = _zeros(WIDTH, WIDTH, 3), _zeros(WIDTH)
    encoder.position_encodings.encodings = _zeros(1500, WIDTH)
    decoder.embeddings.weight = _zeros(len(vocabulary), WIDTH)
    positions, output = _zeros(448, WIDTH), _zeros(len(vocabulary), WIDTH)
    # The first position belongs to the prompt's one token, <|startoftranscript|>, of an English-only model, with
    # <|notimestamps|> behind it or not: both choose the text's beginning.
    told = 1 + len(tokenizer.encode(f" {names}", add_special_tokens=False).ids) if names else 0
    for position in range(448):
        positions[position, min(max(position - told - 1, 0), len(tokens) - 1)] = 1
    for direction, token in enumerate(tokens):
        output[token, direction] = 10
    decoder.position_encodings.encodings, decoder.projection.weight = positions, output
    for part in (encoder, decoder):
        _norm(part.layer_norm)
        for layer in part.layer:
            _attention(layer.self_attention, crosses=False)
            if part is decoder:
                _attention(layer.attention, crosses=True)
            _norm(layer.ffn.layer_norm)
            _linear(layer.ffn.linear_0, 4 * WIDTH, WIDTH)
            _linear(layer.ffn.linear_1, WIDTH, 4 * WIDTH)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.alignment_heads, spec.config.lang_ids = [(0, 0)], [tokenizer.token_to_id("<|en|>")]
    spec.register_vocabulary(vocabulary)
    spec.validate()
    spec.optimize()
    folder.mkdir(parents=True)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    features = {"feature_size": 80, "sampling_rate": 16000, "hop_length": 160, "n_fft": 400, "chunk_length": 30}
    (folder / "preprocessor_config.json").write_text(json.dumps(features))
    return folder


def _tokenizer() -> Any:
    """Every byte a token. The space comes as a part of longer tokens, too, as in real vocabularies: alone, it would be
    taken for a sound that is no speech."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("\u0120", letter) for letter in ("-", "'", "\u00e2")]
    vocabulary = {token: number for number, token in enumerate([*letters, *(first + last for first, last in merges)])}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = (
        "endoftext",
        "startoftranscript",
        "en",
        "translate",
        "transcribe",
        "startoflm",
        "startofprev",
        "nospeech",
        "notimestamps",
    )
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in names])
    return tokenizer


def _zeros(*shape: int) -> Any:
    return np.zeros(shape, "float32")


def _norm(layer: Any) -> None:
    layer.gamma, layer.beta = np.ones(WIDTH, "float32"), _zeros(WIDTH)


def _linear(layer: Any, out: int, into: int) -> None:
    layer.weight, layer.bias = _zeros(out, into), _zeros(out)


def _attention(layer: Any, *, crosses: bool) -> None:
    _norm(layer.layer_norm)
    widths = (WIDTH, 2 * WIDTH, WIDTH) if crosses else (3 * WIDTH, WIDTH)
    for linear, width in zip(layer.linear, widths, strict=True):
        _linear(linear, width, WIDTH)
