"""What is happening in calls, told to the console as it happens; and what can be done from there."""
