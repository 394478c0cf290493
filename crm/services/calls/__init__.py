"""The record of calls: from the facts of a call to what it leaves behind when it ends."""
