"""`tf.contrib.learn.preprocessing`: texts as numbers of words."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)


def tokenizer(iterator: Iterable[str]) -> Iterator[list[str]]:
    """The words of each text."""
    for text in iterator:
        yield _WORDS.findall(text)


class CategoricalVocabulary:
    """Words and their numbers. 0 is for unknown words."""

    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True) -> None:
        self._numbers = {unknown_token: 0}
        self._words: list[str] = [unknown_token] if support_reverse else []
        self._counts: dict[str, int] = {}
        self._frozen = False

    def __len__(self) -> int:
        return len(self._numbers)

    def freeze(self, freeze: bool = True) -> None:
        """Take new words for unknown from now on."""
        self._frozen = freeze

    def get(self, category: str) -> int:
        """A word's number, a new one unless frozen."""
        if category not in self._numbers:
            if self._frozen:
                return 0
            self._numbers[category] = len(self._numbers)
            self._words.append(category)
        return self._numbers[category]

    def add(self, category: str, count: int = 1) -> None:
        """Count a word."""
        number = self.get(category)
        if number > 0:
            self._counts[category] = self._counts.get(category, 0) + count

    def trim(self, min_frequency: int, max_frequency: int = -1) -> None:
        """Keep only words of these frequencies; the most frequent ones get the lowest numbers."""
        found = sorted(sorted(self._counts.items()), key=lambda item: item[1], reverse=True)
        kept = [w for w, n in found if n > min_frequency and (max_frequency < 0 or n < max_frequency)]
        unknown = next(iter(self._numbers))
        self._numbers = {unknown: 0, **{w: i for i, w in enumerate(kept, 1)}}
        self._words = [unknown, *kept]
        self._counts = {w: n for w, n in found if w in self._numbers}

    def reverse(self, class_id: int) -> str:
        """The word of a number."""
        return self._words[class_id]

    @property
    def _mapping(self) -> dict[str, int]:
        """The numbers by words, which programs read."""
        return self._numbers


class VocabularyProcessor:
    """Texts as rows of `max_document_length` numbers of words, filled up with 0."""

    def __init__(
        self, max_document_length: int, min_frequency: int = 0, vocabulary: Any = None,
        tokenizer_fn: Callable[[Iterable[str]], Iterator[list[str]]] | None = None,
    ) -> None:  # fmt: skip
        self.max_document_length = max_document_length
        self.min_frequency = min_frequency
        self.vocabulary_ = vocabulary or CategoricalVocabulary()
        self._tokenizer = tokenizer_fn or tokenizer

    def fit(self, raw_documents: Iterable[str], unused_y: Any = None) -> VocabularyProcessor:
        """Learn the words of texts."""
        for words in self._tokenizer(raw_documents):
            for word in words:
                self.vocabulary_.add(word)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(self, raw_documents: Iterable[str], unused_y: Any = None) -> Iterator[np.ndarray]:
        """`fit`, then `transform`."""
        self.fit(raw_documents)
        return self.transform(raw_documents)

    def transform(self, raw_documents: Iterable[str]) -> Iterator[np.ndarray]:
        """The rows of texts, int64 [max_document_length]."""
        for words in self._tokenizer(raw_documents):
            row = np.zeros(self.max_document_length, np.int64)
            for place, word in enumerate(words[: self.max_document_length]):
                row[place] = self.vocabulary_.get(word)
            yield row

    def reverse(self, documents: Iterable[Iterable[int]]) -> Iterator[str]:
        """The texts of rows."""
        for numbers in documents:
            yield " ".join(self.vocabulary_.reverse(int(n)) for n in numbers)

    def save(self, filename: Any) -> None:
        """Keep the processor in a file, by pickle."""
        with open(filename, "wb") as file:
            pickle.dump(self, file)

    @classmethod
    def restore(cls, filename: Any) -> VocabularyProcessor:
        """The processor of a file that `save` has written. The file must be trusted: it is a pickle."""
        with open(filename, "rb") as file:
            found: VocabularyProcessor = pickle.load(file)
            return found
