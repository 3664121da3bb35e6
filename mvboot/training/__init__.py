"""Training of dense networks: from labels, from a teacher, and from views of one instant."""
