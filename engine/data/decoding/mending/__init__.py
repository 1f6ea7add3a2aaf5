"""Pictures whose pixels are whole though something beside them is not.

A file that does not open as it is gets read once more, without its side data and with the end
mark that it lacks. Not here: what is really cut stays refused, and nothing is written.
Start at ``reading.py``.
"""
