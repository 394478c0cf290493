"""What is offered for rent: homes and their properties, version by version, with pictures and answers."""
