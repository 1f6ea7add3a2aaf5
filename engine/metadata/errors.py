"""What can go wrong with metadata, in words for a person; the file is then as it was."""

from __future__ import annotations

from engine.api.errors import EngineError


class MetadataError(EngineError):
    """Metadata cannot be read or written as asked; nothing was written."""


class XmpError(MetadataError):
    """A packet is broken, hostile, or built in a way that this program does not understand."""


class UnwritableTextError(MetadataError):
    """A label or title has characters that no XMP can hold."""


class SidecarChangedError(MetadataError):
    """Another program wrote the file since it was read; read it again and try anew."""


class ReadOnlyError(MetadataError):
    """The file or its folder may not be written to."""


class DiskFullError(MetadataError):
    """There is no room for the new file."""
