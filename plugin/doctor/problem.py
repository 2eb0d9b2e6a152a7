"""One thing that is wrong with an installation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """`subject` is a variable or a file, `sentence` says what is wrong with it and the way out."""

    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.subject} {self.sentence}."
