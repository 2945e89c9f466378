"""`tf.compat`: text and bytes, and the switches for TensorFlow 1's behaviour."""

from __future__ import annotations

from typing import Any

bytes_or_text_types = (bytes, str)


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Text or bytes as bytes.

    Args:
        bytes_or_text: A str or bytes.
        encoding: The encoding of text.

    Returns:
        Bytes.

    Raises:
        TypeError: It is neither text nor bytes.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.compat.as_bytes("é")
        b'\\xc3\\xa9'
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Text or bytes as text.

    Args:
        bytes_or_text: A str or bytes.
        encoding: The encoding of bytes.

    Returns:
        A str.

    Raises:
        TypeError: It is neither text nor bytes.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.compat.as_text(b"cat")
        'cat'
    """
    return as_bytes(bytes_or_text, encoding).decode(encoding)


as_str = as_text


def as_str_any(value: Any) -> str:
    """Anything as text.

    Args:
        value: Bytes in UTF-8, or any other value, whose `str` is taken.

    Returns:
        A str.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.compat.as_str_any(3)
        '3'
    """
    return as_text(value) if isinstance(value, bytes) else str(value)


def accept_v1() -> None:
    """Do nothing: minigraph always behaves like TensorFlow 1.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.compat.v1.disable_v2_behavior()
    """
