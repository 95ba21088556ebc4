"""Whether a version's files are there and are what they were."""

from __future__ import annotations

import msgspec


class Verification(msgspec.Struct, frozen=True):
    """What became of the files of one version, each read and hashed again.

    Attributes:
        model: The model.
        version: Its version.
        digest: What names its files: the bundle's digest, or that of the list of foreign files.
        files: How many there should be, the manifest or list itself among them.
        size_bytes: How many bytes were read.
        missing: Files that are not kept here.
        damaged: Files with other content than was stored, or of another size than the manifest says.
        elsewhere: Where foreign files lie that this workspace does not keep; nothing was read then.
    """

    model: str
    version: int
    digest: str
    files: int = 0
    size_bytes: int = 0
    missing: list[str] = []
    damaged: list[str] = []
    elsewhere: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with them, as far as they are kept here."""
        return not self.missing and not self.damaged

    @property
    def fault(self) -> str:
        """Why a program should not go on; empty when all is whole. A command ends with exit code 5 then."""
        return "" if self.whole else str(self)

    def __str__(self) -> str:
        ref = f"{self.model}@{self.version}"
        if self.elsewhere:
            return f"{ref}: its files lie at {self.elsewhere} and are not kept here"
        if self.whole:
            return f"{ref} is whole: {self.files} files, {self.size_bytes:,} bytes"
        wrong = [f"{each} is missing" for each in self.missing] + [
            f"{each} is damaged" for each in self.damaged
        ]
        return f"{ref} is not whole: {'; '.join(wrong)}"
