"""The film studio: people, animals, clothes and places, lit and rendered."""
