"""Multi-label recognition with class-specific residual attention; usable without a window.

Finds and opens images, runs, explains, measures and trains models; keeps the library.
Not here: Qt, and anything of the window.
Start at ``api`` (what a front end may ask) or at ``cli`` (the commands).
"""

#: Of the whole program; what is built takes it from here.
__version__ = "0.2.0"
