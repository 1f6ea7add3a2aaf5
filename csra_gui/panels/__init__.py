"""Parts of the main window that know the session."""
