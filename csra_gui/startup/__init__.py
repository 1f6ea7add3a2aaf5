"""What happens before there is a window: arguments, and whether a window is open already.

A second start hands its paths to the window that is open, over a socket of the person's own.
Not here: the window; these modules load in a moment, and only the dialog needs Qt's widgets.
Start at ``arguments.py``, then ``handover.py``.
"""
