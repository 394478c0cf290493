"""The public site: homes for rent, questions, tours. It works without JavaScript, in each of its languages."""
