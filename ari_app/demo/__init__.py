"""`leaseline demo call`: its phones, and how it recognizes what they hear."""
