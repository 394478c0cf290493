"""The console's pages, a module for each section; each has PAGES, and none knows another."""
