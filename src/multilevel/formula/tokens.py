"""The text of a formula to tokens that know their place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from multilevel.exceptions import FormulaError, MultilevelError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BARS", "Source", "Token", "tokenize"]

TokenKind = Literal["name", "quoted", "string", "number", "open", "close", "op"]

BARS = frozenset({"|", "||"})
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_TOKEN = re.compile(
    r"""
      (?P<quoted> `[^`]+` )
    | (?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
    | (?P<number> (?: \d+\.?\d* | \.\d+ ) (?: [eE][+-]?\d+ )? )
    | (?P<name>   [^\W\d]\w* (?: \.\w+ )* )
    | (?P<open>   [(\[{] )
    | (?P<close>  [)\]}] )
    | (?P<op>     %in% | \*\* | \|\| | :: | == | != | <= | >= | <- | // | [-+*/:^|~,=<>!&%@.$] )
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")


class Token(NamedTuple):
    """One token: its kind, its text, and where it stands in the formula."""

    kind: TokenKind
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """A formula's text with its tokens; parts of it are ranges ``i, j`` of token positions.

    Attributes
    ----------
    text : str
        The formula.
    tokens : tuple of Token
        Its tokens.
    mates : dict of int to int
        Position of the closing bracket of each opening one.
    """

    text: str
    tokens: tuple[Token, ...]
    mates: dict[int, int]

    def outer(self, i: int, j: int) -> Iterator[tuple[int, Token]]:
        """Tokens of a range that are not inside brackets, with their positions."""
        while i < j:
            yield i, self.tokens[i]
            i = self.mates.get(i, i) + 1

    def bars(self, i: int, j: int) -> list[int]:
        """Positions of the bars of a range that are not inside brackets."""
        return [k for k, token in self.outer(i, j) if token.text in BARS and token.kind == "op"]

    def has_bar(self, i: int, j: int) -> bool:
        """Tell whether there is any bar in a range, inside brackets too."""
        return any(token.text in BARS and token.kind == "op" for token in self.tokens[i:j])

    def is_op(self, k: int, *texts: str) -> bool:
        """Tell whether there is a token at ``k`` and it is one of these operators or brackets."""
        if not 0 <= k < len(self.tokens):
            return False
        token = self.tokens[k]
        return token.text in texts and token.kind in ("op", "open", "close")

    def is_call(self, k: int) -> bool:
        """Tell whether a function call begins at ``k``."""
        return self.tokens[k].kind == "name" and self.is_op(k + 1, "(")

    def slice(self, i: int, j: int) -> str:
        """The text of a range, as written."""
        return self.text[self.tokens[i].start : self.tokens[j - 1].end] if i < j else ""

    def error(
        self,
        i: int,
        j: int,
        what: str,
        advice: str,
        kind: type[MultilevelError] = FormulaError,
    ) -> MultilevelError:
        """Make an error that underlines a range."""
        return _error(
            self.text, self.tokens[i].start, self.tokens[max(i + 1, j) - 1].end, what, advice, kind
        )


def tokenize(text: str) -> Source:
    """Split a formula into tokens and pair its brackets.

    Raises
    ------
    FormulaError
        For a character that no formula has, an unclosed quote, or an unpaired bracket.
    """
    tokens: list[Token] = []
    position = _SPACE.match(text).end()  # type: ignore[union-attr]  # matches always
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        tokens.append(Token(match.lastgroup, match[0], position, match.end()))  # type: ignore[arg-type]
        position = _SPACE.match(text, match.end()).end()  # type: ignore[union-attr]
    return Source(text, tuple(tokens), _pair_brackets(text, tokens))


def _pair_brackets(text: str, tokens: list[Token]) -> dict[int, int]:
    mates: dict[int, int] = {}
    opened: list[int] = []
    for k, token in enumerate(tokens):
        if token.kind == "open":
            opened.append(k)
        elif token.kind == "close":
            if not opened or _CLOSING[tokens[opened[-1]].text] != token.text:
                what = f"`{token.text}` closes a bracket that was not opened."
                raise _error(text, token.start, token.end, what, "Remove it, or open it before.")
            mates[opened.pop()] = k
    if opened:
        token = tokens[opened[-1]]
        what = f"`{token.text}` is never closed."
        advice = f"Add the missing `{_CLOSING[token.text]}`."
        raise _error(text, token.start, token.end, what, advice)
    return mates


def _unreadable(text: str, position: int) -> MultilevelError:
    """Error for text that is no token."""
    character = text[position]
    if text.startswith("``", position):
        return _error(text, position, position + 2, "The backquotes hold no name.", "Remove them.")
    if character in "`'\"":
        word = "backquote" if character == "`" else "quotation mark"
        what = f"This {word} is never closed."
        return _error(text, position, len(text), what, f"Add the missing {character}.")
    what = f"`{character}` has no meaning in a formula."
    advice = "Remove it, or put the name of a column in backquotes: `my column`."
    return _error(text, position, position + 1, what, advice)


def _error(
    text: str,
    start: int,
    end: int,
    what: str,
    advice: str,
    kind: type[MultilevelError] = FormulaError,
) -> MultilevelError:
    shown = re.sub(r"\s", " ", text)
    marks = " " * start + "^" * max(1, end - start)
    return kind(f"{what}\n    {shown}\n    {marks}\n{advice}")
