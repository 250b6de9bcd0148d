"""Generated images, sounds and videos."""
