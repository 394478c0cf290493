"""Access from outside: keys, and what each of them may see."""
