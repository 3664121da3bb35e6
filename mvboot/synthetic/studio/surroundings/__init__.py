"""What stands still around a subject: rooms, streets, furniture, and things in the way."""
