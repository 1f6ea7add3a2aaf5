"""The desktop application: PySide6, and never torch."""
