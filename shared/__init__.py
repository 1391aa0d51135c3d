"""What every service stands on: bus, database, settings, pages. It knows no loyalty rule."""
