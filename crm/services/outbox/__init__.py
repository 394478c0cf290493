"""What goes out: texts, mails, and what people of the office are told."""
