"""What is said of photos that nobody could look at, for reasons that are no fault of theirs.

None of it is noted in a library: the next time that photos are tagged, these are among them.
"""

from __future__ import annotations

DISK_AWAY = "Its disk or server does not answer. Look at it again when that is back."
DISK_FAILS = "Its disk or server gives an error. Look at it again when that works again."
# Its drive may have been pulled out for a moment.
FILE_GONE = "The file is no longer there."
DECODER_NOT_STARTED = (
    "The decoder could not be started. Close other programs and tag this photo again."
)
DECODING_STOPPED = "Decoding was stopped. Tag this photo again."
MEMORY_SHORT = (
    "There is too little memory for the model. Close other programs, or use a smaller model, and "
    "start again: what was done so far is kept."
)

PASSING = frozenset(
    {DISK_AWAY, DISK_FAILS, FILE_GONE, DECODER_NOT_STARTED, DECODING_STOPPED, MEMORY_SHORT}
)
