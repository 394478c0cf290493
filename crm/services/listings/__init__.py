"""Homes offered for rent, and their properties: versions, pictures and answers."""
