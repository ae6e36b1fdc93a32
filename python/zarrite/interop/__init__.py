"""zarrite inside other libraries, for those who cannot switch."""
