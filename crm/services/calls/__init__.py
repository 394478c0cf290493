"""The record of calls: from facts to what an ended call leaves."""
