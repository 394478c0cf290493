"""`leaseline demo call`: phones for it, and ears."""
