"""Files that the program ships: icons, models, sample photos."""
